"""Which tables the file has: numbered SQL files, applied once each, in order, and remembered with their checksums."""

import hashlib
import re
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import duckdb

from apehost_core.errors import Fault, StoreError, StoreTooNew
from apehost_core.store.faults import too_new

_NAME = re.compile(r"(\d{4})_\w+\.sql")
_TABLE = """
CREATE TABLE IF NOT EXISTS schema_migrations (
    version INTEGER NOT NULL, name TEXT NOT NULL, sha256 TEXT NOT NULL, applied_at TIMESTAMPTZ NOT NULL
)"""


@dataclass(frozen=True, slots=True)
class Migration:
    """One numbered SQL file.

    Attributes:
        version: From 1, without gaps.
        name: The file's name.
        sql: Its statements.
        sha256: Checksum of the statements, hex.
    """

    version: int
    name: str
    sql: str
    sha256: str


def migrations() -> tuple[Migration, ...]:
    """Return the migrations that this program knows, in order."""
    found: list[Migration] = []
    for entry in files("apehost_core.store.migrations").iterdir():
        name = _NAME.fullmatch(entry.name)
        if name:
            sql = entry.read_text(encoding="utf-8")
            found.append(Migration(int(name.group(1)), entry.name, sql, hashlib.sha256(sql.encode()).hexdigest()))
    return tuple(sorted(found, key=lambda migration: migration.version))


def check(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Look at an opened file without changing it.

    Raises:
        StoreTooNew: It has migrations that this program does not know.
        StoreError: It is no ApeHost database, or was made by other migrations of the same numbers.
    """
    tables = {str(row[0]) for row in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()}
    if not tables:
        return
    if "schema_migrations" not in tables:
        title = f"{path} is a DuckDB file that ApeHost did not make"
        raise StoreError(Fault(kind="store", title=title, advice="Set APEHOST_DATA_DIR to another folder."))
    known = {migration.version: migration for migration in migrations()}
    for version, name, sha256 in connection.execute(
        "SELECT version, name, sha256 FROM schema_migrations ORDER BY version"
    ).fetchall():
        if version not in known:
            raise StoreTooNew(too_new(path, f"a newer ApeHost (schema {version}, this one knows {max(known)})"))
        if known[version].sha256 != sha256:
            title = f"{path} was made by another edition of migration {name}"
            advice = "Use the ApeHost that made it, or set APEHOST_DATA_DIR to another folder. Nothing was changed."
            raise StoreError(Fault(kind="store", title=title, advice=advice))


def migrate(connection: duckdb.DuckDBPyConnection) -> None:
    """Apply what is missing, each migration in a transaction of its own."""
    connection.execute(_TABLE)
    done = {int(row[0]) for row in connection.execute("SELECT version FROM schema_migrations").fetchall()}
    for migration in migrations():
        if migration.version in done:
            continue
        connection.begin()
        try:
            connection.execute(migration.sql)
            connection.execute(
                "INSERT INTO schema_migrations VALUES (?, ?, ?, now())",
                [migration.version, migration.name, migration.sha256],
            )
            connection.commit()
        except duckdb.Error:
            connection.rollback()
            raise
