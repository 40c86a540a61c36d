"""How the charts of the history page are drawn: axes of times, legends, and what the pointer is told."""

import json
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from apehost_ui.components.history_chart_marks import Times, moments, told_apart
from apehost_ui.components.history_chart_time import spread_over_time
from tests.ui.drawing import drawn


def test_the_ends_of_an_axis_of_times_are_times() -> None:
    """Both are expressions: Vega-Lite takes a plain number at the end of an axis of times for a year."""
    day = datetime(2026, 11, 25, tzinfo=UTC).replace(tzinfo=None)
    assert ["1795564800000.0", "1795651200000.0"] == [
        end["expr"] for end in moments(Times("day", day, day + timedelta(days=1)))["scale"]["domain"]
    ]


@pytest.mark.parametrize(("points", "mark"), [(3, "point"), (121, "rule")])
def test_a_line_tells_its_numbers_to_the_pointer(points: int, mark: str) -> None:
    """A few times have dots; dots would hide a long line, so that its times are columns that nobody sees."""
    start = datetime(2026, 1, 1, tzinfo=UTC).replace(tzinfo=None)
    times = Times("day", start, start + timedelta(days=365))
    speeds = {"series": "all", "p10": 4.0, "p50": 5.0, "p90": 6.0, "n": 7}
    rows = [{"starts_at": start + timedelta(days=day), **speeds} for day in range(points)]
    draw = partial(spread_over_time, rows, times, ["all"], measure="decode_tok_s", title="Speed of writing", key="s")
    (chart,) = drawn(draw).get("vega_lite_chart")
    *_, told = json.loads(chart.proto.spec)["layer"]
    assert mark == told["mark"]["type"]
    assert ["when", "p50", "p10", "p90", "n"] == [tip["field"] for tip in told["encoding"]["tooltip"]]


def test_legends_stand_above_their_plot() -> None:
    """A legend covers no point, and short names share a line of it."""
    short, long = (
        told_apart(names, lines=True)["color"]["legend"] for names in (("cold", "warm"), ("x" * 30, "y" * 30))
    )
    assert ("top", "top") == (short["orient"], long["orient"])
    assert short["columns"] == 2
    assert "width" in long["columns"]["expr"]


@pytest.mark.parametrize(("days", "expected"), [(90, "%-d %b"), (1000, "%b %Y")])
def test_axes_of_a_few_months_name_their_days(days: int, expected: str) -> None:
    """Two marks of an axis never have the same words: only where they lie months apart they are months."""
    end = datetime(2026, 11, 25, tzinfo=UTC).replace(tzinfo=None)
    assert expected == moments(Times("week", end - timedelta(days=days), end))["axis"]["format"]
