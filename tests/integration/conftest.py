"""Fixtures of the integration tests."""

from collections.abc import Generator
from pathlib import Path

import pytest

from apehost_core.store.database import Database


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
