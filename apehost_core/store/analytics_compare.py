"""Two scopes side by side: the median of every measure with its interval, and the ratio of both. Blocking reads.

Calls of one conversation resemble each other, so that they tell less than as many of different ones. A median's
interval is found on the distribution: how sure it is that half of the calls lie below is worked out from conversation
to conversation, and the values at the two ends of that are the interval (Woodruff, Confidence intervals for medians
and other position measures, 1952). A share's interval is Wilson's for as many independent calls as those tell. The
ratio's interval comes from the two by MOVER, on logarithms (Zou and Donner, Construction of confidence limits about
effect measures, 2008).
"""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from math import ceil, exp, log, sqrt
from typing import Any, cast

import numpy as np
import scipy
from numpy.typing import NDArray

from apehost_core.compare.intervals import FEWEST_PROMPTS, LEVEL, wilson
from apehost_core.compare.summary import Interval
from apehost_core.history.charts import Chart, Scope
from apehost_core.store.analytics_sql import ANSWERED, UNCACHED, WARM, calls
from apehost_core.store.database import Database

Numbers = NDArray[np.float64]

_MEASURES = {
    "ttft_ms": f"CASE WHEN {ANSWERED} AND {WARM} THEN ttft END",
    "decode_tok_s": f"CASE WHEN {ANSWERED} THEN decode END",
    "prompt_tok_s": f"CASE WHEN {ANSWERED} AND {WARM} AND {UNCACHED} THEN prompt_tok_s END",
    "total_ms": f"CASE WHEN {ANSWERED} AND {WARM} THEN total_ms END",
    "prompt_tokens": "CASE WHEN NOT prompt_tokens_estimated THEN prompt_tokens END",
    "completion_tokens": f"CASE WHEN {ANSWERED} AND NOT completion_tokens_estimated THEN completion_tokens END",
}
"""What is compared by its median, as SQL over `calls`."""
_SHARES = {
    "failed_share": "CASE WHEN outcome IN ('completed', 'length', 'failed') THEN outcome = 'failed' END",
    "cut_share": f"CASE WHEN {ANSWERED} THEN outcome = 'length' OR coalesce(finish_reason = 'length', false) END",
}
"""What is compared by the share (0-1) of calls that are so."""
_BETTER = {
    "ttft_ms": "lower",
    "decode_tok_s": "higher",
    "prompt_tok_s": "higher",
    "total_ms": "lower",
    "failed_share": "lower",
}
_GROUP = "coalesce(conversation_id, comparison_id, run_id, calls.id)"
_GROUPED = """FROM calls LEFT JOIN (
    SELECT id AS run_id, comparison_id FROM v_runs WHERE comparison_id IS NOT NULL
) USING (run_id)"""
_ALL = _MEASURES | _SHARES
MOST_CALLS = 150_000
"""Of a side with more calls, only every second, third ... conversation is looked at: more would tell hardly more."""
_NOTES = (
    "The two sides did not answer the same questions; a comparison of models asks both the same.",
    "Intervals count conversations, not calls; where there is none, there are fewer than six conversations.",
)


@dataclass(frozen=True, slots=True)
class _Side:
    """One measure of one side.

    Attributes:
        value: Median or share; None of no call.
        interval: None where there is too little to tell.
        n: Calls.
        groups: Conversations that they belong to.
    """

    value: float | None
    interval: Interval | None
    n: int
    groups: int


@dataclass(frozen=True, slots=True)
class _Sample:
    """The calls of a side that are looked at: those of every so many conversations."""

    scope: Scope
    step: int

    @property
    def condition(self) -> str:
        """What stands after `FROM calls`, as SQL."""
        return f"\nWHERE hash(coalesce(conversation_id, run_id, calls.id)) % {self.step} = 0" if self.step > 1 else ""


def compare(database: Database, left: Scope, right: Scope) -> Chart:
    """Compare what was measured in two scopes, without imported calls; they should not share calls.

    Columns: measure, better (lower, higher or ""), left, left_low, left_high, left_n, left_groups, the same of right,
    ratio (right over left), ratio_low, ratio_high (NaN where nothing is told), apart (whether the interval leaves out
    1). Times in ms, rates in tokens a second, shares 0-1. Groups are conversations; the calls of one comparison count
    as one, since a prompt is asked again and again.
    """
    scopes = replace(left, imported=False), replace(right, imported=False)
    samples = tuple(_Sample(scope, _step(database, scope)) for scope in scopes)
    with ThreadPoolExecutor(2) as pool:
        sides = list(pool.map(partial(_sides, database), samples))
    rows = [_row(measure, *(side[measure] for side in sides)) for measure in _ALL]
    n = sum(max(one.n for one in side.values()) for side in sides)
    left_out = [
        f"On the {side} one in {sample.step:,} conversations is looked at, because there are so many."
        for side, sample in zip(("left", "right"), samples, strict=True)
        if sample.step > 1
    ]
    import pandas as pd  # noqa: PLC0415 -- it takes a second, which the start of ApeHost need not wait for

    return Chart("compare", "Side by side", pd.DataFrame(rows), n, _statement(samples), (*_NOTES, *left_out))


def _step(database: Database, scope: Scope) -> int:
    with database.read() as cursor:
        (count,) = cursor.execute(f"{calls(scope)}SELECT count(*) FROM calls").fetchall()[0]
    return max(1, ceil(count / MOST_CALLS))


def _statement(samples: Iterable[_Sample]) -> str:
    """Return the statement that finds the same medians and shares, without their intervals."""
    values = ",\n    ".join(
        f"{'median' if measure in _MEASURES else 'avg'}({_number(measure)}) AS {measure}, "
        f"count({_number(measure)}) AS {measure}_n"
        for measure in _ALL
    )
    halves = [
        f"SELECT * FROM (\n{calls(of.scope)}SELECT '{side}' AS side,\n    {values}\nFROM calls{of.condition}\n)"
        for side, of in zip(("left", "right"), samples, strict=True)
    ]
    return "\nUNION ALL\n".join(halves) + "\nORDER BY side"


def median_of(values: Numbers, groups: NDArray[np.intp]) -> tuple[float, Interval | None]:
    """Return the median of values with its interval.

    Args:
        values: At least one, without NaN.
        groups: To which group each belongs, numbered from 0; None is told of fewer than six groups.
    """
    middle = float(np.median(values))
    error, count = _clustered_error(np.sign(middle - values) / 2, groups)
    if count < FEWEST_PROMPTS:
        return middle, None
    half = float(scipy.special.stdtrit(count - 1, 0.5 + LEVEL / 2)) * error
    if half >= 0.5:
        return middle, None
    low, high = np.quantile(values, [0.5 - half, 0.5 + half])
    return middle, Interval(float(low), float(high))


def share_of(values: Numbers, groups: NDArray[np.intp]) -> tuple[float, Interval | None]:
    """Return the mean of values that are 0 or 1, with its interval; arguments as in `median_of`."""
    n, share = len(values), float(values.mean())
    error, count = _clustered_error(values - share, groups)
    if count < FEWEST_PROMPTS:
        return share, None
    independent = share * (1 - share) / n
    repeated = max(1.0, error**2 / independent) if independent > 0 else n / count
    alone = max(1, round(n / repeated))
    return share, wilson(share * alone, alone)


def ratio_interval(left: float, right: float, left_at: Interval, right_at: Interval) -> Interval | None:
    """Return the interval of right over left; None where one of the numbers is not above 0."""
    if min(left, right, left_at.low, right_at.low) <= 0:
        return None
    ratio = log(right / left)
    down = sqrt(log(right / right_at.low) ** 2 + log(left_at.high / left) ** 2)
    up = sqrt(log(right_at.high / right) ** 2 + log(left / left_at.low) ** 2)
    return Interval(exp(ratio - down), exp(ratio + up))


def _number(measure: str) -> str:
    return f"({_ALL[measure]})::DOUBLE"


def _sides(database: Database, of: _Sample) -> dict[str, _Side]:
    columns = ", ".join(f"coalesce({_number(measure)}, 'NaN'::DOUBLE) AS {measure}" for measure in _ALL)
    with database.read() as cursor:
        found = cast(
            "dict[str, NDArray[Any]]",
            cursor.execute(
                f"{calls(of.scope)}SELECT hash({_GROUP}) AS grouped, {columns} {_GROUPED}{of.condition}"
            ).fetchnumpy(),
        )
    groups = np.unique(np.asarray(found["grouped"]), return_inverse=True)[1]
    return {measure: _side(found[measure], groups, share=measure in _SHARES) for measure in _ALL}


def _side(column: Numbers, groups: NDArray[np.intp], *, share: bool) -> _Side:
    known = ~np.isnan(column)
    values, of = column[known], groups[known]
    if len(values) == 0:
        return _Side(None, None, 0, 0)
    value, interval = (share_of if share else median_of)(values, of)
    return _Side(value, interval, len(values), int(np.count_nonzero(np.bincount(of))))


def _clustered_error(deviations: Numbers, groups: NDArray[np.intp]) -> tuple[float, int]:
    """Return the standard error of a mean from what each term deviates by, and the number of groups.

    Terms resemble each other within groups, so that a group counts as one.
    """
    sums = np.bincount(groups, deviations)
    count = int(np.count_nonzero(np.bincount(groups)))
    if count < 2:
        return float("nan"), count
    return sqrt(float(np.sum(sums**2)) * count / (count - 1)) / len(deviations), count


def _row(measure: str, left: _Side, right: _Side) -> dict[str, object]:
    ratio, at = float("nan"), None
    if left.value and right.value is not None:
        ratio = right.value / left.value
        if left.interval and right.interval:
            at = ratio_interval(left.value, right.value, left.interval, right.interval)
    return {
        "measure": measure,
        "better": _BETTER.get(measure, ""),
        **_columns("left", left),
        **_columns("right", right),
        "ratio": ratio,
        "ratio_low": at.low if at else float("nan"),
        "ratio_high": at.high if at else float("nan"),
        "apart": at is not None and not at.low <= 1 <= at.high,
    }


def _columns(name: str, side: _Side) -> dict[str, object]:
    unknown = float("nan")
    return {
        name: unknown if side.value is None else side.value,
        f"{name}_low": side.interval.low if side.interval else unknown,
        f"{name}_high": side.interval.high if side.interval else unknown,
        f"{name}_n": side.n,
        f"{name}_groups": side.groups,
    }
