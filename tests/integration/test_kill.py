"""Killed without warning, again and again: what anybody had seen is in the file, and the file opens."""

import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from apehost_core.store.conversations import Conversations
from apehost_core.store.database import Database
from apehost_core.store.interrupted import close_interrupted
from apehost_core.testing.answers import SimModel
from apehost_core.testing.simulator import Simulator, serve

ROUNDS = 30
AT_ONCE = 2
STREAMS = 4
WORDS = tuple(f"word{number} " for number in range(600))
ANSWER = "".join(WORDS)
DURABLE_NS = 250_000_000


@dataclass(frozen=True)
class Seen:
    """One event that a subscriber saw: how much of the answer there was, and when."""

    conversation_id: str
    run_id: str
    characters: int
    at_ns: int


class Doomed:
    """A host that streams, in a process of its own."""

    def __init__(self, folder: Path, url: str) -> None:
        command = [sys.executable, "-m", "tests.host_to_kill", str(folder), url, str(STREAMS)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.lines: list[bytes] = []
        self.streaming = threading.Event()
        self.reader = threading.Thread(target=self._read)
        self.reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line)
            self.streaming.set()

    def kill_after(self, seconds: float) -> int:
        """Kill it some time after the first event was seen; return when, in ns of the epoch."""
        assert self.streaming.wait(60), self.process.stderr and self.process.stderr.read()
        time.sleep(seconds)  # the pause is the subject: the kill comes at a random point
        killed_ns = time.time_ns()
        self.process.kill()
        self.reader.join()
        self.process.communicate()
        return killed_ns

    def seen(self) -> Iterator[Seen]:
        """What subscribers saw; a line that the kill has cut is left out."""
        for line in self.lines:
            if line.endswith(b"\n"):
                conversation_id, run_id, characters, at_ns = line.decode().split()
                yield Seen(conversation_id, run_id, int(characters), int(at_ns))


def missing(database: Database, due: dict[str, Seen]) -> list[str]:
    """What of the events that must be there is not, in words; and every answer that is not what was written."""
    conversations, found = Conversations(database), []
    for last in due.values():
        *_, answer = conversations.branch(last.conversation_id)
        (generation,) = conversations.generations_of([answer.id])[answer.id]
        text = answer.message.text
        if answer.run_id != last.run_id or len(text) < last.characters or not ANSWER.startswith(text):
            found.append(f"{last}: {len(text)} characters are there")
        if generation.outcome != ("completed" if text == ANSWER else "interrupted"):
            found.append(f"{last}: shows as {generation.outcome}")
    return found


def test_nothing_seen_is_lost_by_thirty_kills(tmp_path: Path) -> None:
    """Every delta that was seen 250 ms before a kill is in the file, which opens; the runs show as interrupted."""
    folders = [tmp_path / str(number) for number in range(AT_ONCE)]
    with serve(Simulator(SimModel(words=WORDS, tokens_per_s=300))) as url, ThreadPoolExecutor(AT_ONCE) as lives:
        interrupted = list(lives.map(partial(killed_again_and_again, url), folders, range(AT_ONCE)))
    assert sum(interrupted) >= ROUNDS


def killed_again_and_again(url: str, folder: Path, seed: int) -> int:
    """Kill host after host on one file and look into it each time; return how many runs were interrupted."""
    points, interrupted = random.Random(seed), 0
    for _ in range(ROUNDS // AT_ONCE):
        doomed = Doomed(folder, url)
        killed_ns = doomed.kill_after(points.uniform(0.0, 1.5))
        due = {seen.run_id: seen for seen in doomed.seen() if seen.at_ns <= killed_ns - DURABLE_NS}
        database = Database.open(folder / "apehost.duckdb")
        try:
            interrupted += close_interrupted(database)
            assert missing(database, due) == []
        finally:
            database.close()
    return interrupted
