"""Which of many servers are drawn: a card costs what a page has time for six of."""

from collections.abc import Sequence

import streamlit as st

from apehost_core.servers import ServerView
from apehost_ui.components.server_card import Place

PER_PAGE = 6


def shown_servers(servers: Sequence[ServerView]) -> list[tuple[Place, ServerView]]:
    """Draw a name filter and page numbers where there are many; returns the servers to draw, and where they stand."""
    placed = [(Place(number, len(servers)), server) for number, server in enumerate(servers)]
    if len(placed) <= PER_PAGE:
        return placed
    wanted = st.text_input("Find a server", key="find-server", placeholder="Part of its name").strip().casefold()
    found = [(place, server) for place, server in placed if wanted in server.name.casefold()]
    if not found:
        st.info("No server has a name like this.", icon=":material/search_off:")
    pages = -(-len(found) // PER_PAGE)
    if pages < 2:
        return found
    page = st.pagination(pages, key=f"server-pages-{pages}")
    return found[(page - 1) * PER_PAGE : page * PER_PAGE]
