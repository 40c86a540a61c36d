"""What is drawn of the care of the record: what goes on, what the next start does, backups, sizes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import streamlit as st

from apehost_core.history.care import Backup, CareJob, Sizes, SwapOrder, SwapOutcome
from apehost_ui.components.fault import fault_box
from apehost_ui.components.grid import grid
from apehost_ui.components.history_data_words import (
    TABLES,
    backup_words,
    free_words,
    order_words,
    outcome_words,
    result_words,
    working_words,
)
from apehost_ui.markdown import plain_label
from apehost_ui.words import size

_MOST_LISTED = 30
_MOST_DOWNLOADED = 300_000_000
_WORTH_A_REWRITE = 0.1


@dataclass(frozen=True, slots=True)
class BackupActions:
    """What the buttons of backups do; each but the first gets the name.

    Attributes:
        make: Makes a backup.
        restore: Has one take the record's place.
        delete: Deletes one for good.
        read: Returns its bytes, for a download.
    """

    make: Callable[[], None]
    restore: Callable[[str], None]
    delete: Callable[[str], None]
    read: Callable[[str], bytes]


def care_progress(job: CareJob) -> None:
    """Draw what goes on and how far it is."""
    words = plain_label(working_words(job))
    if job.fraction is None:
        st.markdown(f":material/hourglass_top: {words} …")
    else:
        st.progress(job.fraction, text=words)
    st.caption("It goes on when you leave this page; chats go on meanwhile.")


def care_result(job: CareJob, on_close: Callable[[], None]) -> None:
    """Draw what came of a job that has ended, where the page does not show it elsewhere."""
    said = result_words(job.result)
    if job.fault is None and not said:
        return
    if job.fault is not None:
        fault_box(job.fault)
    else:
        st.success(plain_label(said), icon=":material/done:")
    st.button("Close", key="care-close", type="tertiary", icon=":material/close:", on_click=on_close)


def next_start(order: SwapOrder, on_call_off: Callable[[], None]) -> None:
    """Draw what the next start does, and what a person has to do for it."""
    said = f"**{plain_label(order_words(order))}**"
    st.warning(
        f"{said}\n\nTo have it done now, end ApeHost where it was started (Ctrl+C, or stop its service) and start it "
        "again. The database is open while ApeHost runs; that is why it has to wait.",
        icon=":material/restart_alt:",
    )
    st.button("Call it off", key="care-call-off", icon=":material/undo:", on_click=on_call_off)


def last_swap(outcome: SwapOutcome, on_close: Callable[[], None]) -> None:
    """Draw what was done to the file at a start."""
    if outcome.fault is not None:
        fault_box(outcome.fault)
        st.caption("Nothing was changed; ApeHost goes on with the record that was there.")
    else:
        st.success(plain_label(outcome_words(outcome)), icon=":material/done:")
    st.button("Close", key="care-outcome-close", type="tertiary", icon=":material/close:", on_click=on_close)


def backup_list(backups: Sequence[Backup], actions: BackupActions, *, idle: bool) -> None:
    """Draw the backups, the newest first, and a button that makes one.

    Args:
        backups: May be empty.
        actions: What the buttons do.
        idle: Nothing goes on, so that something can be begun.
    """
    st.subheader("Backups", anchor=False)
    st.caption(
        "A backup is the whole record as one file: every chat, measurement and setting kept in it. It is made while "
        "ApeHost runs, read to its end and compared. Backups lie in the folder backups beside the database; a database "
        "file that you put there is listed, too."
    )
    label = {"key": "care-backup", "icon": ":material/save:", "type": "primary", "disabled": not idle}
    st.button("Back up now", on_click=actions.make, **label)  # pyright: ignore[reportArgumentType]
    if not backups:
        st.info("There is no backup yet.")
    with st.container(key="backups", gap="small"):
        for backup in backups[:_MOST_LISTED]:
            _backup(backup, actions, idle=idle)
    if len(backups) > _MOST_LISTED:
        st.caption(f"{len(backups) - _MOST_LISTED:,} older ones are in the folder.")


def _backup(backup: Backup, actions: BackupActions, *, idle: bool) -> None:
    with st.container(horizontal=True, vertical_alignment="center", border=True, key=f"backup-{backup.name}"):
        with st.container(width="stretch", gap=None):
            st.markdown(plain_label(backup_words(backup)))
            too_large = " · too large for a download here: take it from the folder"
            st.caption(plain_label(backup.name + (too_large if backup.size > _MOST_DOWNLOADED else "")))
        if backup.size <= _MOST_DOWNLOADED:
            st.download_button(
                "Download",
                lambda: actions.read(backup.name),
                file_name=backup.name,
                mime="application/octet-stream",
                key=f"download-{backup.name}",
                icon=":material/download:",
                on_click="ignore",
            )
        with st.popover("Restore", icon=":material/history:", key=f"restoring-{backup.name}", disabled=not idle):
            st.markdown(
                "This backup takes the place of the present record when ApeHost starts the next time. What is there "
                "until then is kept as a backup, so that you can come back."
            )
            key = f"restore-{backup.name}"
            st.button("Restore it", key=key, type="primary", on_click=actions.restore, args=(backup.name,))
        with st.popover("Delete", icon=":material/delete:", key=f"deleting-{backup.name}", disabled=not idle):
            st.markdown("The file is deleted for good.")
            st.button("Delete it", key=f"delete-{backup.name}", on_click=actions.delete, args=(backup.name,))


def size_table(sizes: Sizes, *, idle: bool, on_fold: Callable[[], None], on_compact: Callable[[], None]) -> None:
    """Draw what takes how much room, and the buttons that make it less.

    Args:
        sizes: What there is.
        idle: Nothing goes on, and nothing is ordered.
        on_fold: Tidies the open file.
        on_compact: Has it rewritten.
    """
    st.subheader("Size", anchor=False)
    with st.container(horizontal=True, key="care-sizes"):
        for label, count in (
            ("Database", sizes.file),
            ("Write-ahead log", sizes.log),
            ("Search index", sizes.index),
            ("Backups", sizes.backups),
            ("Free on the disk", sizes.disk_free),
        ):
            st.metric(label, size(count), width="content")
    rows = [
        {"What": TABLES.get(table.name, ""), "Table": table.name, "Rows": table.rows, "MB": round(table.size / 1e6, 2)}
        for table in sizes.tables
        if table.rows or table.size
    ]
    counts = st.column_config.NumberColumn(format="localized")
    grid(rows, key="care-tables", alt="The tables of the database and their sizes", columns={"Rows": counts})
    st.caption("MB in the file; what was written last is in the log first. " + plain_label(free_words(sizes)))
    with st.container(horizontal=True):
        st.button(
            "Tidy up",
            key="care-fold",
            icon=":material/cleaning_services:",
            disabled=not idle,
            help="Folds the write-ahead log into the file. Takes a moment.",
            on_click=on_fold,
        )
        worth = sizes.free > _WORTH_A_REWRITE * sizes.file
        st.button(
            "Rewrite at the next start",
            key="care-compact",
            icon=":material/compress:",
            type="primary" if worth else "secondary",
            disabled=not idle,
            help="Copies every row into a new file, compares both, and puts the new one in place.",
            on_click=on_compact,
        )
