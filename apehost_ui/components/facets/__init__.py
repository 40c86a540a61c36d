"""How the hits of a search divide, a line a filter word; all drawn as one element.

Of Streamlit's elements each value is a button with a label of Markdown: sixty of them took a browser as long as the
hits below.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from streamlit.components.v2 import component

from apehost_core.history.found import Facet
from apehost_ui import state

KEY: Final = "facets"
_HERE: Final = Path(__file__).parent
_DRAW: Final = component(
    "apehost.facets",
    css=(_HERE / "facets.css").read_text("utf-8"),
    js=(_HERE / "facets.js").read_text("utf-8"),
    isolate_styles=False,
)


def facets(found: Sequence[Facet], *, on_pick: Callable[[str], None]) -> None:
    """Draw the values that the hits have, with how many have each; one that is pressed narrows the search.

    Args:
        found: What there is; a filter word with a single value is left out, since it divides nothing.
        on_pick: Gets what narrows, as it is written into the box: `model:"qwen3-4b"`.
    """
    lines = [
        {
            "name": facet.name,
            "values": [
                {"value": value, "count": f"{count:,}", "words": f'{facet.name}:"{value}"'}
                for value, count in facet.values
            ],
        }
        for facet in found
        if len(facet.values) > 1
    ]
    if lines:
        _DRAW(key=KEY, data={"lines": lines}, on_pick_change=lambda: _tell(on_pick))


def _tell(on_pick: Callable[[str], None]) -> None:
    words = state.sent(KEY, "pick")
    if words:
        on_pick(words)
