"""The record of what was changed in the settings, by whom and when. Never a secret's value."""

import asyncio
from datetime import UTC, datetime

from apehost_core.store.database import Database


async def record_change(database: Database, setting: str, old: str | None, new: str | None) -> None:
    """Record that a person changed a setting; returns after the commit.

    Args:
        database: Where to.
        setting: What was changed: "server PC".
        old: As it was, in words; None when it is new.
        new: As it is; None when it is gone.

    Raises:
        StoreError: It could not be recorded.
    """
    row = {"changed_at": datetime.now(UTC), "actor": "person", "setting": setting, "old_value": old, "new_value": new}
    await asyncio.wrap_future(database.submit(lambda transaction: transaction.insert("settings_audit", row)))
