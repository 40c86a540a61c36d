"""What is on record beside comparisons: questions of past chats, and how fast a model usually is. Blocking reads."""

from typing import Any

from apehost_core.compare.comparison import Prompt
from apehost_core.compare.estimate import Spread, Usual
from apehost_core.compare.prompts import PastPrompts
from apehost_core.store.database import Database

_LATEST = 500
"""So many model calls say what is usual: of a machine that has changed, the old ones leave soon."""
_SPREAD = "quantile_cont({column}, [0.1, 0.5, 0.9]) FILTER ({column} IS NOT NULL{condition})"
_USUAL = f"""
SELECT
    {_SPREAD.format(column="load_ms", condition="")},
    {_SPREAD.format(column="ttft_ms", condition=" AND cold IS DISTINCT FROM true")},
    {_SPREAD.format(column="decode_tok_s", condition="")},
    {_SPREAD.format(column="completion_tokens", condition="")},
    count(*)
FROM (
    SELECT load_ms, ttft_ms, decode_tok_s, completion_tokens, cold
    FROM v_generations
    WHERE server = ? AND lower(model_asked) = lower(?) AND (?::VARCHAR IS NULL OR quantisation = ?)
        AND outcome IN ('completed', 'length') AND run_kind <> 'title'
    ORDER BY id DESC
    LIMIT {_LATEST}
)"""


def past_prompts(database: Database, wanted: PastPrompts) -> list[Prompt]:
    """Return questions of past chats, newest first, each text once; chats in the trash are left out.

    Raises:
        StoreError: They could not be read.
    """
    conditions, values = ["m.role = 'user'", "regexp_matches(m.text, '\\S')"], list[object]()
    if wanted.first_only:
        conditions.append("m.parent_id IS NULL")
    if wanted.contains:
        conditions.append("contains(lower(m.text), lower(?))")
        values.append(wanted.contains)
    if wanted.model:
        conditions.append(
            "m.id IN (SELECT parent_message_id FROM runs WHERE kind = 'chat' AND lower(model) = lower(?))"
        )
        values.append(wanted.model)
    for bound, comparison in ((wanted.after, ">="), (wanted.before, "<")):
        if bound is not None:
            conditions.append(f"m.created_at {comparison} ?")
            values.append(bound)
    with database.read() as cursor:
        rows = cursor.execute(
            "SELECT m.text, max(m.id)::VARCHAR FROM messages m "
            "JOIN conversations c ON c.id = m.conversation_id AND c.trashed_at IS NULL "
            f"WHERE {' AND '.join(conditions)} GROUP BY m.text ORDER BY max(m.id) DESC LIMIT ?",
            [*values, wanted.limit],
        ).fetchall()
    return [Prompt(text, origin=message_id) for text, message_id in rows]


def usual(database: Database, server: str, model: str, quantisation: str | None) -> Usual:
    """Return how a model on a server did in the calls on record, titles left out.

    Args:
        database: Where the calls are recorded.
        server: Name of the server.
        model: Key of the model, in any case.
        quantisation: Calls of this one only; None takes any.

    Raises:
        StoreError: They could not be read.
    """
    with database.read() as cursor:
        row = cursor.execute(_USUAL, [server, model, quantisation, quantisation]).fetchall()[0]
    load, ttft, rate, tokens, count = row
    return Usual(_spread(load), _spread(ttft), _spread(rate), _spread(tokens), count)


def _spread(values: list[Any] | None) -> Spread | None:
    return None if values is None else (float(values[0]), float(values[1]), float(values[2]))
