"""Cards of models and tools: what the record knows of each, in one scope.

`cards_speed`, `cards_habits` and `cards_tools` find the parts; here they are put together.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast

from apehost_core.history.cards import ModelCard, Rate, SizeSpeed, Source, ToolCard, Uses, VoteCount
from apehost_core.history.charts import PROMPT_SPANS, Scope
from apehost_core.store.analytics_speed import by_prompt_length_sql
from apehost_core.store.analytics_sql import ANSWERED, calls, frame
from apehost_core.store.cards_habits import Habits, habits, votes
from apehost_core.store.cards_speed import Key, prompt_speeds
from apehost_core.store.cards_tools import rate, reliability, spread_of, tool_cards
from apehost_core.store.database import Database

_GUESSED = (
    "coalesce(prompt_tokens IS NOT NULL AND prompt_tokens_estimated, false) "
    "OR coalesce(completion_tokens IS NOT NULL AND completion_tokens_estimated, false)"
)
_CUT = "(outcome = 'length' OR coalesce(finish_reason = 'length', false))"
_USES = f"""SELECT
    model, coalesce(quantisation, '') AS quantisation, source, kind, server,
    min(started_at) AS first_at,
    max(started_at) AS last_at,
    count(*) AS calls,
    count(*) FILTER ({ANSWERED}) AS answered,
    coalesce(sum(prompt_tokens), 0)::BIGINT AS prompt_tokens,
    coalesce(sum(completion_tokens), 0)::BIGINT AS completion_tokens,
    count(*) FILTER ({_GUESSED}) AS estimated,
    count(*) FILTER (outcome = 'failed') AS failed,
    count(*) FILTER ({ANSWERED} AND {_CUT}) AS cut,
    count(*) FILTER (kind = 'chat' AND outcome = 'cancelled') AS stopped,
    count(*) FILTER (kind = 'chat' AND (outcome = 'cancelled' OR {ANSWERED})) AS stoppable
FROM calls
GROUP BY ALL"""
_CONVERSATIONS = """SELECT model, coalesce(quantisation, ''), source, count(DISTINCT conversation_id)
FROM calls GROUP BY ALL"""
_COUNTS = (
    "calls", "answered", "prompt_tokens", "completion_tokens", "estimated", "failed", "cut", "stopped", "stoppable"
)  # fmt: skip


@dataclass(slots=True)
class _Calls:
    """A model's calls, added up.

    Attributes:
        counts: Sums by the names in `_COUNTS`.
        kinds: Calls by what they were for.
        servers: Calls by server.
        begun: When the first and the last call of each kind on each server began.
    """

    counts: Counter[str] = field(default_factory=Counter[str])
    kinds: Counter[str] = field(default_factory=Counter[str])
    servers: Counter[str] = field(default_factory=Counter[str])
    begun: list[datetime] = field(default_factory=list[datetime])


class Cards:
    """Reads cards from one database. Every method blocks and may raise StoreError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def models(self, scope: Scope) -> tuple[ModelCard, ...]:
        """Return a card for each model, quantisation and source in the scope, the most used first."""
        with self._database.read() as cursor:
            cursor.begin()
            found = _added_up(cursor.execute(calls(scope) + _USES).fetchall())
            rows = cursor.execute(calls(scope) + _CONVERSATIONS).fetchall()
        conversations = {(model, quantisation, source): n for model, quantisation, source, n in rows}
        speeds = _speeds(self._database, scope)
        reading = prompt_speeds(self._database, scope)
        used, voted = habits(self._database, scope), votes(self._database, scope)
        tools = reliability(self._database, scope)
        cards = [
            ModelCard(
                model=key[0],
                quantisation=key[1] or None,
                source=cast(Source, key[2]),
                uses=_uses(of, conversations[key]),
                speeds=speeds.get(key, ()),
                prompt_speeds=reading.get(key, ()),
                **_rates(of.counts, used.get(key, Habits())),
                votes=voted.get((key[0].lower(), key[1]), VoteCount()) if key[2] == "measured" else None,
                tools=tools.get(key),
            )
            for key, of in found.items()
        ]
        return tuple(sorted(cards, key=_most_used))

    def tools(self, scope: Scope) -> tuple[ToolCard, ...]:
        """Return a card for each tool in the scope, the most called first."""
        return tool_cards(self._database, scope)


def _added_up(rows: list[tuple[Any, ...]]) -> dict[Key, _Calls]:
    found: dict[Key, _Calls] = {}
    for model, quantisation, source, kind, server, first_at, last_at, *counts in rows:
        of = found.setdefault((model, quantisation, source), _Calls())
        of.counts.update(dict(zip(_COUNTS, counts, strict=True)))
        of.kinds[kind] += counts[0]
        of.servers[server] += counts[0]
        of.begun += (first_at, last_at)
    return found


def _uses(of: _Calls, conversations: int) -> Uses:
    return Uses(
        calls=of.counts["calls"],
        answered=of.counts["answered"],
        conversations=conversations,
        prompt_tokens=of.counts["prompt_tokens"],
        completion_tokens=of.counts["completion_tokens"],
        estimated=of.counts["estimated"],
        kinds=_most_frequent(of.kinds),
        servers=_most_frequent(of.servers),
        first_at=min(of.begun).astimezone(UTC),
        last_at=max(of.begun).astimezone(UTC),
    )


def _rates(counts: Counter[str], habit: Habits) -> dict[str, Rate]:
    """Return the shares of a card, by field."""
    return {
        "regenerated": rate(habit.regenerated, habit.answers),
        "edited": rate(habit.edited, habit.answers),
        "stopped": rate(counts["stopped"], counts["stoppable"]),
        "cut": rate(counts["cut"], counts["answered"]),
        "failed": rate(counts["failed"], counts["calls"]),
    }


def _most_used(card: ModelCard) -> tuple[int, str, str, str]:
    return -card.uses.calls, card.model, card.quantisation or "", card.source


def _most_frequent(counts: Counter[str]) -> tuple[tuple[str, int], ...]:
    return tuple(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))


def _speeds(database: Database, scope: Scope) -> dict[Key, tuple[SizeSpeed, ...]]:
    spans = {span[0]: span for span in PROMPT_SPANS}
    found: dict[Key, list[SizeSpeed]] = {}
    for row in frame(database, by_prompt_length_sql(scope)).itertuples(index=False):
        model, quantisation, source, low, *numbers = cast("tuple[Any, ...]", row)
        ttft, decode = (spread_of(*part[:3], n=int(part[3])) for part in (numbers[:4], numbers[4:]))
        found.setdefault((model, quantisation, source), []).append(SizeSpeed(spans[int(low)], ttft, decode))
    return {key: tuple(of) for key, of in found.items()}
