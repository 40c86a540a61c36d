"""Preferences in a column of the database: a JSON object, NULL where nothing was set."""

from apehost_core.chat.preferences import preferences_from_json, preferences_to_json
from apehost_core.errors import Fault, InputRefused, StoreError
from apehost_core.model import Preferences


def preferences_column(preferences: Preferences) -> str | None:
    """Return the column's value.

    Raises:
        InputRefused: A value is outside its range.
    """
    return None if preferences == Preferences() else preferences_to_json(preferences)


def preferences_in(column: str | None, *, of: str) -> Preferences:
    """Return the preferences in a column's value.

    Args:
        column: As `preferences_column` returned it.
        of: What they belong to, for the fault: "this conversation".

    Raises:
        StoreError: Another program wrote it, or a newer ApeHost.
    """
    if column is None:
        return Preferences()
    try:
        return preferences_from_json(column)
    except InputRefused as error:
        title, advice = f"The settings of {of} cannot be read", "Did a newer ApeHost write them? Use that one."
        raise StoreError(Fault(kind="store", title=title, cause=str(error), advice=advice)) from error
