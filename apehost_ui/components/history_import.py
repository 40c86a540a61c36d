"""What is drawn of imports: where chats come from, what a file holds, how far an import is, and the past ones."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from apehost_core.history.imports import MOST_LISTED, Findings, ImportBatch, ImportJob, Remark, Taken, WatchedFolder
from apehost_ui.components.fault import fault_box
from apehost_ui.components.grid import grid
from apehost_ui.import_words import (
    KNOWN,
    batch_words,
    findings_words,
    job_words,
    report_words,
    source_words,
    undone_words,
    watched_words,
)
from apehost_ui.markdown import plain_label

PATH_KEY = "import-path"
UPLOAD_KEY = "import-upload"
_TYPES = ["json", "jsonl", "ndjson", "zip", "db"]
_FATES = {"new": "new", "changed": "changed"}


@dataclass(frozen=True, slots=True)
class SourceActions:
    """What the ways to name chats do.

    Attributes:
        uploaded: A file was uploaded, or taken away.
        look_at: Looks at the path that is typed.
        take_lm_studio: Imports LM Studio's own folder.
    """

    uploaded: Callable[[], None]
    look_at: Callable[[], None]
    take_lm_studio: Callable[[], None]


def sources(lm_studio: Path | None, watched: WatchedFolder | None, actions: SourceActions) -> None:
    """Draw the ways to name chats.

    Args:
        lm_studio: LM Studio's own folder on the computer that ApeHost runs on; None where there is none.
        watched: The folder that is watched; None when none is.
        actions: What they do.
    """
    st.caption(f"Takes in chats of {KNOWN}. You see what is in a file before anything is taken in.")
    if watched is not None:
        _watched(watched)
    elif lm_studio is not None:
        with st.container(horizontal=True, vertical_alignment="center", key="lm-studio"):
            st.button(
                "Import LM Studio's chats",
                key="import-lm-studio",
                icon=":material/download:",
                on_click=actions.take_lm_studio,
            )
            st.caption(plain_label(f"At once, from {_from_home(lm_studio)}. It can be undone."), width="content")
    left, right = st.columns(2, gap="medium")
    with left:
        label = f"Upload a file of up to {st.get_option('server.maxUploadSize')} MB"
        help_ = "An export as it was downloaded (zip, json or jsonl), or Open WebUI's database (webui.db)."
        st.file_uploader(label, type=_TYPES, key=UPLOAD_KEY, help=help_, on_change=actions.uploaded)
        st.caption("A larger one: put it on ApeHost's computer and name it in the other field.")
    with right, st.form("import-path-form", border=False):
        help_ = "A file of any size, or a folder, on the computer that ApeHost runs on."
        st.text_input("Or name a file or folder on ApeHost's computer", key=PATH_KEY, help=help_)
        st.form_submit_button("Look", icon=":material/search:", key="import-look", on_click=actions.look_at)


def _watched(folder: WatchedFolder) -> None:
    st.caption(plain_label(watched_words(folder)))
    if folder.fault is not None:
        fault_box(folder.fault)


def _from_home(folder: Path) -> str:
    """Return a path without the person's name in it."""
    return f"~/{folder.relative_to(Path.home()).as_posix()}" if folder.is_relative_to(Path.home()) else folder.name


def job_progress(job: ImportJob, *, on_stop: Callable[[], None]) -> None:
    """Draw how far it is, and a button that ends it."""
    words = plain_label(job_words(job))
    if job.progress.fraction is None:
        st.markdown(words)
    else:
        st.progress(job.progress.fraction, text=words)
    if job.work != "undo":
        st.button("Stop", key="import-stop", icon=":material/stop:", disabled=job.stopping, on_click=on_stop)


def job_result(job: ImportJob, *, on_import: Callable[[], None], on_close: Callable[[], None]) -> None:
    """Draw what came of it: of a look what is in the file, with a button that imports it."""
    if job.fault is not None:
        fault_box(job.fault)
    elif job.findings is not None:
        _found(job.findings)
    elif job.report is not None:
        st.success(plain_label(report_words(job.report)), icon=":material/done:")
        remarks(job.report.findings)
    elif job.undone is not None:
        st.success(plain_label(undone_words(job.name, job.undone)), icon=":material/undo:")
    else:
        st.info("Stopped. Nothing was changed." if job.work == "look" else "Stopped.")
    with st.container(horizontal=True):
        if job.findings is not None and job.findings.anything:
            st.button("Import", key="import-now", type="primary", icon=":material/download:", on_click=on_import)
        st.button("Close", key="import-close", type="tertiary", icon=":material/close:", on_click=on_close)


def _found(findings: Findings) -> None:
    st.markdown(f"**{plain_label(findings_words(findings))}**")
    st.caption(plain_label(source_words(findings)))
    if findings.trashed:
        st.caption("What you have put in the trash stays there as it is. Restore it first to have it take part.")
    if findings.sample:
        grid([_row(taken) for taken in findings.sample], key="import-sample", alt="What would be taken in")
        left = findings.new + findings.changed - len(findings.sample)
        if left:
            st.caption(f"The first {len(findings.sample)} of them; {left:,} more follow.")
    remarks(findings)


def remarks(findings: Findings) -> None:
    """Draw what was not taken in, with the reasons."""
    if findings.refusals:
        label, icon = f"Unreadable: {findings.unreadable:,}", ":material/report:"
        with st.expander(label, icon=icon, key="import-refusals", expanded=not findings.anything):
            _remarks(findings.refusals, "Place")
    if findings.remarks:
        label = f"Left out of conversations: {len(findings.remarks)}"
        more = "+" if len(findings.remarks) == MOST_LISTED else ""
        with st.expander(f"{label}{more}", icon=":material/content_cut:", key="import-remarks"):
            _remarks(findings.remarks, "Conversation")


def _remarks(found: Sequence[Remark], heading: str) -> None:
    grid([{heading: remark.where, "Why": remark.why} for remark in found], alt="What was not taken in")


def _row(taken: Taken) -> dict[str, object]:
    begun = taken.created_at.astimezone().replace(tzinfo=None, microsecond=0) if taken.created_at else None
    return {"Title": taken.title, "State": _FATES[taken.fate], "New messages": taken.messages, "Begun": begun}


def past_imports(batches: Sequence[ImportBatch], *, idle: bool, on_undo: Callable[[ImportBatch], None]) -> None:
    """Draw the past imports, newest first, each with a button that takes it out again.

    Args:
        batches: At least one.
        idle: Nothing goes on, so that one can be undone.
        on_undo: Gets the import.
    """
    st.subheader("Past imports", anchor=False)
    with st.container(key="past-imports", gap="small"):
        for batch in batches:
            with st.container(horizontal=True, vertical_alignment="center", border=True, key=f"batch-{batch.id}"):
                with st.container(width="stretch", gap=None):
                    st.markdown(plain_label(source_words(batch.findings)))
                    st.caption(plain_label(batch_words(batch)))
                if batch.undone_at is None:
                    st.button(
                        "Undo",
                        key=f"undo-{batch.id}",
                        icon=":material/undo:",
                        disabled=not idle,
                        help="Removes what it brought. What you have written since stays.",
                        on_click=on_undo,
                        args=(batch,),
                    )
