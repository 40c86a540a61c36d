"""Profiles: kept in memory once they were read, changed through the writer, each change with a row in the audit."""

import threading
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from apehost_core.chat.preferences import preferences_to_json
from apehost_core.chat.profiles import Profile, checked_pattern, preferences_for
from apehost_core.errors import Fault, InputRefused, StoreError
from apehost_core.ids import new_id
from apehost_core.model import Preferences
from apehost_core.store.database import Database
from apehost_core.store.preference_rows import preferences_in
from apehost_core.store.transaction import Transaction

_QUERY = "SELECT id::VARCHAR, pattern, settings, updated_at FROM profiles"


class Profiles:
    """The profiles of one database; safe to use from any thread. Every method may raise StoreError.

    Attributes:
        unreadable: Why some are left out; each stays in the database as it is.
    """

    def __init__(self, database: Database) -> None:
        self.unreadable: tuple[Fault, ...] = ()
        self._database = database
        self._changing = threading.Lock()
        self._known: tuple[Profile, ...] | None = None

    def list(self) -> tuple[Profile, ...]:
        """Return all profiles by pattern; costs no query after the first time."""
        known = self._known
        if known is None:
            with self._changing:
                known = self._loaded()
        return known

    def for_model(self, key: str) -> Preferences:
        """Return what the profiles set for a model; the most specific one wins, field by field."""
        return preferences_for(self.list(), key)

    def save(self, pattern: str, preferences: Preferences, profile_id: str | None = None) -> Profile:
        """Keep a profile; returns once it is durable.

        Args:
            pattern: Model key, or a pattern of keys.
            preferences: What it sets.
            profile_id: The profile that is changed; None makes one.

        Raises:
            InputRefused: Pattern or value are outside their limits, another profile has the pattern, or the profile
                was deleted meanwhile.
        """
        pattern = checked_pattern(pattern)
        settings = preferences_to_json(preferences)
        with self._changing:
            known = {profile.id: profile for profile in self._loaded()}
            old = None if profile_id is None else known.pop(profile_id, None)
            if profile_id is not None and old is None:
                raise _refused("This profile was deleted meanwhile", advice="Save it as a new one.")
            if pattern.casefold() in {other.pattern.casefold() for other in known.values()}:
                raise _refused(f"There is already a profile for {pattern}", advice="Edit that one.")
            new = Profile(profile_id or new_id(), pattern, preferences, datetime.now(UTC))

            def work(transaction: Transaction) -> None:
                _note(transaction, old, new)
                if old is None:
                    row = {"id": new.id, "pattern": pattern, "settings": settings, "updated_at": new.updated_at}
                    transaction.insert("profiles", row)
                else:
                    changed = "UPDATE profiles SET pattern = ?, settings = ?, updated_at = ? WHERE id = ?"
                    transaction.execute(changed, [pattern, settings, new.updated_at, new.id])

            self._database.write(work)
            self._known = _by_pattern([*known.values(), new])
        return new

    def delete(self, profile_id: str) -> None:
        """Delete a profile; returns once it is durable. One that is gone already is no error."""
        with self._changing:
            known = {profile.id: profile for profile in self._loaded()}
            old = known.pop(profile_id, None)
            if old is None:
                return

            def work(transaction: Transaction) -> None:
                _note(transaction, old, None)
                transaction.execute("DELETE FROM profiles WHERE id = ?", [old.id])

            self._database.write(work)
            self._known = _by_pattern(known.values())

    def _loaded(self) -> tuple[Profile, ...]:
        """Return all profiles, read the first time; the caller holds the lock."""
        if self._known is None:
            with self._database.read() as cursor:
                rows = cursor.execute(_QUERY).fetchall()
            self._known = _by_pattern(profile for row in rows if (profile := self._readable(row)) is not None)
        return self._known

    def _readable(self, row: tuple[Any, ...]) -> Profile | None:
        """Return the profile of a row; one that cannot be read is left where it is, and said."""
        try:
            return Profile(row[0], row[1], preferences_in(row[2], of=f"the profile for {row[1]}"), row[3])
        except StoreError as error:
            self.unreadable = (*self.unreadable, error.fault)
            return None


def _by_pattern(profiles: Iterable[Profile]) -> tuple[Profile, ...]:
    return tuple(sorted(profiles, key=lambda profile: (profile.pattern.casefold(), profile.id)))


def _note(transaction: Transaction, old: Profile | None, new: Profile | None) -> None:
    """Add to the audit what a change does; under another pattern a profile goes from one and comes to the other."""
    values: dict[str, list[str | None]] = {}
    for at, profile in enumerate((old, new)):
        if profile is not None:
            values.setdefault(profile.pattern, [None, None])[at] = preferences_to_json(profile.preferences)
    changed_at = datetime.now(UTC)
    for pattern, (before, after) in values.items():
        row = {
            "changed_at": changed_at,
            "actor": "person",
            "setting": f"profile {pattern}",
            "old_value": before,
            "new_value": after,
        }
        transaction.insert("settings_audit", row)


def _refused(title: str, *, advice: str) -> InputRefused:
    return InputRefused(Fault(kind="bad_request", title=title, advice=advice))
