"""The editor of profiles: what is listed, made, changed, deleted and previewed."""

from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from apehost_core.chat.profiles import Profile
from apehost_core.model import Preferences, Sampling
from apehost_core.store import Profiles
from apehost_core.testing.answers import SimModel
from apehost_core.testing.simulator import Simulator
from tests.ui.conftest import Start
from tests.ui.tab import plain, words

MODELS = (SimModel("qwen3-8b", reasoning_options=("off", "on"), reasoning_default="on"), SimModel("gemma"))


def page() -> None:
    """The script of a page that holds the editor; Streamlit runs its source."""
    from apehost_core.errors import ApeHostError, Fault  # noqa: PLC0415
    from apehost_core.model import Preferences  # noqa: PLC0415
    from apehost_ui.components.profile_editor import profile_editor  # noqa: PLC0415
    from apehost_ui.host import host  # noqa: PLC0415

    def save(pattern: str, preferences: Preferences, profile_id: str | None) -> Fault | None:
        try:
            host().profiles.save(pattern, preferences, profile_id)
        except ApeHostError as error:
            return error.fault
        return None

    profile_editor(
        host().profiles.list(),
        [model for server in host().servers for model in server.models],
        on_save=save,
        on_delete=host().profiles.delete,
    )


class Editor:
    """A page with the editor on a real host.

    Attributes:
        profiles: What the host has.
    """

    def __init__(self, profiles: Profiles) -> None:
        self.profiles = profiles
        self._at = AppTest.from_function(page, default_timeout=60)
        self.run()

    def run(self) -> "Editor":
        """Run the script; nothing may be raised."""
        self._at.run()
        assert [] == [error.message for error in self._at.exception]
        return self

    def press(self, label: str) -> "Editor":
        """Press the button of that label."""
        (button,) = [button for button in self._at.button if button.label == label]
        button.click()
        return self.run()

    def field(self, name: str) -> Any:
        """The widget whose key ends like that."""
        widgets = [*self._at.text_input, *self._at.text_area, *self._at.selectbox]
        (found,) = [widget for widget in widgets if str(widget.key).endswith(name)]
        return found

    def choose(self, name: str, option: str) -> "Editor":
        """Choose from a list outside of the form."""
        self.field(name).set_value(option)
        return self.run()

    def save(self, **typed: str) -> "Editor":
        """Type into the fields of the open form and press its button."""
        for name, value in typed.items():
            self.field(f"-{name}").set_value(value)
        return self.press("Save profile")

    @property
    def text(self) -> str:
        """What people read."""
        return words(self._at.main)

    @property
    def buttons(self) -> list[str]:
        """The labels of all buttons."""
        return [button.label for button in self._at.button]

    @property
    def errors(self) -> str:
        """What the error boxes say."""
        return "\n".join(plain(error.value) for error in self._at.error)

    @property
    def preview(self) -> dict[str, tuple[str, str]]:
        """(Value, where from) by setting, as the table shows them."""
        table = self._at.dataframe[0].value
        return {row["Setting"]: (row["Value"], row["From"]) for _, row in table.iterrows()}

    @property
    def kept(self) -> dict[str, Preferences]:
        """What each pattern sets."""
        return {profile.pattern: profile.preferences for profile in self.profiles.list()}


@pytest.fixture
def editor(start: Start) -> Editor:
    """The editor on a host with two models and no profiles."""
    return Editor(start({"mini": Simulator(*MODELS)}).host.profiles)


def made(editor: Editor, pattern: str, **sampling: Any) -> Profile:
    """A profile that somebody has made before."""
    profile = editor.profiles.save(pattern, Preferences(sampling=Sampling(**sampling)))
    editor.run()
    return profile


def test_a_profile_is_made(editor: Editor) -> None:
    """All that was typed is kept, the form closes, and the list says what the profile sets."""
    typed = {"temperature": "0.7", "context_length": "8192", "tool_mode": "prompted", "ttl_s": "600", "stop": "END"}
    editor.press("New profile").save(**{"pattern-": "qwen*", "system_prompt": "Be brief.", **typed})
    expected = Preferences("Be brief.", Sampling(temperature=0.7, stop=("END",)), 8192, "prompted", 600)
    assert {"qwen*": expected} == editor.kept
    assert "Save profile" not in editor.buttons
    assert "System prompt “Be brief.” · Temperature 0.7 · Stop strings 'END'" in editor.text


def test_a_profile_starts_from_a_model(editor: Editor) -> None:
    """A model that a server has fills in the key, and its reasoning settings are offered."""
    editor.press("New profile").choose("suggested-key", "qwen3-8b")
    assert ["inherited", "off", "on"] == editor.field("-reasoning_effort").options
    editor.save(temperature="1")
    assert {"qwen3-8b": Preferences(sampling=Sampling(temperature=1))} == editor.kept


@pytest.mark.parametrize(
    ("pattern", "top_p", "told"),
    [
        ("", "0.5", "needs a model key or a pattern"),
        ("gemma", "2", "Top p must be a number from 0 to 1, not '2'"),
        ("QWEN*", "0.5", "already a profile for QWEN*"),
    ],
)
def test_what_cannot_be_kept_is_said(editor: Editor, pattern: str, top_p: str, told: str) -> None:
    """The form stays with what was typed, and nothing is made."""
    made(editor, "qwen*", top_k=1)
    editor.press("New profile").save(**{"pattern-": pattern, "top_p": top_p})
    assert told in editor.errors
    assert (pattern, top_p) == (editor.field("pattern-").value, editor.field("-top_p").value)
    assert ["qwen*"] == list(editor.kept)


def test_a_profile_is_changed(editor: Editor) -> None:
    """The form begins with what it sets; an emptied field sets nothing any more."""
    before = made(editor, "qwen*", temperature=0.5, top_k=20)
    editor.press("Edit")
    assert ("qwen*", "0.5") == (editor.field("pattern-").value, editor.field("-temperature").value)
    editor.save(**{"pattern-": "qwen3*", "temperature": ""})
    assert {"qwen3*": Preferences(sampling=Sampling(top_k=20))} == editor.kept
    assert [before.id] == [profile.id for profile in editor.profiles.list()]


def test_cancelling_changes_nothing(editor: Editor) -> None:
    """The form closes, and what was typed into it is gone."""
    made(editor, "qwen*", temperature=0.5)
    editor.press("Edit").field("-temperature").set_value("1")
    editor.press("Cancel").press("Edit")
    assert "0.5" == editor.field("-temperature").value


def test_deleting_takes_two_steps(editor: Editor) -> None:
    """The first press asks; only the second deletes."""
    made(editor, "qwen*", temperature=0.5)
    editor.press("Delete")
    assert ["qwen*"] == list(editor.kept)
    editor.press("Keep it")
    assert "Delete it" not in editor.buttons
    editor.press("Delete").press("Delete it")
    assert {} == editor.kept
    assert "qwen" not in editor.text.replace("qwen3", "")


def test_the_preview_says_what_a_model_gets(editor: Editor) -> None:
    """Each setting with its value and where it comes from, for the model that is chosen."""
    made(editor, "*", temperature=1.0, top_k=40)
    made(editor, "qwen*", temperature=0.6, reasoning_effort="high")
    preview = editor.choose("profile-preview", "qwen3-8b").preview
    assert ("0.6", "profile qwen*") == preview["Temperature"]
    assert ("40", "profile *") == preview["Top k"]
    assert "Seed" not in preview
    assert ("on", "profile qwen* · 'high' is not allowed by this model; 'on' is sent") == preview["Reasoning"]
    assert ("1.0", "profile *") == editor.choose("profile-preview", "gemma").preview["Temperature"]


def test_the_preview_of_a_model_that_gets_nothing(editor: Editor) -> None:
    """All settings are listed, each left to the server."""
    assert {("", "server default")} == set(editor.preview.values())
