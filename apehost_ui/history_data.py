"""The history page's section of the data itself. Long work goes on in the background, whichever page is looked at."""

import streamlit as st

from apehost_core.errors import ApeHostError, Fault, InputRefused
from apehost_core.history.care import Preview, Remedy, Rules
from apehost_core.store.care import Care
from apehost_ui import state
from apehost_ui.components.fault import fault_box
from apehost_ui.components.history_data import (
    BackupActions,
    backup_list,
    care_progress,
    care_result,
    last_swap,
    next_start,
    size_table,
)
from apehost_ui.components.history_data_care import RuleActions, retention, soundness, typed_rules
from apehost_ui.components.history_export import export_tables
from apehost_ui.history_actions import telling
from apehost_ui.host import host

_EVERY_S = 0.5


def data() -> None:
    """Draw what goes on, what the next start does, backups, sizes, the last check, and the rules."""
    care = _care()
    job, order, outcome = care.job, care.order, care.outcome
    idle = job is None or not job.running
    with st.container(key="care-refusal"):
        if (refusal := state.history().refusal) is not None:
            fault_box(refusal)
    with st.container(key="care-job"):
        if job is not None and not idle:
            st.fragment(_progress, run_every=_EVERY_S)()
        elif job is not None:
            care_result(job, care.forget)
    with st.container(key="care-next"):
        if order is not None:
            next_start(order, care.call_off)
        if outcome is not None:
            last_swap(outcome, care.forget_outcome)
    with st.container(key="care-backups"):
        actions = BackupActions(_back_up, _restore, _delete, lambda name: care.backup_file(name).read_bytes())
        backup_list(care.backups(), actions, idle=idle)
    with st.container(key="care-tables"):
        export_tables(lambda: host().history.exports.file((), "parquet").content)
    with st.container(key="care-size"):
        size_table(care.sizes(), idle=idle and order is None, on_fold=_fold, on_compact=_compact)
    with st.container(key="care-soundness"):
        soundness(care.integrity, idle=idle, on_check=_check, on_mend=_mend)
    with st.container(key="care-rules"):
        _rules(care, idle=idle)


def _rules(care: Care, *, idle: bool) -> None:
    try:
        kept = care.rules
    except ApeHostError as error:
        fault_box(error.fault)
        kept = Rules()
    found = care.job.result if care.job is not None else None
    preview = found if isinstance(found, Preview) else None
    retention(kept, preview, care.applied, RuleActions(_preview, _save, _apply), idle=idle)


def _typed() -> Rules:
    """Return the rules that stand in the fields while a button is being pressed."""
    try:
        kept = _care().rules
    except ApeHostError:
        kept = Rules()
    return typed_rules(kept)


def _progress() -> None:
    job = _care().job
    if job is None or not job.running:
        st.rerun()
    care_progress(job)


def _care() -> Care:
    return host().history.care


def _back_up() -> None:
    with telling():
        _care().back_up()


def _restore(name: str) -> None:
    with telling():
        _care().restore(name)


def _delete(name: str) -> None:
    with telling():
        _care().delete_backup(name)


def _fold() -> None:
    with telling():
        _care().fold()


def _compact() -> None:
    with telling():
        _care().compact()


def _check() -> None:
    with telling():
        _care().check()


def _mend(remedy: Remedy) -> None:
    with telling():
        if remedy == "rebuild_index":
            _care().rebuild_index()
        else:
            _care().select_newest()


def _preview() -> None:
    with telling():
        _care().preview(_typed())


def _save() -> None:
    with telling():
        _care().set_rules(_typed())


def _apply() -> None:
    with telling():
        if _typed() != _care().rules:
            title = "The rules were changed, and nothing was applied"
            raise InputRefused(Fault(kind="bad_request", title=title, advice="Save them first."))
        _care().apply()
