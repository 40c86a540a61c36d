"""The process: Streamlit's pages and the HTTP API behind one guard. Start it with `streamlit run app.py`."""

import asyncio
import gc
import logging
import os
import sys
import threading
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import streamlit as st

from apehost_core.api.app import exception_handlers, middleware, routes
from apehost_core.control import announced
from apehost_core.errors import ApeHostError
from apehost_core.host import open_host
from apehost_core.settings import Settings, load_settings
from apehost_ui import host as ui_host

ROOT = Path(__file__).parent


def _prepared() -> tuple[Settings, list[Any]]:
    """Return the settings and the middleware that they describe, or end with what is wrong with them."""
    try:
        settings = load_settings(ROOT / ".env")
        return settings, middleware(allowed_hosts=settings.allowed_hosts, max_body_bytes=settings.max_body_bytes)
    except ApeHostError as error:
        sys.exit(f"ApeHost cannot start. {error}")


settings, guards = _prepared()
logging.basicConfig(level=settings.log_level, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
logging.getLogger("httpx").setLevel(logging.WARNING)
logging.getLogger("httpcore").setLevel(logging.WARNING)


@asynccontextmanager
async def lifespan(_app: Any) -> AsyncGenerator[dict[str, Any], None]:
    """Hold the host open while the server runs."""
    try:
        async with open_host(settings) as host, ui_host.installed(host):
            with announced(settings.data_dir, _own_url(), host.control_key):
                gc.collect()
                gc.freeze()
                threading.Thread(target=_load_the_rest, name="apehost-imports", daemon=True).start()
                yield {}
    except ApeHostError as error:
        print(f"ApeHost cannot start. {error}", file=sys.stderr)  # noqa: T201 -- the log may be off
        await asyncio.sleep(0)
        os._exit(3)


def _load_the_rest() -> None:
    """Load what pages with tables and statistics need: the start need not wait for it, nor their first visit."""
    for name in ("pandas", "scipy.special", "scipy.optimize"):
        import_module(name)


def _own_url() -> str:
    host = str(st.get_option("server.address") or "")
    if host in ("", "0.0.0.0", "::"):
        host = "127.0.0.1"
    return f"http://{host}:{st.get_option('server.port')}"


app = st.App(
    ROOT / "apehost_ui" / "frame.py",
    lifespan=lifespan,
    routes=routes(ui_host.current),
    middleware=guards,
    exception_handlers=exception_handlers(),
)
