"""Exact requests as rows of `requests` and `prompt_messages`, and back, byte for byte.

A conversation sends its history again with every turn. So each message of a body is kept once, as the text that was
sent, and the body names it by its hash in the same place. Nothing is ever re-serialised: what is put back together is
what went out, and the hash of the whole says so.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import duckdb

from apehost_core.store.transaction import Transaction

_COLUMNS = ("run_id", "seq", "path", "body", "sha256")
_KNOWN = "SELECT sha256 FROM prompt_messages WHERE sha256 IN (SELECT unnest(?::VARCHAR[]))"
_MESSAGES_OF = """
SELECT sha256, body FROM prompt_messages
WHERE sha256 IN (
    SELECT unnest(regexp_extract_all(body, '"([0-9a-f]{64})"', 1)) FROM requests WHERE run_id = TRY_CAST(? AS UUID)
)"""
UNUSED_MESSAGES = """
DELETE FROM prompt_messages
WHERE sha256 NOT IN (SELECT unnest(regexp_extract_all(body, '"([0-9a-f]{64})"', 1)) FROM requests)"""
"""Statement that deletes the messages which no request names any more."""

_JSON = json.JSONDecoder()
_SPACE = re.compile(r"[ \t\r\n]*")


@dataclass(frozen=True, slots=True)
class RequestRow:
    """A request on its way to the file, or from it.

    Attributes:
        run_id: The run that sent it.
        seq: Of its event in the run's log.
        path: Below the server's address.
        body: What was sent, whole.
        verified: The body has the hash of what was sent; always so on the way to the file.
    """

    run_id: str
    seq: int
    path: str
    body: str
    verified: bool = True


def insert_requests(transaction: Transaction, rows: Sequence[RequestRow]) -> None:
    """Append requests, and those of their messages that the file does not have. Costs one query, whatever their number.

    What the file has is asked anew every time, inside the transaction: a batch may run twice, and messages go with
    the last conversation that used them.
    """
    if not rows:
        return
    messages: dict[str, str] = {}
    requests: list[tuple[object, ...]] = []
    for row in rows:
        body, found = _split(row.body)
        messages |= found
        requests.append((row.run_id, row.seq, row.path, body, _sha256(row.body)))
    known = {digest for (digest,) in transaction.connection.execute(_KNOWN, [list(messages)]).fetchall()}
    for digest, message in messages.items():
        if digest not in known:
            transaction.insert("prompt_messages", {"sha256": digest, "body": message})
    transaction.insert_many("requests", _COLUMNS, requests)


def requests_of(cursor: duckdb.DuckDBPyConnection, run_id: str) -> list[RequestRow]:
    """Return the requests of a run in order, with the bodies that were sent."""
    messages = dict(cursor.execute(_MESSAGES_OF, [run_id]).fetchall())
    rows = cursor.execute(
        "SELECT seq, path, body, sha256 FROM requests WHERE run_id = TRY_CAST(? AS UUID) ORDER BY seq", [run_id]
    ).fetchall()
    found: list[RequestRow] = []
    for seq, path, stored, digest in rows:
        body = _joined(stored, messages)
        found.append(RequestRow(run_id, seq, path, body, verified=digest == _sha256(body)))
    return found


def _split(body: str) -> tuple[str, dict[str, str]]:
    """Return a body with a hash in place of each message, and the messages by hash."""
    messages: dict[str, str] = {}
    pieces: list[str] = []
    end = 0
    for begin, stop in _messages_in(body):
        digest = _sha256(body[begin:stop])
        messages[digest] = body[begin:stop]
        pieces += [body[end:begin], f'"{digest}"']
        end = stop
    return "".join([*pieces, body[end:]]), messages


def _joined(stored: str, messages: Mapping[str, str]) -> str:
    """Undo `_split`; the hash of a message that is missing stays where it is."""
    pieces: list[str] = []
    end = 0
    for begin, stop in _messages_in(stored):
        pieces += [stored[end:begin], messages.get(stored[begin + 1 : stop - 1], stored[begin:stop])]
        end = stop
    return "".join([*pieces, stored[end:]])


def _messages_in(body: str) -> list[tuple[int, int]]:
    """Return where each element of a body's first array called "messages" begins and ends; nothing without one."""
    try:
        for name, at in _fields(body):
            if name == "messages" and body.startswith("[", at):
                return list(_elements(body, at))
    except (ValueError, RecursionError):
        return []  # no JSON, or none that anybody sends
    return []


def _fields(body: str) -> Iterator[tuple[str, int]]:
    """Yield the names of an object's fields, and where their values begin."""
    at = _after(body, 0, "{")
    while not body.startswith("}", at):
        name, end = _JSON.raw_decode(body, at)
        at = _after(body, _space(body, end), ":")
        yield name, at
        _, end = _JSON.raw_decode(body, at)
        at = _next(body, end, "}")


def _elements(body: str, at: int) -> Iterator[tuple[int, int]]:
    """Yield where each element of an array begins and ends."""
    at = _after(body, at, "[")
    while not body.startswith("]", at):
        _, end = _JSON.raw_decode(body, at)
        yield at, end
        at = _next(body, end, "]")


def _next(body: str, end: int, closing: str) -> int:
    """Return where the next element begins behind one that ends there, or the closing bracket stands."""
    at = _space(body, end)
    return at if body.startswith(closing, at) else _after(body, at, ",")


def _after(body: str, at: int, mark: str) -> int:
    at = _space(body, at)
    if not body.startswith(mark, at):
        raise ValueError(f"no {mark!r} at {at}")
    return _space(body, at + 1)


def _space(body: str, at: int) -> int:
    found = _SPACE.match(body, at)
    return found.end() if found else at


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
