"""How the hits of a search divide, a line a filter word; all drawn as one element.

Of Streamlit's elements each value is a button with a label of Markdown: sixty of them took a browser as long as the
hits below.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from apehost_core.history.found import Facet
from apehost_ui import state
from apehost_ui.components.own import own

_KEY: Final = "facets"
_DRAW: Final = own(__file__)


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
        _DRAW(key=_KEY, data={"lines": lines}, on_pick_change=partial(state.tell, _KEY, "pick", on_pick))
