"""What can be set beside models and prompts: how it is asked, checks, a judge, power. Folded; the defaults are fair."""

from collections.abc import Sequence

import streamlit as st

from apehost_core.compare.checks import CHECKS
from apehost_core.compare.comparison import MOST_REPEATS
from apehost_core.compare.setup import MOST_WARM_UPS
from apehost_core.servers import ServerView
from apehost_ui import state
from apehost_ui.compare_words import CACHES
from apehost_ui.components.compare_contenders import choices
from apehost_ui.markdown import plain_label
from apehost_ui.page_state import CheckDraft, Picked, SetupDraft

_CACHE_HELP = (
    "Servers remember prompts and answer the same one sooner. A unique first line makes each prompt new; measuring "
    "both asks each once more at once; sending them as they are mixes the two."
)
_WARM_UP_HELP = "Requests to each model before it is timed. They are shown, and left out of the numbers."
_TOGETHER = "Ask all at once (shared machine: not for timing)"
_TOGETHER_HELP = "Faster to read. Models that share a machine slow each other down, so no speed is claimed from it."
_APART = "These servers are machines of their own"
_APART_HELP = (
    "Servers at one host name count as one machine and are timed one after the other. Tick it where names deceive, "
    "as with tunnels."
)
_JUDGE_HELP = (
    "A model reads both answers in both orders and says which is better. Its votes are kept apart from people's."
)
_REPEATS_HELP = "More prompts tell more than more repeats; three repeats show how much one prompt varies."
_NO_JUDGE = ""


def more(draft: SetupDraft, servers: Sequence[ServerView]) -> None:
    """Draw the folded part of the form."""
    if draft.mode == "benchmark":
        _repeats(draft)
    with st.expander("More: checks, judge, power, order", key=draft.key("more")):
        _how(draft)
        _checks(draft)
        _judge(draft, servers)
        _power(draft)


def _repeats(draft: SetupDraft) -> None:
    draft.repeats = st.number_input(
        "Repeats of each prompt", 1, MOST_REPEATS, draft.repeats, 1, key=draft.key("repeats"), help=_REPEATS_HELP
    )


def _how(draft: SetupDraft) -> None:
    if draft.mode == "side_by_side":
        draft.together = _tick(draft, "together", _TOGETHER, draft.together, _TOGETHER_HELP)
    else:
        left, right = st.columns(2)
        with left:
            key = draft.key("cache")
            state.restore(key, draft.cache)
            options = list(CACHES)
            draft.cache = st.selectbox(
                "Prompt cache", options, format_func=CACHES.__getitem__, key=key, help=_CACHE_HELP
            )
        with right:
            draft.warm_ups = st.number_input(
                "Warm-ups", 0, MOST_WARM_UPS, draft.warm_ups, 1, key=draft.key("warm-ups"), help=_WARM_UP_HELP
            )
    if len({line.model.server for line in draft.contenders}) > 1:
        draft.same_machine = not _tick(draft, "apart", _APART, not draft.same_machine, _APART_HELP)


def _tick(draft: SetupDraft, name: str, label: str, value: bool, help_: str) -> bool:
    key = draft.key(name)
    state.restore(key, value)
    return st.checkbox(label, key=key, help=help_)


def _checks(draft: SetupDraft) -> None:
    st.markdown("**Checks.** What must be true of every answer")
    for check in draft.checks:
        with st.container(horizontal=True, vertical_alignment="center", key=f"check-row-{check.number}"):
            _check(draft, check)
    st.button("Add a check", key="add-check", icon=":material/add:", on_click=_add, args=(draft,))


def _check(draft: SetupDraft, check: CheckDraft) -> None:
    hidden = "collapsed"
    key = draft.key(f"check-kind|{check.number}")
    state.restore(key, check.kind)
    check.kind = st.selectbox(
        "Check", list(CHECKS), format_func=CHECKS.__getitem__, key=key, label_visibility=hidden, width=150
    )
    key = draft.key(f"check|{check.number}")
    state.restore(key, check.value)
    check.value = st.text_input("Value", key=key, label_visibility=hidden, placeholder="Paris", width="stretch")
    words, key = "Take this check out", f"drop-check-{check.number}"
    icon, number = ":material/close:", check.number
    st.button(words, key=key, icon=icon, help=words, type="tertiary", on_click=_drop, args=(draft, number))


def _add(draft: SetupDraft) -> None:
    draft.checks.append(CheckDraft(draft.next_number()))


def _drop(draft: SetupDraft, number: int) -> None:
    draft.checks = [check for check in draft.checks if check.number != number]


def _judge(draft: SetupDraft, servers: Sequence[ServerView]) -> None:
    labels = {_NO_JUDGE: "nobody", **choices(servers, [draft.judge] if draft.judge else [])}
    key = draft.key("judge")
    state.restore(key, draft.judge.key if draft.judge else _NO_JUDGE)
    picked = st.selectbox("Judged by", list(labels), format_func=labels.__getitem__, key=key, help=_JUDGE_HELP)
    draft.judge = Picked.of(picked) if picked else None


def _power(draft: SetupDraft) -> None:
    servers = list(dict.fromkeys(line.model.server or "" for line in draft.contenders))
    if not servers:
        return
    st.markdown("**Power.** What each machine draws while it answers, if you know it")
    columns = st.columns(min(3, len(servers) + 1))
    for place, server in enumerate(servers):
        with columns[place % len(columns)]:
            label = f"{plain_label(server)}, watts"
            draft.watts[server] = _amount(draft, f"watts|{server}", label, draft.watts.get(server))
    with columns[len(servers) % len(columns)]:
        draft.price_kwh = _amount(draft, "price", "Price of a kWh", draft.price_kwh)


def _amount(draft: SetupDraft, name: str, label: str, value: float | None) -> float | None:
    key = draft.key(name)
    state.restore(key, value)
    return st.number_input(label, min_value=0.0, value=None, key=key, placeholder="not known")
