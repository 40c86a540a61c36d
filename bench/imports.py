"""What it takes to read a ChatGPT export of 300 MB: time and memory, beside loading it at once.

    uv run python -m bench.imports [--megabytes 300] [--rounds 3]

Each reading is a process of its own, so that its largest memory is its own; readings take turns. The baseline is
`json.load`, which only has the values and no conversations yet. What a process has before it reads counts as its floor.
"""

import argparse
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

from apehost_core.formats import ImportedConversation, read, size_of
from bench.tables import median, table

_WORDS = [
    "the", "a", "of", "and", "to", "in", "with", "for", "light", "tower", "coast", "keeper", "storm", "signal", "lamp",
    "lens", "ship", "rock", "harbour", "night", "fog", "sea", "wind", "stone", "glass", "oil", "wick", "flame",
    "mirror", "lantern", "sailor", "Küste", "Nebel", "phare", "côte", "brume", "灯台", "海岸", "霧", "маяк", "туман",
    "😀",
]  # fmt: skip
_BASELINE, _OURS, _PACKED = "baseline: json.load", "conversations, one by one", "the same, from a zip"
_MEMORY_BAR = 0.25


def write_export(path: Path, size: int) -> int:
    """Write an export of at least so many bytes, as ChatGPT writes it; return how many conversations it has."""
    chance = random.Random(5)
    count = 0
    with path.open("w", encoding="ascii") as file:
        file.write("[")
        while file.tell() < size:
            file.write(", " if count else "")
            json.dump(_conversation(chance, count), file)
            count += 1
        file.write("]")
    return count


def _conversation(chance: random.Random, number: int) -> dict[str, object]:
    """Return a conversation of 2 to 120 messages, here and there with a branch, thoughts and a tool."""
    nodes: dict[str, dict[str, object]] = {}
    above: str | None = None
    for place in range(chance.choice((2, 4, 8, 20, 60, 120))):
        key = f"{chance.getrandbits(128):032x}"
        role = "user" if place % 2 == 0 else "assistant"
        nodes[key] = {"id": key, "message": _message(chance, key, role, number, place), "parent": above, "children": []}
        if above is not None:
            nodes[above]["children"] = [key]
        if chance.random() > 0.05:
            above = key
    return {
        "title": " ".join(chance.choices(_WORDS, k=4)),
        "create_time": 1.7e9 + number,
        "update_time": 1.7e9 + number + 500,
        "mapping": nodes,
        "moderation_results": [],
        "current_node": above,
        "conversation_id": f"{number:032x}",
        "is_archived": False,
        "safe_urls": [],
        "id": f"{number:032x}",
    }


def _message(chance: random.Random, key: str, role: str, number: int, place: int) -> dict[str, object]:
    words = " ".join(chance.choices(_WORDS, k=chance.choice((8, 40, 150, 500) if role == "assistant" else (8, 40))))
    content: dict[str, object] = {"content_type": "text", "parts": [words]}
    if role == "assistant" and chance.random() < 0.1:
        content = {"content_type": "thoughts", "thoughts": [{"summary": words[:30], "content": words}]}
    return {
        "id": key,
        "author": {"role": role, "name": None, "metadata": {}},
        "create_time": 1.7e9 + number + place / 7,
        "update_time": None,
        "content": content,
        "status": "finished_successfully",
        "end_turn": True,
        "weight": 1.0,
        "metadata": {
            "model_slug": "gpt-5",
            "finish_details": {"type": "stop", "stop_tokens": [200002]},
            "citations": [],
            "content_references": [],
            "request_id": key[::-1],
            "timestamp_": "absolute",
        },
        "recipient": "all",
        "channel": None,
    }


def read_once(what: str, path: Path) -> None:
    """Read in this process; print seconds, seconds of work, MB above the floor, and conversations."""
    floor = _peak_mb()
    begun, worked = time.perf_counter(), time.process_time()
    if what == _BASELINE:
        with path.open("rb") as file:
            count = len(json.load(file))
    else:
        count = sum(isinstance(found, ImportedConversation) for found in read(path))
    print(json.dumps([time.perf_counter() - begun, time.process_time() - worked, _peak_mb() - floor, count]))


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measured(paths: dict[str, Path], rounds: int) -> dict[str, list[list[float]]]:
    """Return, for each reading, what `read_once` printed in each round."""
    found: dict[str, list[list[float]]] = {what: [] for what in paths}
    for _ in range(rounds):
        for what, path in paths.items():
            command = [sys.executable, "-m", "bench.imports", "--read", what, "--path", str(path)]
            answer = subprocess.run(command, check=True, capture_output=True, text=True, env=os.environ).stdout
            found[what].append(json.loads(answer))
    return found


def report(megabytes: int, rounds: int) -> Iterator[str]:
    """Measure and yield what is printed."""
    with tempfile.TemporaryDirectory() as folder:
        plain, packed = Path(folder) / "conversations.json", Path(folder) / "export.zip"
        count = write_export(plain, megabytes * 1024**2)
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.write(plain, plain.name)
        size = size_of(plain) / 1024**2
        yield f"{size:,.0f} MB, {count:,} conversations, {os.cpu_count()} cores, {rounds} rounds\n"
        found = measured({_BASELINE: plain, _OURS: plain, _PACKED: packed}, rounds)
    assert all(each[3] == count for rounds_of in found.values() for each in rounds_of)
    wall, work, memory = (
        {what: median([each[number] for each in rounds_of]) for what, rounds_of in found.items()} for number in range(3)
    )
    rows = [
        [
            what,
            wall[what],
            work[what],
            work[what] / work[_BASELINE],
            size / work[what],
            memory[what],
            memory[what] / memory[_BASELINE],
        ]
        for what in found
    ]
    headings = ["reading", "p50 s", "CPU p50 s", "CPU ratio", "MB a CPU second", "memory p50 MB", "memory ratio"]
    yield table(headings, rows) + "\n"
    share = max(memory[_OURS], memory[_PACKED]) / size
    bar = [f"memory <= {_MEMORY_BAR:.0%} of the file", f"{share:.1%}", "yes" if share <= _MEMORY_BAR else "NO"]
    yield table(["bar", "measured", "holds"], [bar])


def main() -> None:
    """Run the benchmark, or one reading of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--read", help=argparse.SUPPRESS)
    parser.add_argument("--path", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.read:
        read_once(options.read, options.path)
        return
    for text in report(options.megabytes, options.rounds):
        print(text)


if __name__ == "__main__":
    main()
