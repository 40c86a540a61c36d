"""How a comparison is said: its state, its plan, its pace, who answers. Pure functions; no Markdown."""

from apehost_core.compare.checks import CHECKS
from apehost_core.compare.claims import name
from apehost_core.compare.comparison import CacheMode, Check, Listed, Mode, Setup, State
from apehost_core.compare.numbers import counted
from apehost_core.compare.plan import Cell, Plan, Stretch
from apehost_core.compare.progress import Preview, Progress, Waiting
from apehost_ui.words import moment, ordinal

_LONGEST_CHECK = 60
MODES: dict[Mode, str] = {"side_by_side": "Side by side", "benchmark": "Benchmark"}
MODE_MEANS: dict[Mode, str] = {
    "side_by_side": "One prompt now: read the answers next to each other while they are written.",
    "benchmark": "Many prompts, repeated and in a fair order: find out which is faster, with intervals.",
}
STATES: dict[State, str] = {
    "planned": "not started",
    "running": "running",
    "pausing": "pausing after the answers under way",
    "paused": "paused",
    "finished": "finished",
    "failed": "failed",
}
STATE_MARKS: dict[State, str] = {
    "planned": "○",
    "running": "▶",
    "pausing": "◑",
    "paused": "◐",
    "finished": "✓",
    "failed": "✕",
}
CACHES: dict[CacheMode, str] = {
    "defeat": "Make each prompt new to the server",
    "measure": "Measure new and cached prompts apart",
    "leave": "Send prompts exactly as they are",
}
_LONG_S = 5_400


def names(setup: Setup) -> tuple[str, ...]:
    """Return what each contender is called, no two alike."""
    return tuple(name(place, setup) for place in range(len(setup.contenders)))


def about(seconds: float) -> str:
    """Return a time that is not known to the second: "8 s", "4 min", "2 h 10 min"."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if seconds < _LONG_S else f"{minutes // 60} h {minutes % 60:02d} min"


def span(low_s: float, high_s: float) -> str:
    """Return a range of times: "about 4 min", "2 to 8 min", "40 s to 3 min"."""
    low, high = about(low_s), about(high_s)
    if low == high:
        return f"about {low}"
    (number, unit), (_, other) = low.split(" ", 1), high.split(" ", 1)
    return f"{number} to {high}" if unit == other else f"{low} to {high}"


def takes(preview: Preview) -> str:
    """Return what a comparison would take: "2 loads, 63 requests, 2 to 8 min"."""
    loads = counted(preview.loads, "load") if preview.loads else "nothing to load"
    return f"{loads}, {counted(preview.requests, 'request')}, {span(preview.low_s, preview.high_s)}"


def stretch_words(stretch: Stretch, plan: Plan, called: tuple[str, ...]) -> str:
    """Return what happens in a stretch: "PC: loads Gemma, 1 warm-up, then 30 requests"."""
    cells = [plan.cells[number] for number in (*stretch.warm_ups, *stretch.cells)]
    who = _listed([called[place] for place in dict.fromkeys(cell.contender for cell in cells)])
    asked = counted(len(stretch.cells), "request")
    pieces = [counted(len(stretch.warm_ups), "warm-up"), f"then {asked}"] if stretch.warm_ups else [asked]
    if plan.together:
        return f"{stretch.server}: {who}, all at once"
    if stretch.loads:
        pieces.insert(0, "loaded first")
    turns = " take turns" if stretch.interleaved else ""
    return f"{stretch.server}: {who}{turns}: {', '.join(pieces)}"


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}" if words else "nobody"


def listed_words(listed: Listed) -> str:
    """Return the line under a title in the list: "✓ finished · Benchmark · 3 models · 10 prompts · 25 Nov, 04:50"."""
    return " · ".join(
        (
            f"{STATE_MARKS[listed.state]} {STATES[listed.state]}",
            MODES[listed.mode],
            counted(listed.contenders, "model"),
            counted(listed.prompts, "prompt"),
            moment(listed.created_at),
        )
    )


def check_words(check: Check) -> str:
    """Return what must be true of an answer: "contains Paris", "is JSON that fits the schema"."""
    value = " ".join(check.value.split())
    short = value if len(value) <= _LONGEST_CHECK else f"{value[: _LONGEST_CHECK - 1]}…"
    return CHECKS[check.kind] if check.kind == "json_schema" else f"{CHECKS[check.kind]} {short}"


def setup_words(setup: Setup) -> str:
    """Return what is compared: "Benchmark · 3 models · 10 prompts, 3 times each"."""
    times = f", {setup.repeats} times each" if setup.repeats > 1 else ""
    models = counted(len(setup.contenders), "model")
    return " · ".join((MODES[setup.mode], models, counted(len(setup.prompts), "prompt") + times))


def cell_words(cell: Cell, setup: Setup, called: tuple[str, ...]) -> str:
    """Return what a request is about: "Gemma, prompt 3 of 10, 2nd of 3"."""
    prompt = f"prompt {cell.prompt + 1} of {len(setup.prompts)}"
    if cell.kind == "judge":
        return f"the judge compares two answers to {prompt}"
    who = called[cell.contender]
    if cell.kind == "warm_up":
        return f"{who}, warming up"
    times = f", {ordinal(cell.repeat + 1)} of {setup.repeats}" if setup.repeats > 1 else ""
    return f"{who}, {prompt}{times}{', the same once more from the cache' if cell.kind == 'cached' else ''}"


def waiting_words(waiting: Waiting) -> str:
    """Return who is waited for, why, and what comes of it."""
    return (
        f"Waiting for {waiting.server}: {waiting.fault.title}. It goes on by itself as soon as {waiting.server} "
        "answers, and pauses when that takes longer than a few minutes."
    )


def remaining_words(progress: Progress) -> str:
    """Return how far all is: "12 of 60 · 1 failed · about 3 min left"."""
    answered = sum(done.answered for done in progress.contenders)
    failed = sum(done.failed for done in progress.contenders)
    pieces = [f"{answered:,} of {sum(done.planned for done in progress.contenders):,} answered"]
    if failed:
        pieces.append(f"{failed:,} failed")
    if progress.to_judge:
        pieces.append(f"{progress.judged:,} of {progress.to_judge:,} judged")
    if progress.state in ("running", "pausing"):
        left = progress.remaining_s
        pieces.append("time left not known yet" if left is None else f"about {about(left)} left")
    return " · ".join(pieces)
