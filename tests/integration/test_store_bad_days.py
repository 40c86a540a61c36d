"""The database on bad days: held by another process, from a newer version, damaged, on a full disk, killed."""

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path

import duckdb
import pytest

from apehost_core.errors import StoreDamaged, StoreError, StoreLocked, StoreTooNew
from apehost_core.history.listing import ListFilter
from apehost_core.messages import user_message
from apehost_core.store import schema
from apehost_core.store.backup import backup
from apehost_core.store.conversations import Conversations
from apehost_core.store.database import Database
from apehost_core.store.library import Library
from apehost_core.store.salvage import salvage
from apehost_core.store.search import Search
from tests.run_samples import UNKNOWN_ID

ROOT = Path(__file__).parents[2]


@contextmanager
def child(code: str, *arguments: str) -> Generator[subprocess.Popen[str], None, None]:
    """A Python process of our own running some code; killed at the end."""
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code), *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()


def line_of(process: subprocess.Popen[str]) -> str:
    """The next line that a child prints."""
    assert process.stdout is not None
    return process.stdout.readline().strip()


HOLD = """
    import sys
    from pathlib import Path
    from apehost_core.store.database import Database
    Database.open(Path(sys.argv[1]))
    print("open", flush=True)
    sys.stdin.readline()
"""


def test_a_held_file_names_its_holder(path: Path) -> None:
    """A second process is told which process holds the file and what to do."""
    with child(HOLD, str(path)) as holder:
        assert "open" == line_of(holder)
        with pytest.raises(StoreLocked) as refused:
            Database.open(path)
        assert str(holder.pid) in refused.value.fault.title
        assert "APEHOST_DATA_DIR" in refused.value.fault.advice
    Database.open(path).close()


def test_a_newer_file_is_refused_and_left_alone(path: Path) -> None:
    """A file with an unknown migration does not open, and not one byte of it changes."""
    Database.open(path).close()
    with duckdb.connect(path) as newer:
        newer.execute("INSERT INTO schema_migrations VALUES (999, '0999_later.sql', 'ff', now())")
    before = path.read_bytes()
    with pytest.raises(StoreTooNew, match="newer ApeHost"):
        Database.open(path)
    assert before == path.read_bytes()
    assert [path.name] == sorted(file.name for file in path.parent.iterdir())


def test_a_changed_migration_is_refused(path: Path) -> None:
    """A file whose tables were made by other statements under the same number does not open."""
    Database.open(path).close()
    with duckdb.connect(path) as other:
        other.execute("UPDATE schema_migrations SET sha256 = 'ff'")
    with pytest.raises(StoreError, match="another edition"):
        Database.open(path)


def test_a_file_of_before_the_history_page(path: Path) -> None:
    """Its chats are there, listed and found, once this program has opened it."""
    with duckdb.connect(path) as older, pytest.MonkeyPatch.context() as patch:
        known = schema.migrations()[:4]
        patch.setattr(schema, "migrations", lambda: known)
        schema.migrate(older)
        older.execute(
            "INSERT INTO conversations (id, title, title_source, created_at, updated_at, leaf_id) "
            "VALUES ($1, 'Old', 'prompt', now(), now(), $1)",
            [UNKNOWN_ID],
        )
        older.execute(
            "INSERT INTO messages (id, conversation_id, role, parts, text, created_at) "
            "VALUES ($1, $1, 'user', '[]', 'walruses', now())",
            [UNKNOWN_ID],
        )
    with closing(Database.open(path)) as database, closing(Search(database, path.parent / "search")) as search:
        listed, _ = Library(database, lambda: None).find(ListFilter(), limit=9)
        assert ["Old"] == [one.title for one in listed]
        assert search.settle()
        assert ["Old"] == [hit.title for hit in search.find("walruses").hits]


def test_a_foreign_duckdb_file_is_refused(path: Path) -> None:
    """A database that ApeHost did not make gets no tables of ours."""
    with duckdb.connect(path) as other:
        other.execute("CREATE TABLE theirs (a INTEGER)")
    with pytest.raises(StoreError, match="did not make"):
        Database.open(path)


def test_a_file_that_is_no_database_is_refused(path: Path) -> None:
    """Any other file is left as it is."""
    path.write_bytes(b"hello world\n" * 1_000)
    with pytest.raises(StoreDamaged):
        Database.open(path)
    assert path.read_bytes().startswith(b"hello world")


WRITE_AND_DIE = """
    import os, sys
    from pathlib import Path
    from apehost_core.messages import user_message
    from apehost_core.store.conversations import Conversations
    from apehost_core.store.database import Database
    conversations = Conversations(Database.open(Path(sys.argv[1])))
    conversation, parent = conversations.create("many"), None
    for number in range(100):
        parent = conversations.add_message(conversation, parent, user_message(f"message {number}")).id
    os._exit(9)
"""


@pytest.fixture
def unfolded(path: Path) -> Path:
    """A database whose last hundred messages are only in the write-ahead log."""
    with child(WRITE_AND_DIE, str(path)) as writer:
        assert 9 == writer.wait(60)
    return path


def damage(path: Path) -> None:
    """Overwrite what one of the middle messages says in the write-ahead log.

    Not just any place: zeros over the head of an entry look like the end of the log to DuckDB.
    """
    log = path.with_name(path.name + ".wal")
    content = log.read_bytes()
    assert b"message 50" in content
    log.write_bytes(content.replace(b"message 50", bytes(10)))


def test_a_damaged_log_is_refused_and_can_be_salvaged(unfolded: Path) -> None:
    """The error says where the damage is, nothing is changed, and salvage brings back what came before it."""
    damage(unfolded)
    log = unfolded.with_name(unfolded.name + ".wal")
    before = (unfolded.read_bytes(), log.read_bytes())
    with pytest.raises(StoreDamaged, match="damaged at byte"):
        Database.open(unfolded)
    saved = salvage(unfolded, unfolded.with_name("saved.duckdb"))
    assert before == (unfolded.read_bytes(), log.read_bytes())
    assert 30 < saved.rows["messages"] < 100
    again = Database.open(unfolded.with_name("saved.duckdb"))
    (summary,) = Conversations(again).recent(1)
    texts = [stored.message.text for stored in Conversations(again).branch(summary.id)]
    assert [f"message {number}" for number in range(saved.rows["messages"])] == texts
    again.close()


def test_a_cut_log_opens_with_what_is_whole(unfolded: Path) -> None:
    """A log that ends in mid-entry, as a power cut leaves it, opens with everything before it."""
    log = unfolded.with_name(unfolded.name + ".wal")
    os.truncate(log, log.stat().st_size - 40)
    database = Database.open(unfolded)
    (summary,) = Conversations(database).recent(1)
    assert len(Conversations(database).branch(summary.id)) >= 98
    database.close()


FILL = """
    import resource, signal, sys
    from pathlib import Path
    from apehost_core.errors import StoreError
    from apehost_core.messages import user_message
    from apehost_core.store.conversations import Conversations
    from apehost_core.store.database import Database
    from apehost_core.store.recorder import DuckRecorder
    from apehost_core.events import LoggedEvent, TextDelta
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    path = Path(sys.argv[1])
    database = Database.open(path)
    conversations = Conversations(database)
    conversation, parent = conversations.create("full"), None
    parent = conversations.add_message(conversation, None, user_message("first")).id
    used = path.with_name(path.name + ".wal").stat().st_size if path.with_name(path.name + ".wal").exists() else 0
    resource.setrlimit(resource.RLIMIT_FSIZE, (used + 20_000, resource.RLIM_INFINITY))
    kept = 1
    try:
        for number in range(1_000):
            parent = conversations.add_message(conversation, parent, user_message("x" * 2_000)).id
            kept += 1
    except StoreError as error:
        print("refused:", error.fault.title, flush=True)
    print("healthy:", database.healthy, flush=True)
    try:
        database.append("01900000-0000-7000-8000-000000000001", LoggedEvent(1, 1, TextDelta("x")))
        print("taken", flush=True)
    except StoreError:
        print("not taken", flush=True)
    print("readable:", len(conversations.branch(conversation)) == kept, flush=True)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    database.probe()
    conversations.add_message(conversation, parent, user_message("after"))
    print("healthy:", database.healthy, flush=True)
    print("kept:", len(conversations.branch(conversation)) == kept + 1, flush=True)
    database.close()
    print("reopened:", len(Conversations(Database.open(path)).branch(conversation)) == kept + 1, flush=True)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGXFSZ"), reason="needs a limit on file sizes")
def test_a_full_disk(path: Path) -> None:
    """Writes fail with words, reads go on, events are not taken, and all is well again once there is space."""
    with child(FILL, str(path)) as filler:
        assert filler.stdout is not None
        said = filler.stdout.read().splitlines()
    assert [
        "refused: The database could not be written: the disk is full",
        "healthy: False",
        "not taken",
        "readable: True",
        "healthy: True",
        "kept: True",
        "reopened: True",
    ] == said


def test_a_copy_while_the_app_writes(database: Database, tmp_path: Path) -> None:
    """A backup holds everything committed before it, opens on its own, and never replaces a file."""
    conversations = Conversations(database)
    conversation_id = conversations.create("copy me")
    asked = conversations.add_message(conversation_id, None, user_message("hello"))
    copy = tmp_path / "it's a copy.duckdb"
    backup(database, copy)
    conversations.add_message(conversation_id, asked.id, user_message("later"))
    opened = Database.open(copy)
    assert ["hello"] == [stored.message.text for stored in Conversations(opened).branch(conversation_id)]
    opened.close()
    with pytest.raises(StoreError, match="already a file"):
        backup(database, copy)
    with pytest.raises(StoreError, match="does not exist"):
        backup(database, tmp_path / "nowhere" / "copy.duckdb")


OPEN = """
    import duckdb, sys
    try:
        duckdb.connect(sys.argv[1])
        print("opened")
    except duckdb.Error:
        print("held")
"""


def test_the_lock_holds_while_a_copy_is_made(database: Database, tmp_path: Path) -> None:
    """Making a copy does not drop the lock: a second process still cannot open the file."""
    backup(database, tmp_path / "copy.duckdb")
    with child(OPEN, str(database.path)) as second:
        assert "held" == line_of(second)


def test_no_extension_is_ever_fetched(database: Database) -> None:
    """Extensions are neither installed nor loaded by a query that would use one."""
    with pytest.raises(StoreError), database.read() as cursor:
        cursor.execute("SELECT * FROM 'https://192.0.2.1/x.parquet'")
