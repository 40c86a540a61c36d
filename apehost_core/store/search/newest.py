"""The newest messages, in memory: one piece of memory for thousands of them, found by a sorted list of keys."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

SHARE: Final = 20
"""What a message takes beside its bytes: its key, where they are, and how many."""
_BLOCK: Final = np.uint64(1 << 32)


class Newest:
    """Bytes by their keys, all of them put in before any is asked for. Not safe to change from several threads.

    Args:
        seq: Of the last change that they have in them.

    Attributes:
        seq: The same.
        size: How many bytes of memory they take.
    """

    def __init__(self, seq: int = 0) -> None:
        self.seq = seq
        self.size = 0
        self._blocks: list[bytes] = []
        self._parts: list[tuple[NDArray[np.uint64], NDArray[np.uint64], NDArray[np.uint32]]] = []
        self._keys: NDArray[np.uint64] = np.empty(0, np.uint64)
        self._begins: NDArray[np.uint64] = np.empty(0, np.uint64)
        self._lengths: NDArray[np.uint32] = np.empty(0, np.uint32)
        self._gone: set[int] = set()

    def put(self, keys: list[int], entries: list[bytes]) -> None:
        """Add some; together less than 4 GB."""
        lengths = np.fromiter(map(len, entries), np.uint32, len(entries))
        begins = np.cumsum(lengths, dtype=np.uint64) - lengths + _BLOCK * np.uint64(len(self._blocks))
        self._parts.append((np.array(keys, np.uint64), begins, lengths))
        self._blocks.append(b"".join(entries))
        self.size += len(self._blocks[-1]) + SHARE * len(keys)

    def sort(self) -> None:
        """Have all that was put in found by its key."""
        if not self._parts:
            return
        keys, begins, lengths = (np.concatenate(columns) for columns in zip(*self._parts, strict=True))
        order = np.argsort(keys)
        self._keys, self._begins, self._lengths = keys[order], begins[order], lengths[order]
        self._parts.clear()

    def find(self, keys: list[int]) -> dict[int, bytes]:
        """Return those that are there."""
        known = self._keys
        if not len(known):
            return {}
        wanted = np.array(keys, np.uint64)
        ranks = np.minimum(np.searchsorted(known, wanted), len(known) - 1)
        columns = (known[ranks] == wanted, self._begins[ranks], self._lengths[ranks])
        found: dict[int, bytes] = {}
        for key, is_there, begin, length in zip(keys, *(column.tolist() for column in columns), strict=True):
            if is_there and key not in self._gone:
                at = begin & 0xFFFF_FFFF
                found[key] = self._blocks[begin >> 32][at : at + length]
        return found

    def forget(self, key: int) -> None:
        """Have one no longer found, if it is there; its memory stays."""
        if self.find([key]):
            self._gone.add(key)
