"""The chat page: one conversation, its live answer, the composer."""

from functools import partial

import streamlit as st

from apehost_ui import chat_actions, state
from apehost_ui.components.chat_settings import chat_settings, settings_button
from apehost_ui.components.conversation_header import conversation_header
from apehost_ui.components.empty import first_message, no_server
from apehost_ui.components.fault import fault_box
from apehost_ui.components.rename_dialog import open_dialog, rename_dialog
from apehost_ui.components.retry import continue_buttons, retry_button
from apehost_ui.host import host
from apehost_ui.thread import Again, thread

page = state.chat()
conversation = chat_actions.opened()
own = chat_actions.settings(conversation)
again: Again | None = None

if conversation is not None:
    conversation_header(
        conversation,
        export=partial(chat_actions.export, conversation.id),
        on_rename=open_dialog,
        on_delete=partial(chat_actions.delete, conversation),
    )
    rename_dialog(conversation.title, on_save=chat_actions.rename)
    again = thread(conversation.id)
elif page.picked is None:
    chat_actions.act(no_server(host().servers, demo_offer=chat_actions.demo_offered()))
else:
    first_message()

if page.picked is not None:
    chat_settings(
        own,
        partial(chat_actions.effective, page.picked),
        key=conversation.id if conversation else "new",
        reasoning_options=chat_actions.reasoning_options(page.picked),
        on_save=partial(chat_actions.save_settings, conversation),
    )

run = host().live_answer(conversation.id) if conversation else None
if run is None and page.refusal is not None and page.refusal.kind == "busy":
    page.refusal = None  # the answer that was in the way has ended
with st.bottom:
    if page.refusal is not None:
        fault_box(page.refusal)
    with st.container(horizontal=True, vertical_alignment="center"):
        answering = run is not None and not run.finished.is_set()
        if again is not None and not answering:
            retry_button(again.not_before, on_click=chat_actions.retry)
            if again.unfinished is not None:
                continue_buttons(chat_actions.continuations(again.unfinished), on_click=chat_actions.go_on)
        if page.picked is not None:
            settings_button(own)
        if run is not None and answering:
            st.space("stretch")  # Stop stands where no other button follows it: a second click must not press one
            st.button(
                "Stop",
                key="stop",
                shortcut="Escape",
                icon=":material/stop_circle:",
                on_click=chat_actions.stop,
                args=(run.spec.run_id,),
            )
# Outside of st.bottom: only where Streamlit places it there by itself does the page follow a growing answer.
state.refill_composer()
st.chat_input("Write a message", key=state.COMPOSER_KEY, disabled=page.picked is None, on_submit=chat_actions.send)
