"""README and docs keep up with the code."""

import re
from pathlib import Path
from urllib.parse import unquote

import pytest

from tests.architecture.sources import ROOT

README = (ROOT / "README.md").read_text("utf-8")
ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text("utf-8")
COMMANDS = re.findall(r"^```sh\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
INSTALL = "pip install uv && "


def modules(package: str) -> list[str]:
    """The top-level modules and packages of a package."""
    names = {path.stem for path in (ROOT / package).glob("*.py")}
    names |= {path.parent.name for path in (ROOT / package).glob("*/__init__.py")}
    return sorted(names - {"__init__"})


def relative_links() -> list[tuple[str, str]]:
    """The (document, target) of each link from README and docs to a file of the project."""
    documents = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    found: list[tuple[str, str]] = []
    for document in documents:
        text = re.sub(r"```.*?```|`[^`\n]*`", "", document.read_text("utf-8"), flags=re.DOTALL)
        targets = re.findall(r"\]\(<?([^)>\s]+)>?[^)]*\)", text)
        name = document.relative_to(ROOT).as_posix()
        found += [(name, target) for target in targets if not re.match(r"[a-z][a-z0-9+.-]*:|#", target)]
    return found


@pytest.mark.parametrize("package", ["apehost_core", "apehost_ui"])
def test_architecture_names_every_module(package: str) -> None:
    """Each top-level module and package stands as code somewhere in docs/architecture.md."""
    code = " ".join(re.findall(r"`([^`\n]+)`", ARCHITECTURE))
    assert [name for name in modules(package) if not re.search(rf"\b{name}\b", code)] == []


@pytest.mark.parametrize(("position", "command"), [(0, "streamlit run app.py"), (1, "python -m tests")])
def test_readme_begins_with_the_two_commands(position: int, command: str) -> None:
    """The first block runs ApeHost and the second its tests, each in one line that needs Python and pip only."""
    line = COMMANDS[position].strip()
    assert line.startswith(INSTALL + "uv run ")
    assert line.endswith(command)
    assert "\n" not in line


def test_ci_runs_the_readme_command() -> None:
    """What the README promises for tests is what CI runs."""
    wanted = COMMANDS[1].strip().removeprefix(INSTALL)
    assert wanted in (ROOT / ".ci" / "run").read_text("utf-8").splitlines()


@pytest.mark.parametrize(("document", "target"), relative_links())
def test_link_leads_somewhere(document: str, target: str) -> None:
    """A relative link leads to a file or folder of the project."""
    path = unquote(target.partition("#")[0])
    assert ((ROOT / document).parent / Path(path)).exists()
