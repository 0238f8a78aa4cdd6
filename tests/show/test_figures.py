from __future__ import annotations

import io
import struct

import matplotlib as mpl
import matplotlib.pyplot as plt
import pytest
from PIL import Image

from kamlib.errors import KamError
from kamlib.glossary import Style
from kamlib.show import figures


def drawn():
    _, ax = plt.subplots()
    ax.plot([0, 1, 2], [1, 3, 2], label="a$b$c")
    ax.set_title("Cost in $ and \\badcmd$")
    ax.legend()
    return ax


@pytest.fixture(autouse=True)
def closed(themed):
    yield
    plt.close("all")


def test_two_renderings_give_the_same_bytes():
    assert figures.render(drawn().figure) == figures.render(drawn().figure)


def test_png_holds_no_software_or_date():
    picture = figures.render(drawn().figure)
    assert b"Software" not in picture.png
    assert b"tIME" not in picture.png


def test_size_is_that_of_the_drawing_in_css_pixels():
    picture = figures.render(drawn().figure)
    pixels = struct.unpack(">II", picture.png[16:24])
    # 150 dots per inch are drawn and 96 CSS pixels per inch are shown.
    assert pixels[0] == pytest.approx(picture.width * 150 / 96, abs=1)
    assert pixels[1] == pytest.approx(picture.height * 150 / 96, abs=1)
    assert picture.width == pytest.approx(8 * 96, rel=0.05)


def test_picture_is_drawn_on_white():
    image = Image.open(io.BytesIO(figures.render(drawn().figure).png)).convert("RGBA")
    assert image.getpixel((0, 0)) == (255, 255, 255, 255)


def test_figure_is_found_from_axes_figure_and_subfigure():
    figure = plt.figure()
    part = figure.subfigures(1, 2)[0]
    ax = part.subplots()
    assert figures.figure_of(ax) is figure
    assert figures.figure_of(part) is figure
    assert figures.figure_of(figure) is figure


def test_anything_else_is_refused_in_words():
    with pytest.raises(KamError, match="matplotlib axes"):
        figures.figure_of("not a figure")


@pytest.mark.parametrize(
    ("kind", "language", "value", "label"),
    [
        ("percent", "en", 0.2, "20\xa0%"),
        ("percent", "zh", 0.2, "20%"),
        ("percent", "en", 0.125, "12.5\xa0%"),
        ("short", "en", 1_500_000, "1.5\xa0million"),
        ("short", "zh", 1_500_000, "150\xa0万"),
        ("count", "en", 12_000, "12,000"),
        ("short", "en", -1_500_000, "−1.5\xa0million"),
    ],
)
def test_ticks_speak_the_language_of_the_style(kind, language, value, label):
    ax = drawn()
    figures.format_ticks(ax.yaxis, kind, Style(language))
    assert ax.yaxis.get_major_formatter()(value, 0) == label


def test_logarithmic_ticks_show_no_mathematics():
    ax = drawn()
    ax.set_yscale("log")
    ax.set_ylim(1, 1000)
    figures.format_ticks(ax.yaxis, "count", Style())
    ax.figure.draw_without_rendering()
    labels = {text.get_text() for text in ax.yaxis.get_majorticklabels()}
    assert {"1", "10", "100", "1,000"} <= labels


def test_rendering_leaves_the_theme_alone():
    before = dict(mpl.rcParams)
    figures.render(drawn().figure)
    assert dict(mpl.rcParams) == before
