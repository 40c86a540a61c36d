"""The one folder into which the open database can write: copies and exports on their way."""

from contextlib import closing
from pathlib import Path

import pytest

from apehost_core.errors import StoreError
from apehost_core.store.backup import backup
from apehost_core.store.console import Console
from apehost_core.store.database import Database
from tests.integration.console_samples import fill


def test_a_copy_goes_through_it(database: Database, tmp_path: Path) -> None:
    """A copy arrives whole in any other folder, descriptions of the views included, and leaves nothing on the way."""
    fill(database)
    copy = tmp_path / "elsewhere" / "copy.duckdb"
    copy.parent.mkdir()
    backup(database, copy)
    assert [] == list(database.outbox.iterdir())
    assert [copy] == list(copy.parent.iterdir())
    opened = Database.open(copy)
    with closing(Console(opened)) as console:
        assert Console(database).schema == console.schema
        assert [3000] == list(console.run("SELECT count(*) AS n FROM v_messages", {}).frame["n"])
    opened.close()


def test_a_copy_that_cannot_be_moved_leaves_nothing(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk at the destination is an error of ours, and no half copy is left anywhere."""

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("shutil.move", full)
    copy = tmp_path / "elsewhere" / "copy.duckdb"
    copy.parent.mkdir()
    with pytest.raises(StoreError, match="No space left"):
        backup(database, copy)
    assert [] == [*database.outbox.iterdir(), *copy.parent.iterdir()]


def test_a_start_empties_it(path: Path) -> None:
    """What a process that was killed left of its exports is gone after the next start."""
    database = Database.open(path)
    (database.outbox / "query-left.csv").write_text("x")
    database.close()
    again = Database.open(path)
    assert [] == list(again.outbox.iterdir())
    again.close()


@pytest.mark.parametrize("name", ["it's here", 'a "quoted" one', "mit Leerzeichen", "日本"])
def test_a_folder_of_any_name(tmp_path: Path, name: str) -> None:
    """The database opens and exports in a folder whose name has quotes, spaces or other letters."""
    folder = tmp_path / name
    folder.mkdir()
    database = Database.open(folder / "apehost.duckdb")
    with closing(Console(database)) as console:
        assert b"x\n1\n" == console.export("SELECT 1 AS x", {}, "csv").replace(b"\r\n", b"\n")
    database.close()
