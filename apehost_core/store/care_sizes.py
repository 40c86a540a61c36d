"""How large everything is, and giving back what the open file does not need."""

import re
import shutil
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

import duckdb

from apehost_core.errors import StoreError
from apehost_core.history.care import Backup, Folded, Sizes, TableSize
from apehost_core.store.database import Database
from apehost_core.store.faults import write_fault

_INDEX = "search"
_PATIENCE_S = 20.0
_REST_S = 0.05
_BUSY = re.compile(r"other (write )?transactions? active", re.IGNORECASE)
_BLOCKS = """
SELECT '{table}' AS name, block_id AS block FROM pragma_storage_info('{table}') WHERE persistent
UNION ALL
SELECT '{table}', unnest(additional_block_ids) FROM pragma_storage_info('{table}') WHERE persistent"""
# Small segments share a block: each table that has a part of one is counted its share.
_SHARES = """
WITH used AS (SELECT DISTINCT name, block FROM ({blocks}) WHERE block >= 0),
shares AS (SELECT name, 1.0 / count(*) OVER (PARTITION BY block) AS share FROM used)
SELECT name, sum(share) FROM shares GROUP BY name"""


def sizes(database: Database, data_dir: Path, backups: Iterable[Backup]) -> Sizes:
    """Return what takes how much room; takes a third of a second for a million messages.

    Raises:
        StoreError: The database cannot be read.
    """
    with database.read() as cursor:
        found = cursor.execute("SELECT table_name FROM duckdb_tables() WHERE NOT internal ORDER BY table_name")
        names = [str(row[0]) for row in found.fetchall()]
        block, free = cursor.execute("SELECT block_size, free_blocks FROM pragma_database_size()").fetchall()[0]
        blocks = dict(cursor.execute(_SHARES.format(blocks=_union(_BLOCKS, names))).fetchall())
        rows = dict(cursor.execute(_union("SELECT '{table}', count(*) FROM \"{table}\"", names)).fetchall())
    tables = [TableSize(name, rows[name], round(blocks.get(name, 0) * block)) for name in names]
    return Sizes(
        tables=tuple(sorted(tables, key=lambda table: (-table.size, -table.rows, table.name))),
        file=size_of(database.path),
        free=int(free) * int(block),
        log=size_of(log_of(database.path)),
        index=_folder_size(data_dir / _INDEX),
        backups=sum(backup.size for backup in backups),
        disk_free=shutil.disk_usage(data_dir).free,
    )


def fold(database: Database) -> Folded:
    """Fold the write-ahead log into the file and give back what is free at its end; waits for a moment without writes.

    Raises:
        StoreError: There was none for twenty seconds, or the disk is full.
    """
    before, until = _both(database.path), time.monotonic() + _PATIENCE_S
    while True:
        try:
            with database.read() as cursor:
                cursor.execute("CHECKPOINT")
            return Folded(before, _both(database.path))
        except StoreError as error:
            busy = isinstance(error.__cause__, duckdb.TransactionException) and _BUSY.search(str(error.__cause__))
            if not busy or time.monotonic() > until:
                raise StoreError(write_fault(error.__cause__ or error)) from error
            time.sleep(_REST_S)


def size_of(path: Path) -> int:
    """Return the bytes of a file, without opening it; 0 where there is none."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def log_of(path: Path) -> Path:
    """Return where the write-ahead log of a database is."""
    return path.with_name(path.name + ".wal")


def _both(path: Path) -> int:
    return size_of(path) + size_of(log_of(path))


def _union(statement: str, tables: Sequence[str]) -> str:
    return "\nUNION ALL\n".join(statement.format(table=table) for table in tables)


def _folder_size(folder: Path) -> int:
    """Return the bytes of all files below a folder; files that go meanwhile do not count."""
    return sum(size_of(path) for path in folder.rglob("*") if not path.is_dir()) if folder.is_dir() else 0
