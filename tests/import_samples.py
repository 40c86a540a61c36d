"""Chats of other programs as tests make them, and what a database holds before and after."""

from pathlib import Path

import orjson

from apehost_core.store.database import Database

LOGS = ("imports", "search_changes", "search_index")
"""Tables that say what was done, not what is there."""


def lm_studio_chat(folder: Path, name: str, *turns: str, title: str | None = None, model: str = "qwen3-8b") -> Path:
    """Write an LM Studio chat of questions and answers in turn; returns its file."""
    entries: list[object] = []
    for place, said in enumerate(turns):
        content = [{"type": "text", "text": said}]
        if place % 2:
            stats = {"stopReason": "eosFound", "tokensPerSecond": 40.0, "timeToFirstTokenSec": 0.5}
            block = {"type": "contentBlock", "content": content, "genInfo": {"identifier": model, "stats": stats}}
            version: dict[str, object] = {"type": "multiStep", "role": "assistant", "steps": [block]}
        else:
            version = {"type": "singleStep", "role": "user", "content": content}
        entries.append({"versions": [version], "currentlySelected": 0})
    value = {"name": title or name, "createdAt": 1751366400000, "messages": entries}
    path = folder / f"{name}.conversation.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(orjson.dumps(value))
    return path


def web_ui_chat(path: Path, *turns: str, chat_id: str = "chat-1") -> Path:
    """Write an Open WebUI export of one chat whose messages have the ids m0, m1 and so on; returns its file."""
    messages: dict[str, object] = {}
    for place, said in enumerate(turns):
        messages[f"m{place}"] = {
            "id": f"m{place}",
            "parentId": f"m{place - 1}" if place else None,
            "childrenIds": [f"m{place + 1}"] if place + 1 < len(turns) else [],
            "role": "assistant" if place % 2 else "user",
            "content": said,
            "timestamp": 1751366400 + place,
        }
    history = {"currentId": f"m{len(turns) - 1}", "messages": messages}
    chat = {"title": "From the web", "models": ["qwen3-8b"], "history": history, "messages": []}
    path.write_bytes(orjson.dumps([{"id": chat_id, "title": "From the web", "chat": chat, "created_at": 1751366400}]))
    return path


def contents(database: Database) -> dict[str, tuple[int, int]]:
    """How many rows each table has, and a hash over all of them, whatever their order; logs are left out."""
    with database.read() as cursor:
        tables = sorted(row[0] for row in cursor.execute("SELECT table_name FROM duckdb_tables()").fetchall())
        return {
            name: cursor.execute(f'SELECT count(*), coalesce(sum(hash(t::VARCHAR)), 0) FROM "{name}" t').fetchall()[0]
            for name in tables
            if name not in LOGS
        }


def rows(database: Database, sql: str, *values: object) -> list[tuple[object, ...]]:
    """What a query gives."""
    with database.read() as cursor:
        return cursor.execute(sql, list(values)).fetchall()
