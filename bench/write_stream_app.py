"""The chat as Streamlit's tutorial writes it, with `st.write_stream`, and a rename dialog. The bench runs a copy of it.

The upstream's base URL is in BENCH_UPSTREAM. A question stays open until its answer is complete, so a rerun in
mid-stream asks again.
"""

import json
import os
from collections.abc import Iterator
from typing import Any

import httpx
import streamlit as st


def answered(question: str) -> Iterator[str]:
    """Yield the tokens of an answer."""
    body = {"model": "sim-model", "messages": [{"role": "user", "content": question}], "stream": True}
    url = f"{os.environ['BENCH_UPSTREAM']}/v1/chat/completions"
    with httpx.stream("POST", url, json=body, timeout=None, trust_env=False) as response:
        for line in response.iter_lines():
            if line.startswith("data: {"):
                for choice in json.loads(line.removeprefix("data: "))["choices"]:
                    if choice["delta"].get("content"):
                        yield choice["delta"]["content"]


def open_dialog() -> None:
    """Have the dialog drawn from the next run on."""
    st.session_state.dialog = True


@st.dialog("Rename conversation")
def rename() -> None:
    """Draw the dialog."""
    name = st.text_input("Name", key="new-name")
    if st.button("Save", key="save-name"):
        st.session_state.title = name
        st.session_state.dialog = False
        st.rerun()


state: Any = st.session_state
state.setdefault("messages", [])
st.header(state.get("title", "Chat"))
st.button("Rename", key="rename", on_click=open_dialog)
if state.get("dialog"):
    rename()
for message in state.messages:
    with st.chat_message(message["role"]):
        st.markdown(message["content"])
asked = st.chat_input("Write a message")
if asked:
    state.messages.append({"role": "user", "content": asked})
    st.chat_message("user").markdown(asked)
if state.messages and state.messages[-1]["role"] == "user":
    with st.chat_message("assistant"):
        text = st.write_stream(answered(state.messages[-1]["content"]))
    state.messages.append({"role": "assistant", "content": text})
