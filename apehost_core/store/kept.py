"""What was read, kept until something is committed: pages draw the same again and again while nothing changes."""

import threading
from collections.abc import Callable, Hashable
from typing import Any, Final, TypeVar

_T = TypeVar("_T")
_MOST: Final = 64


class Kept:
    """Answers of one database. Safe to use from any thread; what is kept must not be changed.

    Args:
        commits: How many there were; grows after a commit can be seen and before its writer goes on.
    """

    def __init__(self, commits: Callable[[], int]) -> None:
        self._commits = commits
        self._lock = threading.Lock()
        self._at = -1
        self._answers: dict[Hashable, Any] = {}

    def get(self, question: Hashable, read: Callable[[], _T]) -> _T:
        """Return the answer to a question: the one that is kept, or what is read now.

        Args:
            question: What is asked, with all that the answer depends on beside the database.
            read: Reads the answer.
        """
        commits = self._commits()
        with self._lock:
            if self._at != commits:
                self._answers.clear()
                self._at = commits
            if question in self._answers:
                return self._answers[question]
        answer = read()
        with self._lock:
            if self._at == commits:  # else it may be older than what was committed meanwhile
                self._answers[question] = answer
                if len(self._answers) > _MOST:
                    del self._answers[next(iter(self._answers))]
        return answer
