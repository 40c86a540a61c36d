"""Killed without warning, again and again: what anybody had seen is in the file, and the file opens."""

import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from apehost_core.store.conversations import Conversations
from apehost_core.store.database import Database
from apehost_core.store.interrupted import close_interrupted
from apehost_core.testing.answers import SimModel
from apehost_core.testing.simulator import Simulator, serve
from tests.host_to_kill import stream_until_killed
from tests.killing import killed

ROUNDS = 30
AT_ONCE = 2
STREAMS = 4
WORDS = tuple(f"word{number} " for number in range(600))
ANSWER = "".join(WORDS)
DURABLE_NS = 250_000_000


@dataclass(frozen=True)
class Seen:
    """One event that a subscriber saw: how much of the answer there was, and when."""

    conversation_id: str
    run_id: str
    characters: int
    at_ns: int


def seen(said: Path) -> Iterator[Seen]:
    """What subscribers saw; a line that the kill has cut is left out."""
    for line in said.read_text().splitlines(keepends=True):
        if line.endswith("\n"):
            conversation_id, run_id, characters, at_ns = line.split()
            yield Seen(conversation_id, run_id, int(characters), int(at_ns))


def missing(database: Database, due: dict[str, Seen]) -> list[str]:
    """What of the events that must be there is not, in words; and every answer that is not what was written."""
    conversations, found = Conversations(database), []
    for last in due.values():
        *_, answer = conversations.branch(last.conversation_id)
        (generation,) = conversations.generations_of([answer.id])[answer.id]
        text = answer.message.text
        if answer.run_id != last.run_id or len(text) < last.characters or not ANSWER.startswith(text):
            found.append(f"{last}: {len(text)} characters are there")
        if generation.outcome != ("completed" if text == ANSWER else "interrupted"):
            found.append(f"{last}: shows as {generation.outcome}")
    return found


def test_nothing_seen_is_lost_by_thirty_kills(tmp_path: Path) -> None:
    """Every delta that was seen 250 ms before a kill is in the file, which opens; the runs show as interrupted."""
    folders = [tmp_path / str(number) for number in range(AT_ONCE)]
    with serve(Simulator(SimModel(words=WORDS, tokens_per_s=300))) as url, ThreadPoolExecutor(AT_ONCE) as lives:
        interrupted = list(lives.map(partial(killed_again_and_again, url), folders, range(AT_ONCE)))
    assert sum(interrupted) >= ROUNDS


def killed_again_and_again(url: str, folder: Path, seed: int) -> int:
    """Kill host after host on one file and look into it each time; return how many runs were interrupted."""
    points, interrupted = random.Random(seed), 0
    for life in range(ROUNDS // AT_ONCE):
        said = folder.with_name(f"{folder.name}-said-{life}")
        killed_ns = killed(stream_until_killed, (folder, url, STREAMS, said), said, points.uniform(0.0, 1.5))
        due = {each.run_id: each for each in seen(said) if each.at_ns <= killed_ns - DURABLE_NS}
        database = Database.open(folder / "apehost.duckdb")
        try:
            interrupted += close_interrupted(database)
            assert missing(database, due) == []
        finally:
            database.close()
    return interrupted
