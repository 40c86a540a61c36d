"""The servers page: what each server is and has, what its models use, and what was asked of it."""

from typing import assert_never

import streamlit as st

from apehost_ui import chat_actions, server_actions, state
from apehost_ui.components.empty import no_server
from apehost_ui.components.fault import fault_box
from apehost_ui.components.profile_editor import profile_editor
from apehost_ui.components.request_inspector import inspector_dialog
from apehost_ui.components.server_card import CardActions, server_card
from apehost_ui.components.server_form import open_to_add, open_to_edit, server_dialog
from apehost_ui.components.server_models import ModelActions, server_models
from apehost_ui.components.server_pages import shown_servers
from apehost_ui.components.server_requests import server_requests
from apehost_ui.components.server_sections import section
from apehost_ui.host import host
from apehost_ui.server_words import homes

page, servers = state.servers(), host().servers
cards = CardActions(
    look=server_actions.look,
    edit=open_to_edit,
    enable=server_actions.enable,
    move=server_actions.move,
    ask_removal=server_actions.ask_removal,
    remove=server_actions.remove,
)
models = ModelActions(
    load=server_actions.load,
    forget_load=server_actions.forget_load,
    forget_download=server_actions.forget_download,
    unload=server_actions.unload,
    download=server_actions.download,
)

with st.container(key="servers-page"):
    with st.container(horizontal=True, vertical_alignment="center"):
        st.title("Servers", anchor=False)
        st.button("Add server", key="add-server", type="primary", icon=":material/add:", on_click=open_to_add)
    shown = section()
    with st.container(key="page-refusal"):
        if page.refusal is not None and page.refused not in [server.name for server in servers]:
            fault_box(page.refusal)
    match shown:
        case "servers" if any(server.configured or server.answers for server in servers):
            everywhere = homes(servers)
            for place, server in shown_servers(servers):
                with st.container(border=True, key=f"server|{server.name}"):
                    refusal = page.refusal if page.refused == server.name else None
                    server_card(server, place, server_actions.view, cards, removing=page.removing == server.name)
                    with st.container(key=f"refusal|{server.name}"):
                        if refusal is not None and not page.refused_download:
                            fault_box(refusal)
                    not_downloaded = refusal if page.refused_download else None
                    server_models(server, everywhere, server_actions.view, models, not_downloaded)
        case "servers":
            server_actions.start(no_server(servers, demo_offer=chat_actions.demo_offered()))
        case "profiles":
            for fault in host().profiles.unreadable:
                fault_box(fault)
            profile_editor(
                host().profiles.list(),
                [model for server in servers for model in server.models],
                on_save=server_actions.save_profile,
                on_delete=server_actions.delete_profile,
            )
        case "requests":
            server_requests([server.name for server in servers], server_actions.requests)
        case _:
            assert_never(shown)
server_dialog(server_actions.known, on_test=server_actions.test, on_save=server_actions.save)
inspector_dialog(host().inspect)
