"""The line of a server's last looks: how long each took, with a gap and a mark where one failed."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from apehost_ui.server_words import latency_words

_HEIGHT_PX, _WIDTH_PX = 40, 240
_LOOKS = 60
_LINE, _FAILED = "#cc7700", "#ef4444"  # both told apart from both themes' backgrounds, 3:1 and more


def latency_line(latencies: Sequence[float | None]) -> None:
    """Draw the looks, oldest first, in ms, None for one that failed; nothing before the second, or where all failed."""
    if len(latencies) < 2 or all(ms is None for ms in latencies):
        return
    looks = pd.DataFrame(
        {
            "look": range(len(latencies)),
            "ms": [float("nan") if ms is None else ms for ms in latencies],
            "failed": [0.0 if ms is None else None for ms in latencies],
        }
    )
    # pyarrow, which is among the types that it takes, brings no types of its own.
    st.vega_lite_chart(  # pyright: ignore[reportUnknownMemberType]
        looks, _SPEC, height=_HEIGHT_PX, width=_WIDTH_PX, alt=latency_words(latencies)
    )


def _shown(field: str, colour: str, mark: dict[str, Any]) -> dict[str, Any]:
    scale = {"zero": True, "nice": False}
    return {
        "mark": {**mark, "color": colour},
        "encoding": {"y": {"field": field, "type": "quantitative", "axis": None, "scale": scale}},
    }


_SPEC: dict[str, Any] = {
    "config": {"view": {"stroke": None}},
    "padding": {"left": 4, "right": 4, "top": 4, "bottom": 4},
    "encoding": {
        "x": {
            "field": "look",
            "type": "quantitative",
            "axis": None,
            "scale": {"domain": [0, _LOOKS - 1], "nice": False},
        }
    },
    "layer": [
        _shown("ms", _LINE, {"type": "line", "strokeWidth": 2, "invalid": "break-paths-show-path-domains"}),
        _shown("ms", _LINE, {"type": "point", "size": 8, "filled": True}),
        _shown("failed", _FAILED, {"type": "point", "shape": "cross", "size": 30, "filled": True}),
    ],
}
