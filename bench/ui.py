"""What it costs to watch an answer in Chromium, beside `st.write_stream`; a dialog in mid-stream; many open pages.

    uv run python -m bench.ui [--quick]

Both chats read the same upstream, a process of its own, in turns, and the same question is typed into both. Lags are
from the upstream's token to the paint, on one clock. The full run takes about eight minutes; `--quick` uses short
answers, for trying things out, and its figures mean little.
"""

import argparse
import asyncio
import itertools
import os
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser

from bench.apps import Chat, Opener, ours, write_stream
from bench.chromium import Answer, Saved, Streamed, chromium, saves_while_streaming, stream
from bench.sessions import Crowd, crowd
from bench.tables import median, percentile, table
from bench.upstream import chat_upstream


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured.

    Attributes:
        tokens: Length of the answer that Chromium draws.
        rounds: (tokens a second, how often) of that answer.
        endings: How many answers' last paint is measured again, at each pace.
        dialog_tries: How often our dialog is saved.
        frozen_tokens: Length of the answer that holds up the dialog of `st.write_stream`.
        crowds: How many sessions at once.
        crowd_tokens: Length of the answer of each.
    """

    tokens: int = 4_000
    rounds: tuple[tuple[int, int], ...] = ((50, 1), (200, 3))
    endings: int = 6
    dialog_tries: int = 5
    frozen_tokens: int = 500
    crowds: tuple[int, ...] = (1, 5, 20)
    crowd_tokens: int = 750


_QUICK = Plan(
    tokens=300,
    rounds=((50, 1), (200, 1)),
    endings=3,
    dialog_tries=3,
    frozen_tokens=200,
    crowds=(1, 5),
    crowd_tokens=150,
)


@dataclass(frozen=True, slots=True)
class Bar:
    """A figure and how large it may be; `unit` stands behind both."""

    name: str
    value: float
    limit: float
    unit: str = ""

    def row(self) -> list[object]:
        """Return the bar as a row: name, figure, limit, whether it holds."""
        holds = "yes" if self.value <= self.limit else "NO"
        return [self.name, f"{self.value:,.3g}{self.unit}", f"<= {self.limit:,.3g}{self.unit}", holds]


@dataclass(frozen=True, slots=True)
class Part:
    """A measured part: its table and its bars."""

    text: str
    bars: list[Bar]


def drawing(browser: Browser, mine: Chat, theirs: Chat, upstream: str, plan: Plan) -> Part:
    """Measure one answer in one window, at each pace."""
    for chat in (mine, theirs):
        stream(browser, chat, upstream, Answer(100, 200))  # the first one compiles and fills caches
    rows: list[list[object]] = []
    bars: list[Bar] = []
    for pace, rounds in plan.rounds:
        seen: dict[str, list[Streamed]] = {mine.name: [], theirs.name: []}
        for _ in range(rounds):
            for chat in (theirs, mine):
                seen[chat.name].append(stream(browser, chat, upstream, Answer(plan.tokens, pace)))
        his, own = seen[theirs.name], seen[mine.name]
        rows += [_drawn(theirs.name, pace, his), _drawn(mine.name, pace, own)]
        kilobytes = _middle(own, lambda one: one.kilobytes) / _middle(his, lambda one: one.kilobytes)
        busy = _middle(own, lambda one: one.browser_s) / _middle(his, lambda one: one.browser_s)
        server = _middle(own, lambda one: one.server_share) / _middle(his, lambda one: one.server_share)
        rows.append(
            [pace, "ours / write_stream", f"1/{1 / kilobytes:.3g}", "", f"{busy:.2f}", "", f"{server:.2f}", "", ""]
        )
        bars += [
            Bar(f"bytes at {pace} tok/s, beside write_stream", kilobytes, 1 / 15),
            Bar(f"browser main thread at {pace} tok/s, beside write_stream", busy, 1 / 3),
        ]
    headings = [
        "tok/s", "chat", "kB over the websocket", "messages", "browser main thread s", "% of the time",
        "server % of a core", "first-token lag ms", "final-paint lag ms",
    ]  # fmt: skip
    return Part(table(headings, rows), bars)


def _drawn(name: str, pace: int, seen: list[Streamed]) -> list[object]:
    lags = [one.end_lag_ms for one in seen]
    spread = f" ({min(lags):.0f}-{max(lags):.0f})" if len(lags) > 1 else ""
    return [
        pace, name, _middle(seen, lambda one: one.kilobytes), _middle(seen, lambda one: one.frames),
        _middle(seen, lambda one: one.browser_s), _middle(seen, lambda one: one.browser_share * 100),
        _middle(seen, lambda one: one.server_share * 100), _middle(seen, lambda one: one.first_lag_ms),
        f"{median(lags):.0f}{spread}",
    ]  # fmt: skip


def _middle(seen: list[Streamed], figure: Callable[[Streamed], float]) -> float:
    return median([figure(one) for one in seen])


def endings(browser: Browser, mine: Chat, upstream: str, plan: Plan) -> Part:
    """Measure the last paint of our answers again, with all but their last seconds written at once.

    The lag depends on where between two looks the last token falls, so it takes some answers to know it.
    """
    rows: list[list[object]] = []
    bars: list[Bar] = []
    for pace, _ in plan.rounds:
        answer = Answer(plan.tokens, pace, at_once=max(0, plan.tokens - pace * 3))
        lags = [stream(browser, mine, upstream, answer).end_lag_ms for _ in range(plan.endings)]
        rows.append([pace, len(lags), min(lags), median(lags), max(lags)])
        bars.append(Bar(f"final-paint lag at {pace} tok/s, p50", median(lags), 200, " ms"))
        bars.append(Bar(f"final-paint lag at {pace} tok/s, worst of {len(lags)}", max(lags), 200, " ms"))
    return Part(table(["tok/s", "answers", "final-paint lag min ms", "p50 ms", "max ms"], rows), bars)


def dialog(browser: Browser, mine: Chat, theirs: Chat, plan: Plan) -> Part:
    """Measure a dialog's button pressed while an answer streams."""
    own = saves_while_streaming(browser, mine, tokens=plan.tokens, tries=plan.dialog_tries)
    his = saves_while_streaming(browser, theirs, tokens=plan.frozen_tokens, tries=1)
    worst = max(one.done_ms for one in own)
    ratio = median([one.done_ms for one in own]) / median([one.done_ms for one in his])
    headings = ["chat", "presses", "name shown p50 ms", "dialog gone and name shown p50 ms", "max ms"]
    rows = [_pressed(theirs.name, his), _pressed(mine.name, own)]
    rows.append(["ours / write_stream", "", "", f"1/{1 / ratio:.3g}", ""])
    return Part(table(headings, rows), [Bar("dialog button in mid-stream, worst of all", worst, 200, " ms")])


def _pressed(name: str, saved: list[Saved]) -> list[object]:
    done = [one.done_ms for one in saved]
    return [name, len(saved), median([one.headed_ms for one in saved]), median(done), max(done)]


def sessions(folder: Path, upstream: str, plan: Plan) -> Part:
    """Measure answers read by several sessions at once, at 50 tokens a second each."""
    numbers = itertools.count(1_000_000)
    seen: dict[tuple[str, int], Crowd] = {}
    for opener in (write_stream, ours):
        with opener(folder, upstream) as chat:
            asyncio.run(crowd(chat, upstream, numbers=[next(numbers)], tokens=60))  # imports, connections
            for count in plan.crowds:
                chosen = list(itertools.islice(numbers, count))
                seen[chat.name, count] = asyncio.run(crowd(chat, upstream, numbers=chosen, tokens=plan.crowd_tokens))
    rows: list[list[object]] = []
    for count in plan.crowds:
        his, own = seen["write_stream", count], seen["ours", count]
        rows += [_crowded("write_stream", count, his), _crowded("ours", count, own)]
        server = own.server_share / his.server_share
        kilobytes = median(own.kilobytes) / median(his.kilobytes)
        rows.append([count, "ours / write_stream", f"{server:.2f}", *[""] * 7, f"1/{1 / kilobytes:.3g}", ""])
    headings = [
        "sessions", "chat", "server % of a core", "gap p50 ms", "gap p99 ms", "gap max ms", "first text p50 ms",
        "first text max ms", "last word lag p50 ms", "stuck", "kB a session", "RSS MB",
    ]  # fmt: skip
    most = max(plan.crowds)
    gap = percentile(seen["ours", most].gaps_ms, 0.99)
    stuck = sum(seen["ours", count].stuck for count in plan.crowds)
    bars = [
        Bar(f"gap p99 with {most} sessions at 50 tok/s each", gap, 400, " ms"),
        Bar("sessions that never saw the end of their answer", stuck, 0),
    ]
    return Part(table(headings, rows), bars)


def _crowded(name: str, count: int, seen: Crowd) -> list[object]:
    return [
        count, name, seen.server_share * 100, median(seen.gaps_ms), percentile(seen.gaps_ms, 0.99),
        max(seen.gaps_ms), median(seen.first_ms), max(seen.first_ms), median(seen.end_lag_ms),
        seen.stuck, median(seen.kilobytes), seen.rss_mb,
    ]  # fmt: skip


def measure(folder: Path, plan: Plan) -> list[Bar]:
    """Measure all parts, print their tables, and return their bars."""
    bars: list[Bar] = []

    def show(title: str, part: Part) -> None:
        print(f"\n{title}\n\n{part.text}", flush=True)
        bars.extend(part.bars)

    with chat_upstream() as upstream:
        with ExitStack() as stack:
            windows = folder / "windows"
            windows.mkdir()
            openers: tuple[Opener, ...] = (ours, write_stream)
            mine, theirs = (stack.enter_context(opener(windows, upstream)) for opener in openers)
            browser = stack.enter_context(chromium())
            part = drawing(browser, mine, theirs, upstream, plan)
            show(f"One answer of {plan.tokens:,} tokens in Chromium", part)
            show("The same again for ours, only the end in time", endings(browser, mine, upstream, plan))
            show("A dialog's button pressed while an answer streams at 50 tok/s", dialog(browser, mine, theirs, plan))
        crowds = folder / "crowds"
        crowds.mkdir()
        title = f"Websocket sessions at once, each an answer of {plan.crowd_tokens} tokens at 50 tok/s"
        show(title, sessions(crowds, upstream, plan))
    return bars


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="short answers, for trying things out")
    plan = _QUICK if parser.parse_args().quick else Plan()
    print(f"{os.cpu_count()} cores, shared by the chats, their upstream and the browser", flush=True)
    with tempfile.TemporaryDirectory() as name:
        bars = measure(Path(name), plan)
    note = " (of the full run; short answers cannot meet them)" if plan is _QUICK else ""
    print(f"\nBars{note}\n\n" + table(["bar", "measured", "limit", "holds"], [bar.row() for bar in bars]))


if __name__ == "__main__":
    main()
