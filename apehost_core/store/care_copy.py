"""Whether a copy holds what the original holds: every row of every table read, and summed up into one number."""

from dataclasses import dataclass
from pathlib import Path

import duckdb

from apehost_core.errors import Fault, StoreDamaged, StoreError
from apehost_core.store.faults import open_error
from apehost_core.store.schema import check
from apehost_core.store.sql_text import identifier

CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "threads": 2,
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "allow_community_extensions": False,
}
"""With what files are opened beside the database: no extension is loaded for them."""
Fingerprint = dict[str, tuple[int, int]]
"""Of each table the number of its rows and the sum of their hashes."""


@dataclass(frozen=True, slots=True)
class Through:
    """What was found by reading a file to its end.

    Attributes:
        schema: Number of its last migration.
        fingerprint: Of all its tables.
    """

    schema: int
    fingerprint: Fingerprint


def fingerprint(connection: duckdb.DuckDBPyConnection, database: str) -> Fingerprint:
    """Return the fingerprint of an attached database; reads every block that holds rows."""
    found = connection.execute(
        "SELECT table_name FROM duckdb_tables() WHERE database_name = ? AND NOT temporary", [database]
    ).fetchall()
    return {str(name): _of_table(connection, database, str(name)) for (name,) in found}


def read_through(path: Path) -> Through:
    """Open a file that nobody writes, without changing it, and read all of it.

    Raises:
        StoreTooNew: A newer program made it.
        StoreDamaged: A part of it cannot be read.
        StoreError: It is no ApeHost database.
    """
    try:
        with duckdb.connect(path, read_only=True, config=CONFIG) as connection:
            check(connection, path)
            name = str(connection.execute("SELECT current_database()").fetchall()[0][0])
            prints = fingerprint(connection, name)
            if not prints:
                raise StoreError(Fault(kind="store", title=f"{path.name} is empty"))
            (schema,) = connection.execute("SELECT max(version) FROM schema_migrations").fetchall()[0]
    except duckdb.Error as error:
        raise open_error(error, path) from error
    return Through(int(schema or 0), prints)


def same(original: Fingerprint, copy: Fingerprint, name: str) -> None:
    """Make sure that a copy has what the original has.

    Raises:
        StoreDamaged: It has not; the fault names the tables.
    """
    parted = sorted(table for table in original.keys() | copy.keys() if original.get(table) != copy.get(table))
    if parted:
        cause = f"These tables are not the same: {', '.join(parted)}."
        raise StoreDamaged(Fault(kind="store", title=f"The copy {name} is not like the original", cause=cause))


def _of_table(connection: duckdb.DuckDBPyConnection, database: str, table: str) -> tuple[int, int]:
    place = f"{identifier(database)}.main.{identifier(table)}"
    sql = f"SELECT count(*), coalesce(sum(hash(rows)::HUGEINT), 0) FROM {place} AS rows"
    row = connection.execute(sql).fetchall()[0]
    return int(row[0]), int(row[1])
