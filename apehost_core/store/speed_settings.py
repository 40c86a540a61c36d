"""Which settings were changed when a model became slower or faster, from the record of changes; never their values."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from apehost_core.chat.profiles import matches
from apehost_core.history.sentinel import Verdict
from apehost_core.store.database import Database

_BEFORE = timedelta(days=1)
_SERVER, _PROFILE = "server ", "profile "


def with_settings(database: Database, verdicts: Sequence[Verdict]) -> tuple[Verdict, ...]:
    """Return the verdicts with the settings that were changed around each change.

    Those of the series' server and profiles of its model count, from a day before the last call of the old speed on.

    Raises:
        StoreError: The record could not be read.
    """
    if not any(verdict.change for verdict in verdicts):
        return tuple(verdicts)
    with database.read() as cursor:
        rows = cursor.execute("SELECT setting, changed_at FROM settings_audit ORDER BY changed_at").fetchall()
    return tuple(_with(verdict, rows) for verdict in verdicts)


def _with(verdict: Verdict, changes: Sequence[tuple[str, datetime]]) -> Verdict:
    change = verdict.change
    if change is None:
        return verdict
    found = dict.fromkeys(
        setting
        for setting, at in changes
        if change.before - _BEFORE <= at <= change.since and _concerns(setting, verdict)
    )
    return replace(verdict, change=replace(change, settings=tuple(found)))


def _concerns(setting: str, verdict: Verdict) -> bool:
    if setting.startswith(_PROFILE):
        return matches(setting.removeprefix(_PROFILE), verdict.key.model)
    return setting == _SERVER + verdict.key.server
