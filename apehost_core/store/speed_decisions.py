"""What a person decided about the speed sentinel's alarms: muted, or accepted as the new normal. Kept in the file."""

from collections.abc import Callable
from dataclasses import astuple
from datetime import UTC, datetime
from typing import Any, cast

import orjson

from apehost_core.errors import Fault, StoreError
from apehost_core.history.sentinel import Decisions, SeriesKey
from apehost_core.store.database import Database
from apehost_core.store.transaction import Transaction

_NAME = "speed_decisions"


def decisions(database: Database) -> Decisions:
    """Return what was decided so far.

    Raises:
        StoreError: It could not be read, or is not readable any more.
    """
    with database.read() as cursor:
        row = cursor.execute("SELECT value FROM kept_settings WHERE name = ?", [_NAME]).fetchone()
    return Decisions() if row is None else _read(row[0])


def decide(database: Database, change: Callable[[Decisions], Decisions]) -> Decisions:
    """Change what is decided and return it after the commit; nobody else changes it meanwhile.

    Raises:
        StoreError: Nothing was changed.
    """

    def work(transaction: Transaction) -> Decisions:
        row = transaction.connection.execute("SELECT value FROM kept_settings WHERE name = ?", [_NAME]).fetchone()
        changed = change(Decisions() if row is None else _read(row[0]))
        transaction.execute("DELETE FROM kept_settings WHERE name = ?", [_NAME])
        transaction.execute(
            "INSERT INTO kept_settings (name, value, updated_at) VALUES (?, ?, ?)",
            [_NAME, _written(changed), datetime.now(UTC)],
        )
        return changed

    return database.write(work)


def _written(decided: Decisions) -> str:
    value = {
        "accepted": [{"series": astuple(key), "since": since} for key, since in decided.accepted.items()],
        "muted": [astuple(key) for key in sorted(decided.muted, key=astuple)],
    }
    return orjson.dumps(value).decode()


def _read(text: str) -> Decisions:
    try:
        value: dict[str, Any] = orjson.loads(text)
        return Decisions(
            accepted={_key(each["series"]): float(each["since"]) for each in value["accepted"]},
            muted=frozenset(map(_key, value["muted"])),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise StoreError(_UNREADABLE) from error


def _key(parts: list[Any]) -> SeriesKey:
    server, model, quantisation, from_tokens, measure = parts
    if measure not in ("decode_tok_s", "ttft_ms"):
        raise ValueError(measure)
    return SeriesKey(str(server), str(model), str(quantisation), int(from_tokens), cast("Any", measure))


_UNREADABLE = Fault(
    kind="store",
    title="What you decided about speed alarms cannot be read",
    cause="The row speed_decisions of table kept_settings is damaged.",
    advice="Restore a copy of the database. Nothing was changed.",
)
