"""Figures of renewals: each takes a tidy frame, draws, and returns its axes."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from kamlib.glossary import Style, display, heading, label
from kamlib.show.figures import axes, format_ticks
from kamlib.show.theme import PALETTE

_MARKERS = ("o", "s", "^")


def plot_retention(frame: pd.DataFrame, *, ax: Axes | None = None, style: Style = Style()) -> Axes:
    """Draw the share of contracts renewed at each renewal with its interval, class by class.

    Parameters
    ----------
    frame
        One row per `term_class` and `renewal`: `n_risk`, `estimate`, `conf_low`, `conf_high`,
        `conf_level`.
    """
    ax = axes(ax, 8.0, 3.8)
    names = list(dict.fromkeys(frame["term_class"]))
    for place, name in enumerate(names):
        rows = frame[frame["term_class"] == name]
        # classes stand side by side, so that their intervals can be told apart
        at = rows["renewal"].to_numpy() + 0.14 * (place - (len(names) - 1) / 2)
        colour = PALETTE[place % len(PALETTE)]
        least, most = (
            display(n, "count", style) for n in (rows["n_risk"].min(), rows["n_risk"].max())
        )
        n = most if least == most else f"{least}–{most}"
        ax.vlines(at, rows["conf_low"], rows["conf_high"], color=colour, linewidth=1.6, alpha=0.6)
        ax.plot(at, rows["estimate"], color=colour, marker=_MARKERS[place % 3], markersize=5,
                label=f"{display(name, 'term', style)} (n = {n})")  # fmt: skip
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    format_ticks(ax.yaxis, "percent", style)
    ax.set_ylim(min(0.5, float(np.nanmin(frame["conf_low"])) - 0.05), 1.01)
    ax.legend(loc="lower right")
    level = display(frame["conf_level"].iloc[0], "level", style)
    ax.set_xlabel(label("renewal", style))
    ax.set_ylabel(f"{label('share_renewed', style)}, {heading('interval', style)} {level}")
    return ax
