"""Conversations that an import finds here already: which they are, and how they take in what has come since.

Nothing that is here is changed or deleted but what the import itself had set: what a person wrote, selected or named
stays. A message that reads otherwise in the file than here stands beside the one that is here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import duckdb
import orjson

from apehost_core.formats import ImportedConversation, apehost
from apehost_core.messages import parts_to_json
from apehost_core.store.import_rows import ImportRows, Placed, ended, place, title_of
from apehost_core.store.transaction import Transaction

Key = tuple[str, str]
"""Format, and id in the other program."""

_STANDING = """
SELECT origin, origin_id, id::VARCHAR, origin_hash, trashed_at IS NOT NULL FROM conversations
WHERE origin_id IN (SELECT unnest(?::VARCHAR[])) ORDER BY id"""
_OWN = """
SELECT id::VARCHAR, trashed_at IS NOT NULL FROM conversations
WHERE id IN (SELECT TRY_CAST(own AS UUID) FROM (SELECT unnest(?::VARCHAR[]) AS own))"""
_GONE = "SELECT DISTINCT origin, origin_id FROM import_gone WHERE origin_id IN (SELECT unnest(?::VARCHAR[]))"
_MESSAGES = """
SELECT origin_id, id::VARCHAR, role, parts FROM messages
WHERE conversation_id = ? AND origin_id IS NOT NULL ORDER BY id"""
_MOST_DIGESTS = 50
_SET = ("title", "updated_at", "leaf_id", "origin_hash")


@dataclass(frozen=True, slots=True)
class Standing:
    """A conversation that an earlier import brought.

    Attributes:
        id: Its id here; empty where it is not here.
        digests: Of its states that were imported.
        trashed: It is in the trash, or was removed for good.
    """

    id: str
    digests: frozenset[str]
    trashed: bool


def key_of(conversation: ImportedConversation) -> Key:
    """Return what a conversation of a file is known by."""
    return conversation.format, conversation.source_id


def standing(cursor: duckdb.DuckDBPyConnection, conversations: Sequence[ImportedConversation]) -> dict[Key, Standing]:
    """Return those conversations that are here already; one of this very database is always the same as its export."""
    found: dict[Key, Standing] = {}
    own = {one.source_id: one.digest for one in conversations if one.format == apehost.NAME}
    if own:
        for conversation_id, trashed in cursor.execute(_OWN, [list(own)]).fetchall():
            digests = frozenset([own[conversation_id]])
            found[apehost.NAME, conversation_id] = Standing(conversation_id, digests, trashed)
    rows = cursor.execute(_STANDING, [[conversation.source_id for conversation in conversations]]).fetchall()
    for origin, origin_id, conversation_id, digests, trashed in rows:
        found[origin, origin_id] = Standing(conversation_id, frozenset(digests.split()), trashed)
    return found


def removed(cursor: duckdb.DuckDBPyConnection, conversations: Sequence[ImportedConversation]) -> dict[Key, Standing]:
    """Return those conversations that a person has removed for good."""
    rows = cursor.execute(_GONE, [[conversation.source_id for conversation in conversations]]).fetchall()
    return {(origin, origin_id): Standing("", frozenset(), trashed=True) for origin, origin_id in rows}


def welcome(transaction: Transaction, conversations: Sequence[ImportedConversation]) -> None:
    """Forget that conversations were removed, for a person has brought them again."""
    for key in removed(transaction.connection, conversations):
        transaction.execute("DELETE FROM import_gone WHERE origin = ? AND origin_id = ?", list(key))


def newcomers(
    cursor: duckdb.DuckDBPyConnection, conversation: ImportedConversation, conversation_id: str
) -> tuple[list[Placed], dict[str, str]]:
    """Return the messages that are not here yet, and the ids here of those that are, by their ids in the file."""
    here = {row[0]: row[1:] for row in cursor.execute(_MESSAGES, [conversation_id]).fetchall()}
    known: dict[str, str] = {}
    for found in conversation.messages:
        message_id, role, parts = here.get(found.source_id, (None, "", ""))
        if message_id and (role, parts) == (found.message.role, parts_to_json(found.message.parts)):
            known[found.source_id] = message_id
    return place(conversation.messages, known), known


def grow(transaction: Transaction, rows: ImportRows, conversation: ImportedConversation, conversation_id: str) -> int:
    """Add what a conversation has more in the file, and note what it was before; returns how many messages."""
    connection = transaction.connection
    placed, known = newcomers(connection, conversation, conversation_id)
    before = _columns(connection, conversation_id)
    wanted = _wanted(before, conversation, known | {message.found.source_id: message.id for message in placed})
    changed = {name: [before[name], value] for name, value in wanted.items() if before[name] != value}
    transaction.insert(
        "import_changes",
        {
            "import_id": rows.import_id,
            "conversation_id": conversation_id,
            "before": orjson.dumps(changed, option=orjson.OPT_UTC_Z).decode(),
        },
    )
    if changed:
        names = ", ".join(f"{name} = ?" for name in changed)
        values = [after for _, after in changed.values()]
        transaction.execute(f"UPDATE conversations SET {names} WHERE id = ?", [*values, conversation_id])
    rows.add_messages(conversation, conversation_id, placed)
    return len(placed)


def _columns(connection: duckdb.DuckDBPyConnection, conversation_id: str) -> dict[str, Any]:
    """Return what an import may change, whether the import named it, and whether it brought the selected leaf."""
    row = connection.execute(
        "SELECT title, updated_at, leaf_id::VARCHAR, origin_hash, title_source = 'import', leaf_id IS NULL "
        "OR leaf_id IN (SELECT id FROM messages WHERE conversation_id = $1 AND import_id IS NOT NULL) "
        "FROM conversations WHERE id = $1",
        [conversation_id],
    ).fetchall()[0]
    return dict(zip((*_SET, "named_by_import", "leaf_by_import"), row, strict=True))


def _wanted(before: Mapping[str, Any], conversation: ImportedConversation, ids: Mapping[str, str]) -> dict[str, Any]:
    """Return what the columns are to be; whatever a person has set since is left out."""
    at: datetime | None = ended(conversation)
    digests = [*before["origin_hash"].split(), conversation.digest]
    wanted: dict[str, Any] = {"origin_hash": " ".join(digests[-_MOST_DIGESTS:])}
    if at is not None:
        wanted["updated_at"] = max(before["updated_at"], at)
    if before["named_by_import"] and conversation.title:
        wanted["title"] = title_of(conversation)
    leaf = ids.get(conversation.selected or "")
    if before["leaf_by_import"] and leaf is not None:
        wanted["leaf_id"] = leaf
    return wanted
