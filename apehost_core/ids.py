"""Identifiers: UUIDv7 strings, so that an id sorts by the time it was made."""

import uuid_utils


def new_id() -> str:
    """Return a new UUIDv7 in its usual 36-character form."""
    return str(uuid_utils.uuid7())
