"""Which model calls the charts and cards are about: the bar above them. All of it stands in the URL."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import streamlit as st

from apehost_core.compare.numbers import counted
from apehost_core.history.charts import Options, Scope
from apehost_ui.components.switch import url_switch
from apehost_ui.history_periods import PERIODS, Dates, Period, in_words, period
from apehost_ui.markdown import plain_label

KIND_WORDS: Final = {
    "chat": "chats",
    "title": "naming chats",
    "agent": "agents",
    "compare": "comparisons",
    "replay": "replays",
}
"""What calls are for, as people say it."""
_MODEL_KEYS: Final = {"servers": "server_in", "models": "model_in", "quantisations": "quantisation_in"}
_KIND_KEY: Final = "kind_in"
FILTER_KEYS: Final = (*_MODEL_KEYS.values(), _KIND_KEY)
"""Keys of the fields that narrow, and what they are called in the URL."""
IMPORTED_KEY: Final = "imported"
PERIOD_KEY: Final = "period"
_URL: Final = "query-params"
_UNTOLD: Final = "not told"


@dataclass(frozen=True, slots=True)
class Asked:
    """What the bar says.

    Attributes:
        scope: Which calls are looked at.
        period: Their time.
    """

    scope: Scope
    period: Period


def scope_bar(options: Options, now: datetime, zone: str, *, on_clear: Callable[[], None]) -> Asked:
    """Draw the bar and return what it says.

    Args:
        options: What there is to choose from.
        now: With its zone.
        zone: Where days begin, an IANA name.
        on_clear: Empties the filters.
    """
    with st.container(horizontal=True, vertical_alignment="center", key="scope-bar"):
        name = url_switch("Time", PERIODS, PERIOD_KEY, first="30d")
        with st.popover("Filters", icon=":material/filter_list:", key="scope-filters"):
            servers, models, quantisations, kinds = _filters(options)
            st.button("Clear filters", key="scope-clear", on_click=on_clear)
        imported = bool(options.imported) and st.toggle(
            "Include imported",
            key=IMPORTED_KEY,
            bind=_URL,
            help="What other programs recorded stands apart, because its times were taken elsewhere.",
        )
    when = period(name, _dates() if name == "custom" else Dates(), now, zone)
    scope = Scope(when.after, when.before, servers, models, quantisations, kinds, imported, zone)
    st.caption(plain_label(" · ".join([in_words(when, zone), *narrowed(scope)])))
    return Asked(scope, when)


def narrowed(scope: Scope) -> list[str]:
    """Return what a scope is narrowed to but for its time: "gemma, qwen", "server PC", "2 quantisations"."""
    kinds = tuple(KIND_WORDS.get(kind, kind) for kind in scope.kinds)
    quantisations = tuple(name or "quantisation not told" for name in scope.quantisations)
    named = ((scope.models, "model"), (quantisations, "quantisation"), (scope.servers, "server"), (kinds, "purpose"))
    return [", ".join(values) if len(values) < 3 else counted(len(values), noun) for values, noun in named if values]


def model_fields(options: Options, keys: Mapping[str, str]) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """Draw fields for servers, models and quantisations; returns what is picked of each, as scopes say it.

    Args:
        options: What there is to choose from.
        keys: Of the fields, by "servers", "models" and "quantisations"; each is also its name in the URL.
    """
    models = _picked("Models", keys["models"], options.models)
    quantisations = _picked("Quantisations", keys["quantisations"], [name or _UNTOLD for name in options.quantisations])
    servers = _picked("Servers", keys["servers"], options.servers)
    return servers, models, tuple("" if word == _UNTOLD else word for word in quantisations)


def _dates() -> Dates:
    with st.container(horizontal=True, key="scope-dates"):
        first = st.date_input("From", value=None, key="from", bind=_URL, width=160)
        last = st.date_input("To, that day included", value=None, key="to", bind=_URL, width=160)
    return Dates(first, last)


def _filters(options: Options) -> tuple[tuple[str, ...], ...]:
    servers, models, quantisations = model_fields(options, _MODEL_KEYS)
    words = {KIND_WORDS.get(kind, kind): kind for kind in options.kinds}
    kinds = tuple(words[word] for word in _picked("What for", _KIND_KEY, tuple(words)))
    return servers, models, quantisations, kinds


def _picked(label: str, key: str, choices: Sequence[str]) -> tuple[str, ...]:
    found = st.multiselect(
        label, choices, key=key, bind=_URL, placeholder="All", disabled=not choices, select_all=False
    )
    return tuple(found)
