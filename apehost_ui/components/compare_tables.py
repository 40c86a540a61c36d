"""The numbers of a comparison as tables: one line a contender, every number with what it rests on."""

from collections.abc import Mapping, Sequence

import streamlit as st

from apehost_core.compare import checks
from apehost_core.compare.checks import Checked, Passed
from apehost_core.compare.comparison import Setup
from apehost_core.compare.measures import Measure, Noted
from apehost_core.compare.numbers import counted
from apehost_core.compare.plan import Plan
from apehost_core.compare.statistics import BOUNDED, WITH_CACHE
from apehost_core.compare.summary import ContenderSummary, Estimate, Summary
from apehost_ui import compare_numbers as say
from apehost_ui.compare_words import check_words
from apehost_ui.components.grid import grid

_SERVER_SAYS: tuple[tuple[str, Measure, Noted], ...] = (
    ("First token", "ttft_ms", "server_ttft_ms"),
    ("Prompt speed", "prompt_tok_s", "server_prompt_tok_s"),
    ("Decode speed", "decode_tok_s", "server_decode_tok_s"),
)
Rows = list[dict[str, object]]


def tables(summary: Summary, setup: Setup, plan: Plan, names: Sequence[str], checked: Checked | None) -> None:
    """Draw the tables that there is something for.

    Args:
        summary: What was measured.
        setup: What is compared.
        plan: Its cells.
        names: Of the contenders.
        checked: What the checks say; None where there are none.
    """
    found = summary.contenders
    _table("Typical answers", _typical(found, names), "Median over prompts, and where it lies with 95 % confidence.")
    _table("Almost all answers", _bounds(found, names), "What 95 % of the answers keep, with 95 % confidence.")
    _table("What they wrote", _written(found, names, checked), "≈ rests on token counts that the server did not give.")
    one_by_one = [] if checked is None else checks.one_by_one(setup, plan, checked)
    if len(one_by_one) > 1:
        _table("Checks, one by one", _checks(one_by_one, names), "How many of a model's answers passed each check.")
    if any(one.cached for one in found):
        note = "The same request a second time, when the server still had its prompt."
        _table("Cached prompt", _with_cache(found, names), note)
    if any(one.cold or "load_ms" in one.noted for one in found):
        note = "Calls for which the model had to be loaded; they count in no other table."
        _table("Cold starts", _cold(found, names), note)
    if any(noted in one.noted for one in found for _, _, noted in _SERVER_SAYS):
        note = "What the server says of itself, beside what was measured here, with the way over the network."
        _table("The server's own numbers", _server_says(found, names), note)
    if any(one.energy_wh for one in found):
        note = "From the watts that were given for each machine, over the time of a whole answer."
        _table("Energy", _energy(found, names, setup.price_kwh), note)


def _table(title: str, rows: Rows, note: str) -> None:
    st.markdown(f"**{title}**")
    grid(rows, key=f"table-{title}", alt=f"{title}, by model")
    st.caption(note)


def _typical(found: Sequence[ContenderSummary], names: Sequence[str]) -> Rows:
    return [
        {
            "Model": names[one.contender],
            **{say.SHORT[measure]: _median(one, measure) for measure in say.TIMED},
            "Rests on": say.rests_on(_any(one.medians)) or "-",
        }
        for one in found
    ]


def _bounds(found: Sequence[ContenderSummary], names: Sequence[str]) -> Rows:
    return [
        {
            "Model": names[one.contender],
            **{say.SHORT[measure]: say.bound(one.bounds.get(measure), measure) for measure in BOUNDED},
        }
        for one in found
    ]


def _written(found: Sequence[ContenderSummary], names: Sequence[str], checked: Checked | None) -> Rows:
    passed = {} if checked is None else {one.contender: one for one in checked.contenders if one.answers}
    return [
        {
            "Model": names[one.contender],
            "Tokens": _median(one, "completion_tokens"),
            "Characters": _median(one, "visible_chars"),
            "Ended by": say.finishes(one.counts),
            "Failed": say.share(one.errors),
            **({"Checks passed": _passed(passed.get(one.contender))} if passed else {}),
            "Left out": _left_out(one),
        }
        for one in found
    ]


def _checks(found: Sequence[checks.Counted], names: Sequence[str]) -> Rows:
    """Return a line a check, so that it is seen which of them fails."""
    return [
        {
            "Prompts": "all" if prompt is None else str(prompt + 1),
            "Check": check_words(check),
            **{
                name: f"{counts[place][0]:,} of {counts[place][1]:,}" if place in counts else "-"
                for place, name in enumerate(names)
            },
        }
        for prompt, check, counts in found
    ]


def _left_out(one: ContenderSummary) -> str:
    counts = one.counts
    pieces = [
        (counts.cold, "cold"),
        (counts.other_model, "by another model"),
        (counts.failed, "failed"),
        (counts.open, "not asked yet"),
    ]
    words = ", ".join(f"{count:,} {what}" for count, what in pieces if count)
    if counts.unknown_warm:
        unsure = f"{counts.unknown_warm:,} that may have been cold count as warm"
        words = f"{words}; {unsure}" if words else unsure
    return words or "-"


def _passed(passed: Passed | None) -> str:
    if passed is None or passed.share is None:
        return "-"
    share = say.share(Estimate(passed.share, passed.interval, passed.answers, passed.prompts))
    return f"{share} ({passed.passed:,} of {counted(passed.answers, 'answer')})"


def _with_cache(found: Sequence[ContenderSummary], names: Sequence[str]) -> Rows:
    return [
        {
            "Model": names[one.contender],
            **{
                f"{say.SHORT[measure]}, {kind}": say.quantity(of.get(measure), measure)
                for measure in WITH_CACHE
                for kind, of in (("new", one.medians), ("cached", one.cached))
            },
            "Rests on": say.rests_on(_any(one.cached)) or "-",
        }
        for one in found
    ]


def _cold(found: Sequence[ContenderSummary], names: Sequence[str]) -> Rows:
    return [
        {
            "Model": names[one.contender],
            "Load": say.quantity(one.noted.get("load_ms"), "load_ms"),
            "First token, cold": say.quantity(one.cold.get("ttft_ms"), "ttft_ms"),
            "First token, warm": _median(one, "ttft_ms"),
            "Cold calls": max((estimate.runs for estimate in one.cold.values()), default=0),
        }
        for one in found
    ]


def _server_says(found: Sequence[ContenderSummary], names: Sequence[str]) -> Rows:
    return [
        {
            "Model": names[one.contender],
            **{
                f"{title}, {kind}": words
                for title, measure, noted in _SERVER_SAYS
                for kind, words in (
                    ("measured", _median(one, measure)),
                    ("server", say.quantity(one.noted.get(noted), noted)),
                )
            },
            "Prompt tokens": say.quantity(one.noted.get("prompt_tokens"), "prompt_tokens"),
            "of these cached": say.quantity(one.noted.get("cached_tokens"), "cached_tokens"),
        }
        for one in found
    ]


def _energy(found: Sequence[ContenderSummary], names: Sequence[str], price_kwh: float | None) -> Rows:
    return [
        {
            "Model": names[one.contender],
            "Energy of an answer": say.energy(one),
            **({} if price_kwh is None else {"Price of 1,000 answers": say.price(one, price_kwh)}),
        }
        for one in found
    ]


def pairs_table(summary: Summary, names: tuple[str, ...]) -> None:
    """Draw every pair in every measure: how many times, how sure, who is better."""
    rows = [
        {
            "What": say.SHORT[pair.measure],
            "A": names[pair.a],
            "B": names[pair.b],
            "A / B": say.ratio(pair.ratio),
            "Better": say.verdict(pair, names),
            "p": say.chance(pair.p),
            "Prompts": pair.ratio.prompts,
        }
        for pair in summary.pairs
        if pair.measure in say.TIMED
    ]
    if not rows:
        st.caption("No prompt was answered by two models yet; pairs are compared over prompts that both answered.")
        return
    grid(rows, key="table-pairs", alt="Pairs of models, measure by measure")
    st.caption(
        "A / B: how many times A's number is B's, over prompts that both answered, with its 95 % interval. "
        "p: the chance of such a difference if there were none, made stricter for the number of pairs (Holm)."
    )


def _median(one: ContenderSummary, measure: Measure) -> str:
    return say.quantity(one.medians.get(measure), measure, about=say.estimated(one.counts, measure))


def _any(estimates: Mapping[Measure, Estimate]) -> Estimate | None:
    return max(estimates.values(), key=lambda estimate: estimate.runs, default=None)
