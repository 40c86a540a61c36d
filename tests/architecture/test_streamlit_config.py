"""Holds `.streamlit/config.toml`, and what else we lean on in Streamlit, against the installed Streamlit."""

import inspect
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit import config

CONFIG = tomllib.loads((Path(__file__).parents[2] / ".streamlit" / "config.toml").read_text("utf-8"))
PALETTES = {
    "light": CONFIG["theme"]["light"],
    "light sidebar": CONFIG["theme"]["light"]["sidebar"],
    "dark": CONFIG["theme"]["dark"],
    "dark sidebar": CONFIG["theme"]["dark"]["sidebar"],
}
BACKGROUNDS = ("backgroundColor", "secondaryBackgroundColor")
WHITE = "#ffffff"
STYLE = (Path(__file__).parents[2] / "apehost_ui" / "style.css").read_text("utf-8")
PAIR = r"light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)"


def options(table: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """The (dotted name, value) of each option in a parsed config file."""
    for name, value in table.items():
        if isinstance(value, dict):
            yield from options(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value


def luminance(colour: str) -> float:
    """The relative luminance of "#rrggbb", 0-1. Source: WCAG 2.2, "relative luminance"."""
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """The contrast of two colours, 1-21. Source: WCAG 2.2, "contrast ratio"."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def styled(selector: str, name: str) -> str:
    """The colour that the style sheet gives to a selector in a palette."""
    rule = STYLE[STYLE.index(selector) :]
    found = re.search(PAIR, rule)
    assert found is not None
    return found[1 if name.startswith("light") else 2]


@pytest.mark.parametrize("name", [name for name, _ in options(CONFIG)])
def test_option_is_known(name: str) -> None:
    """Streamlit only warns of a name that it does not know, and then goes on without it."""
    assert name in config.get_config_options()


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("global.minCachedMessageSize", 1000),
        ("server.address", "127.0.0.1"),
        ("server.fileWatcherType", "none"),
        ("server.maxUploadSize", 20),
        ("runner.postScriptGC", False),
        ("client.showErrorDetails", "none"),
        ("client.showErrorLinks", False),
        ("browser.gatherUsageStats", False),
    ],
)
def test_promise_is_kept(name: str, wanted: object) -> None:
    """The options that speed, privacy and the README's promises hang on have their values."""
    assert dict(options(CONFIG))[name] == wanted


@pytest.mark.parametrize("name", ["global.minCachedMessageSize", "runner.postScriptGC"])
def test_hidden_option_still_differs_from_ours(name: str) -> None:
    """When Streamlit's own default becomes ours, the line in the config file can go."""
    assert config.get_config_options()[name].default_val != dict(options(CONFIG))[name]


def test_unfinished_markdown_can_be_drawn() -> None:
    """The private `_markdown`, by which an open answer is drawn, is there and takes `unterminated_parsing`."""
    draw = getattr(st.container, "__self__")._markdown  # noqa: B009 -- bound at run time, unknown to the type checker
    assert "unterminated_parsing" in inspect.signature(draw).parameters


def test_app_takes_our_parts() -> None:
    """`st.App` takes the lifespan, routes, middleware and exception handlers that `app.py` gives it."""
    wanted = {"lifespan", "routes", "middleware", "exception_handlers"}
    assert wanted <= inspect.signature(st.App).parameters.keys()


@pytest.mark.parametrize(("one", "other", "ratio"), [("#000000", WHITE, 21.0), ("#777777", WHITE, 4.48)])
def test_contrast_is_that_of_wcag(one: str, other: str, ratio: float) -> None:
    """The ratios that this file computes are the published ones."""
    assert contrast(one, other) == pytest.approx(ratio, abs=0.005)


def test_persons_messages_stand_on_the_second_background() -> None:
    """The style sheet repeats the theme's colours, because it cannot name them."""
    found = re.search(r"Chat message from user.*?" + PAIR, STYLE, re.DOTALL)
    assert found is not None
    assert (
        PALETTES["light"]["secondaryBackgroundColor"],
        PALETTES["dark"]["secondaryBackgroundColor"],
    ) == found.groups()


@pytest.mark.parametrize("name", PALETTES)
@pytest.mark.parametrize("background", BACKGROUNDS)
def test_text_is_easy_to_read(name: str, background: str) -> None:
    """Body text reaches WCAG AAA (7:1) on both backgrounds."""
    palette = PALETTES[name]
    assert contrast(palette["textColor"], palette[background]) >= 7


@pytest.mark.parametrize("name", PALETTES)
@pytest.mark.parametrize("background", BACKGROUNDS)
def test_captions_are_readable(name: str, background: str) -> None:
    """Captions, which hold an answer's numbers, reach WCAG AA (4.5:1) on both backgrounds."""
    assert contrast(styled("stCaptionContainer", name), PALETTES[name][background]) >= 4.5


@pytest.mark.parametrize("name", PALETTES)
@pytest.mark.parametrize("background", BACKGROUNDS)
def test_links_are_readable(name: str, background: str) -> None:
    """Links reach WCAG AA for text (4.5:1) on both backgrounds."""
    palette = PALETTES[name]
    assert contrast(palette["linkColor"], palette[background]) >= 4.5


@pytest.mark.parametrize("name", PALETTES)
def test_primary_buttons_are_readable(name: str) -> None:
    """The text of primary buttons, which the style sheet colours, reaches WCAG AA for text (4.5:1)."""
    assert contrast(styled('button[kind="primary"]', name), PALETTES[name]["primaryColor"]) >= 4.5


@pytest.mark.parametrize("name", PALETTES)
@pytest.mark.parametrize("background", BACKGROUNDS)
def test_primary_controls_are_seen(name: str, background: str) -> None:
    """Controls in the primary colour reach WCAG's ratio for parts that are no text (3:1) on both backgrounds."""
    palette = PALETTES[name]
    assert contrast(palette["primaryColor"], palette[background]) >= 3
