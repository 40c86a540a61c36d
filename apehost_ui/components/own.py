"""Elements of our own: a folder with a Python side, JavaScript and CSS, all named alike."""

from pathlib import Path

from streamlit.components.v2 import component
from streamlit.components.v2.types import ComponentRenderer


def own(module: str) -> ComponentRenderer:
    """Return what draws an element of ours, in the page's own styles.

    Args:
        module: File of its Python side, beside which the others stand: `__file__`.
    """
    folder = Path(module).parent
    css, js = ((folder / f"{folder.name}.{kind}").read_text("utf-8") for kind in ("css", "js"))
    return component(f"apehost.{folder.name}", css=css, js=js, isolate_styles=False)
