"""How the speed sentinel's findings are said. Pure functions; no Markdown."""

from datetime import datetime
from typing import Final

from apehost_core.compare.numbers import counted, number, unit_of
from apehost_core.history.charts import PROMPT_SPANS, span_label
from apehost_core.history.sentinel import Change, Difference, Measure, SeriesKey, Verdict

MEASURES: Final[dict[Measure, str]] = {"decode_tok_s": "Decode speed", "ttft_ms": "Time to first token"}
UNKNOWN_RUNTIME: Final = "not told"


def signed(ratio: float) -> str:
    """Return a ratio as a change: "-31", "+40", "0"."""
    percent = round((ratio - 1) * 100)
    return f"{percent:+d}" if percent else "0"


def headline(measure: Measure, change: Change) -> str:
    """Return what changed, by how much and since when.

    For example "Decode speed -31 % (interval -36 to -26) since runtime llama.cpp 2.0.1, 12 Mar".
    """
    runtime = next((each.after for each in change.differences if each.what == "runtime"), None)
    since = f"since {day(change.since)}" if runtime is None else f"since runtime {_name(runtime)}, {day(change.since)}"
    return f"{MEASURES[measure]} {signed(change.ratio)} % {interval(change)} {since}"


def interval(change: Change) -> str:
    """Return the 95 % interval of a change: "(interval -36 to -26)"."""
    return f"(interval {signed(change.low)} to {signed(change.high)})"


def series_name(key: SeriesKey) -> str:
    """Return which model, where: "qwen3-4b Q4_K_M · mini"."""
    return f"{key.model}{f' {key.quantisation}' if key.quantisation else ''} · {key.server}"


def prompts(key: SeriesKey) -> str:
    """Return which prompts: "prompts of 256 to 1,023 tokens"."""
    return f"prompts of {length(key)} tokens"


def length(key: SeriesKey) -> str:
    """Return the prompt lengths of a series, in tokens: "256 to 1,023"."""
    span = next((span for span in PROMPT_SPANS if span[0] == key.from_tokens), (key.from_tokens, None))
    return span_label(span)


def values(measure: Measure, before: float, since: float) -> str:
    """Return a value before and since: "41.2 → 28.4 tok/s"."""
    unit = unit_of(measure, max(before, since))
    return f"{number(before * unit.factor)} → {number(since * unit.factor)} {unit.word}"


def value(measure: Measure, typical: float) -> str:
    """Return a value with its unit: "41.2 tok/s"."""
    unit = unit_of(measure, typical)
    return f"{number(typical * unit.factor)} {unit.word}"


def usual(measure: Measure, low: float, high: float) -> str:
    """Return what is usual, with the unit: "38.1 to 44.6 tok/s"."""
    unit = unit_of(measure, high)
    return f"{number(low * unit.factor)} to {number(high * unit.factor)} {unit.word}"


def came(change: Change) -> str:
    """Return between which calls a change came."""
    return f"It came between {moment(change.before)} and {moment(change.since)}."


def causes(change: Change) -> str:
    """Return what else changed at that time, or that nothing did that is on record."""
    found = [_difference(each) for each in change.differences]
    if change.settings:
        found.append(f"settings ({', '.join(change.settings)})")
    return f"Also changed then: {'; '.join(found)}." if found else "Nothing else that is recorded changed at that time."


def rests_on(verdict: Verdict) -> str:
    """Return what a change rests on, and how sure it is."""
    change, baseline = verdict.change, verdict.baseline
    if change is None or baseline is None:
        return ""
    false = max(0.1, change.share_false * 100)
    return (
        f"Rests on {counted(baseline.calls, 'call')} before and {counted(change.calls, 'call')} since, "
        f"in {baseline.windows} and {change.windows} windows. "
        f"Of alarms as clear as this, at most {false:.1g} % are false."
    )


def state(verdict: Verdict) -> str:
    """Return the state of a series: "steady", "slower: -31 % (interval -36 to -26)", "too few yet: 3 of 8 windows"."""
    if verdict.state == "too few":
        return f"too few yet: {verdict.windows} of {verdict.needed} windows"
    if verdict.change is None:
        return verdict.state
    return f"{verdict.state}: {signed(verdict.change.ratio)} % {interval(verdict.change)}"


def day(at: datetime) -> str:
    """Return a day as people say it here: "12 Mar", with the year where it is another one."""
    here = at.astimezone()
    name = f"{here.day} {here:%b}"
    return name if here.year == datetime.now().astimezone().year else f"{name} {here.year}"


def moment(at: datetime) -> str:
    """Return a time as people say it here: "12 Mar, 09:11"."""
    return f"{day(at)}, {at.astimezone():%H:%M}"


def runtime(name: str) -> str:
    """Return a runtime's name, or that nobody told it."""
    return name or UNKNOWN_RUNTIME


def _difference(difference: Difference) -> str:
    before, after = difference.before, difference.after
    match difference.what:
        case "runtime":
            return f"the runtime ({_name(before)} → {_name(after)})"
        case "prompt tokens":
            return f"prompts are {_longer(before, after)} (median {_count(before)} → {_count(after)} tokens)"
        case "answer tokens":
            return f"answers are {_longer(before, after)} (median {_count(before)} → {_count(after)} tokens)"
        case "calls with tools":
            return f"tools are offered in {float(after):.0%} of calls (before: {float(before):.0%})"


def _longer(before: str | float, after: str | float) -> str:
    return "longer" if float(after) > float(before) else "shorter"


def _count(tokens: str | float) -> str:
    return f"{float(tokens):,.0f}"


def _name(name: str | float) -> str:
    return runtime(str(name))
