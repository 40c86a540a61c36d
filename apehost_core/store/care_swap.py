"""Puts a backup, or a rewritten copy, in the place of the database: at the start, before anything opens the file.

While the app runs its file is open, and answers go into it, so nothing can take its place then. What a person orders
is written down (`care_order`) and done here. The new file is made whole under another name and read to its end; only
then it is moved over the old one, which is one step of the file system. Killed before that step, everything is as it
was and the next start begins anew; killed after it, the next start has nothing left to do.
"""

import logging
import os
import shutil
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from apehost_core.errors import ApeHostError, Fault, StoreDamaged, StoreError, StoreLocked
from apehost_core.history.care import SwapOrder, SwapOutcome
from apehost_core.store.care_backups import Backups, read_backup, room_for
from apehost_core.store.care_copy import CONFIG, fingerprint, read_through, same
from apehost_core.store.care_order import (
    Standing,
    alone,
    durable,
    durable_names,
    read_order,
    read_outcome,
    remove_order,
    write_order,
    write_outcome,
)
from apehost_core.store.care_sizes import log_of, size_of
from apehost_core.store.faults import open_error, write_fault
from apehost_core.store.schema import migrate
from apehost_core.store.sql_text import literal

_log = logging.getLogger(__name__)

_INCOMING = "incoming.duckdb"


def settle_swap(path: Path, *, memory_limit: str = "1GB") -> None:
    """Do what was ordered, if anything was; a failure is written down and changes nothing.

    Args:
        path: The database, which nobody has open.
        memory_limit: For DuckDB.

    Raises:
        StoreLocked: Another process has the database open.
        StoreError: What was done or not could not be written down.
    """
    folder = path.parent
    try:
        if not _is_ordered(folder):
            return
        with alone(folder):
            _settle(path, memory_limit)
    except OSError as error:
        title = "What was ordered to be done to the database cannot be done"
        raise StoreError(Fault(kind="store", title=title, cause=error.strerror or "")) from error


def restore_now(path: Path, source: Path) -> SwapOutcome:
    """Put a file in the place of a database that nobody has open, also of one that is damaged.

    Args:
        path: The database; what is there becomes a backup.
        source: A backup, or a copy anywhere else.

    Returns:
        What was done.

    Raises:
        StoreLocked: ApeHost runs.
        StoreError: The file cannot be restored; everything is as it was.
    """
    backups = Backups(path.parent)
    if not source.is_file():
        raise StoreError(Fault(kind="store", title=f"There is no file at {source}"))
    if _is_ordered(path.parent):
        title = "The next start of ApeHost already has something to do to the database"
        raise StoreError(Fault(kind="store", title=title, advice="Start it, or call that off on its page, first."))
    chosen, brought = source, None
    if source.parent.resolve() != backups.folder.resolve():
        chosen = brought = backups.free_path()
        shutil.copyfile(source, brought)
    write_order(path.parent, Standing(SwapOrder("restore", chosen.name, datetime.now(UTC))))
    try:
        settle_swap(path)
        outcome = read_outcome(path.parent)
        if outcome is None or outcome.fault is not None:
            said = outcome.fault if outcome else None
            raise StoreError(said or Fault(kind="store", title=f"{source.name} could not be restored"))
    except StoreError:
        remove_order(path.parent)
        if brought is not None:
            brought.unlink(missing_ok=True)
        raise
    return outcome


def _is_ordered(folder: Path) -> bool:
    try:
        return read_order(folder) is not None
    except ValueError as error:
        _log.warning("an order to swap the database says nothing that is known: %s", error)
        remove_order(folder)
        return False


def _settle(path: Path, memory_limit: str) -> None:
    folder, begun = path.parent, time.monotonic()
    standing = read_order(folder)
    if standing is None:
        return  # another process has done it since
    try:
        if not (standing.stage == "swapping" and not _incoming(path).exists()):
            standing = _prepared(path, standing, memory_limit)
            _put_in_place(path, standing)
        outcome = _done(path, standing)
    except StoreLocked:
        raise
    except (ApeHostError, duckdb.Error, OSError) as error:
        _log.warning("the database could not be swapped: %s", error)
        if standing.kept:
            _give_back(path, Backups(folder).folder / standing.kept)
        fault = _fault(error, path)
        outcome = SwapOutcome(standing.order.work, standing.order.name, datetime.now(UTC), fault=fault)
    write_outcome(folder, replace(outcome, took_s=time.monotonic() - begun))
    remove_order(folder)
    _discard(_incoming(path))
    _log.info("the database was swapped (%s): %s", outcome.work, outcome.fault or "done")


def _prepared(path: Path, standing: Standing, memory_limit: str) -> Standing:
    """Make the new file whole, and write down that it is."""
    incoming = _incoming(path)
    _discard(incoming)
    before = size_of(path)
    if standing.order.work == "restore":
        _bring(path, incoming, standing.order)
        readable = _folded(path)
    else:
        _rewrite(path, incoming, memory_limit)
        readable = True
    durable(incoming)
    kept = standing.kept
    if standing.order.work == "restore" and path.exists() and not kept:
        kept = Backups(path.parent).before_restore().name
    standing = Standing(standing.order, "swapping", kept, before + (0 if readable else size_of(log_of(path))))
    write_order(path.parent, standing)
    return standing


def _bring(path: Path, incoming: Path, order: SwapOrder) -> None:
    """Copy a backup, read it to its end and bring its tables up to date."""
    source = Backups(path.parent).path(order.name)
    room_for(source.stat().st_size, path.parent)
    shutil.copyfile(source, incoming)
    if log_of(source).exists():  # of one that could not be folded when it was kept
        shutil.copyfile(log_of(source), log_of(incoming))
    try:
        read_backup(incoming)
        with duckdb.connect(incoming, config=CONFIG) as connection:
            migrate(connection)
            connection.execute("CHECKPOINT")
    except ApeHostError as error:
        raise type(error)(replace(error.fault, title=error.fault.title.replace(_INCOMING, order.name))) from error
    _whole(incoming)


def _rewrite(path: Path, incoming: Path, memory_limit: str) -> None:
    """Copy the database row by row into a new file, and make sure that it holds the same."""
    room_for(path.stat().st_size, path.parent)
    try:
        with duckdb.connect(path, config={**CONFIG, "memory_limit": memory_limit}) as connection:
            connection.execute("CHECKPOINT")
            name = str(connection.execute("SELECT current_database()").fetchall()[0][0])
            connection.execute(f"ATTACH {literal(str(incoming))} AS the_copy")
            connection.execute(f'COPY FROM DATABASE "{name}" TO the_copy')
            original = fingerprint(connection, name)
            connection.execute("DETACH the_copy")
    except duckdb.Error as error:
        raise open_error(error, path) from error
    same(original, read_through(incoming).fingerprint, path.name)
    _whole(incoming)


def _folded(path: Path) -> bool:
    """Fold the write-ahead log of the database into it; returns whether that went, which a damaged one refuses.

    Raises:
        StoreLocked: Another process has it open.
    """
    if not path.exists():
        return True
    try:
        with duckdb.connect(path, config=CONFIG) as connection:
            connection.execute("CHECKPOINT")
    except duckdb.Error as error:
        refused = open_error(error, path)
        if isinstance(refused, StoreLocked):
            raise refused from error
        _log.warning("what a backup takes the place of cannot be opened, and is kept as it is: %s", error)
        return False
    return not log_of(path).exists()


def _put_in_place(path: Path, standing: Standing) -> None:
    """Keep what is there under another name, and move the new file over it."""
    if standing.kept and path.exists():
        _keep(path, Backups(path.parent).folder / standing.kept)
    log_of(path).unlink(missing_ok=True)
    os.replace(_incoming(path), path)
    durable_names(path.parent)


def _keep(path: Path, kept: Path) -> None:
    """Have a database, and the log that could not be folded into it, under a second name. The name comes last."""
    if kept.exists():
        return
    kept.parent.mkdir(mode=0o700, exist_ok=True)
    if log_of(path).exists():
        shutil.copyfile(log_of(path), log_of(kept))
        durable(log_of(kept))
    try:
        os.link(path, kept)
    except OSError:  # a file system without second names
        _copy_whole(path, kept)
    durable_names(kept.parent)


def _copy_whole(source: Path, destination: Path) -> None:
    """Copy a file so that the copy is there whole or not at all."""
    unfinished = destination.with_name(destination.name + ".unfinished")
    shutil.copyfile(source, unfinished)
    durable(unfinished)
    os.replace(unfinished, destination)


def _give_back(path: Path, kept: Path) -> None:
    """Undo `_keep`: the file must not have two names while it is written."""
    if log_of(kept).exists():
        if kept.exists() and not log_of(path).exists():
            _copy_whole(log_of(kept), log_of(path))
        log_of(kept).unlink()
    kept.unlink(missing_ok=True)


def _done(path: Path, standing: Standing) -> SwapOutcome:
    order = standing.order
    return SwapOutcome(
        order.work, order.name, datetime.now(UTC), kept=standing.kept, before=standing.before, after=size_of(path)
    )


def _whole(incoming: Path) -> None:
    """Make sure that nothing of a file stands in a log beside it."""
    if log_of(incoming).exists():
        raise StoreDamaged(Fault(kind="store", title="The new file could not be finished"))


def _discard(incoming: Path) -> None:
    for left in (incoming, log_of(incoming)):
        left.unlink(missing_ok=True)


def _fault(error: Exception, path: Path) -> Fault:
    """Return what to say; pages show it, so it names no folder."""
    if isinstance(error, ApeHostError):
        places = f"{path.parent}{os.sep}"
        said = error.fault
        return replace(said, title=said.title.replace(places, ""), cause=said.cause.replace(places, ""))
    if isinstance(error, OSError):
        title = "The new file could not take the database's place"
        return Fault(kind="store", title=title, cause=error.strerror or "", advice="Everything is as it was.")
    return write_fault(error)


def _incoming(path: Path) -> Path:
    return path.with_name(_INCOMING)
