"""The README's test command runs every test once, and fails when any part of it does."""

import itertools
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import __main__ as command
from tests.architecture.sources import files, named


@pytest.mark.parametrize(("alone", "browser"), list(itertools.product((False, True), repeat=2)))
def test_each_test_is_in_one_part(alone: bool, browser: bool) -> None:
    """Whatever marks a test has, one part selects it and the others do not."""
    marks = {"alone": alone, "browser": browser}
    selected = [eval(part[part.index("-m") + 1], {}, marks) for part in command.PARTS]
    assert 1 == selected.count(True)


@pytest.mark.parametrize("part", command.PARTS[1:], ids=lambda part: part[1])
@pytest.mark.parametrize("mark", ["alone", "browser"])
def test_each_part_looks_where_its_tests_are(part: tuple[str, ...], mark: str) -> None:
    """A file with a test of a part's mark stands in one of the folders that the part looks through."""
    if not eval(part[1], {}, {"alone": False, "browser": False, mark: True}):
        return
    folders = tuple(f"{folder}/" for folder in part if folder.startswith("tests/"))
    marked = [named(path) for path in files("tests") if f"pytest.mark.{mark}" in path.read_text("utf-8")]
    assert [] == [name for name in marked if not name.startswith((*folders, "tests/conftest.py"))]


@pytest.mark.parametrize("kept", [True, False], ids=["kept", "not-kept"])
def test_modules_are_compiled_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, kept: bool) -> None:
    """Where Python may not keep what it has compiled, the tests' processes keep it in a folder that goes at the end."""
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "" if kept else "1")
    monkeypatch.setattr(sys, "dont_write_bytecode", not kept)
    (tmp_path / "thing.py").touch()
    program = "import sys, thing; print(thing.__cached__); print(open(thing.__cached__, 'rb').read() != b'')"
    with command.compiled_once() as environment:
        run = subprocess.run(
            [sys.executable, "-c", program], env=environment, cwd=tmp_path, check=True, capture_output=True, text=True
        )
    cached, is_there = run.stdout.split()
    assert "True" == is_there
    assert kept == Path(cached).exists()


@pytest.mark.parametrize(("codes", "expected"), [((0, 0, 0), 0), ((0, 1, 0), 1), ((2, 1, 0), 2)])
def test_a_part_that_fails_fails_all(monkeypatch: pytest.MonkeyPatch, codes: tuple[int, ...], expected: int) -> None:
    """The exit code is the first that is not 0, and all parts have run."""
    left: Iterator[int] = iter(codes)
    monkeypatch.setattr(command, "prepare_browser", lambda: None)
    monkeypatch.setattr(command, "_pytest", lambda _part, _environment: next(left))
    assert expected == command.main([])
    assert [] == list(left)
