"""One theme: colours that the colour-blind can read, and fonts that are found once.

Names of accounts are hostile text: `$` must not start mathematics, a leading "_" must not make a
legend entry vanish, and a name that no font can draw must not become a row of empty boxes.
"""

from __future__ import annotations

import functools
import unicodedata
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import matplotlib as mpl
import pandas as pd
from cycler import cycler
from matplotlib import font_manager

from kamlib.glossary import Sentence, clean
from kamlib.results import Check

INK = "#1C2733"
MUTED = "#8A949E"
GRID = "#E3E7EB"
PALETTE = ("#0B4F7D", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#7CC3EC", "#4D4D4D")
# Navy, gold, steel, lead: told apart by lightness as well, so also on a grey printer.
TIER_COLOURS = {
    "platinum": "#0B4F7D",
    "gold": "#E69F00",
    "iron": "#4690C4",
    "lead": "#B9BEC3",
}
LABEL_WIDTH = 28

_LATIN = "DejaVu Sans"  # comes with matplotlib
_CHINESE = (
    "Noto Sans CJK SC",
    "Noto Sans SC",
    "Source Han Sans SC",
    "Noto Sans CJK JP",  # all that matplotlib before 3.11 sees of the Noto collection
    "Microsoft YaHei",
    "PingFang SC",
    "Hiragino Sans GB",
    "WenQuanYi Micro Hei",
)


def use_theme() -> None:
    """Set every rcParam that this project's figures rely on; calling it twice changes nothing."""
    mpl.rcParams.update(
        {
            "axes.axisbelow": True,
            "axes.edgecolor": MUTED,
            "axes.formatter.use_mathtext": False,
            "axes.grid": True,
            "axes.grid.axis": "y",
            "axes.labelcolor": INK,
            "axes.prop_cycle": cycler(color=PALETTE),
            "axes.spines.right": False,
            "axes.spines.top": False,
            "axes.titlecolor": INK,
            "axes.titlelocation": "left",
            "axes.titlesize": 12,
            "axes.titleweight": "bold",
            "figure.constrained_layout.use": True,
            "figure.facecolor": "white",
            "figure.figsize": (8.0, 4.2),
            "font.family": list(font_chain()),
            "font.size": 10.5,
            "grid.color": GRID,
            "grid.linewidth": 0.8,
            "legend.frameon": False,
            "lines.linewidth": 2.0,
            "svg.hashsalt": "kamlib",  # else element ids differ from run to run
            "text.color": INK,
            "text.parse_math": False,
            "text.usetex": False,
            "xtick.color": INK,
            "ytick.color": INK,
        }
    )


@functools.cache
def font_chain() -> tuple[str, ...]:
    """Return the font families to draw with, all of them present on this machine.

    An absent family would write one line to stderr for every text drawn. matplotlib keeps a list of
    fonts in a cache file, which does not know a font that was installed later: so where the list
    holds no Chinese font, the font files of the system are looked through as well.
    """
    if not _known_chinese():
        for path in font_manager.findSystemFonts():
            if "cjk" in Path(path).name.lower():
                font_manager.fontManager.addfont(path)
    return (_LATIN, *_known_chinese()[:1])


def _known_chinese() -> list[str]:
    known = set(font_manager.fontManager.get_font_names())
    return [name for name in _CHINESE if name in known]


@functools.cache
def _fonts() -> tuple[Any, ...]:
    return tuple(
        font_manager.get_font(font_manager.findfont(name, fallback_to_default=False))
        for name in font_chain()
    )


def can_draw(text: str) -> bool:
    """Return whether figures can draw every character of a text.

    >>> can_draw("Müller & Söhne"), can_draw(chr(0x13000))
    (True, False)
    """
    return all(any(font.get_char_index(ord(c)) for font in _fonts()) for c in text)


def width(text: str) -> int:
    """Return how many columns a text takes; an East Asian character takes two.

    >>> width("Acme"), width("大客户")
    (4, 6)
    """
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in ("W", "F") else 1
        for c in text
    )


def shorten(text: str, columns: int) -> str:
    """Return a text of at most `columns` columns, cut with … where it was longer.

    >>> shorten("Consolidated Metals", 8)
    'Consoli…'
    """
    if width(text) <= columns:
        return text
    while width(text) > columns - 1:
        text = text[:-1]
    return text.rstrip() + "…"


def names_or_ranks(names: Iterable[Any]) -> tuple[list[str], Check | None]:
    """Return one label per account for use in a figure, best account first.

    A name is cleaned and shortened; a name that stands twice gets its rank, so that two accounts do
    not fall on one tick. Where no font draws a name, its rank stands for it ("#3"), and the Check
    says how many; the names stand in the table beside the figure.

    >>> names_or_ranks(["Acme", "_Bolt", chr(0x13000)])[0] == ["Acme", chr(0x200B) + "_Bolt", "#3"]
    True
    """
    texts = ["" if pd.isna(name) else clean(" ".join(str(name).split())) for name in names]
    labels = [
        shorten(text, LABEL_WIDTH) if text and can_draw(text) else f"#{rank}"
        for rank, text in enumerate(texts, 1)
    ]
    times = Counter(labels)
    labels = [
        f"{label} (#{rank})" if times[label] > 1 else label for rank, label in enumerate(labels, 1)
    ]
    # A leading "_" tells matplotlib to leave an entry out of the legend.
    labels = [f"\u200b{label}" if label.startswith("_") else label for label in labels]
    undrawn = sum(not can_draw(text) for text in texts)
    if not undrawn:
        return labels, None
    note = Sentence("show.names_as_ranks", {"n": undrawn, "total": len(texts)})
    return labels, Check("names_in_figures", False, note)
