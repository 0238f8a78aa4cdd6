"""Figures of dependence: each takes a tidy frame, draws, and returns its axes."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from kamlib.glossary import Style, display, label
from kamlib.show.figures import axes, format_ticks, over_time
from kamlib.show.theme import PALETTE, names_or_ranks

MAIN, SECOND, GAIN = PALETTE[0], PALETTE[1], PALETTE[2]
_LABELLED = 15


def plot_holders(
    frame: pd.DataFrame, *, by: str, ax: Axes | None = None, style: Style = Style()
) -> Axes:
    """Draw the largest holders' shares of revenue as bars.

    Parameters
    ----------
    frame
        One row per holder, largest first: `account_id` and `name`, or `manager_id`;
        `share_revenue`.
    by
        "account_id" or "manager_id".
    """
    top = frame.head(_LABELLED)
    ax = axes(ax, 8.0, 0.8 + 0.3 * len(top))
    names, _ = names_or_ranks(
        top["name"].fillna(top["account_id"]) if by == "account_id" else top[by]
    )
    places = np.arange(len(top))
    ax.barh(places, top["share_revenue"], color=MAIN)
    ax.set_yticks(places, names)
    ax.invert_yaxis()
    for place, value in zip(places, top["share_revenue"], strict=True):
        ax.annotate(display(value, "percent", style), (value, place), xytext=(4, 0),
                    textcoords="offset points", va="center")  # fmt: skip
    format_ticks(ax.xaxis, "level", style)
    ax.set_xlabel(f"{label('share_revenue', style)} (n = {display(len(frame), 'count', style)})")
    ax.set_xlim(0, 1.12 * max(float(top["share_revenue"].max()), 1e-9))
    return ax


def plot_history(frame: pd.DataFrame, *, ax: Axes | None = None, style: Style = Style()) -> Axes:
    """Draw how much of revenue the largest accounts, account and manager held, date by date.

    Parameters
    ----------
    frame
        One row per `evaluated_on`: `top_share_revenue`, `largest_share`, `largest_manager_share`
        (null throughout: not drawn), `n_accounts`.
    """
    ax = axes(ax)
    colours = {"top_share_revenue": MAIN, "largest_share": SECOND, "largest_manager_share": GAIN}
    ax = over_time(frame, colours, "level", ax, style)
    counts = frame["n_accounts"]
    least, most = (display(value, "count", style) for value in (counts.min(), counts.max()))
    ax.set_xlabel(f"n = {least}–{most}")
    ax.set_ylim(0, 1)
    return ax
