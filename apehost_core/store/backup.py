"""A consistent copy of the open database, made through DuckDB itself: the file is never read by path."""

from pathlib import Path

from apehost_core.errors import Fault, StoreError
from apehost_core.store.database import Database


def backup(database: Database, destination: Path) -> None:
    """Write a copy of everything committed so far; the app goes on writing meanwhile.

    Args:
        database: An open database.
        destination: A file that does not exist yet, in a folder that does.

    Raises:
        StoreError: It exists, or cannot be written; no half copy is left.
    """
    if destination.exists():
        raise StoreError(_fault(destination, "there is already a file of that name"))
    if not destination.parent.is_dir():
        raise StoreError(_fault(destination, "its folder does not exist"))
    unfinished = destination.with_name(destination.name + ".unfinished")
    unfinished.unlink(missing_ok=True)
    try:
        with database.read() as cursor:
            name = str(cursor.execute("SELECT current_database()").fetchall()[0][0])
            cursor.execute(f"ATTACH '{_quoted(unfinished)}' AS the_copy")
            try:
                cursor.execute(f'COPY FROM DATABASE "{name}" TO the_copy')
            finally:
                cursor.execute("DETACH the_copy")
        unfinished.rename(destination)
    finally:
        unfinished.unlink(missing_ok=True)


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")


def _fault(destination: Path, problem: str) -> Fault:
    return Fault(kind="store", title=f"The copy cannot be written to {destination}", cause=problem.capitalize() + ".")
