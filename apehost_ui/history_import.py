"""The history page's section of imports. The work goes on in the background, whichever page is looked at."""

import io
from typing import Any, cast

import streamlit as st

from apehost_core.history.imports import ImportBatch, ImportJob
from apehost_ui import state
from apehost_ui.components.fault import fault_box
from apehost_ui.components.history_import import (
    PATH_KEY,
    UPLOAD_KEY,
    SourceActions,
    job_progress,
    job_result,
    past_imports,
    sources,
)
from apehost_ui.history_actions import telling
from apehost_ui.host import host

_EVERY_S = 0.5
_LATEST, _OLDER = 20, 50


def imports() -> None:
    """Draw where chats can come from, what goes on, and what was imported before."""
    jobs = host().history.imports
    job = jobs.job
    with st.container(key="import-refusal"):
        if (refusal := state.history().refusal) is not None:
            fault_box(refusal)
    with st.container(key="import-job"):
        if job is not None and job.running:
            st.fragment(_progress, run_every=_EVERY_S)()
        elif job is not None:
            job_result(job, on_import=_import, on_close=jobs.forget)
    with st.container(key="import-sources"):
        if job is None or not (job.running or (job.findings and job.findings.anything)):
            sources(jobs.lm_studio, jobs.watched, SourceActions(_uploaded, _look_at, _take_lm_studio))
    with st.container(key="import-past"):
        listed = _LATEST + state.history().older_imports
        batches = jobs.list(listed + 1)
        if batches:
            past_imports(batches[:listed], idle=_idle(job), on_undo=_undo)
        else:
            st.info("Nothing was imported yet. Every import will be listed here and can be undone as a whole.")
        if len(batches) > listed:
            st.button("Show older imports", key="import-older", type="tertiary", on_click=_list_older)


def _progress() -> None:
    job = host().history.imports.job
    if job is None or not job.running:
        st.rerun()
    job_progress(job, on_stop=host().history.imports.stop)


def _idle(job: ImportJob | None) -> bool:
    return job is None or not job.running


def _uploaded() -> None:
    uploaded = cast("Any", state.widget_value(UPLOAD_KEY))
    if uploaded is not None:
        with telling():
            host().history.imports.look((str(uploaded.name), io.BytesIO(uploaded.getvalue())))


def _look_at() -> None:
    with telling():
        host().history.imports.look_at(state.widget_value(PATH_KEY) or "")


def _take_lm_studio() -> None:
    jobs = host().history.imports
    with telling():
        jobs.take_in(jobs.lm_studio)


def _import() -> None:
    with telling():
        host().history.imports.take_in()


def _list_older() -> None:
    state.history().older_imports += _OLDER


def _undo(batch: ImportBatch) -> None:
    with telling():
        host().history.imports.undo(batch)
