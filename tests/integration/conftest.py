"""Fixtures of the integration tests."""

from collections.abc import Generator
from pathlib import Path

import pytest

from apehost_core.store.care import Care
from apehost_core.store.database import Database
from apehost_core.store.search import Search
from tests.integration.caring import one_chat
from tests.search_samples import searching


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a test's database lives."""
    return tmp_path / "apehost.duckdb"


@pytest.fixture
def database(path: Path) -> Generator[Database, None, None]:
    """An open, empty database."""
    database = Database.open(path)
    yield database
    database.close()


@pytest.fixture
def search(database: Database, tmp_path: Path) -> Generator[Search, None, None]:
    """The search index of the database."""
    with searching(database, tmp_path / "search") as search:
        yield search


@pytest.fixture
def care(database: Database, search: Search, tmp_path: Path) -> Generator[Care, None, None]:
    """What cares for the database, without what is done by itself."""
    care = Care(database, tmp_path, search, first_s=3600)
    yield care
    care.close()


@pytest.fixture
def chat(database: Database) -> str:
    """A chat of a question and an answer, with what made it; its id."""
    return one_chat(database)
