"""Keeps what is being written over a reload and for each conversation, and puts the cursor into the composer.

Streamlit's own composer does neither; its text reaches the server only when it is sent.
"""

from pathlib import Path

from streamlit.components.v2 import component

_mount = component("apehost_draft", js=Path(__file__).with_name("draft.js").read_text("utf-8"))


def keep_draft(conversation_id: str | None) -> None:
    """Keep the composer's text, in this browser window only, under the conversation; None is a new chat."""
    _mount(data={"name": conversation_id or "new"}, key="draft")
