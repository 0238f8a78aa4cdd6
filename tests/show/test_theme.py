from __future__ import annotations

import itertools
import logging
from types import SimpleNamespace

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest

from kamlib.glossary import Style, say
from kamlib.show import theme

# What a person without one kind of cone sees (Machado, Oliveira & Fernandes 2009, severity 1).
SIGHT = {
    "all cones": np.eye(3),
    "protanopia": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deuteranopia": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
    "tritanopia": np.array(
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ]
    ),
}


def lab(colour: str, sight: np.ndarray) -> np.ndarray:
    rgb = np.array(mpl.colors.to_rgb(colour))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    seen = np.clip(sight @ linear, 0, 1)
    to_xyz = np.array(
        [[0.4125, 0.3576, 0.1804], [0.2127, 0.7152, 0.0722], [0.0193, 0.1192, 0.9503]]
    )
    x, y, z = to_xyz @ seen / np.array([0.95047, 1, 1.08883])
    fx, fy, fz = (np.cbrt(v) if v > 0.008856 else 7.787 * v + 16 / 116 for v in (x, y, z))
    return np.array([116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)])


@pytest.mark.parametrize("sight", SIGHT)
@pytest.mark.parametrize(
    ("colours", "apart"),
    # A difference of about 2 in Lab is the least that the eye can tell.
    [(tuple(theme.TIER_COLOURS.values()), 25), (theme.PALETTE, 15)],
    ids=["tiers", "palette"],
)
def test_colours_stay_apart_for_every_eye(sight, colours, apart):
    seen = [lab(colour, SIGHT[sight]) for colour in colours]
    assert min(np.linalg.norm(a - b) for a, b in itertools.combinations(seen, 2)) > apart


def test_tiers_differ_in_lightness_so_that_grey_paper_tells_them_apart():
    light = sorted(lab(colour, SIGHT["all cones"])[0] for colour in theme.TIER_COLOURS.values())
    assert min(np.diff(light)) > 5


def test_theme_is_set_once_and_the_same_again(themed):
    first = dict(mpl.rcParams)
    theme.use_theme()
    assert dict(mpl.rcParams) == first
    assert mpl.rcParams["text.parse_math"] is False
    assert mpl.rcParams["svg.hashsalt"] == "kamlib"


def test_every_family_of_the_chain_exists(themed, caplog):
    known = mpl.font_manager.fontManager.get_font_names()
    assert set(theme.font_chain()) <= set(known)
    with caplog.at_level(logging.WARNING, "matplotlib.font_manager"):
        figure = plt.figure()
        figure.text(0.5, 0.5, "text")
        figure.draw_without_rendering()
        plt.close(figure)
    assert caplog.messages == []


def fonts(known: list[str], files: dict[str, str]) -> tuple[SimpleNamespace, list[str]]:
    """Return a stand-in for matplotlib's font manager, and the list of files that it is given."""
    added: list[str] = []

    def add(path: str) -> None:
        added.append(path)
        known.append(files[path])

    manager = SimpleNamespace(get_font_names=lambda: list(known), addfont=add)
    return SimpleNamespace(fontManager=manager, findSystemFonts=lambda: list(files)), added


@pytest.mark.parametrize(
    ("known", "files", "chain", "added"),
    [
        pytest.param(
            ["DejaVu Sans", "Noto Sans CJK JP", "Noto Sans CJK SC"],
            {"/fonts/NotoSansCJK-Regular.ttc": "Noto Sans CJK SC"},
            ("DejaVu Sans", "Noto Sans CJK SC"),
            [],
            id="in the cache",
        ),
        pytest.param(
            ["DejaVu Sans"],
            {"/fonts/a.ttf": "Other", "/fonts/NotoSansCJK-Regular.ttc": "Noto Sans CJK SC"},
            ("DejaVu Sans", "Noto Sans CJK SC"),
            ["/fonts/NotoSansCJK-Regular.ttc"],
            id="installed after the cache was written",
        ),
        pytest.param(["DejaVu Sans"], {"/fonts/a.ttf": "Other"}, ("DejaVu Sans",), [], id="none"),
    ],
)
def test_chinese_font_is_found(monkeypatch, known, files, chain, added):
    manager, asked = fonts(list(known), files)
    monkeypatch.setattr(theme, "font_manager", manager)
    assert theme.font_chain.__wrapped__() == chain
    assert asked == added


def test_names_that_can_be_drawn_stay(latin_only):
    labels, check = theme.names_or_ranks(["Acme", "Müller & Söhne", "a$b$c"])
    assert labels == ["Acme", "Müller & Söhne", "a$b$c"]
    assert check is None


def test_names_that_cannot_be_drawn_become_ranks_and_one_check_says_so(latin_only):
    labels, check = theme.names_or_ranks(["Acme", "大连港", "Bolt", "北京电信"])
    assert labels == ["Acme", "#2", "Bolt", "#4"]
    assert check is not None
    assert check.passed is False
    assert say(check.note, Style("en")).startswith("2 of 4 account names")
    assert "2 个" in say(check.note, Style("zh"))


def test_hostile_names_are_made_harmless(latin_only):
    names = ["_Under", "Evil" + chr(0x202E) + "txt", "tab\tnew\nline", "x" * 60, "", None]
    labels, check = theme.names_or_ranks(names)
    assert labels[0] == "\u200b_Under"
    assert labels[1:3] == ["Eviltxt", "tab new line"]
    assert labels[3] == "x" * (theme.LABEL_WIDTH - 1) + "…"
    assert labels[4:] == ["#5", "#6"]
    assert check is None


def test_names_that_stand_twice_stay_two_labels(latin_only):
    assert theme.names_or_ranks(["Acme", "Bolt", "Acme"])[0] == ["Acme (#1)", "Bolt", "Acme (#3)"]


def test_a_leading_underscore_keeps_its_place_in_the_legend(themed):
    [label], _ = theme.names_or_ranks(["_Acme"])
    figure, ax = plt.subplots()
    ax.plot([0, 1], label=label)
    assert [text.get_text() for text in ax.legend().get_texts()] == [label]
    plt.close(figure)


def test_shortening_counts_chinese_characters_twice():
    assert theme.shorten("大连港务集团", 12) == "大连港务集团"
    assert theme.shorten("大连港务集团", 9) == "大连港务…"
    assert theme.width(theme.shorten("大连港务集团", 8)) <= 8
