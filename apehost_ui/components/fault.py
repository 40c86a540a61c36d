"""An error, said so that the reader knows what happened and who must act."""

import streamlit as st

from apehost_core.errors import Fault
from apehost_ui.markdown import plain_label


def fault_box(fault: Fault) -> None:
    """Draw a fault: what happened in bold, the other side's words, what to do."""
    lines = [f"**{plain_label(fault.title)}.**"]
    if fault.cause:
        lines.append(plain_label(fault.cause))
    if fault.advice:
        lines.append(plain_label(fault.advice))
    st.error("\n\n".join(lines), icon=":material/error:")
