"""What the tests kill: a process that writes, renames and trashes conversations beside a search."""

import os
from pathlib import Path

from apehost_core.messages import user_message
from apehost_core.store.conversations import Conversations
from apehost_core.store.database import Database
from apehost_core.store.search import Search, feeder


def write_until_killed(data_dir: Path, said: Path, life: int) -> None:
    """Write, and say in a file what was acknowledged: "word message" or "renamed word" a line."""
    # Commits follow each other at once, so that kills fall into them and between them and the database.
    feeder._REST_S = feeder._LOOK_S = 0.0  # pyright: ignore[reportPrivateUsage]
    database = Database.open(data_dir / "apehost.duckdb")
    Search(database, data_dir / "search")
    conversations, log = Conversations(database), os.open(said, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    number = 0
    while True:
        word = f"life{life}number{number}"
        conversation_id = conversations.create(f"title {word}")
        message = conversations.add_message(conversation_id, None, user_message(f"common {word}"))
        os.write(log, f"{word} {message.id}\n".encode())
        if number % 5 == 0:
            conversations.rename(conversation_id, f"renamed {word}")
            os.write(log, f"renamed {word}\n".encode())
        if number % 7 == 0:
            conversations.trash(conversation_id)
        number += 1
