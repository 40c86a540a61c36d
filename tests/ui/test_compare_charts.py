"""The charts of a comparison, held against what people can see."""

from itertools import combinations

import numpy as np
import pytest

from apehost_core.compare.comparison import MOST_CONTENDERS
from apehost_ui.components.compare_charts import COLOURS, SHAPES, colour_of, shape_of
from tests.architecture.test_streamlit_config import BACKGROUNDS, PALETTES, contrast, styled

# How people see whose red, green or blue cones are missing, on linear RGB.
# Source: Machado, Oliveira and Fernandes, A physiologically-based model, 2009, severity 1.
EYES = {
    "all cones": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "no red": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "no green": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.01182, 0.04294, 0.968881)),
    "no blue": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.3039)),
}
XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])


def lab(colour: str, eyes: str) -> np.ndarray:
    """The colour as those eyes see it, in CIELAB."""
    channels = np.array([int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)])
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    xyz = XYZ @ np.clip(np.array(EYES[eyes]) @ linear, 0, 1) / XYZ.sum(axis=1)
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("background", BACKGROUNDS)
def test_colours_stand_out(colour: str, theme: str, background: str) -> None:
    """Every colour reaches WCAG's ratio for parts that are no text (3:1) on both backgrounds of both themes."""
    assert contrast(colour, PALETTES[theme][background]) >= 3


@pytest.mark.parametrize("eyes", EYES)
def test_colours_are_told_apart(eyes: str) -> None:
    """Any two colours differ by ten times what eyes just notice (2.3 in CIELAB), whichever cones are missing."""
    gaps = [np.linalg.norm(lab(one, eyes) - lab(other, eyes)) for one, other in combinations(COLOURS, 2)]
    assert min(gaps) >= 23


def test_contenders_differ_in_more_than_colour() -> None:
    """Colour and shape together are one of a kind for as many contenders as there may be, shapes alone for seven."""
    looks = [(colour_of(place), shape_of(place)) for place in range(MOST_CONTENDERS)]
    assert len(set(looks)) == MOST_CONTENDERS
    assert len(set(SHAPES)) == len(SHAPES) == 7


@pytest.mark.parametrize("selector", [".word-diff del", ".word-diff ins"])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_marked_words_are_readable(selector: str, theme: str) -> None:
    """Words that only one of two answers says reach WCAG AA for text (4.5:1)."""
    assert contrast(styled(selector, theme), PALETTES[theme]["backgroundColor"]) >= 4.5


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_words_of_charts_are_readable(theme: str) -> None:
    """Names and numbers in charts reach WCAG AA for text (4.5:1)."""
    assert contrast(styled("stVegaLiteChart", theme), PALETTES[theme]["backgroundColor"]) >= 4.5
