"""`.env.example` and the settings say the same."""

import re

import pytest
from dotenv import dotenv_values
from pydantic import TypeAdapter

from apehost_core.settings import CONFIG_NAME, PREFIX, SERVER_LIST_NAME, Settings
from tests.architecture.sources import ROOT

EXAMPLE = ROOT / ".env.example"
SHOWN = dict(re.findall(r"^# ([A-Z][A-Z_]*)=(.*)$", EXAMPLE.read_text("utf-8"), re.MULTILINE))
PLAIN = {
    PREFIX + name.upper(): field.default
    for name, field in Settings.model_fields.items()
    if isinstance(field.default, str | int | float)
}


def test_names_are_the_settings() -> None:
    """Every setting is listed, and nothing else is."""
    fields = {PREFIX + name.upper() for name in Settings.model_fields}
    assert {*fields, CONFIG_NAME, SERVER_LIST_NAME} == SHOWN.keys()


@pytest.mark.parametrize("name", PLAIN)
def test_value_is_the_default(name: str) -> None:
    """The value shown for a setting with a plain default is that default."""
    default = PLAIN[name]
    assert TypeAdapter(type(default)).validate_python(SHOWN[name]) == default


def test_copy_changes_nothing() -> None:
    """A copy that nobody has edited sets nothing."""
    assert dotenv_values(EXAMPLE) == {}
