"""How an answer's way is said."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from apehost_core.errors import Fault
from apehost_core.events import TurnFailed, TurnStarted
from apehost_core.ids import new_id
from apehost_core.runs.run import Generation, Timing
from apehost_core.runs.transcript import Transcript, ending_of
from apehost_ui.words import counted, moved, moved_live, stats_line
from tests.run_samples import MS, chat_spec, logged

REFUSED = Fault("refused", "PC refused the connection", server="PC")


def calls(*servers: str) -> tuple[Transcript, tuple[Generation, ...]]:
    """A run whose calls on these servers all failed but for the last, live and recorded."""
    transcript, spec = Transcript(), chat_spec()
    events = [event for name in servers for event in (TurnStarted(new_id(), name, "a-model"), TurnFailed(REFUSED))]
    for event in logged(*events[:-1]):
        transcript.add(event)
    ending = ending_of(spec, transcript, outcome="completed", fault=None, end_ns=90 * MS, finished_at=datetime.now(UTC))
    return transcript, ending.generations


@pytest.mark.parametrize(
    ("servers", "wanted"),
    [
        (("Mini",), []),
        (("PC", "Mini"), ["Moved from PC to Mini: PC refused the connection."]),
        (("PC", "PC"), ["Tried again on PC: PC refused the connection."]),
        (
            ("PC", "PC", "Mini"),
            [
                "Tried again on PC: PC refused the connection.",
                "Moved from PC to Mini: PC refused the connection.",
            ],
        ),
    ],
)
def test_the_way_from_call_to_call(servers: tuple[str, ...], wanted: list[str]) -> None:
    """Live and recorded say the same: each failed call but the last, and where it went from there."""
    transcript, generations = calls(*servers)
    assert wanted == moved(generations) == moved_live(transcript.turns)


def test_calls_that_ended_well_are_no_move() -> None:
    """A run of several calls on several servers has moved nowhere when none of them failed."""
    _, generations = calls("PC", "Mini")
    assert [] == moved([replace(call, fault=None) for call in generations])


def test_a_load_that_was_waited_for_is_told() -> None:
    """The line under an answer says how long it took; a load that is unknown is left out."""
    _, (generation,) = calls("Mini")
    assert "loaded in 8.2 s" in stats_line(replace(generation, timing=Timing(load=8_200)))
    assert "loaded" not in stats_line(generation)


@pytest.mark.parametrize(
    ("tokens", "estimated", "wanted"),
    [(None, False, ""), (0, False, "0 (measured)"), (1204, False, "1,204 (measured)"), (7, True, "≈7 (estimated)")],
)
def test_a_count_says_how_it_was_got(tokens: int | None, estimated: bool, wanted: str) -> None:
    """Measured and estimated counts are never mixed up, and an unknown one is empty."""
    assert wanted == counted(tokens, estimated=estimated)
