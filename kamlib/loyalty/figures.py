"""Figures of loyalty and its return: each takes a tidy frame, draws, and returns its axes."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from kamlib.glossary import Style, display, label
from kamlib.loyalty.finance.cost import ITEMS
from kamlib.loyalty.identities import LEVELS
from kamlib.show.figures import axes, format_ticks
from kamlib.show.theme import PALETTE

# the higher the level, the darker
LEVEL_COLOURS = dict(zip(LEVELS, ("#7CC3EC", "#4690C4", "#0B4F7D"), strict=True))
ITEM_COLOURS = dict(zip(ITEMS, (PALETTE[6], PALETTE[0], PALETTE[2], PALETTE[1]), strict=True))


def plot_members(frame: pd.DataFrame, *, ax: Axes | None = None, style: Style = Style()) -> Axes:
    """Draw members of the programme over time, levels upon one another.

    Parameters
    ----------
    frame
        Frame of `members.members`: `month`, `programme_level`, `n_members`.
    """
    ax = axes(ax)
    wide = frame.pivot(index="month", columns="programme_level", values="n_members").fillna(0)
    level = label("programme_level", Style(style.language))
    drawn = [n for n in LEVELS if n in wide]
    ax.stackplot(
        wide.index, *(wide[n].to_numpy(dtype=np.float64) for n in drawn),
        colors=[LEVEL_COLOURS[n] for n in drawn], step="mid", linewidth=0,
        labels=[f"{level} {display(n, 'count', style)}" for n in drawn],
    )  # fmt: skip
    # in the order of the picture
    handles, names = ax.get_legend_handles_labels()
    ax.legend(handles[::-1], names[::-1], loc="upper left")
    now = display(wide.iloc[-1].sum(), "count", style)
    ax.set_ylabel(label("n_members", style))
    ax.set_xlabel(f"{label('month', style)} (n = {now})")
    format_ticks(ax.yaxis, "count", style)
    ax.set_ylim(bottom=0)
    return ax


def plot_costs(frame: pd.DataFrame, *, ax: Axes | None = None, style: Style = Style()) -> Axes:
    """Draw what the programme costs month by month, items upon one another; corrections hang below.

    Parameters
    ----------
    frame
        Frame of `ledger.cost_by_month`: `month`, `cost_item`, `cost`.
    """
    ax = axes(ax)
    wide = frame.pivot(index="month", columns="cost_item", values="cost").fillna(0.0)
    above, below = np.zeros(len(wide)), np.zeros(len(wide))
    for item in (item for item in ITEMS if item in wide):
        cost = wide[item].to_numpy(dtype=np.float64)
        bottom = np.where(cost >= 0, above, below)
        ax.bar(wide.index, cost, bottom=bottom, width=25, color=ITEM_COLOURS[item],
               label=display(item, "term", style))  # fmt: skip
        above, below = above + cost.clip(min=0), below + cost.clip(max=0)
    ax.legend(loc="best")
    ax.margins(y=0.05)
    ax.set_ylabel(label("cost", style))
    ax.set_xlabel(label("month", style))
    format_ticks(ax.yaxis, "short", style)
    return ax
