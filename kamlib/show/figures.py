"""Figures become PNG bytes that are the same on every run, and axes speak the reader's language."""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import Formatter

from kamlib.errors import KamError
from kamlib.glossary import Style, display, label

_DPI = 150
_SCREEN_DPI = 96  # CSS pixels per inch: the picture is shown in the size it was drawn in


@dataclass(frozen=True, slots=True)
class Picture:
    """A PNG and the size, in CSS pixels, in which it is meant to be seen."""

    png: bytes
    width: int
    height: int


def figure_of(drawn: Any) -> Figure:
    """Return the figure of an `Axes`, of a seaborn grid, or of itself."""
    while not isinstance(drawn, Figure):
        drawn = getattr(drawn, "figure", None)
        if drawn is None:
            raise KamError("a figure is made from matplotlib axes or a matplotlib figure")
    return drawn


def render(figure: Figure) -> Picture:
    """Return the picture of a figure; two renderings give the same bytes."""
    buffer = io.BytesIO()
    figure.savefig(
        buffer,
        format="png",
        dpi=_DPI,
        facecolor="white",
        bbox_inches="tight",
        metadata={"Software": None},  # else the bytes change with matplotlib's version
    )
    png = buffer.getvalue()
    width, height = struct.unpack(">II", png[16:24])
    scale = _SCREEN_DPI / _DPI
    return Picture(png, round(width * scale), round(height * scale))


class _Ticks(Formatter):
    def __init__(self, kind: str, style: Style) -> None:
        self.kind = kind
        self.style = style

    def __call__(self, x: float, pos: int | None = None) -> str:
        # The display of a share has one decimal, which ticks at full percents do not need.
        text = display(x, self.kind, self.style)
        return text.replace(".0", "") if self.kind == "percent" else text


def format_ticks(axis: Axis, kind: str, style: Style) -> None:
    """Write the numbers of an axis as `glossary.display` writes them in the style's language.

    Use it on logarithmic axes too: matplotlib's own labels there are mathematics, which the theme
    does not parse.

    Parameters
    ----------
    axis
        `ax.xaxis` or `ax.yaxis`.
    kind
        A display kind of numbers, for example "short", "percent" or "count".
    style
        Language of the labels.
    """
    axis.set_major_formatter(_Ticks(kind, style))


def axes(ax: Axes | None, width: float = 8.0, height: float = 4.2) -> Axes:
    """Return the axes given, or those of a new figure of this size in inches."""
    return ax if ax is not None else plt.subplots(figsize=(width, height))[1]


def error_bars(frame: pd.DataFrame, name: str, low: str, high: str) -> np.ndarray:
    """Return lengths of the bars below and above a column, shape (2, rows); none where a limit is unknown."""
    middle, below, above = (frame[c].to_numpy(dtype=np.float64) for c in (name, low, high))
    # rounding may leave a limit a hair on the wrong side
    return np.asarray(np.maximum(np.nan_to_num(np.array([middle - below, above - middle])), 0.0))


def over_time(
    frame: pd.DataFrame, colours: dict[str, str], kind: str, ax: Axes, style: Style
) -> Axes:
    """Draw columns of a frame against its `evaluated_on`; one that is null throughout is not drawn.

    Parameters
    ----------
    frame
        One row per date.
    colours
        Glossary column -> colour.
    kind
        Display kind of the values.
    ax, style
        Where, and in which language.
    """
    days = pd.to_datetime(frame["evaluated_on"])
    for name, colour in colours.items():
        if frame[name].notna().any():
            ax.plot(days, frame[name], color=colour, marker="o", markersize=4,
                    label=label(name, Style(style.language)))  # fmt: skip
    ax.legend(loc="best")
    format_ticks(ax.yaxis, kind, style)
    return ax
