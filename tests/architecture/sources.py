"""The project's Python files, parsed, for the tests of this folder."""

import ast
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PRODUCT = ("apehost_core", "apehost_ui", "pages", "app.py")
AROUND = ("tests", "bench")


def files(*places: str) -> list[Path]:
    """The Python files of folders and files that are named from the project's folder, in order."""
    found: list[Path] = []
    for place in places:
        path = ROOT / place
        found += [path] if path.is_file() else sorted(path.rglob("*.py"))
    return found


@cache
def tree(path: Path) -> ast.Module:
    """The parsed file."""
    return ast.parse(path.read_text("utf-8"), str(path))


def named(path: Path) -> str:
    """The path from the project's folder, with forward slashes."""
    return path.relative_to(ROOT).as_posix()
