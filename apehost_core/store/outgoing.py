"""Tables on their way out as files: DuckDB writes them into its outbox, by what it brings along.

In CSV, texts that a spreadsheet would run are made harmless (`spreadsheets`); Parquet has every text as it is.
"""

import time
from collections.abc import Generator, Iterable
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import duckdb

from apehost_core.errors import Fault, StoreError
from apehost_core.history.console import TableFormat
from apehost_core.ids import new_id
from apehost_core.store.spreadsheets import harmless
from apehost_core.store.sql_text import identifier, literal

_PREFIX = "export-"
_LEFT_BEHIND_S = 3600.0
_OPTIONS: dict[TableFormat, str] = {"csv": "FORMAT csv, HEADER", "parquet": "FORMAT parquet, COMPRESSION zstd"}


@contextmanager
def outgoing(outbox: Path, table_format: TableFormat) -> Generator[Path, None, None]:
    """Give a path for a file that is read inside of the context; afterwards it is gone.

    So are, before, those of a process that was killed.

    Raises:
        StoreError: The file cannot be written or read.
    """
    _sweep(outbox)
    path = outbox / f"{_PREFIX}{new_id()}.{table_format}"
    try:
        yield path
    except OSError as error:
        fault = Fault(kind="store", title="The file could not be written", cause=error.strerror or "")
        raise StoreError(fault) from error
    finally:
        path.unlink(missing_ok=True)


def write_table(
    cursor: duckdb.DuckDBPyConnection,
    source: str,
    path: Path,
    *,
    texts: Iterable[str] = (),
    values: Any = None,
) -> None:
    """Write all rows of a table or statement into a file.

    Args:
        cursor: Reads it.
        source: What stands behind FROM.
        path: The file; its suffix says the format.
        texts: Columns of text.
        values: Of the statement's parameters.
    """
    table_format: TableFormat = "csv" if path.suffix == ".csv" else "parquet"
    replaced = [f"{harmless(name)} AS {identifier(name)}" for name in texts] if table_format == "csv" else []
    columns = f"* REPLACE ({', '.join(replaced)})" if replaced else "*"
    target = literal(str(path))
    cursor.execute(f"COPY (SELECT {columns} FROM {source}) TO {target} ({_OPTIONS[table_format]})", values)


def _sweep(outbox: Path) -> None:
    """Remove what a process that was killed in mid-export has left behind."""
    for path in outbox.glob(f"{_PREFIX}*"):
        with suppress(FileNotFoundError):  # whoever writes it has just removed it
            if time.time() - path.stat().st_mtime > _LEFT_BEHIND_S:
                path.unlink()
