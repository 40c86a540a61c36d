"""What all tests share: a clean environment, one event loop kind, one browser."""

import os
import shutil
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, sync_playwright

from apehost_core.store.database import Database
from tests.__main__ import NO_BROWSER, find_browser

OURS = ("APEHOST_", "LMSTUDIO_", "LM_API_TOKEN", "STREAMLIT_")
E2E = Path(__file__).parent / "e2e"
LONG = (
    "test_kill.py",
    "test_compare_halts.py",
    "test_demo_engine.py",
    "test_care_swap.py",
    "test_secrets.py",
    "test_process.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the browser tests and put them last; the files that take longest come first.

    Playwright's sync API keeps an event loop running in the main thread from its first use to its end, and no
    other loop can run there meanwhile; behind everything else it is in nobody's way. Where processes share the files,
    one that begins a long file last would leave the others with nothing to do.
    """
    for item in items:
        if item.path.is_relative_to(E2E):
            item.add_marker(pytest.mark.browser)
    items.sort(key=lambda item: (item.get_closest_marker("browser") is not None, item.path.name not in LONG))


@pytest.fixture
def anyio_backend() -> str:
    """The only event loop that ApeHost runs on."""
    return "asyncio"


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of the person who runs the tests reaches them."""
    for name in list(os.environ):
        if name.startswith(OURS):
            monkeypatch.delenv(name)


@pytest.fixture(scope="session", autouse=True)
def tables_made_once(tmp_path_factory: pytest.TempPathFactory) -> Generator[None, None, None]:
    """A new database is a copy of one in which all tables were made: making them takes longer than most tests do."""
    opened, made = Database.open, tmp_path_factory.mktemp("tables") / "apehost.duckdb"

    def open_copy(path: Path, **options: Any) -> Database:
        if path.parent.is_dir() and not path.exists() and not path.with_name(f"{path.name}.wal").exists():
            if not made.exists():
                opened(made).close()
            shutil.copyfile(made, path)
        return opened(path, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Database, "open", open_copy)
        yield


@pytest.fixture(scope="session")
def browser() -> Generator[Browser, None, None]:
    """The system's Chromium without a window; skips the test where there is none."""
    executable = find_browser()
    if executable is None:
        pytest.skip(NO_BROWSER)
    # Chromium's sandbox refuses to start for root, which is who tests run as in containers.
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=executable, headless=True, args=["--no-sandbox"] if root else []
        )
        yield chromium
        chromium.close()
