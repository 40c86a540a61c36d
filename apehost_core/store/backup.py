"""A consistent copy of the open database, made through DuckDB itself: the file is never read by path.

The copy is read to its end and compared with the original before it gets its name. DuckDB can write into its outbox
only. So the copy is made there and moved, which on another disk is a second copy.
"""

import shutil
from collections.abc import Callable
from pathlib import Path

import duckdb

from apehost_core.errors import Fault, StoreError
from apehost_core.ids import new_id
from apehost_core.store.care_copy import Fingerprint, fingerprint, read_through, same
from apehost_core.store.database import Database
from apehost_core.store.sql_text import literal


def backup(database: Database, destination: Path, *, growing: Callable[[Path], None] | None = None) -> None:
    """Write a copy of everything committed so far; the app goes on writing meanwhile.

    Args:
        database: An open database.
        destination: A file that does not exist yet, in a folder that does.
        growing: Told which file grows while the copy is made.

    Raises:
        StoreError: It exists, cannot be written, or is not like the original; no half copy is left.
    """
    if destination.exists():
        raise StoreError(_fault(destination, "there is already a file of that name"))
    if not destination.parent.is_dir():
        raise StoreError(_fault(destination, "its folder does not exist"))
    made = database.outbox / f"copy-{new_id()}.duckdb"
    unfinished = destination.with_name(destination.name + ".unfinished")
    unfinished.unlink(missing_ok=True)
    if growing is not None:
        growing(made)
    try:
        same(_copied(database, made), read_through(made).fingerprint, destination.name)
        shutil.move(made, unfinished)
        unfinished.rename(destination)
    except OSError as error:
        raise StoreError(_fault(destination, error.strerror or "it cannot be written")) from error
    finally:
        made.unlink(missing_ok=True)
        unfinished.unlink(missing_ok=True)


def _copied(database: Database, made: Path) -> Fingerprint:
    """Write the copy and return the fingerprint of what was there to be copied."""
    with database.read() as cursor:
        name = str(cursor.execute("SELECT current_database()").fetchall()[0][0])
        cursor.execute(f"ATTACH {literal(str(made))} AS the_copy")
        cursor.begin()  # one state of the database for the copy and what it is compared with
        try:
            cursor.execute(f'COPY FROM DATABASE "{name}" TO the_copy')
            original = fingerprint(cursor, name)
            cursor.commit()
        except duckdb.Error:
            cursor.rollback()
            raise
        finally:
            cursor.execute("DETACH the_copy")
    return original


def _fault(destination: Path, problem: str) -> Fault:
    return Fault(kind="store", title=f"The copy cannot be written to {destination}", cause=problem.capitalize() + ".")
