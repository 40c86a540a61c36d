"""What a comparison says: sentences first, then charts, then tables, then what was left out and why."""

from collections.abc import Sequence
from typing import Literal, assert_never, cast

import streamlit as st

from apehost_core.compare.checks import Checked
from apehost_core.compare.claims import claims
from apehost_core.compare.comparison import Comparison, Setup
from apehost_core.compare.measures import Measure
from apehost_core.compare.plan import Plan
from apehost_core.compare.sample import Sample
from apehost_core.compare.summary import Summary
from apehost_ui import compare_numbers as say
from apehost_ui.compare_points import by_prompt_length, steps
from apehost_ui.compare_readers import Readers
from apehost_ui.compare_words import names as contender_names
from apehost_ui.components.compare_charts import interval_chart, length_chart, shares_chart, timeline_chart
from apehost_ui.components.compare_flagged import flagged
from apehost_ui.components.compare_tables import pairs_table, tables
from apehost_ui.components.prompt_choice import prompt_choice
from apehost_ui.markdown import plain_label

_Chart = Literal["spread", "length", "timeline"]
_CHARTS: dict[_Chart, str] = {
    "spread": "All runs",
    "length": "By prompt length",
    "timeline": "Tokens over time",
}
_MOST_CLAIMS = 6
_NOTHING = (
    "Nothing is measured yet. Each answer of a warm model fills the charts here: time to first token, decode and "
    "prompt speed, time of the whole answer. From 6 prompts on they have intervals; from 59 runs on there is a bound "
    "that 95 % of the answers keep."
)
_NO_TOKENS = "No answer to this prompt has its tokens' times on record yet."


def results(
    comparison: Comparison,
    summary: Summary,
    sample: Sample,
    plan: Plan,
    read: Readers,
    checked: Checked | None = None,
) -> None:
    """Draw what was measured.

    Args:
        comparison: What is compared.
        summary: The statistics of the sample.
        sample: What was recorded.
        plan: The cells that they are attempts at.
        read: Asked for the cells that are listed as left out, and for the prompt whose tokens are drawn.
        checked: What the checks say; None where there are none.
    """
    setup = comparison.setup
    names = contender_names(setup)
    with st.container(key="results-claims"):
        _sentences(summary, setup)
    with st.container(key="results-measured"):
        if any(one.counts.used for one in summary.contenders):
            _intervals(summary, names)
            _more_charts(sample, plan, names, read)
            st.subheader("Numbers", anchor=False)
            tables(summary, setup, plan, names, checked)
            if not setup.together:
                st.subheader("Pairs", anchor=False)
                pairs_table(summary, names)
        else:
            st.info(_NOTHING, icon=":material/monitoring:")
    with st.container(key="results-flagged"):
        flagged(sample, plan, names, read)


def _sentences(summary: Summary, setup: Setup) -> None:
    """Draw what the runs support, most telling first; of a shared machine, that it is none for timing."""
    if setup.together:
        st.warning(say.NOT_FOR_TIMING, icon=":material/group_work:")
        return
    found = claims(summary, setup)
    if not found:
        return
    st.subheader("What these runs say", anchor=False)
    _list(found[:_MOST_CLAIMS])
    if len(found) > _MOST_CLAIMS:
        with st.expander(f"{len(found) - _MOST_CLAIMS} more", type="compact"):
            _list(found[_MOST_CLAIMS:])


def _list(sentences: Sequence[str]) -> None:
    st.markdown("\n".join(f"- {plain_label(sentence)}." for sentence in sentences))


def _intervals(summary: Summary, names: Sequence[str]) -> None:
    """Draw a chart a measure that anything is known of: two beside each other where there is room."""
    st.subheader("Typical answers", anchor=False)
    st.caption("A dot is the median over prompts; its line is where the median lies with 95 % confidence.")
    known: list[Measure] = [
        measure for measure in say.TIMED if any(measure in one.medians for one in summary.contenders)
    ]
    for left in range(0, len(known), 2):
        places = st.columns(2, gap="medium")
        for column, measure in enumerate(known[left : left + 2]):
            with places[column]:
                _interval(summary, measure, names)


def _interval(summary: Summary, measure: Measure, names: Sequence[str]) -> None:
    found = {one.contender: one.medians[measure] for one in summary.contenders if measure in one.medians}
    about = frozenset(one.contender for one in summary.contenders if say.estimated(one.counts, measure))
    st.markdown(f"**{say.MEASURES[measure]}**")
    interval_chart(measure, found, names, about=about)


def _more_charts(sample: Sample, plan: Plan, names: Sequence[str], read: Readers) -> None:
    st.subheader("Behind the medians", anchor=False)
    picked = st.segmented_control(
        "Chart",
        tuple(_CHARTS),
        required=True,
        default="spread",
        format_func=_CHARTS.__getitem__,
        key="results-chart",
        label_visibility="collapsed",
    )
    with st.container(key="results-more"):
        match cast("_Chart", picked):
            case "spread":
                _spread(sample, names)
            case "length":
                _length(sample, names)
            case "timeline":
                _timeline(sample.setup, plan, names, read)
            case _:
                assert_never(picked)


def _spread(sample: Sample, names: Sequence[str]) -> None:
    measures: tuple[Measure, Measure] = ("ttft_ms", "total_ms")
    for place, measure in zip(st.columns(2, gap="medium"), measures, strict=True):
        shares = steps(sample, measure)
        with place:
            st.markdown(f"**{say.MEASURES[measure]}**")
            if shares:
                shares_chart(measure, shares, names)
    st.caption("The line of a model says which share of its runs took so long or less: further left took less time.")


def _length(sample: Sample, names: Sequence[str]) -> None:
    cloud = by_prompt_length(sample)
    if not len(cloud.x):
        st.info("No server told how many tokens a prompt has; with that, each run would be a point here.")
        return
    length_chart(cloud, names)
    what = "the median of runs with prompts of about the same length" if cloud.binned else "a run"
    st.caption(f"A point is {what}. Decoding usually slows down as prompts grow.")


def _timeline(setup: Setup, plan: Plan, names: Sequence[str], read: Readers) -> None:
    prompt = prompt_choice(setup.prompts, key="timeline-prompt")
    cells = {
        cell.number: cell.contender
        for cell in plan.cells
        if cell.kind == "timed" and cell.prompt == prompt and cell.repeat == 0
    }
    found = {cells[cell]: line for cell, line in read.timelines(tuple(cells)).items() if line}
    if not found:
        st.info(_NO_TOKENS, icon=":material/timeline:")
        return
    timeline_chart({place: found[place] for place in sorted(found)}, names)
    st.caption("One answer a model, the first one to this prompt. Flat: nothing came. Steep: tokens came fast.")
