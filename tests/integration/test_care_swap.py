"""Backups, and what takes the database's place at the next start."""

import ast
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Generator
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from apehost_core.command import main
from apehost_core.errors import InputRefused, StoreError, StoreLocked
from apehost_core.history.care import SwapOrder
from apehost_core.store import care_backups, care_swap
from apehost_core.store.care_order import Standing, alone, write_order
from apehost_core.store.care_swap import settle_swap
from tests.app_process import running_app
from tests.integration.caring import Opened, listed, opened, restored_from, titles, two_states

ROOT = Path(__file__).parents[2]


@pytest.fixture
def app(tmp_path: Path) -> Generator[Opened, None, None]:
    """A start on an empty folder."""
    with opened(tmp_path) as app:
        yield app


def test_a_backup_is_whole(app: Opened, tmp_path: Path) -> None:
    """A backup opens on its own, has everything, and stands in the list with its size; it can be deleted."""
    app.chat("first")
    backup = app.backed_up()
    path = app.care.backup_file(backup.name)
    assert ["first"] == titles(path)
    assert [backup] == app.care.backups()
    assert path.stat().st_size == backup.size
    assert tmp_path / "backups" == path.parent
    app.care.delete_backup(backup.name)
    assert [] == app.care.backups()


def test_a_backup_that_was_broken_off(tmp_path: Path) -> None:
    """What the end of the program left of a backup is no backup, and goes at the next start."""
    left = tmp_path / "backups" / "apehost-20260101-000000.duckdb.unfinished"
    left.parent.mkdir()
    left.write_bytes(b"half")
    with opened(tmp_path) as app:
        assert [] == app.care.backups()
        assert not left.exists()


def test_backups_of_one_second(app: Opened) -> None:
    """Two backups at the same moment are two files."""
    assert app.backed_up().name != app.backed_up().name


def test_names_that_are_no_backups(app: Opened) -> None:
    """Only what the list names is read, restored or deleted."""
    for name in ("", "..", "../apehost.duckdb", "apehost.duckdb", "/etc/passwd", "no.duckdb"):
        for verb in (app.care.backup_file, app.care.restore, app.care.delete_backup):
            with pytest.raises(InputRefused):
                verb(name)


def test_a_copy_that_differs_is_no_backup(app: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    """A copy with a row too few or another word in it gets no name."""
    app.chat("first")
    monkeypatch.setattr("apehost_core.store.backup.fingerprint", lambda *_: {"conversations": (1, 5)})
    app.care.back_up()
    fault = app.done().fault
    assert fault is not None
    assert "not like the original" in fault.title
    assert "messages" in fault.cause
    assert [] == app.care.backups()


def test_no_room(app: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the disk has no room nothing is begun, and the words say how much is missing."""
    full = shutil.disk_usage("/")._replace(free=10)
    monkeypatch.setattr(care_backups.shutil, "disk_usage", lambda _: full)
    app.care.back_up()
    fault = app.done().fault
    assert fault is not None
    assert "no room" in fault.title
    with pytest.raises(StoreError):
        app.care.compact()
    assert app.care.order is None


def test_restore_at_the_next_start(tmp_path: Path) -> None:
    """The next start has the backup, and what was there until then is a backup; that can be restored, too."""
    backup = two_states(tmp_path)
    with opened(tmp_path) as app:
        app.care.restore(backup.name)
        assert app.done().fault is None
        app.chat("newest")
        assert ["new", "newest", "old"] == listed(app)
    with opened(tmp_path) as app:
        assert ["old"] == listed(app)
        outcome = app.care.outcome
        assert outcome is not None
        assert (None, backup.name, None) == (outcome.fault, outcome.name, app.care.order)
        assert ["new", "newest", "old"] == titles(app.care.backup_file(outcome.kept))
        assert [False, True] == sorted(each.before_restore for each in app.care.backups())
        app.chat("after")
        app.care.restore(outcome.kept)
        app.done()
    with opened(tmp_path) as app:
        assert ["new", "newest", "old"] == listed(app)


def test_the_search_heals(tmp_path: Path) -> None:
    """After a restore the search finds what is there, and nothing of what is not."""
    backup = two_states(tmp_path)
    with opened(tmp_path) as app:
        assert app.search.settle()
        app.care.restore(backup.name)
        app.done()
    with opened(tmp_path) as app:
        app.chat("another")
        assert app.search.settle()
        found = {word: app.search.find(word).total for word in ("old", "new", "another")}
        assert (True, 0, True) == (found["old"] > 0, found["new"], found["another"] > 0)


def test_called_off(tmp_path: Path) -> None:
    """An order that is called off changes nothing; its backup can be deleted only then."""
    backup = two_states(tmp_path)
    with opened(tmp_path) as app:
        app.care.restore(backup.name)
        app.done()
        with pytest.raises(InputRefused):
            app.care.delete_backup(backup.name)
        app.care.call_off()
        app.care.delete_backup(backup.name)
    with opened(tmp_path) as app:
        assert (["new", "old"], None) == (listed(app), app.care.outcome)


def damaged(path: Path) -> None:
    """Overwrite a part of a file."""
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 3)
        file.write(b"\xff" * 400_000)


def newer(path: Path) -> None:
    """Have a newer program have made a file."""
    with duckdb.connect(path) as connection:
        connection.execute("INSERT INTO schema_migrations VALUES (9999, 'later', 'x', now())")


def foreign(path: Path) -> None:
    """Have another program have made a file."""
    path.unlink()
    with duckdb.connect(path) as connection:
        connection.execute("CREATE TABLE other (id INTEGER)")


def cut(path: Path) -> None:
    """Lose the end of a file."""
    os.truncate(path, path.stat().st_size // 2)


@pytest.mark.parametrize(
    ("harm", "words"), [(damaged, "damaged"), (cut, "damaged"), (newer, "newer"), (foreign, "not a database")]
)
def test_what_is_not_restored(tmp_path: Path, harm: Callable[[Path], None], words: str) -> None:
    """What cannot be restored is refused, when it is ordered and at the start; all is as it was, no folder is named."""
    backup = two_states(tmp_path)
    harm(tmp_path / "backups" / backup.name)
    with opened(tmp_path) as app:
        app.care.restore(backup.name)
        refused = app.done().fault
        assert refused is not None
        assert words in refused.title
        assert app.care.order is None
    restored_from(tmp_path, backup.name)
    with opened(tmp_path) as app:
        outcome = app.care.outcome
        assert outcome is not None
        assert outcome.fault is not None
        assert words in outcome.fault.title
        assert backup.name in outcome.fault.title
        assert str(tmp_path) not in f"{refused} {outcome.fault}"
        assert (["new", "old"], 1) == (listed(app), len(app.care.backups()))


def test_an_order_that_says_nothing(tmp_path: Path) -> None:
    """An order that cannot be read is put away, and the start goes on."""
    order = tmp_path / "swap.json"
    for said in (b"", b"{}", b"[1]", b'{"work": "erase"}', b"\xff"):
        order.write_bytes(said)
        settle_swap(tmp_path / "apehost.duckdb")
        assert [] == list(tmp_path.iterdir())


def test_a_backup_that_is_gone(tmp_path: Path) -> None:
    """Where the backup was taken away meanwhile the start goes on with what is there."""
    backup = two_states(tmp_path)
    restored_from(tmp_path, backup.name)
    (tmp_path / "backups" / backup.name).unlink()
    with opened(tmp_path) as app:
        assert ["new", "old"] == listed(app)
        assert app.care.outcome is not None
        assert app.care.outcome.fault is not None


def test_a_present_database_that_is_damaged(tmp_path: Path) -> None:
    """A backup takes the place of a database that cannot be opened; that one and its log are kept as they are."""
    backup = two_states(tmp_path)
    damaged(tmp_path / "apehost.duckdb")
    (tmp_path / "apehost.duckdb.wal").write_bytes(b"not a log")
    before = (tmp_path / "apehost.duckdb").read_bytes()
    restored_from(tmp_path, backup.name)
    with opened(tmp_path) as app:
        assert app.care.outcome is not None
        assert ["old"] == listed(app)
        kept = app.care.backup_file(app.care.outcome.kept)
        assert before == kept.read_bytes()
        assert b"not a log" == kept.with_name(kept.name + ".wal").read_bytes()
        app.care.delete_backup(kept.name)
        assert [backup.name] == sorted(path.name for path in kept.parent.iterdir())


def test_a_swap_that_the_disk_refuses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the new file cannot be moved into place, the old one goes on, under its own name only."""
    backup = two_states(tmp_path)
    restored_from(tmp_path, backup.name)
    replace = os.replace

    def refusing(source: Path, destination: Path) -> None:
        if Path(source).name == "incoming.duckdb":
            raise PermissionError(13, "Permission denied")
        replace(source, destination)

    monkeypatch.setattr(care_swap.os, "replace", refusing)
    with opened(tmp_path) as app:
        assert ["new", "old"] == listed(app)
        assert app.care.outcome is not None
        assert app.care.outcome.fault is not None
        assert [backup] == app.care.backups()
    assert 1 == (tmp_path / "apehost.duckdb").stat().st_nlink


def test_a_file_system_without_second_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a file cannot have two names, what was there is copied."""
    backup = two_states(tmp_path)
    restored_from(tmp_path, backup.name)

    def refusing(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(care_swap.os, "link", refusing)
    with opened(tmp_path) as app:
        assert app.care.outcome is not None
        assert ["old"] == listed(app)
        assert ["new", "old"] == titles(app.care.backup_file(app.care.outcome.kept))


def test_restored_by_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Beside the app the command puts a copy from anywhere in place; while the database is open it changes nothing."""
    monkeypatch.setenv("APEHOST_DATA_DIR", str(tmp_path / "data"))
    (tmp_path / "data").mkdir()
    backup = two_states(tmp_path / "data")
    copy = tmp_path / "copy.duckdb"
    (tmp_path / "data" / "backups" / backup.name).rename(copy)
    assert (1, 1) == (main(["restore", str(tmp_path / "none")]), main(["restore", str(Path(__file__))]))
    assert "damaged" in capsys.readouterr().err
    assert [] == list((tmp_path / "data" / "backups").iterdir())
    write_order(tmp_path / "data", Standing(SwapOrder("compact", "", datetime.now(UTC))))
    assert 1 == main(["restore", str(copy)])
    (tmp_path / "data" / "swap.json").unlink()
    damaged(tmp_path / "data" / "apehost.duckdb")
    assert 0 == main(["restore", str(copy)])
    assert "was put in place" in capsys.readouterr().out
    with opened(tmp_path / "data") as app:
        assert ["old"] == listed(app)
        assert 2 == len(app.care.backups())


def test_a_second_start(tmp_path: Path) -> None:
    """A second ApeHost on the same folder is refused, and neither takes the other's file away."""
    backup = two_states(tmp_path)
    holder = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('open', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", holder, str(tmp_path / "apehost.duckdb")], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        restored_from(tmp_path, backup.name)
        with pytest.raises(StoreLocked):
            settle_swap(tmp_path / "apehost.duckdb")
        process.communicate(b"")
    with alone(tmp_path), pytest.raises(StoreLocked):
        settle_swap(tmp_path / "apehost.duckdb")
    with opened(tmp_path) as app:
        assert ["old"] == listed(app)


def test_compaction(tmp_path: Path) -> None:
    """A rewritten file is smaller, holds the same, goes on counting changes where it was, and no index is made anew."""
    with opened(tmp_path) as app:
        for number in range(3):
            app.chat(f"chat {number}")
        app.database.write(
            lambda transaction: transaction.execute(
                "INSERT INTO prompt_messages SELECT md5(i::TEXT), repeat(md5(i::TEXT), 50) FROM range(20000) n(i)", []
            )
        )
        app.care.fold()
        app.done()
        app.database.write(lambda transaction: transaction.execute("DELETE FROM prompt_messages", []))
        assert app.search.settle()
        app.care.compact()
    with duckdb.connect(tmp_path / "apehost.duckdb") as connection:
        index = connection.execute("SELECT id, taken FROM search_index").fetchall()
    with opened(tmp_path) as app:
        outcome = app.care.outcome
        assert outcome is not None
        assert outcome.fault is None
        assert outcome.after < outcome.before / 2
        assert ["chat 0", "chat 1", "chat 2"] == listed(app)
        app.chat("after")
        assert app.search.settle()
        assert app.search.find("after").total > 0
        with app.database.read() as cursor:
            assert index[0][0] == cursor.execute("SELECT id FROM search_index").fetchall()[0][0]
        app.care.forget_outcome()
        assert app.care.outcome is None


@pytest.mark.skipif(sys.platform == "win32", reason="processes are forked")
@pytest.mark.parametrize("work", ["restore", "compact"])
def test_killed_at_every_step(tmp_path: Path, work: str) -> None:
    """Whenever a swap is killed, the next start has the whole new state, and nothing of the old one is lost."""
    (tmp_path / "ready").mkdir()
    backup = two_states(tmp_path / "ready")
    shutil.rmtree(tmp_path / "ready" / "search")
    order = SwapOrder("restore", backup.name, datetime.now(UTC))
    if work == "compact":
        order = SwapOrder("compact", "", datetime.now(UTC))
    write_order(tmp_path / "ready", Standing(order))
    told = subprocess.run(
        [sys.executable, "-m", "tests.swap_to_kill", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    steps = [line.split("\t") for line in told.stdout.splitlines()]
    assert len(steps) > 8
    for _, said, left in steps:
        expected = [["old"], ["new", "old"]] if work == "restore" else [["new", "old"]]
        assert expected == ast.literal_eval(said)
        assert {"swap.json", "incoming.duckdb"}.isdisjoint(ast.literal_eval(left))


def test_the_app_itself(tmp_path: Path) -> None:
    """The app, started as people start it, puts the backup in place before it opens the database, and then serves."""
    data = tmp_path / "data"
    data.mkdir()
    backup = two_states(data)
    restored_from(data, backup.name)
    with running_app(tmp_path, {"APEHOST_DEMO": "off"}) as app:
        assert not (data / "swap.json").exists()
        app.kill()
    with opened(data) as again:
        assert ["old"] == listed(again)
        assert again.care.outcome is not None
        assert ["new", "old"] == titles(again.care.backup_file(again.care.outcome.kept))
