"""Fixtures of the page tests."""

import shutil
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Protocol

import pytest
from anyio.from_thread import start_blocking_portal
from streamlit import config

from apehost_core.store.database import Database
from apehost_core.store.search import Search
from tests.app_process import free_port
from tests.integration.console_samples import fill
from tests.ui.running import Ground, Running, Servers, running


class Start(Protocol):
    """Opens a host that the pages find, until the end of the test; see `running`."""

    def __call__(self, servers: Servers, *, token: str | None = None, **settings: Any) -> Running:
        """Open it."""
        ...


@pytest.fixture(scope="session")
def ground() -> Generator[Ground, None, None]:
    """An event loop in a thread, and some threads more."""
    with ThreadPoolExecutor() as behind, start_blocking_portal("asyncio") as portal:
        yield Ground(portal, behind)


@pytest.fixture(scope="module", autouse=True)
def _tester_options() -> Generator[None, None, None]:
    """Exceptions are seen in full."""
    before = config.get_option("client.showErrorDetails")
    config.set_option("client.showErrorDetails", "full")
    yield
    config.set_option("client.showErrorDetails", before)


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """Where the test's hosts keep their data; not made yet."""
    return tmp_path / "data"


@pytest.fixture(scope="session")
def filled_record(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with something to ask about, found by the search too: made once, to be copied."""
    folder = tmp_path_factory.mktemp("filled")
    database = Database.open(folder / "apehost.duckdb")
    fill(database)
    search = Search(database, folder / "search")
    assert search.settle()
    search.close()
    database.close()
    return folder


@pytest.fixture
def filled(filled_record: Path, start: Start, data_dir: Path) -> Running:
    """A host without servers, with something to ask about."""
    shutil.copytree(filled_record, data_dir)
    return start({})


@pytest.fixture
def start(ground: Ground, data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[Start, None, None]:
    """Opens hosts on the test's folder; where no server is configured, none of this computer's is found."""
    monkeypatch.setattr("apehost_core.host._DEFAULT_URL", f"http://localhost:{free_port()}")
    with ExitStack() as stack:

        def opened(servers: Servers, *, token: str | None = None, **settings: Any) -> Running:
            return stack.enter_context(running(ground, data_dir, servers, token=token, **settings))

        yield opened
