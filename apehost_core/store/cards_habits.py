"""What people did with a model's answers, and how they voted. Blocking reads.

An answer was regenerated when a later one stands beside it, and edited when after it the question was written anew.
Answers count that ended well and still stand in a conversation: one that failed is asked again for another reason.
"""

from dataclasses import dataclass
from typing import Any

from apehost_core.history.cards import VoteCount
from apehost_core.history.charts import Scope
from apehost_core.store.analytics_sql import ANSWERED, calls, moment
from apehost_core.store.cards_speed import Key
from apehost_core.store.database import Database

_HABITS = f""", answers AS (
    SELECT message_id, any_value(model) AS model, any_value(coalesce(quantisation, '')) AS quantisation,
        any_value(source) AS source
    FROM calls
    WHERE {ANSWERED} AND message_id IS NOT NULL
    GROUP BY message_id
), said AS (
    SELECT id, coalesce(parent_id, conversation_id) AS fork, role = 'user' AS asked, created_at FROM messages
    WHERE role IN ('user', 'assistant')
), forks AS (
    SELECT fork, asked FROM said GROUP BY ALL HAVING count(*) > 1
), siblings AS (
    SELECT id, asked, max(created_at) OVER beside AS latest_at,
        first_value(id) OVER (beside ORDER BY created_at DESC, id DESC) AS latest_id
    FROM said JOIN forks USING (fork, asked)
    WINDOW beside AS (PARTITION BY fork, asked)
), outdated AS MATERIALIZED (
    SELECT id, asked, latest_at FROM siblings WHERE id <> latest_id
)
SELECT a.model, a.quantisation, a.source, count(*) AS answers,
    count(again.id) AS regenerated,
    count(*) FILTER (rewritten.latest_at > m.created_at) AS edited
FROM answers a
JOIN messages m ON m.id = a.message_id
LEFT JOIN outdated again ON again.id = m.id
LEFT JOIN outdated rewritten ON rewritten.id = m.parent_id AND rewritten.asked
GROUP BY ALL"""


@dataclass(frozen=True, slots=True)
class Habits:
    """What became of a model's answers in conversations: how many there are, and of these."""

    answers: int = 0
    regenerated: int = 0
    edited: int = 0


def habits(database: Database, scope: Scope) -> dict[Key, Habits]:
    """Return what people did with the answers, by model."""
    with database.read() as cursor:
        rows = cursor.execute(calls(scope) + _HABITS).fetchall()
    return {(model, quantisation, source): Habits(*counts) for model, quantisation, source, *counts in rows}


def votes(database: Database, scope: Scope) -> dict[tuple[str, str], VoteCount]:
    """Return how people voted in the scope's time, by model (in lower case) and quantisation ("" when not told)."""
    wanted = ["voter = 'person'"]
    if scope.after is not None:
        wanted.append(f"created_at >= {moment(scope.after)}")
    if scope.before is not None:
        wanted.append(f"created_at < {moment(scope.before)}")
    sql = f"""WITH counted AS (
    SELECT left_model AS one, coalesce(left_quantisation, '') AS one_q, right_model AS other,
        coalesce(right_quantisation, '') AS other_q, verdict
    FROM v_votes WHERE {" AND ".join(wanted)}
), sides AS (
    SELECT one, one_q, CASE verdict WHEN 'left' THEN 'won' WHEN 'right' THEN 'lost' ELSE verdict END AS went
    FROM counted WHERE (one, one_q) <> (other, other_q)
    UNION ALL
    SELECT other, other_q, CASE verdict WHEN 'right' THEN 'won' WHEN 'left' THEN 'lost' ELSE verdict END
    FROM counted WHERE (one, one_q) <> (other, other_q)
)
SELECT one, one_q, count(*) FILTER (went = 'won'), count(*) FILTER (went = 'lost'), count(*) FILTER (went = 'tie'),
    count(*) FILTER (went = 'both_bad')
FROM sides GROUP BY ALL"""
    with database.read() as cursor:
        rows: list[tuple[Any, ...]] = cursor.execute(sql).fetchall()
    return {(model, quantisation): VoteCount(*counts) for model, quantisation, *counts in rows}
