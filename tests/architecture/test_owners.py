"""Each outside library has one owner, and what is easy to misuse has one place or none."""

import ast
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import pytest

from tests.architecture.sources import AROUND, PRODUCT, files, named, tree

OWNERS = {
    "httpx": ("apehost_core/lmstudio",),
    "duckdb": ("apehost_core/store",),
    "tantivy": ("apehost_core/store",),
    "ijson": ("apehost_core/formats",),
    "streamlit": ("apehost_ui", "pages", "app.py"),
    "starlette": ("apehost_core/api", "apehost_core/testing"),
    "xllamacpp": ("apehost_core/demo",),
}
PAGE_STATE = "apehost_ui/state.py"
VAGUE = {"base", "common", "helpers", "manager", "utils"}
SUBJECT = "# the pause is the subject"


def imported(path: Path) -> Iterator[str]:
    """The first part of each absolute import of a file, wherever it stands."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


def mentions(path: Path, *words: str) -> bool:
    """Whether a file uses one of the words as a name, an attribute or an imported name."""
    for node in ast.walk(tree(path)):
        match node:
            case ast.Name(id=word) | ast.Attribute(attr=word) | ast.alias(name=word):
                if word in words:
                    return True
            case _:
                pass
    return False


def passes(path: Path, keyword: str) -> bool:
    """Whether a call in a file gives an argument by this keyword."""
    return any(isinstance(node, ast.keyword) and node.arg == keyword for node in ast.walk(tree(path)))


def pauses(path: Path) -> Iterator[str]:
    """The places where a file sleeps outside of a loop that waits for a state; `sleep(0)` only yields."""
    calls = {node for node in ast.walk(tree(path)) if isinstance(node, ast.Call) and is_pause(node)}
    for loop in ast.walk(tree(path)):
        if isinstance(loop, ast.While | ast.For | ast.AsyncFor):
            calls -= {node for node in ast.walk(loop) if isinstance(node, ast.Call)}
    source = path.read_text("utf-8").splitlines()
    for call in calls:
        if SUBJECT not in source[call.lineno - 1]:
            yield f"{named(path)}:{call.lineno}"


def is_pause(call: ast.Call) -> bool:
    """Whether a call is a sleep of more than zero seconds."""
    match call:
        case ast.Call(func=ast.Name(id="sleep") | ast.Attribute(attr="sleep"), args=[ast.Constant(value=0)]):
            return False
        case ast.Call(func=ast.Name(id="sleep") | ast.Attribute(attr="sleep")):
            return True
        case _:
            return False


@pytest.mark.parametrize("library", OWNERS)
def test_library_has_one_owner(library: str) -> None:
    """Only the owner imports the library, so that its errors and its oddities are met in one place."""
    owners = OWNERS[library]
    elsewhere = [
        named(path)
        for path in files(*PRODUCT)
        if library in imported(path) and not any(PurePosixPath(named(path)).is_relative_to(owner) for owner in owners)
    ]
    assert elsewhere == []


def test_page_state_is_typed() -> None:
    """Only `state.py` touches Streamlit's untyped state and the URL."""
    drawn = files("apehost_ui", "pages", "app.py")
    users = [named(path) for path in drawn if mentions(path, "session_state", "query_params")]
    assert users == [PAGE_STATE]


def test_no_raw_html() -> None:
    """Nothing is drawn as HTML: a model's text could stand in it."""
    assert [named(path) for path in files(*PRODUCT) if passes(path, "unsafe_allow_html")] == []


def test_no_cached_resource() -> None:
    """Nothing lives in Streamlit's resource cache: any browser can clear it with one message."""
    assert [named(path) for path in files(*PRODUCT) if mentions(path, "cache_resource")] == []


def test_names_say_something() -> None:
    """No module or package has a name that anything could be put under."""
    vague = [
        named(path)
        for path in files(*PRODUCT, *AROUND)
        if VAGUE & {path.stem, *PurePosixPath(named(path)).parent.parts}
    ]
    assert vague == []


def test_tests_wait_for_states() -> None:
    """No test sleeps and hopes, unless the line says that the pause is the subject."""
    assert [place for path in files("tests") for place in pauses(path)] == []
