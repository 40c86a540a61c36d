"""The `apehost` command: what is done beside the running app. It never opens the database that the app holds.

apehost backup FILE      a consistent copy, made by the running app, or directly when none runs
apehost salvage FILE     what can be read of a damaged database, brought to a new file
apehost restore FILE     puts a copy in the place of the database, while ApeHost does not run
apehost version
"""

import argparse
import sys
from importlib import metadata
from pathlib import Path

from apehost_core.control import ask_for_backup, read_control
from apehost_core.errors import ApeHostError, Fault, StoreError
from apehost_core.settings import Settings, load_settings
from apehost_core.store.backup import backup
from apehost_core.store.care_swap import restore_now
from apehost_core.store.database import Database
from apehost_core.store.salvage import salvage


def main(arguments: list[str] | None = None) -> int:
    """Run the command and return its exit code: 0 done, 1 failed, 2 not understood."""
    parser = argparse.ArgumentParser(prog="apehost", description="What is done beside the running app.")
    commands = parser.add_subparsers(dest="command", required=True)
    for name, words, file in (
        (
            "backup",
            "write a consistent copy of the database, also while ApeHost runs",
            "the file to write; must not exist",
        ),
        ("salvage", "bring what can be read of a damaged database to a new file", "the file to write; must not exist"),
        ("restore", "put a copy in the place of the database, while ApeHost does not run", "the copy"),
    ):
        commands.add_parser(name, help=words).add_argument("file", type=Path, help=file)
    commands.add_parser("version", help="print the version")
    asked = parser.parse_args(arguments)
    try:
        _say(_answer(asked.command, getattr(asked, "file", Path())))
    except ApeHostError as error:
        print(error, file=sys.stderr)  # noqa: T201 -- this is a command
        return 1
    return 0


def _answer(command: str, file: Path) -> str:
    if command == "version":
        return metadata.version("apehost")
    settings, destination = load_settings(), file.expanduser().absolute()
    work = {"backup": _backed_up, "salvage": _salvaged, "restore": _restored}[command]
    return work(settings, destination)


def _backed_up(settings: Settings, destination: Path) -> str:
    running = read_control(settings.data_dir)
    if running is not None and ask_for_backup(running, destination):
        return f"Copied to {destination} by the running ApeHost (process {running.pid})."
    if not settings.database_path.exists():
        raise StoreError(Fault(kind="store", title=f"There is no database at {settings.database_path}"))
    database = Database.open(settings.database_path, memory_limit=settings.database_memory)
    try:
        backup(database, destination)
    finally:
        database.close()
    return f"Copied to {destination}."


def _salvaged(settings: Settings, destination: Path) -> str:
    saved = salvage(settings.database_path, destination)
    lines = [f"Written to {destination}:", *(f"  {count:>10,} {table}" for table, count in saved.rows.items())]
    if saved.cut_at is not None:
        lines.append(f"The write-ahead log was damaged at byte {saved.cut_at:,}; what stood after it is not here.")
    lines.append("The damaged files are as they were. To go on with the new one, put it in their place.")
    return "\n".join(lines)


def _restored(settings: Settings, source: Path) -> str:
    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    outcome = restore_now(settings.database_path, source)
    kept = f" What was there before is {outcome.kept} in the folder backups." if outcome.kept else ""
    return f"{source.name} was put in place of the database.{kept}"


def _say(text: str) -> None:
    print(text)  # noqa: T201 -- this is a command


if __name__ == "__main__":
    sys.exit(main())
