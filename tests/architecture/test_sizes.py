"""Files and functions stay small enough to be read in one go; whatever grows past that is two concepts."""

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.architecture.sources import AROUND, PRODUCT, files, named, tree

FILE_LINES = 400
FUNCTION_LINES = 50
PAGE_LINES = 80


def lines(path: Path) -> int:
    """How many lines a file has."""
    return len(path.read_text("utf-8").splitlines())


def functions(path: Path) -> Iterator[tuple[str, int]]:
    """The (place and name, lines without decorators) of each function of a file."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            yield f"{named(path)}:{node.lineno} {node.name}", node.end_lineno - node.lineno + 1


def test_files() -> None:
    """No source file is longer than 400 lines."""
    long = {named(path): lines(path) for path in files(*PRODUCT, *AROUND) if lines(path) > FILE_LINES}
    assert long == {}


def test_functions() -> None:
    """No function is longer than 50 lines, docstring included."""
    sizes = dict(pair for path in files(*PRODUCT, *AROUND) for pair in functions(path))
    assert {name: size for name, size in sizes.items() if size > FUNCTION_LINES} == {}


def test_pages() -> None:
    """A page's script is a description of one screen: at most 80 lines."""
    assert {named(path): lines(path) for path in files("pages") if lines(path) > PAGE_LINES} == {}
