"""Answers that are kept until something is committed."""

import pytest

from apehost_core.store.kept import Kept


class Committed:
    """A database that counts its commits, and how often it was read."""

    def __init__(self) -> None:
        self.commits = 0
        self.read = 0
        self.kept = Kept(lambda: self.commits)

    def ask(self, question: object = "how many", *, meanwhile: int = 0) -> int:
        """The number of commits as it is kept; some come while it is read."""

        def read() -> int:
            self.read += 1
            seen = self.commits
            self.commits += meanwhile
            return seen

        return self.kept.get(question, read)


def test_a_question_is_read_once_until_a_commit() -> None:
    """The same question has the same answer while nothing was committed; another question has its own."""
    database = Committed()
    assert [0, 0] == [database.ask(), database.ask()]
    database.ask("another")
    assert 2 == database.read
    database.commits += 1
    assert [1, 1] == [database.ask(), database.ask()]
    assert 3 == database.read


def test_an_answer_that_may_be_older_is_not_kept() -> None:
    """What was read while something was committed is read again."""
    database = Committed()
    assert 0 == database.ask(meanwhile=1)
    assert 1 == database.ask()


def test_what_a_read_raises_is_not_kept() -> None:
    """A read that fails fails alone."""
    database = Committed()

    def fail() -> int:
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        database.kept.get("how many", fail)
    assert 0 == database.ask()


def test_only_so_much_is_kept() -> None:
    """The oldest answers go; they are read again when they are asked for."""
    database = Committed()
    for number in range(200):
        database.ask(number)
    database.ask(199)
    assert 200 == database.read
    database.ask(0)
    assert 201 == database.read
