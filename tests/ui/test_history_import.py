"""The history page's section of imports."""

from pathlib import Path
from typing import Any

import orjson
import pytest
from streamlit import config

from apehost_core.history.imports import ImportJob
from apehost_core.testing.simulator import Simulator
from tests.format_samples import FORMATS_FOLDER
from tests.import_samples import lm_studio_chat
from tests.ui.conftest import Start
from tests.ui.running import Running, until
from tests.ui.tab import Tab


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home folder."""
    (tmp_path / "home").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def app(start: Start, home: Path) -> Running:
    """A host without servers, on a computer without LM Studio."""
    return start({})


def opened() -> Tab:
    """A new tab on the section."""
    return Tab("history", {"section": "import"})


def ended(app: Running, tab: Tab) -> ImportJob:
    """Wait until nothing goes on, and let the tab see it."""
    until(lambda: (job := app.host.history.imports.job) is not None and not job.running)
    tab.run()
    job = app.host.history.imports.job
    assert job is not None
    return job


def look_at(app: Running, tab: Tab, path: Path | str) -> Tab:
    """Look at a path and wait for what is found."""
    tab.write(import_path=str(path)).press("Look")
    ended(app, tab)
    return tab


def test_an_empty_section_teaches(app: Running) -> None:
    """Before the first import the section says what can be read, and that imports can be undone."""
    page = opened().page
    for piece in ("LM Studio", "ChatGPT", "Nothing was imported yet", "can be undone"):
        assert piece in page


def test_the_limit_of_an_upload_is_said(app: Running) -> None:
    """Beside the box for files stands how large one may be, and what to do with a larger one."""
    tab = opened()
    assert f"of up to {config.get_option('server.maxUploadSize')} MB" in tab.at.file_uploader[0].label
    assert "A larger one: put it on ApeHost's computer" in tab.page


def test_looking_comes_first(app: Running) -> None:
    """A path is looked at: counts, a list and the reasons stand there, and nothing is imported yet."""
    tab = look_at(app, opened(), FORMATS_FOLDER / "lmstudio")
    findings = ended(app, tab).findings
    assert findings is not None
    assert f"{findings.new} new, {findings.unreadable} unreadable" in tab.page
    assert "Tides at the pier" in [row["Title"] for row in tab.rows]
    assert any("Why" in table.value.columns for table in tab.at.dataframe)
    assert [] == app.host.history.imports.list()


def test_import_then_undo(app: Running, tmp_path: Path) -> None:
    """What was looked at is imported with one press, stands in the sidebar, and leaves it with another."""
    lm_studio_chat(tmp_path / "chats", "Great apes", "Who?", "An ape.")
    tab = look_at(app, opened(), tmp_path / "chats").press("Import")
    ended(app, tab)
    assert "1 new · 2 messages taken in from chats" in tab.page
    assert "Great apes" in tab.sidebar
    ended(app, tab.press("Undo"))
    assert "1 conversation removed" in tab.page
    assert "Great apes" not in tab.sidebar
    assert "Undo" not in tab.buttons
    assert "undone" in tab.box("past-imports")


def test_older_imports_follow(app: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The latest imports are listed; a press lists the older ones."""
    monkeypatch.setattr("apehost_ui.history_import._LATEST", 1)
    jobs = app.host.history.imports
    for name in ("first", "second"):
        jobs.take_in(lm_studio_chat(tmp_path, name, "Who?"))
        until(lambda: jobs.job is not None and not jobs.job.running)
    tab = opened()
    assert 2 == len(jobs.list())
    tab.press("Show older imports")
    assert 2 == tab.buttons.count("Undo")
    assert "Show older imports" not in tab.buttons


def test_an_upload_is_looked_at(app: Running, tmp_path: Path) -> None:
    """A file that is uploaded is looked at without another press; closing it leaves everything as it was."""
    path = lm_studio_chat(tmp_path, "chat", "Who?", "An ape.")
    tab = opened()
    tab.at.file_uploader(key="import-upload").upload(path.name, path.read_bytes(), "application/json")
    ended(app, tab.run())
    assert "1 new" in tab.page
    tab.press("Close")
    assert app.host.history.imports.job is None
    assert "Nothing was imported yet" in tab.page


def test_a_reload_finds_it_again(app: Running, tmp_path: Path) -> None:
    """What was looked at in one tab can be imported from another."""
    look_at(app, opened(), lm_studio_chat(tmp_path, "chat", "Who?", "An ape."))
    tab = opened()
    assert "1 new" in tab.page
    report = ended(app, tab.press("Import")).report
    assert report is not None
    assert "done" == report.ending


@pytest.mark.parametrize(
    ("path", "words"),
    [("", "No file or folder is named"), ("chats", "not a whole path"), ("/no/such/folder", "no such file or folder")],
)
def test_a_path_that_leads_nowhere(app: Running, path: str, words: str) -> None:
    """What cannot be looked at is refused by a reason, without naming the path."""
    tab = opened().write(import_path=path).press("Look")
    assert words in tab.errors
    assert app.host.history.imports.job is None


def test_a_path_never_reaches_the_url(app: Running, tmp_path: Path) -> None:
    """A link to the page names the section only."""
    tab = look_at(app, opened(), lm_studio_chat(tmp_path, "chat", "Who?"))
    assert ["section"] == list(tab.at.query_params)
    assert "import" in str(tab.at.query_params["section"])


def test_lm_studio_is_one_press(app: Running, home: Path) -> None:
    """Where LM Studio keeps chats on this computer, one button imports them; the page says where from, not whose."""
    lm_studio_chat(home / ".lmstudio" / "conversations", "Local", "Who?", "An ape.")
    tab = opened()
    assert "~/.lmstudio/conversations" in tab.page
    assert str(home) not in tab.wire
    ended(app, tab.press("Import LM Studio's chats"))
    assert "Local" in tab.sidebar


def test_without_lm_studio_no_button(app: Running) -> None:
    """Where there is no such folder, nothing offers to import it."""
    assert "Import LM Studio's chats" not in opened().buttons


def test_progress_and_stop(app: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While something goes on the section shows how far it is and a button that ends it, in every tab."""
    monkeypatch.setattr("apehost_core.store.import_tally._PORTION_MESSAGES", 1)
    lm_studio_chat(tmp_path / "chats", "one", "Who?")
    lm_studio_chat(tmp_path / "chats", "two", "Who?")
    jobs = app.host.history.imports
    waiting: list[Any] = []
    tell = jobs._tell

    def slowly(progress: Any) -> None:
        waiting.append(progress)
        until(lambda: jobs.job is not None and jobs.job.stopping)
        tell(progress)

    monkeypatch.setattr(jobs, "_tell", slowly)
    tab = opened().write(import_path=str(tmp_path / "chats")).press("Look")
    until(lambda: bool(waiting))
    assert "Reading chats" in opened().wire
    assert "Look" not in tab.buttons
    tab.press("Stop")
    ended(app, tab)
    assert "Stopped" in tab.page


def test_a_second_one_is_refused(app: Running, tmp_path: Path) -> None:
    """While something goes on nothing else is begun, and the page says why."""
    tab = opened().write(import_path=str(lm_studio_chat(tmp_path, "chat", "Who?")))
    app.host.history.imports.job = ImportJob("import", "busy")
    tab.press("Look")
    assert "Something else is being imported" in tab.errors
    app.host.history.imports.job = None


def test_an_imported_answer_says_so(app: Running, tmp_path: Path) -> None:
    """Under an answer of another program stands what that one said of its speed, and that it was not measured here."""
    lm_studio_chat(tmp_path / "chats", "Great apes", "Who?", "An ape.")
    tab = look_at(app, opened(), tmp_path / "chats").press("Import")
    ended(app, tab)
    (found,) = app.host.conversations.recent(1)
    answer = Tab(link=found.id).answer
    for piece in ("An ape.", "lmstudio", "40.0 tok/s stated", "first token 0.50 s stated", "not measured here"):
        assert piece in answer
    assert "Info" not in answer


def test_votes_and_hidden_messages_of_other_programs(start: Start, tmp_path: Path) -> None:
    """What the other program knew of a message stands under it."""
    chat = orjson.loads((FORMATS_FOLDER / "openwebui" / "chats.json").read_bytes())[0]
    (tmp_path / "votes.json").write_bytes(orjson.dumps([chat | {"archived": False}]))
    node = {"id": "m", "parent": None, "children": []}
    node["message"] = {
        "id": "m",
        "author": {"role": "user"},
        "content": {"content_type": "text", "parts": ["Be brief."]},
        "metadata": {"is_visually_hidden_from_conversation": True},
    }
    hidden = {"title": "Brief", "conversation_id": "c", "current_node": "m", "mapping": {"m": node}}
    (tmp_path / "hidden.json").write_bytes(orjson.dumps([hidden]))
    app = start({"mini": Simulator()})
    jobs = app.host.history.imports
    jobs.take_in(tmp_path)
    until(lambda: jobs.job is not None and not jobs.job.running)
    pages = {found.title: Tab(link=found.id).page for found in app.host.conversations.recent(2)}
    assert "rated bad in the program it comes from" in pages["Wind and waves"]
    assert "not shown in the program it comes from" in pages["Brief"]


def test_an_imported_chat_goes_on(start: Start, home: Path) -> None:
    """An imported chat with branches and tool calls is answered as any other; undo then keeps it, and says so."""
    app = start({"mini": Simulator()})
    jobs = app.host.history.imports
    jobs.take_in(FORMATS_FOLDER / "lmstudio" / "Work")
    until(lambda: jobs.job is not None and not jobs.job.running)
    (found,) = app.host.conversations.recent(2)
    tab = app.ask(Tab(link=found.id), "And tomorrow?")
    assert "Hello from the simulator" in tab.answer
    tab = opened().press("Undo")
    ended(app, tab)
    assert "Kept, because you went on with them: “Tides at the pier”" in tab.page
    assert "Tides at the pier" in tab.sidebar


def test_hostile_titles_are_inert(app: Running, tmp_path: Path) -> None:
    """A title or a name that holds an image or a link is drawn as the characters that it has."""
    evil = "![x](http://192.0.2.1/x.png) [a](http://192.0.2.1)"
    chat = lm_studio_chat(tmp_path / "![x](y)", "chat", "Who?", title=evil)
    tab = look_at(app, opened(), chat.parent).press("Import")
    ended(app, tab)
    shown = [element.value for kind in (tab.at.markdown, tab.at.caption, tab.at.success) for element in kind]
    assert not [words for words in shown if "](" in words and "\\](" not in words and "\\]\\(" not in words]
