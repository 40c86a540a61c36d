"""The index and the record part company: by kills, damage, loss, old copies and new editions. It always heals."""

import random
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from apehost_core.store.backup import backup
from apehost_core.store.database import Database
from apehost_core.store.search import Search, index
from tests.killing import killed
from tests.search_samples import keep_texts, searching
from tests.search_to_kill import write_until_killed

KILLS = 30
AT_ONCE = 2
ALL = 10_000


def checked(database: Database, search: Search) -> int:
    """Whether everything that is in the record is found, once, and nothing else; returns how many messages."""
    assert search.settle(60), search.progress
    with database.read() as cursor:
        rows = cursor.execute(
            "SELECT m.id::VARCHAR, trashed_at IS NOT NULL "
            "FROM messages m JOIN conversations c ON c.id = m.conversation_id"
        ).fetchall()
    for query, trashed in (("common", False), ("common in:trash", True)):
        hits = [hit.message_id for hit in search.find(query, limit=ALL).hits]
        assert sorted(key for key, in_trash in rows if in_trash == trashed) == sorted(hits)
    titles = search.find("-in:trash title", limit=ALL).total + search.find("-in:trash renamed", limit=ALL).total
    assert sum(not in_trash for _, in_trash in rows) == titles
    return len(rows)


def acknowledged(said: Path) -> tuple[dict[str, str], set[str]]:
    """What the killed processes said was written: messages by their words, and the words of renamed titles."""
    lines = [line.split() for line in said.read_text().splitlines(keepends=True) if line.endswith("\n")]
    return {word: key for word, key in lines if word != "renamed"}, {word for kind, word in lines if kind == "renamed"}


def killed_again_and_again(folder: Path, seed: int) -> int:
    """Kill writer after writer on one record and look into it each time; return how many messages there are."""
    points, said, count = random.Random(seed), folder / "said", 0
    for life in range(KILLS // AT_ONCE):
        killed(write_until_killed, (folder, said, life), said, points.uniform(0.0, 0.3))
        count = healed(folder, said)
    return count


def healed(folder: Path, said: Path) -> int:
    """Open what a kill has left and check it; return how many messages there are."""
    written, renamed = acknowledged(said)
    database = Database.open(folder / "apehost.duckdb")
    try:
        with searching(database, folder / "search") as search:
            count = checked(database, search)
            assert count >= len(written)
            with database.read() as cursor:
                stored = {row[0] for row in cursor.execute("SELECT id::VARCHAR FROM messages").fetchall()}
            assert set(written.values()) <= stored
            for word in list(written)[-10:]:  # whether the last was trashed, only the record knows
                hits = [hit for place in ("", " in:trash") for hit in search.find(word + place).hits]
                assert [written[word]] == [hit.message_id for hit in hits if hit.where == "text"]
                if word in renamed:
                    assert [f"renamed {word}"] == [hit.title for hit in hits if hit.where == "title"]
        return count
    finally:
        database.close()


@pytest.mark.alone
def test_thirty_kills(tmp_path: Path) -> None:
    """Wherever a kill falls between record and index, the next start finds all that was acknowledged, each once."""
    folders = [tmp_path / str(number) for number in range(AT_ONCE)]
    for folder in folders:
        folder.mkdir()
    with ThreadPoolExecutor(AT_ONCE) as lives:
        counts = list(lives.map(killed_again_and_again, folders, range(AT_ONCE)))
    assert all(count > KILLS // AT_ONCE for count in counts)


def only_index(folder: Path) -> Path:
    """The folder of the one index that is there."""
    (found,) = (folder / "search").iterdir()
    return found


def cut(suffix: str) -> Callable[[Path], None]:
    """Damage that cuts a file in half."""

    def damage(folder: Path) -> None:
        path = max(folder.glob(f"*{suffix}"), key=lambda each: each.stat().st_size)
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])

    return damage


def flipped(suffix: str) -> Callable[[Path], None]:
    """Damage that turns one byte of a file round."""

    def damage(folder: Path) -> None:
        path = max(folder.glob(f"*{suffix}"), key=lambda each: each.stat().st_size)
        content = bytearray(path.read_bytes())
        content[len(content) // 3] ^= 0xFF
        path.write_bytes(content)

    return damage


def lost(suffix: str) -> Callable[[Path], None]:
    """Damage that removes a file."""
    return lambda folder: next(folder.glob(f"*{suffix}")).unlink()


DAMAGES = {
    **{f"cut{suffix}": cut(suffix) for suffix in (".idx", ".fast", "meta.json")},
    **{f"flipped{suffix}": flipped(suffix) for suffix in (".pos", ".term", ".store", ".fieldnorm")},
    "lost": lost(".idx"),
    "emptied": lambda folder: [path.unlink() for path in folder.iterdir()],
    "folder lost": shutil.rmtree,
}


def test_damage(tmp_path: Path) -> None:
    """A lost, cut or turned file of the index is noticed at the next start, and everything is found again."""
    database = Database.open(tmp_path / "apehost.duckdb")
    keep_texts(database, "common")
    with searching(database, tmp_path / "search") as search:
        assert 1 == checked_texts(search)
    for number, (name, damage) in enumerate(DAMAGES.items(), start=2):
        before = only_index(tmp_path)
        damage(before)
        with searching(database, tmp_path / "search") as search:
            keep_texts(database, f"common {name}")
            assert number == checked_texts(search), name
        assert only_index(tmp_path) != before, name
    database.close()


def checked_texts(search: Search) -> int:
    """How many messages are found, each once."""
    assert search.settle(60), search.progress
    hits = [hit.message_id for hit in search.find("common", limit=ALL).hits]
    assert len(set(hits)) == len(hits)
    return len(hits)


def test_a_sound_index_is_kept(tmp_path: Path) -> None:
    """A start over a sound index opens it, and takes in only what is new."""
    database = Database.open(tmp_path / "apehost.duckdb")
    with searching(database, tmp_path / "search") as search:
        keep_texts(database, "common one")
        assert 1 == checked_texts(search)
    kept = only_index(tmp_path)
    keep_texts(database, "common two")
    with searching(database, tmp_path / "search") as search:
        assert 2 == checked_texts(search)
    assert only_index(tmp_path) == kept
    database.close()


def test_another_edition(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An index of another program version is made anew."""
    database = Database.open(tmp_path / "apehost.duckdb")
    with searching(database, tmp_path / "search") as search:
        keep_texts(database, "common one")
        assert 1 == checked_texts(search)
    before = only_index(tmp_path)
    monkeypatch.setattr(index, "EDITION", "a later one")
    with searching(database, tmp_path / "search") as search:
        assert 1 == checked_texts(search)
    assert only_index(tmp_path) != before
    database.close()


def test_an_old_copy_of_the_index(tmp_path: Path) -> None:
    """An index from an earlier backup, whose later changes are no longer noted, is made anew."""
    database = Database.open(tmp_path / "apehost.duckdb")
    with searching(database, tmp_path / "search") as search:
        keep_texts(database, "common one")
        assert 1 == checked_texts(search)
    shutil.copytree(tmp_path / "search", tmp_path / "copy")
    for number in range(2, 4):
        with searching(database, tmp_path / "search") as search:
            keep_texts(database, f"common {number}")
            assert number == checked_texts(search)
    shutil.rmtree(tmp_path / "search")
    (tmp_path / "copy").rename(tmp_path / "search")
    with searching(database, tmp_path / "search") as search:
        assert 3 == checked_texts(search)
    database.close()


def test_an_old_copy_of_the_record(tmp_path: Path) -> None:
    """A record restored from a copy, beside the index of what came after it, is found as it is, and grows again."""
    database = Database.open(tmp_path / "apehost.duckdb")
    with searching(database, tmp_path / "search") as search:
        keep_texts(database, "common one")
        assert 1 == checked_texts(search)
        backup(database, tmp_path / "copy.duckdb")
        keep_texts(database, "common two", "common three")
        assert 3 == checked_texts(search)
    database.close()
    restored = Database.open(tmp_path / "copy.duckdb")
    with searching(restored, tmp_path / "search") as search:
        assert 1 == checked_texts(search)
        keep_texts(restored, "common four", "common five", "common six")
        assert 4 == checked_texts(search)
    restored.close()


def test_the_folder_goes_while_it_is_open(tmp_path: Path) -> None:
    """An index that is deleted under the running program is made anew as soon as something is to be added."""
    database = Database.open(tmp_path / "apehost.duckdb")
    with searching(database, tmp_path / "search") as search:
        keep_texts(database, "common one")
        assert 1 == checked_texts(search)
        shutil.rmtree(only_index(tmp_path))
        keep_texts(database, "common two")
        assert 2 == checked_texts(search)
    database.close()


def test_making_it_anew_goes_on_where_it_was_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stop in the middle keeps what was committed, and nothing is there twice in the end; changes come after."""
    monkeypatch.setattr("apehost_core.store.search.feeder._CONVERSATIONS", 2)
    monkeypatch.setattr("apehost_core.store.search.feeder._COMMIT_S", 0.0)
    database = Database.open(tmp_path / "apehost.duckdb")
    keep_texts(database, *(f"common {number}" for number in range(12)))
    with searching(database, tmp_path / "search") as search:
        search.find("common")
        keep_texts(database, "common late")
    kept = only_index(tmp_path)
    with searching(database, tmp_path / "search") as search:
        assert 13 == checked_texts(search)
        assert "ready" == search.progress.state
    assert only_index(tmp_path) == kept
    database.close()
