"""The README's test command runs every test once, and fails when any part of it does."""

import itertools
from collections.abc import Iterator

import pytest

from tests import __main__ as command


@pytest.mark.parametrize(("alone", "browser"), list(itertools.product((False, True), repeat=2)))
def test_each_test_is_in_one_part(alone: bool, browser: bool) -> None:
    """Whatever marks a test has, one part selects it and the others do not."""
    marks = {"alone": alone, "browser": browser}
    selected = [eval(part[part.index("-m") + 1], {}, marks) for part in command.PARTS]
    assert 1 == selected.count(True)


@pytest.mark.parametrize(("codes", "expected"), [((0, 0, 0), 0), ((0, 1, 0), 1), ((2, 1, 0), 2)])
def test_a_part_that_fails_fails_all(monkeypatch: pytest.MonkeyPatch, codes: tuple[int, ...], expected: int) -> None:
    """The exit code is the first that is not 0, and all parts have run."""
    left: Iterator[int] = iter(codes)
    monkeypatch.setattr(command, "prepare_browser", lambda: None)
    monkeypatch.setattr(command, "_pytest", lambda _: next(left))
    assert expected == command.main([])
    assert [] == list(left)
