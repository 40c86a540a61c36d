"""Imports a folder into a database, a chat at a time, and says after each that it is committed; run as a process."""

import sys
from pathlib import Path

from apehost_core.history.imports import ImportProgress
from apehost_core.store import import_tally
from apehost_core.store.database import Database
from apehost_core.store.imports import Imports


def main() -> None:
    """Import the folder of the second argument into the database of the first; each portion waits for a line."""
    import_tally._PORTION_MESSAGES = 1
    database = Database.open(Path(sys.argv[1]))
    Imports(database).run(Path(sys.argv[2]), _say)
    database.close()


def _say(progress: ImportProgress) -> None:
    print(progress.conversations, flush=True)  # noqa: T201 -- the test waits for it
    sys.stdin.readline()


if __name__ == "__main__":
    main()
