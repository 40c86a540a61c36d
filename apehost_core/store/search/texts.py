"""What messages say, in memory: of the newest ones, and of those that were found last.

Reading fifty rows anywhere in a million takes the database longer than the engine needs to find them, and most of what
is found is new. A message takes 0.1 KB beside its text; together they take half a gigabyte at most.
"""

import threading
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from itertools import accumulate
from typing import Any, Final, NamedTuple

import duckdb

from apehost_core.messages import parts_from_json
from apehost_core.store.search.changes import Change
from apehost_core.store.search.newest import SHARE, Newest
from apehost_core.store.search.places import Place, Places
from apehost_core.store.search.rows import PARTS, said
from apehost_core.store.search.schema import key_of, key_sql

MOST_NEWEST: Final = 448 << 20
MOST_LAST: Final = 64 << 20
_OVERHEAD: Final = 200  # of what was found last: key, its places in table and list, head of the bytes
_AT_ONCE: Final = 2_000
_SPAN: Final = timedelta(days=30)

_PARTED: Final = "\x1f"
_PACKED: Final = (
    f"concat_ws(chr({ord(_PARTED)}), {key_sql('m.conversation_id')}, epoch_us(m.created_at), m.id::VARCHAR, m.role, "
    f"'', m.text), {PARTS} FROM messages m"
)
"""A message as it is kept, but for its parts, which stand beside it; see `_pack`."""
_GIVEN: Final = f"SELECT m.rowid, m.id::VARCHAR, {_PACKED} WHERE m.rowid IN (SELECT unnest(?::BIGINT[]))"
_SPANNED: Final = (
    f"SELECT {key_sql('m.id')}, {_PACKED} WHERE m.created_at > ? AND m.created_at <= ? ORDER BY m.created_at DESC"
)


class Said(NamedTuple):
    """A message, as hits show it.

    Attributes:
        conversation: Key of the conversation where it belongs; see `schema.key_of`.
        at_us: When, in microseconds since 1970.
        id: UUID.
        role: Of the author.
        text: What is visible.
        reasoning: What it says of its reasoning; "" for nothing.
        tool: What it says to tools and they to it; "" for nothing.
    """

    conversation: int
    at_us: int
    id: str
    role: str
    text: str
    reasoning: str
    tool: str


class Texts:
    """Messages of one database, read when they are asked for; kept up to date by `Memory`. Safe to use from any thread.

    Args:
        most_newest: How many bytes of memory the newest may take.
        most_last: How many those that were found last, and are not among the newest.
    """

    def __init__(self, most_newest: int = MOST_NEWEST, most_last: int = MOST_LAST) -> None:
        self._most_newest = most_newest
        self._most_last = most_last
        self._places = Places()
        self._lock = threading.Lock()
        self._newest = Newest()
        self._last: OrderedDict[int, tuple[int, bytes]] = OrderedDict()  # the longest unused first, with its seq
        self._bytes = 0
        self._seq = 0
        self._stale: dict[int, int] = {}

    def read(self, cursor: duckdb.DuckDBPyConnection, wanted: Sequence[Place]) -> dict[int, Said]:
        """Return those of the messages that are there, by their keys.

        Args:
            cursor: Reads those that are not in memory; outside of a transaction.
            wanted: Where they stood.
        """
        with self._lock:
            seq = self._seq
            found = self._known([place.key for place in wanted])
        missing = [place for place in wanted if place.key not in found]
        if missing:
            rows = self._places.read(cursor, _GIVEN, missing)
            packed = {key: _packed(*row[1:]) for key, row in rows.items()}
            found |= {key: _unpacked(entry) for key, entry in packed.items()}
            with self._lock:
                if self._seq == seq:  # else something changed meanwhile, perhaps one of these
                    for key, entry in packed.items():
                        self._keep(key, seq, entry)
        return found

    def newest(self, cursor: duckdb.DuckDBPyConnection, seq: int, stop: Callable[[], bool]) -> Newest:
        """Return the newest messages, as many as there may be, for `put`.

        Args:
            cursor: In a transaction.
            seq: Of the last change that it sees.
            stop: Asked again and again whether to leave it at that.
        """
        newest = Newest(seq)
        for rows in _newest(cursor):
            entries = [_packed(*row[1:]) for row in rows]
            fitting = _fitting(entries, self._most_newest - newest.size)
            newest.put([row[0] for row in rows[:fitting]], entries[:fitting])
            if fitting < len(entries) or stop():
                break
        newest.sort()
        return newest

    def put(self, newest: Newest, changes: Sequence[Change]) -> None:
        """Have these be the newest, but for what changed while they were read."""
        with self._lock:
            self._newest = newest
            self._forget(changes)

    def forget(self, changes: Sequence[Change]) -> None:
        """Forget what changed."""
        with self._lock:
            self._forget(changes)

    def _forget(self, changes: Sequence[Change]) -> None:
        for change in changes:
            key = key_of(change.id)
            if change.kind == "message":
                self._drop(key)
            else:
                self._stale[key] = change.seq
            self._seq = max(self._seq, change.seq)

    def _known(self, keys: list[int]) -> dict[int, Said]:
        """Return those messages that are in memory; what was found last is kept for longer."""
        kept = {key: (self._newest.seq, entry) for key, entry in self._newest.find(keys).items()}
        kept |= {key: last for key in keys if (last := self._last.get(key)) is not None}
        found: dict[int, Said] = {}
        for key, (seq, entry) in kept.items():
            message = _unpacked(entry)
            if seq < self._stale.get(message.conversation, 0):
                self._drop(key)
                continue
            found[key] = message
            if key in self._last:
                self._last.move_to_end(key)
        return found

    def _keep(self, key: int, seq: int, entry: bytes) -> None:
        self._bytes += len(entry) + _OVERHEAD - self._freed(key)
        self._last[key] = seq, entry
        while self._bytes > self._most_last:
            self._bytes -= self._freed(next(iter(self._last)))

    def _drop(self, key: int) -> None:
        self._newest.forget(key)
        self._bytes -= self._freed(key)

    def _freed(self, key: int) -> int:
        """Let go of what was found last, and return how many bytes that frees."""
        last = self._last.pop(key, None)
        return len(last[1]) + _OVERHEAD if last is not None else 0


def _packed(packed: str, parts: str | None) -> bytes:
    """Return a message as it is kept: one object instead of a dozen, made by the database but for its parts.

    Before what it says stand its fields, and how long text and reasoning are where it says more than its text.
    """
    if parts is None:
        return packed.encode()
    *fields, _, _ = packed.split(_PARTED, 5)
    texts = said(parts_from_json(parts))
    pieces = [texts[name] for name in ("text", "reasoning", "tool")]
    lengths = f"{len(pieces[0])} {len(pieces[1])}"
    return _PARTED.join([*fields, lengths, "".join(pieces)]).encode()


def _unpacked(entry: bytes) -> Said:
    """Return the message that is kept so."""
    conversation, at_us, message_id, role, lengths, text = entry.decode().split(_PARTED, 5)
    reasoning = tool = ""
    if lengths:
        first, second = map(int, lengths.split())
        text, reasoning, tool = text[:first], text[first : first + second], text[first + second :]
    return Said(int(conversation), int(at_us), message_id, role, text, reasoning, tool)


def _newest(cursor: duckdb.DuckDBPyConnection) -> Iterator[list[tuple[Any, ...]]]:
    """Yield all messages, thousands at a time, the newest first: by months, so that they need not all be sorted."""
    first, last = cursor.execute("SELECT min(created_at), max(created_at) FROM messages").fetchall()[0]
    while last is not None and last >= first:
        cursor.execute(_SPANNED, [last - _SPAN, last])
        while rows := cursor.fetchmany(_AT_ONCE):
            yield rows
        last -= _SPAN


def _fitting(entries: Sequence[bytes], most: int) -> int:
    """Return how many of the first entries take no more than so many bytes."""
    sizes = list(accumulate(len(entry) + SHARE for entry in entries))
    return bisect_right(sizes, most)
