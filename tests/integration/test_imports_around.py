"""What imports leave in the file beside messages, and what goes on meanwhile: kills, chats, search, lists."""

import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from apehost_core.history.imports import ImportProgress
from apehost_core.store.conversations import Conversations
from apehost_core.store.database import Database
from apehost_core.store.imports import Imports
from apehost_core.store.library import Library
from apehost_core.store.search import Search
from tests.app_process import ROOT
from tests.format_samples import FORMATS_FOLDER
from tests.import_samples import contents, lm_studio_chat, rows
from tests.ui.running import until

FIXTURES = FORMATS_FOLDER / "lmstudio"


@pytest.fixture
def conversations(database: Database) -> Conversations:
    """Conversations of an empty database."""
    return Conversations(database)


@pytest.fixture
def imports(database: Database) -> Imports:
    """Imports into an empty database."""
    return Imports(database)


@pytest.mark.parametrize("portions", [1, 2, 4])
def test_killed_in_the_middle(path: Path, tmp_path: Path, portions: int) -> None:
    """After a kill what was committed is listed and can be undone, or completed by importing again."""
    for number in range(5):
        lm_studio_chat(tmp_path / "chats", f"chat {number}", "Who?", "An ape.")
    command = [sys.executable, "-m", "tests.import_to_kill", str(path), str(tmp_path / "chats")]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        while portions > int(process.stdout.readline()):
            process.stdin.write("\n")
            process.stdin.flush()
        process.kill()
    with closing(Database.open(path)) as database:
        imports = Imports(database)
        (batch,) = imports.list()
        assert ("interrupted", portions) == (batch.ending, batch.findings.new)
        assert (portions, 5 - portions) == ((again := imports.run(tmp_path / "chats").findings).same, again.new)
        for found in imports.list():
            imports.undo(found.id)
        assert {0} == {count for name, (count, _) in contents(database).items() if name != "schema_migrations"}


def test_search_follows(imports: Imports, database: Database, tmp_path: Path) -> None:
    """What has come since the first import is found; undone, it is not found any more, and the rest is."""
    search = Search(database, tmp_path / "search")
    chat = lm_studio_chat(tmp_path, "chat", "Who?", "A bonobo.")
    imports.run(chat)
    lm_studio_chat(tmp_path, "chat", "Who?", "A bonobo.", "Not a gorilla?")
    second = imports.run(chat)
    until(lambda: 1 == search.find("gorilla").total)
    imports.undo(second.import_id or "")
    until(lambda: (0, 1) == (search.find("gorilla").total, search.find("bonobo").total))
    search.close()


def test_progress_is_told(imports: Imports, tmp_path: Path) -> None:
    """Whoever waits learns how far it is, up to the end."""
    for name in ("first", "second"):
        lm_studio_chat(tmp_path, name, "Who?", "An ape.")
    told: list[ImportProgress] = []
    imports.run(tmp_path, told.append)
    size = told[-1].size
    assert size > 0
    assert ImportProgress(1.0, 2, 4, 0, size, size) == told[-1]


def test_imported_is_not_measured(imports: Imports, database: Database, tmp_path: Path) -> None:
    """What another program measured stands where servers speak of themselves, and is called imported everywhere."""
    imports.run(lm_studio_chat(tmp_path, "chat", "Who?", "An ape."))
    columns = "source, run_id, server, model_asked, ttft_ms, decode_tok_s, server_ttft_ms, server_decode_tok_s"
    assert [("imported", None, "lmstudio", "qwen3-8b", None, None, 500.0, 40.0)] == rows(
        database, f"SELECT {columns} FROM v_generations"
    )


def test_tool_calls_come_along(imports: Imports, database: Database) -> None:
    """Tool calls of the fixtures belong to their messages and model calls, and to no run."""
    imports.run(FIXTURES)
    at_home = "run_id IS NULL AND import_id IS NOT NULL AND message_id IN (SELECT id FROM messages)"
    ((all_of_them, well_placed),) = rows(database, f"SELECT count(*), count(*) FILTER ({at_home}) FROM tool_calls")
    assert 0 != all_of_them == well_placed


def test_chats_go_on_meanwhile(
    imports: Imports, conversations: Conversations, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the portions of an import other writes are committed."""
    monkeypatch.setattr("apehost_core.store.import_tally._PORTION_MESSAGES", 2)
    for number in range(5):
        lm_studio_chat(tmp_path / "chats", f"chat {number}", "Who?", "An ape.")
    seen: list[int] = []

    def write_in_between(_progress: ImportProgress) -> None:
        conversations.create("meanwhile")
        seen.append(len(conversations.recent(100)))

    imports.run(tmp_path / "chats", write_in_between)
    assert [1, 2, 3, 4, 5] == seen


def test_an_export_of_ours_comes_back(imports: Imports, database: Database) -> None:
    """What ApeHost's own export says of a call beyond other formats comes along; its timings are called imported."""
    imports.run(FORMATS_FOLDER / "apehost")
    columns = "server, cold, outcome, completion_tokens_estimated, first_visible_ms, source"
    found = rows(database, f"SELECT {columns} FROM v_generations ORDER BY started_at, outcome")
    assert {"mini"} == {row[0] for row in found}
    assert {(None, "imported")} == {row[4:] for row in found}
    assert {"completed", "failed"} <= {row[2] for row in found}


def test_an_export_into_its_own_database(imports: Imports, database: Database) -> None:
    """A conversation that is here is known by its id in our own export, and is not taken in a second time."""
    here = {"id": "0197c0de-0000-7000-8000-000000000001", "title": "Ropes", "title_source": "person"}
    times = dict.fromkeys(("created_at", "updated_at"), datetime.now(UTC))
    database.write(lambda transaction: transaction.insert("conversations", here | times))
    assert 1 == imports.run(FORMATS_FOLDER / "apehost" / "apehost.jsonl").findings.same
    assert [(1,)] == rows(database, "SELECT count(*) FROM conversations WHERE title = 'Ropes'")


def test_the_library_knows_where_it_is_from(imports: Imports, database: Database, conversations: Conversations) -> None:
    """Imported conversations are listed with their origin, folders as tags, and the models that answered."""
    imports.run(FIXTURES)
    choices = Library(database, conversations.listed_anew).choices()
    assert ("lmstudio",) == choices.servers
    assert "qwen3-8b" in choices.models
    assert ("Work/Ideas",) == choices.tags
