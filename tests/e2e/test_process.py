"""The process from its start to its end: what it says when it cannot start, and what it leaves however it ends."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from apehost_core.store.conversations import Conversations
from apehost_core.store.database import Database
from tests.app_process import App, app_command, app_environment, free_port, running_app
from tests.e2e.conftest import TOKEN, Server, answer, ask, grows, words_shown

pytestmark = pytest.mark.browser


def settings(server: Server) -> dict[str, str]:
    """The simulated server as the only one."""
    return {"LMSTUDIO_SERVERS": f"sim|{server.url}", "LM_API_TOKEN": TOKEN, "APEHOST_DEMO": "off"}


def opened(browser: Browser, app: App) -> Page:
    """A new window on an app."""
    page = browser.new_context().new_page()
    page.goto(app.url)
    return page


def last_outcome(app: App) -> tuple[str, int]:
    """How the latest answer in an ended app's file ended, and how many words it has."""
    database = Database.open(app.data_dir / "apehost.duckdb")
    try:
        conversations = Conversations(database)
        *_, last = conversations.branch(conversations.recent(1)[0].id)
        (generation,) = conversations.generations_of([last.id])[last.id]
        return generation.outcome, last.message.text.count("word")
    finally:
        database.close()


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
def test_a_clean_end_in_mid_answer(browser: Browser, server: Server, tmp_path: Path, sign: signal.Signals) -> None:
    """With a window open and an answer being written: the answer is closed and kept, and nothing is left behind."""
    with running_app(tmp_path, settings(server)) as app:
        page = opened(browser, app)
        ask(page, "Write.")
        shown = grows(page)
        app.process.send_signal(sign)
        app.process.wait(15)
        outcome, words = last_outcome(app)
        page.context.close()
    assert "interrupted" == outcome
    assert words >= shown
    assert not (app.data_dir / "control.json").exists()
    assert not (app.data_dir / "apehost.duckdb.wal").exists()
    assert "Traceback" not in app.log.read_text()
    assert server.simulator.calls[-1].left_ns is not None


def test_killed_in_mid_answer(browser: Browser, server: Server, tmp_path: Path) -> None:
    """After kill -9 and a new start the same window shows the answer again, as interrupted, with what was seen."""
    port = free_port()
    with running_app(tmp_path, settings(server), port=port) as app:
        page = opened(browser, app)
        ask(page, "Write.")
        shown = grows(page, by=30)
        page.wait_for_timeout(250)
        app.kill()
    with running_app(tmp_path, settings(server), port=port):
        page.reload()
        expect(answer(page)).to_contain_text("interrupted", timeout=30_000)
        assert words_shown(page) >= shown
        expect(page.locator(".st-key-retry")).to_be_visible()
    page.context.close()


def test_a_window_finds_the_app_again(browser: Browser, server: Server, tmp_path: Path) -> None:
    """A window that stays open while the app is started anew shows the conversation without a reload."""
    port = free_port()
    with running_app(tmp_path, settings(server), port=port) as app:
        page = opened(browser, app)
        ask(page, "Write.")
        grows(page)
    with running_app(tmp_path, settings(server), port=port):
        expect(answer(page)).to_contain_text("interrupted", timeout=30_000)
    page.context.close()


def test_a_second_process_on_the_same_data(server: Server, tmp_path: Path) -> None:
    """It ends at once and says which process holds the file and what to do; the first one goes on."""
    with running_app(tmp_path, settings(server)) as app:
        second = started(tmp_path, settings(server))
        assert 0 != second.returncode
        assert f"held by process {app.process.pid}" in second.stderr + second.stdout
        assert "APEHOST_DATA_DIR" in second.stderr + second.stdout
        assert app.process.poll() is None


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"APEHOST_DEMO": "maybe"}, ("APEHOST_DEMO", "'auto', 'offer' or 'off'", "For example")),
        ({"APEHOST_DEMOO": "off"}, ("APEHOST_DEMOO", "did you mean APEHOST_DEMO?")),
        ({"LMSTUDIO_SERVERS": "no bar"}, ("LMSTUDIO_SERVERS", "Name|url", "For example")),
        ({"APEHOST_ALLOWED_HOSTS": "http://x/"}, ("APEHOST_ALLOWED_HOSTS",)),
    ],
)
def test_a_wrong_setting_stops_the_start(tmp_path: Path, wrong: dict[str, str], words: tuple[str, ...]) -> None:
    """The message names the setting, what is wrong with it, and an example."""
    ended = started(tmp_path, wrong)
    assert 0 != ended.returncode
    assert [word for word in words if word not in ended.stderr + ended.stdout] == []
    assert "Traceback" not in ended.stderr


def test_a_backup_while_an_answer_is_written(browser: Browser, server: Server, tmp_path: Path) -> None:
    """`apehost backup` copies the open database through the app; the copy opens and holds what was written."""
    with running_app(tmp_path, settings(server)) as app:
        page = opened(browser, app)
        ask(page, "Keep me.")
        grows(page)
        copy = tmp_path / "copy.duckdb"
        command = [sys.executable, "-m", "apehost_core.command", "backup", str(copy)]
        done = subprocess.run(
            command, env=app_environment(tmp_path, settings(server)), capture_output=True, text=True, check=False
        )
        assert f"by the running ApeHost (process {app.process.pid})" in done.stdout
        page.context.close()
    database = Database.open(copy)
    try:
        with database.read() as cursor:
            texts = cursor.execute("SELECT text FROM messages").fetchall()
            (events,) = cursor.execute("SELECT count(*) FROM run_events WHERE kind = 'text'").fetchall()[0]
    finally:
        database.close()
    assert [("Keep me.",)] == texts
    assert events > 0


def started(folder: Path, wanted: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """An app that was to end by itself at its start."""
    return subprocess.run(
        app_command(free_port()),
        cwd=folder,
        env=app_environment(folder, wanted),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
