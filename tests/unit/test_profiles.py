"""Which profiles a model falls under, what they set together, and what an answer uses in the end."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from apehost_core.chat.profiles import LONGEST_PATTERN, applying, checked_pattern, matches, preferences_for
from apehost_core.errors import InputRefused
from apehost_core.model import ModelInfo, Preferences, Sampling
from apehost_core.servers.profiles import Profile, Setting, clamp_reasoning, effective

NOW = datetime(2026, 5, 1, tzinfo=UTC)
KEY = "qwen/qwen3-8b"
THINKER = ModelInfo(KEY, "Qwen3 8B", reasoning_options=("off", "on"), reasoning_default="on")


def profile(pattern: str, *, age_s: int = 0, **sampling: float) -> Profile:
    """A profile that sets sampling."""
    preferences = Preferences(sampling=Sampling(**sampling))  # type: ignore[arg-type]
    return Profile(f"id of {pattern}", pattern, preferences, NOW - timedelta(seconds=age_s))


@pytest.mark.parametrize(
    ("pattern", "holds"),
    [
        ("qwen/qwen3-8b", True),
        ("QWEN/Qwen3-8B", True),
        ("qwen/qwen3-8", False),
        ("qwen3-8b", False),
        ("*", True),
        ("qwen*", True),
        ("*8b", True),
        ("qwen/qwen?-8b", True),
        ("qwen/qwen3-8b?", False),
        ("*Qwen3*", True),
        ("*.*", False),
        ("qwen/qwen[3]-8b*", False),
    ],
)
def test_a_model_falls_under_a_pattern(pattern: str, holds: bool) -> None:
    """Its key, whole and in any capitals, or a pattern with * and ?; nothing else is special."""
    assert holds == matches(pattern, KEY)


def test_brackets_are_letters() -> None:
    """A pattern has no sets of characters: brackets stand for themselves."""
    assert matches("model[1]*", "model[1]-b")
    assert not matches("model[1]*", "model1-b")


def test_many_stars_cost_nothing() -> None:
    """A pattern that could be matched in very many ways is decided at once."""
    assert not matches("*a" * 60 + "b", "a" * 5_000)


def test_the_most_specific_comes_first() -> None:
    """The key itself, then the pattern with more letters, then the newer one."""
    profiles = [
        profile("*"),
        profile("q*", age_s=9),
        profile("*b", age_s=5),
        profile(KEY, age_s=99),
        profile("qwen*"),
        profile("gemma*"),
    ]
    assert [KEY, "qwen*", "*b", "q*", "*"] == [found.pattern for found in applying(profiles, KEY)]


def test_each_field_is_decided_alone() -> None:
    """What the most specific profile leaves open the next one says."""
    profiles = [profile("*", temperature=1.0, top_p=0.9), profile("qwen*", temperature=0.3)]
    assert Preferences(sampling=Sampling(temperature=0.3, top_p=0.9)) == preferences_for(profiles, KEY)


@pytest.mark.parametrize("pattern", ["", "  ", "x" * (LONGEST_PATTERN + 1), "a\nb", "a\x00b"])
def test_a_pattern_that_is_none(pattern: str) -> None:
    """An empty one, a very long one and one with what cannot be seen are refused."""
    with pytest.raises(InputRefused):
        checked_pattern(pattern)


def test_space_around_a_pattern_goes() -> None:
    """It was not meant."""
    assert "qwen*" == checked_pattern(" qwen* ")


@pytest.mark.parametrize(
    ("wanted", "options", "allowed"),
    [
        ("high", (), "high"),
        ("anything", (), "anything"),
        ("high", ("low", "medium", "high"), "high"),
        ("HIGH", ("low", "high"), "high"),
        ("ultra", ("ultra", "low"), "ultra"),
        ("off", ("low", "medium", "high"), "low"),
        ("none", ("off", "on"), "off"),
        ("off", ("none", "low"), "none"),
        ("xhigh", ("low", "medium", "high"), "high"),
        ("medium", ("low", "high"), "low"),
        ("low", ("minimal", "medium"), "minimal"),
        ("minimal", ("low", "medium"), "low"),
        ("high", ("off", "on"), "on"),
        ("off", ("on",), "on"),
        ("on", ("off", "on"), "on"),
        ("on", ("low", "medium", "high"), "medium"),
        ("on", ("off", "max"), "max"),
        ("ultra", ("low", "high"), None),
        ("low", ("ultra",), None),
    ],
)
def test_reasoning_stays_within_what_is_allowed(wanted: str, options: Sequence[str], allowed: str | None) -> None:
    """The nearest that the model allows, the lower of two; what cannot be compared is left to the server."""
    assert allowed == clamp_reasoning(wanted, options)


def test_origins() -> None:
    """Each value says whether the chat, a profile or nobody set it."""
    chat = Preferences(sampling=Sampling(temperature=0.1))
    found = effective(chat, [profile("qwen*", temperature=1.0, top_p=0.5)], KEY, None)
    assert Setting(0.1, "chat") == found.settings["temperature"]
    assert Setting(0.5, "profile", "qwen*") == found.settings["top_p"]
    assert Setting(None, "server") == found.settings["top_k"]
    assert Preferences(sampling=Sampling(temperature=0.1, top_p=0.5)) == found.preferences


def test_an_empty_system_prompt_is_a_setting() -> None:
    """A chat can say that it wants none, whatever a profile says."""
    told = Profile("1", "*", Preferences(system_prompt="Be brief."), NOW)
    assert Setting("", "chat") == effective(Preferences(""), [told], KEY, None).settings["system_prompt"]
    assert "Be brief." == effective(Preferences(), [told], KEY, None).preferences.system_prompt


def test_a_reasoning_setting_that_is_not_allowed() -> None:
    """What is sent instead stands in the value, and the note says so."""
    found = effective(Preferences(sampling=Sampling(reasoning_effort="high")), [], KEY, THINKER)
    assert (
        Setting("on", "chat", None, "'high' is not allowed by this model; 'on' is sent")
        == (found.settings["reasoning_effort"])
    )
    assert "on" == found.preferences.sampling.reasoning_effort


def test_off_is_written_none() -> None:
    """Chat completions have another word for it, which is no reason for a note."""
    found = effective(Preferences(sampling=Sampling(reasoning_effort="off")), [], KEY, THINKER)
    assert Setting("none", "chat") == found.settings["reasoning_effort"]


def test_a_reasoning_setting_that_cannot_be_compared() -> None:
    """Nothing is sent, and the note says so."""
    found = effective(Preferences(sampling=Sampling(reasoning_effort="ultra")), [], KEY, THINKER)
    assert (
        Setting(None, "chat", None, "'ultra' is not allowed by this model; nothing is sent")
        == (found.settings["reasoning_effort"])
    )


def test_the_models_own_reasoning_is_told() -> None:
    """Where nobody sets it, the note says what the model does by itself."""
    assert "the model's own is 'on'" == effective(Preferences(), [], KEY, THINKER).settings["reasoning_effort"].note
