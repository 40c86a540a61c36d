"""What other servers cost the one that answers, and the pages: black holes, fifty servers, a server that flaps.

    uv run python -m bench.pool [--asks 100] [--actions 20] [--flaps 20]

Black holes take every connection and never answer. Each table's first row, one healthy server alone, is the baseline;
times are from the wish to the first token, and of whole page runs on the server, as Streamlit's own tester makes
them. The last part takes `--flaps` times ten seconds: a server that is up for five and down for five, while questions
go on; `--flaps 0` leaves it out.
"""

import argparse
import asyncio
import os
import tempfile
import time
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from anyio.from_thread import BlockingPortal, start_blocking_portal
from pydantic import SecretStr
from streamlit import config

from apehost_core.chat.exchange import Choice
from apehost_core.events import LoggedEvent, TextDelta
from apehost_core.host import Host, open_host
from apehost_core.settings import ServerEntry, Settings
from apehost_core.testing.simulator import Machine, SimModel, Simulator, machines
from apehost_ui.host import installed
from bench.tables import median, percentile, table
from tests.ui.tab import Tab

_HEALTHY = "PC"
_MODEL = SimModel("gemma", words=tuple(f"word{number} " for number in range(20)))
_SLOW = SimModel("gemma", words=tuple(f"word{number} " for number in range(200)), tokens_per_s=100)
_UP_S = 5.0
_INTERVAL_S = 2.0
_WARM_UP = 5


@dataclass(frozen=True)
class Site:
    """A host with servers.

    Attributes:
        host: The host.
        portal: Its event loop.
        machines: The servers, in order.
    """

    host: Host
    portal: BlockingPortal
    machines: list[Machine]


@contextmanager
def site(*simulators: Simulator, interval_s: float = 10) -> Generator[Site, None, None]:
    """Open a host on simulated servers while the context lasts; it has looked at all that answer."""
    with (
        tempfile.TemporaryDirectory() as folder,
        machines(*simulators) as running,
        start_blocking_portal() as portal,
    ):
        names = [_HEALTHY, *(f"Server {number}" for number in range(1, len(running)))]
        entries = tuple(
            ServerEntry(name=name, url=SecretStr(machine.url)) for name, machine in zip(names, running, strict=True)
        )
        settings = Settings(servers=entries, data_dir=Path(folder), demo="off", refresh_s=interval_s)
        with portal.wrap_async_context_manager(_installed(settings)) as host:
            answering = {name for name, simulator in zip(names, simulators, strict=True) if simulator.trouble is None}
            _until(lambda: answering <= {view.name for view in host.servers if view.answers})
            yield Site(host, portal, running)


@asynccontextmanager
async def _installed(settings: Settings) -> AsyncGenerator[Host, None]:
    async with open_host(settings) as host, installed(host):
        yield host


def black_hole() -> Simulator:
    """A server that takes every request and never answers."""
    simulator = Simulator(_MODEL)
    simulator.trouble = "hang"
    return simulator


def first_tokens(place: Site, asks: int) -> list[float]:
    """Milliseconds from the wish to the first token, one ask after the other."""
    return [place.portal.call(_first_token, place.host) for _ in range(asks + _WARM_UP)][_WARM_UP:]


async def _first_token(host: Host) -> float:
    begun = time.perf_counter()
    sent = await host.send("hello", Choice(None, "gemma"))
    run = host.hub.live(sent.run_id)
    assert run is not None
    await run.finished.wait()
    return (_first_text(run.log).at_ns / 1e9 - begun) * 1000


def _first_text(log: list[LoggedEvent]) -> LoggedEvent:
    return next(logged for logged in log if isinstance(logged.event, TextDelta))


def page_actions(place: Site, actions: int) -> dict[str, list[float]]:
    """Milliseconds of each kind of page action on the server."""
    found: dict[str, list[float]] = {}
    tab = Tab()

    def timed(name: str, act: Callable[[], object]) -> None:
        begun = time.perf_counter()
        act()
        found.setdefault(name, []).append((time.perf_counter() - begun) * 1000)

    for _ in range(actions):
        timed("open Chat", lambda: tab.to("chat"))
        timed("send", lambda: tab.send("hello"))
        _until(lambda: place.host.live_answer(tab.conversation) is None)
        timed("rerun Chat", tab.run)
        timed("new chat", lambda: tab.press("New chat"))
        timed("open Servers", lambda: tab.to("servers"))
        timed("rerun Servers", tab.run)
        timed("open History", lambda: tab.to("history"))
    return {name: times[1:] for name, times in found.items()}


@dataclass
class Flapping:
    """What was seen of a server that comes and goes.

    Attributes:
        late_s: Seconds from each change to the right state.
        asked: Questions that were sent.
        kept: Questions that are stored with an ending and all that was shown.
        outcomes: How they ended.
    """

    late_s: list[float] = field(default_factory=list)
    asked: int = 0
    kept: int = 0
    outcomes: dict[str, int] = field(default_factory=dict)


def flapping(times: int) -> Flapping:
    """Pull a server's plug and put it back, five seconds each, while questions are asked."""
    seen = Flapping()
    with site(Simulator(_SLOW), interval_s=_INTERVAL_S) as place:
        machine = place.machines[0]
        asking = place.portal.start_task_soon(_ask_on, place.host, seen)
        for _ in range(times):
            for change, right in ((machine.kill, False), (machine.start, True)):
                change()
                begun = time.perf_counter()
                _until(lambda right=right: place.host.pool.get(_HEALTHY).view.answers is right)
                seen.late_s.append(time.perf_counter() - begun)
                _until(lambda begun=begun: time.perf_counter() - begun >= _UP_S)
        asking.cancel()
        _until(lambda: place.host.hub.active == 0)
    return seen


async def _ask_on(host: Host, seen: Flapping) -> None:
    while True:
        await asyncio.shield(_ask(host, seen))


async def _ask(host: Host, seen: Flapping) -> None:
    sent = await host.send("hello", Choice(None, "gemma"))
    seen.asked += 1
    run = host.hub.live(sent.run_id)
    assert run is not None
    await run.finished.wait()
    shown = "".join(logged.event.text for logged in run.log if isinstance(logged.event, TextDelta))
    branch = await asyncio.to_thread(host.conversations.branch, sent.conversation_id)
    asked, *answers = [entry.message.text for entry in branch]
    outcome = run.transcript.finished.outcome if run.transcript.finished else "none"
    seen.kept += asked == "hello" and "".join(answers) == shown
    seen.outcomes[outcome] = seen.outcomes.get(outcome, 0) + 1
    await asyncio.sleep(0.2)


def _until(holds: Callable[[], bool], timeout_s: float = 120) -> None:
    deadline = time.monotonic() + timeout_s
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError("what was waited for did not come")
        time.sleep(0.005)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--asks", type=int, default=100)
    parser.add_argument("--actions", type=int, default=20)
    parser.add_argument("--flaps", type=int, default=20)
    asked = parser.parse_args()
    config.set_option("client.showErrorDetails", "full")
    print(f"{os.cpu_count()} cores, servers and app in one process")
    sites: dict[str, list[Simulator]] = {
        "1 healthy": [Simulator(_MODEL)],
        "1 healthy, 2 black holes": [Simulator(_MODEL), black_hole(), black_hole()],
        "50 healthy": [Simulator(_MODEL) for _ in range(50)],
    }
    waits: dict[str, list[float]] = {}
    pages: dict[str, dict[str, list[float]]] = {}
    for name, simulators in sites.items():
        with site(*simulators) as place:
            waits[name] = first_tokens(place, asked.asks)
            pages[name] = page_actions(place, asked.actions)
    _print_waits(waits)
    _print_pages(pages)
    if asked.flaps:
        _print_flapping(flapping(asked.flaps), asked.flaps)


def _print_waits(waits: dict[str, list[float]]) -> None:
    alone = next(iter(waits.values()))
    rows = [[name, len(ms), median(ms), percentile(ms, 0.95), median(ms) / median(alone)] for name, ms in waits.items()]
    print("\n" + table(["servers", "asks", "first token p50 ms", "p95", "p50 ratio"], rows))


def _print_pages(pages: dict[str, dict[str, list[float]]]) -> None:
    alone = next(iter(pages.values()))
    rows = [
        [name, action, len(ms), median(ms), max(ms), median(ms) / median(alone[action])]
        for action in alone
        for name, ms in ((name, found[action]) for name, found in pages.items())
    ]
    print("\n" + table(["servers", "action", "n", "server p50 ms", "max ms", "p50 ratio"], rows))


def _print_flapping(seen: Flapping, times: int) -> None:
    rows = [
        [times, seen.asked, seen.kept, str(seen.outcomes), median(seen.late_s), max(seen.late_s) / _INTERVAL_S],
    ]
    print(f"\nup {_UP_S:.0f} s, down {_UP_S:.0f} s, a look every {_INTERVAL_S:.0f} s")
    headings = ["times", "asked", "kept whole", "endings", "state late p50 s", "longest, in intervals"]
    print(table(headings, rows))


if __name__ == "__main__":
    main()
