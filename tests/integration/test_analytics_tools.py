"""Tool charts: what counts as a success, whose failure a failure is, and how things go wrong."""

import pytest

from apehost_core.compare.intervals import wilson
from apehost_core.history.charts import Scope
from apehost_core.ids import new_id
from apehost_core.store.analytics import Charts
from apehost_core.store.database import Database
from tests.integration.recorded_calls import record_calls, record_tool_calls


@pytest.fixture
def charts(database: Database) -> Charts:
    """Charts of a database in which a tool did well, badly, or was not let."""
    failed = {"result": None, "duration_ms": None}
    record_tool_calls(
        database,
        [{"duration_ms": float(ms)} for ms in range(1, 9)]
        + [failed | {"error_kind": "timeout"}] * 2
        + [failed | {"error_kind": "bad_arguments"}]
        + [failed | {"error_kind": "unknown_tool", "tool": "calculater"}]
        + [failed | {"error_kind": "denied", "approval": "denied"}] * 3
        + [{"arguments": "{1 +"}]
        + [failed]
        + [{"tool": "search", "source": "web", "import_id": new_id(), "run_id": None, "started_at": None}],
    )
    return Charts(database)


def test_success_of_tools(charts: Charts) -> None:
    """Success counts valid calls that were let run and whose end is known; the rest is told apart."""
    chart = charts.tools(Scope(imported=True))
    found = {row["tool"]: row for row in chart.frame.to_dict("records")}
    bounds = wilson(8, 10)
    calculator = found["calculator"]
    assert (16, 8, 10, 2, 3, 1) == tuple(
        calculator[name] for name in ("calls", "succeeded", "counted", "invalid", "stopped", "unknown")
    )
    assert (0.8, bounds.low, bounds.high) == pytest.approx(tuple(calculator[name] for name in ("share", "low", "high")))
    assert (5.0, 9) == (calculator["ms_p50"], calculator["ms_n"])
    wrong = found["calculater"]
    assert (1, 0, 1, True) == (wrong["calls"], wrong["counted"], wrong["invalid"], wrong["share"] != wrong["share"])
    assert ("imported", "web", 1) == tuple(found["search"][name] for name in ("source", "tool_source", "succeeded"))
    assert 18 == chart.n
    assert {"measured"} == set(charts.tools(Scope()).frame["source"])


def test_kinds_of_errors(charts: Charts) -> None:
    """Each tool's errors are counted by kind, the most frequent first."""
    found = charts.tool_errors(Scope()).frame
    assert [
        ("calculator", "denied", 3),
        ("calculator", "timeout", 2),
        ("calculater", "unknown_tool", 1),
        ("calculator", "bad_arguments", 1),
    ] == list(zip(found["tool"], found["error_kind"], found["calls"], strict=True))


def test_scope_of_tools(charts: Charts, database: Database) -> None:
    """A tool call belongs to the model, server and kind of the run that made the call."""
    run, other = new_id(), new_id()
    generation, _ = record_calls(
        database, [{"run_id": run, "model_asked": "qwen", "kind": "agent"}, {"run_id": other, "server": "tower"}]
    )
    record_tool_calls(database, [{"run_id": run, "generation_id": generation}, {"run_id": run, "generation_id": None}])
    assert (1, 2) == (charts.tools(Scope(models=("qwen",))).n, charts.tools(Scope(kinds=("agent",))).n)
    assert 0 == charts.tools(Scope(servers=("tower",))).n
