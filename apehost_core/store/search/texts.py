"""What messages say, in memory: of the newest ones, and of those that were found last.

Reading fifty rows anywhere in a million takes the database longer than the engine needs to find them, and most of what
is found is new. A message takes 0.3 KB beside its text; together they take no more than `MOST_BYTES`.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import Any, Final, NamedTuple

import duckdb
import orjson

from apehost_core.messages import parts_from_json
from apehost_core.store.search.changes import Change
from apehost_core.store.search.places import Place, Places
from apehost_core.store.search.rows import PARTS, said
from apehost_core.store.search.schema import key_in

MOST_BYTES: Final = 256 << 20
_OVERHEAD: Final = 200  # of an entry: key, its places in table and list, head of the bytes
_AT_ONCE: Final = 2_000
_SPAN: Final = timedelta(days=30)

_COLUMNS: Final = (
    f"m.id::VARCHAR, m.conversation_id::VARCHAR, m.role, epoch_us(m.created_at), m.text, {PARTS} FROM messages m"
)
_GIVEN: Final = f"SELECT m.rowid, {_COLUMNS} WHERE m.rowid IN (SELECT unnest(?::BIGINT[]))"
_SPANNED: Final = f"SELECT {_COLUMNS} WHERE m.created_at > ? AND m.created_at <= ? ORDER BY m.created_at DESC"


class Said(NamedTuple):
    """A message, as hits show it.

    Attributes:
        id: UUID.
        conversation_id: Where it belongs.
        role: Of the author.
        at_us: When, in microseconds since 1970.
        text: What is visible.
        reasoning: What it says of its reasoning; "" for nothing.
        tool: What it says to tools and they to it; "" for nothing.
    """

    id: str
    conversation_id: str
    role: str
    at_us: int
    text: str
    reasoning: str
    tool: str


class Texts:
    """Messages of one database, read when they are asked for; kept up to date by `Memory`. Safe to use from any thread.

    Args:
        most_bytes: How much memory they may take.
    """

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most = most_bytes
        self._places = Places()
        self._lock = threading.Lock()
        self._kept: OrderedDict[int, bytes] = OrderedDict()  # the longest unused first
        self._bytes = 0
        self._seq = 0
        self._stale: dict[str, int] = {}

    def read(self, cursor: duckdb.DuckDBPyConnection, wanted: Sequence[Place]) -> dict[int, Said]:
        """Return those of the messages that are there, by their keys.

        Args:
            cursor: Reads those that are not in memory; outside of a transaction.
            wanted: Where they stood.
        """
        with self._lock:
            seq = self._seq
            found = {place.key: said for place in wanted if (said := self._used(place.key)) is not None}
        missing = [place for place in wanted if place.key not in found]
        if missing:
            rows = self._places.read(cursor, _GIVEN, missing)
            found |= {key: _said(row) for key, row in rows.items()}
            with self._lock:
                if self._seq == seq:  # else something changed meanwhile, perhaps one of these
                    for key in rows:
                        self._keep(key, _packed(found[key], seq))
        return found

    def newest(self, cursor: duckdb.DuckDBPyConnection, seq: int, stop: Callable[[], bool]) -> dict[int, bytes]:
        """Return the newest messages, as many as there may be, for `put`.

        Args:
            cursor: In a transaction.
            seq: Of the last change that it sees.
            stop: Asked after every message whether to leave it at that.
        """
        found: dict[int, bytes] = {}
        left = self._most
        for row in _newest(cursor):
            message = _said(row)
            packed = _packed(message, seq)
            left -= len(packed) + _OVERHEAD
            if left < 0 or stop():
                break
            found[key_in(message.id)] = packed
        return found

    def put(self, newest: dict[int, bytes]) -> None:
        """Keep messages, the first of them for the longest, and what was asked for already for longer still."""
        with self._lock:
            asked_for, self._kept, self._bytes = self._kept, OrderedDict(), 0
            for key in reversed(newest):
                self._keep(key, newest[key])
            for key, packed in asked_for.items():
                self._keep(key, packed)

    def forget(self, changes: Sequence[Change]) -> None:
        """Forget what changed."""
        with self._lock:
            for change in changes:
                if change.kind == "message":
                    self._drop(key_in(str(change.id)))
                else:
                    self._stale[str(change.id)] = change.seq
                self._seq = max(self._seq, change.seq)

    def _used(self, key: int) -> Said | None:
        """Return a message that is kept, and keep it for longer."""
        packed = self._kept.get(key)
        if packed is None:
            return None
        seq, *values = orjson.loads(packed)
        message = Said._make(values)
        if seq < self._stale.get(message.conversation_id, 0):
            self._drop(key)
            return None
        self._kept.move_to_end(key)
        return message

    def _keep(self, key: int, packed: bytes) -> None:
        self._drop(key)
        self._kept[key] = packed
        self._bytes += len(packed) + _OVERHEAD
        while self._bytes > self._most:
            _, dropped = self._kept.popitem(last=False)
            self._bytes -= len(dropped) + _OVERHEAD

    def _drop(self, key: int) -> None:
        packed = self._kept.pop(key, None)
        if packed is not None:
            self._bytes -= len(packed) + _OVERHEAD


def _said(row: Sequence[Any]) -> Said:
    """Return a row of `_COLUMNS`."""
    message_id, conversation_id, role, at_us, text, parts = row
    texts = said(parts_from_json(parts)) if parts is not None else {"reasoning": "", "tool": ""}
    return Said(message_id, conversation_id, role, at_us, text, texts["reasoning"], texts["tool"])


def _packed(message: Said, seq: int) -> bytes:
    """Return a message as it is kept: one object instead of a dozen, of which the garbage collector need not know."""
    return bytes(memoryview(orjson.dumps([seq, *message])))


def _newest(cursor: duckdb.DuckDBPyConnection) -> Iterator[tuple[Any, ...]]:
    """Yield all messages, the newest first: a month at a time, so that they need not all be sorted."""
    first, last = cursor.execute("SELECT min(created_at), max(created_at) FROM messages").fetchall()[0]
    while last is not None and last >= first:
        cursor.execute(_SPANNED, [last - _SPAN, last])
        while rows := cursor.fetchmany(_AT_ONCE):
            yield from rows
        last -= _SPAN
