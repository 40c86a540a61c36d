"""A large history by chance, always the same one: conversations in five languages with their measured model calls.

    uv run python -m bench.corpus FILE [--messages 1000000]

Half of the conversations are English, the others German, French, Chinese and Japanese. Words are as frequent as
Zipf says. Beside the calls that made the answers there are calls of comparisons, so that there are as many calls as
messages. The file is what the app's own tables are; nothing is indexed for search.
"""

import argparse
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import duckdb
import numpy as np
import pyarrow as pa

from apehost_core.store.database import Database
from bench.corpus_calls import calls_of, insert_calls, uuids
from bench.corpus_words import Language, languages, ranks

UNTIL: Final = datetime(2026, 11, 1, tzinfo=UTC)
DAYS: Final = 1_095
TAGS: Final = ("work", "home", "idea", "to read", "science")
TOOLS: Final = ("web_search", "read_file", "calculator", "run_python")
_SHARES = (0.5, 0.15, 0.15, 0.1, 0.1)
_CHUNK = 50_000
_Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True)
class Plan:
    """Who says what when, in the order of time; arrays of one element a message, but for those of conversations.

    Attributes:
        ids: Of the messages, UUIDv7.
        at_ms: Of the messages, since 1970.
        parent: Index of the message before; -1 for none.
        conversation: Index of the conversation.
        answers: Whether a model wrote it.
        conversation_ids: UUIDv7.
        language: Index of each conversation's language.
        last: Index of each conversation's last message.
    """

    ids: list[str]
    at_ms: _Array
    parent: _Array
    conversation: _Array
    answers: _Array
    conversation_ids: list[str]
    language: _Array
    last: _Array


def make(path: Path, messages: int = 1_000_000, seed: int = 1) -> None:
    """Make the file; it must not exist yet."""
    Database.open(path).close()
    random = np.random.default_rng(seed)
    tongues, plan = languages(random), _plan(random, messages)
    with duckdb.connect(path) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        _insert_conversations(connection, random, tongues, plan)
        for first in range(0, messages, _CHUNK):
            chunk = np.arange(first, min(first + _CHUNK, messages))
            said = _said(random, tongues, plan, chunk)
            _insert_messages(connection, plan, chunk, said)
            insert_calls(connection, calls_of(random, plan.at_ms[chunk], plan.answers[chunk], chunk), said)
        connection.execute("CHECKPOINT")


def _plan(random: np.random.Generator, messages: int) -> Plan:
    """Return conversations of ten messages on average, spread over the days."""
    sizes = np.minimum(random.geometric(1 / 9, size=messages // 8) + 1, 400)
    sizes = sizes[: int(np.searchsorted(np.cumsum(sizes), messages)) + 1]
    sizes[-1] -= int(sizes.sum()) - messages
    count = len(sizes)
    begin_ms = (UNTIL - timedelta(days=DAYS)).timestamp() * 1000
    starts = np.sort(begin_ms + random.random(count) * (DAYS * 86_400_000)).astype(np.int64)
    conversation = np.repeat(np.arange(count), sizes)
    place = np.arange(messages) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    at_ms = starts[conversation] + place * 45_000 + random.integers(40_000, size=messages)
    # A conversation of an odd number of messages ends with a second answer to its last question.
    again = (place >= 2) & (place % 2 == 0) & (place == sizes[conversation] - 1)
    parent = np.where(place == 0, -1, np.arange(messages) - np.where(again, 2, 1))
    order = np.argsort(at_ms, kind="stable")
    rank = np.empty(messages, dtype=np.int64)
    rank[order] = np.arange(messages)
    return Plan(
        ids=uuids(random, at_ms[order]),
        at_ms=at_ms[order],
        parent=np.where(parent < 0, -1, rank[parent])[order],
        conversation=conversation[order],
        answers=((place % 2 == 1) | again)[order],
        conversation_ids=uuids(random, starts - 1),
        language=random.choice(len(_SHARES), size=count, p=_SHARES),
        last=rank[np.cumsum(sizes) - 1],
    )


def _insert_conversations(
    connection: duckdb.DuckDBPyConnection, random: np.random.Generator, tongues: tuple[Language, ...], plan: Plan
) -> None:
    count = len(plan.conversation_ids)
    titles = _texts(random, tongues, plan.language, np.full(count, 5))
    rows = pa.table({
        "id": plan.conversation_ids,
        "title": [title.rstrip(" .。") or "New chat" for title in titles],
        "updated": plan.at_ms[plan.last],
        "leaf": [plan.ids[each] for each in plan.last],
        "tag": random.choice([*TAGS, ""], size=count, p=[0.04, 0.03, 0.02, 0.01, 0.005, 0.895]),
        "place": random.choice(["", "archive", "trash"], size=count, p=[0.88, 0.1, 0.02]),
    })  # fmt: skip
    connection.register("rows", rows)
    connection.execute(
        "INSERT INTO conversations (id, title, title_source, created_at, updated_at, leaf_id, archived_at, trashed_at) "
        "SELECT id::UUID, title, 'model', uuid_extract_timestamp(id::UUID), epoch_ms(updated)::TIMESTAMPTZ, "
        "leaf::UUID, CASE WHEN place = 'archive' THEN epoch_ms(updated)::TIMESTAMPTZ END, "
        "CASE WHEN place = 'trash' THEN epoch_ms(updated)::TIMESTAMPTZ END FROM rows"
    )
    connection.execute(
        "INSERT INTO tags SELECT id::UUID, tag, epoch_ms(updated)::TIMESTAMPTZ FROM rows WHERE tag <> ''"
    )
    connection.unregister("rows")


def _said(
    random: np.random.Generator, tongues: tuple[Language, ...], plan: Plan, chunk: _Array
) -> dict[str, list[str]]:
    """Return what these messages say: text, reasoning ("" for none), tool ("" for none), arguments and result."""
    count, answers = len(chunk), plan.answers[chunk]
    language = plan.language[plan.conversation[chunk]]
    lengths = np.where(answers, random.lognormal(4.0, 0.8, count), random.lognormal(2.6, 0.8, count)).astype(np.int64)
    text = _texts(random, tongues, language, np.minimum(lengths + 2, 2_000))
    extra = random.random(count)
    for each in np.flatnonzero(answers & (extra < 0.05)):
        text[each] += f"\n```python\nresult = {text[each][:12]!r}\nprint(result)\n```"
    for each in np.flatnonzero(extra > 0.98):
        text[each] += f" https://example.org/{each}"
    thought = np.where(answers & (random.random(count) < 0.12), random.lognormal(4.2, 0.7, count), 0).astype(np.int64)
    used = answers & (random.random(count) < 0.04)
    result = _texts(random, tongues, np.zeros_like(language), np.where(used, 30, 0))
    tools = random.choice(TOOLS, size=count)
    return {
        "text": text,
        "reasoning": _texts(random, tongues, language, thought),
        "tool": [str(tool) if has else "" for tool, has in zip(tools, used, strict=True)],
        "arguments": [f'{{"query": "{words[:20]}"}}' if words else "" for words in result],
        "result": result,
        "id": [plan.ids[each] for each in chunk],
        "conversation": [plan.conversation_ids[each] for each in plan.conversation[chunk]],
    }


def _texts(random: np.random.Generator, tongues: tuple[Language, ...], language: _Array, lengths: _Array) -> list[str]:
    """Return texts of that many words each, in the language of that index each."""
    texts = [""] * len(lengths)
    for index, tongue in enumerate(tongues):
        wanted = np.flatnonzero((language == index) & (lengths > 0))
        ends = np.cumsum(lengths[wanted])
        total = int(ends[-1]) if len(ends) else 0
        words = np.array(tongue.words, dtype=object)[ranks(random, total, len(tongue.words))]
        stops = np.flatnonzero(random.random(total) < 1 / 12)
        words[stops] = words[stops] + tongue.stop.strip()
        begin = 0
        for place, end in zip(wanted.tolist(), ends.tolist(), strict=True):
            texts[place] = tongue.joint.join(words[begin:end].tolist())
            begin = end
    return texts


def _insert_messages(
    connection: duckdb.DuckDBPyConnection, plan: Plan, chunk: _Array, said: dict[str, list[str]]
) -> None:
    rows = pa.table({
        **said,
        "parent": [plan.ids[each] if each >= 0 else None for each in plan.parent[chunk]],
        "role": ["assistant" if answers else "user" for answers in plan.answers[chunk]],
        "at_ms": plan.at_ms[chunk],
    })  # fmt: skip
    connection.register("rows", rows)
    connection.execute("""
        INSERT INTO messages (id, conversation_id, parent_id, role, parts, text, created_at)
        SELECT id::UUID, conversation::UUID, parent::UUID, role,
            '[' || CASE WHEN reasoning = '' THEN ''
                ELSE json_object('type', 'reasoning', 'text', reasoning, 'seconds', 1.5) || ',' END
            || CASE WHEN tool = '' THEN '' ELSE
                json_object('type', 'tool_call', 'call_id', 'call', 'name', tool, 'arguments', arguments) || ','
                || json_object('type', 'tool_result', 'call_id', 'call', 'content', result) || ',' END
            || json_object('type', 'text', 'text', text) || ']',
            text, epoch_ms(at_ms)::TIMESTAMPTZ
        FROM rows""")
    connection.unregister("rows")


def main() -> None:
    """Read the arguments, make the file, say how long it took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--messages", type=int, default=1_000_000)
    arguments = parser.parse_args()
    begun = time.perf_counter()
    make(arguments.file, arguments.messages)
    print(
        f"{arguments.messages:,} messages, {time.perf_counter() - begun:.0f} s, {arguments.file.stat().st_size:,} bytes"
    )


if __name__ == "__main__":
    main()
