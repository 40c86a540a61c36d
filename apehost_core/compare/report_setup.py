"""What a report says of how it came about: what was asked of whom, how it was measured, and what is not known."""

from collections.abc import Sequence
from dataclasses import fields
from typing import cast

from apehost_core.compare.checks import CHECKS, checks_of
from apehost_core.compare.comparison import CacheMode, Check, Contender, Prompt, Setup
from apehost_core.compare.intervals import FEWEST_PROMPTS
from apehost_core.compare.numbers import counted
from apehost_core.compare.plan import Plan
from apehost_core.compare.report_text import inert, quoted, table
from apehost_core.compare.summary import Counts, Summary
from apehost_core.model import Sampling

MOST_PROMPTS = 20
MOST_SYSTEM_PROMPTS = 5
_CACHE: dict[CacheMode, str] = {
    "defeat": "Every request began with a line of its own, so that no server could have its prompt in the cache.",
    "measure": (
        "Every request began with a line of its own, so that no server could have its prompt in the cache. Each was "
        "made once more at once; these second ones are the cached ones."
    ),
    "leave": "Nothing was done about cached prompts: a repeat may have been read faster than a first request.",
}


def setup_section(setup: Setup, names: Sequence[str]) -> str:
    """Return who was asked what, with which settings."""
    head = ["Name", "Model", "Quantisation", "Server", "Settings"]
    rows = [_contender_row(one, label) for one, label in zip(setup.contenders, names, strict=True)]
    parts = [table(head, rows), *_system_prompts(setup, names)]
    if setup.judge is not None:
        judge = setup.judge
        quantisation = f" {judge.quantisation}" if judge.quantisation else ""
        parts.append(f"Judge: {inert(judge.model + quantisation)} on {inert(judge.server)}.")
    parts += [f"- {inert(power.server)} draws {power.watts:g} W, as was said." for power in setup.power]
    if setup.checks:
        parts.append("\n".join(["What must be true of every answer:", "", *map(_check_line, setup.checks)]))
    parts.append(_prompts(setup))
    return "\n\n".join(parts)


def _contender_row(one: Contender, label: str) -> list[str]:
    settings = ", ".join(_settings(one)) or "none: the server's own"
    quantisation = inert(one.quantisation) if one.quantisation else "not told"
    return [label, inert(one.model), quantisation, inert(one.server), inert(settings)]


def _settings(one: Contender) -> list[str]:
    """Return what was set, in words: "temperature 0.2"."""
    own = one.preferences
    sampling = [(entry.name, getattr(own.sampling, entry.name)) for entry in fields(Sampling)]
    others = [("context length", own.context_length), ("idle seconds before it is unloaded", own.ttl_s)]
    told = [(name.replace("_", " "), value) for name, value in (*sampling, *others) if value not in (None, ())]
    words = [f"{name} {_value(value)}" for name, value in told]
    return [*words, "a system prompt"] if own.system_prompt else words


def _value(value: object) -> str:
    return " ".join(map(repr, cast("tuple[object, ...]", value))) if isinstance(value, tuple) else str(value)


def _system_prompts(setup: Setup, names: Sequence[str]) -> list[str]:
    """Return each system prompt with the names of those that were given it."""
    users: dict[str, list[str]] = {}
    for one, label in zip(setup.contenders, names, strict=True):
        if one.preferences.system_prompt:
            users.setdefault(one.preferences.system_prompt, []).append(label)
    shown = [
        f"System prompt of {', '.join(labels)}:\n\n{quoted(text)}"
        for text, labels in [*users.items()][:MOST_SYSTEM_PROMPTS]
    ]
    more = len(users) - MOST_SYSTEM_PROMPTS
    return [*shown, f"And {counted(more, 'more system prompt')}."] if more > 0 else shown


def _prompts(setup: Setup) -> str:
    shown = [_prompt(number, one) for number, one in enumerate(setup.prompts[:MOST_PROMPTS], 1)]
    more = len(setup.prompts) - MOST_PROMPTS
    return "\n\n".join([*shown, f"And {more:,} more." if more > 0 else ""]).rstrip()


def _prompt(number: int, prompt: Prompt) -> str:
    topic = f" ({inert(prompt.topic)})" if prompt.topic else ""
    checks = "".join(f"\n{_check_line(check)}" for check in prompt.checks)
    return f"Prompt {number}{topic}:\n\n{quoted(prompt.text)}" + (f"\n{checks}" if checks else "")


def _check_line(check: Check) -> str:
    return f"- {CHECKS[check.kind]}: {inert(check.value)}"


def measuring(setup: Setup, plan: Plan) -> str:
    """Return how it was measured, as a list."""
    lines = [
        "All times are taken by ApeHost, on one monotonic clock, from the moment the request was sent; the way to the "
        "server and back is in them. What servers say of themselves stands apart.",
        "Decode speed is tokens after the first over the time from the first to the last; prompt speed is uncached "
        "prompt tokens over the time to first token.",
        *_order(setup, plan),
        _CACHE[setup.cache],
        _warm_ups(setup),
        "Intervals are at 95 % and over prompts: repeats of one prompt do not tell how others would do. "
        f"It takes {FEWEST_PROMPTS} prompts for one.",
        "A cell that failed was tried once more at the end. Of several attempts the last that was answered counts.",
    ]
    return "\n".join(f"- {line}" for line in lines)


def _order(setup: Setup, plan: Plan) -> list[str]:
    if plan.together:
        return ["Everything was asked at once, so requests shared machines: such times are not for comparing models."]
    stretches = [stretch for track in plan.tracks for stretch in track]
    lines = ["A machine answered one timed request at a time; several machines worked side by side."]
    if any(stretch.interleaved for stretch in stretches):
        lines.append(f"What shared a loaded machine took turns in a random order (seed {setup.seed}).")
    loads = sum(len(stretch.loads) for stretch in stretches)
    if loads:
        lines.append(f"{counted(loads, 'model')} had to be loaded, one after the other.")
    return lines


def _warm_ups(setup: Setup) -> str:
    if setup.warm_ups == 0:
        return "There were no warm-up requests; calls for which a model was loaded are kept apart."
    asked = counted(setup.warm_ups, "warm-up request")
    return f"Each model was asked {asked} first, which count for no number but load time."


def unknown(setup: Setup, summary: Summary, names: Sequence[str]) -> str:
    """Return what the numbers leave open, as a list."""
    lines = [
        "How these models do with other prompts than these, on other days, or beside other work on their machines.",
        "Which answers are better, beyond the checks and votes above: speed says nothing of that.",
    ]
    if len(setup.prompts) < FEWEST_PROMPTS:
        lines.append(f"How sure the medians are: {counted(len(setup.prompts), 'prompt')} gives no interval.")
    if setup.together:
        lines.append("How fast each model is by itself: everything was asked at once.")
    for label, one in zip(names, setup.contenders, strict=True):
        if one.quantisation is None:
            lines.append(f"Which quantisation of {label} answered: its server does not tell.")
    for one in summary.contenders:
        lines += [f"{names[one.contender]}: {gap}" for gap in _gaps(one.counts)]
    if not all(checks_of(setup, number) for number in range(len(setup.prompts))) and not setup.judge:
        lines.append("Whether answers are right where nothing was checked.")
    return "\n".join(f"- {line}" for line in lines)


def _gaps(counts: Counts) -> list[str]:
    found = [
        (counts.open, "not asked yet"),
        (counts.failed, "failed also at the second attempt"),
        (counts.other_model, "answered by another model, left out of the numbers"),
        (counts.cold, "answered only after a load for the call, left out of the numbers"),
        (counts.unknown_warm, "answered by a server that does not tell whether the model was loaded before"),
        (counts.estimated, "with tokens counted by our estimate"),
    ]
    return [f"{counted(count, 'request')} {words}." for count, words in found if count]
