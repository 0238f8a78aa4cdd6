"""Figures of lifetime value: each takes a tidy frame, draws, and returns its axes."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from kamlib.glossary import Style, display, heading, label
from kamlib.show.figures import axes, format_ticks
from kamlib.show.theme import INK, PALETTE, names_or_ranks

MAIN, SECOND = PALETTE[0], PALETTE[1]
_LABELLED = 20


def plot_values(frame: pd.DataFrame, *, ax: Axes | None = None, style: Style = Style()) -> Axes:
    """Draw the lifetime values of the most valuable accounts with their intervals.

    Parameters
    ----------
    frame
        One row per account, most valuable first: `account_id`, `name`, `clv`, `clv_low`,
        `clv_high`, `conf_level`.
    """
    rows = frame.head(_LABELLED)
    ax = axes(ax, 8.0, 1.2 + 0.3 * len(rows))
    names, _ = names_or_ranks(rows["name"].fillna(rows["account_id"]))
    places = np.arange(len(rows))
    ax.hlines(places, rows["clv_low"], rows["clv_high"], color=MAIN, linewidth=2, alpha=0.6)
    ax.plot(rows["clv"], places, linestyle="none", marker="o", color=MAIN)
    ax.set_yticks(places, names)
    ax.invert_yaxis()
    ax.axvline(0, color=INK, linewidth=0.8)
    ax.xaxis.set_major_locator(MaxNLocator(nbins=5))
    format_ticks(ax.xaxis, "short", style)
    level = display(rows["conf_level"].iloc[0], "level", style)
    count = display(len(frame), "count", style)
    ax.set_xlabel(f"{label('clv', style)}, {heading('interval', style)} {level} (n = {count})")
    return ax


def plot_holdout_path(
    frame: pd.DataFrame, *, ax: Axes | None = None, style: Style = Style()
) -> Axes:
    """Draw expected and actual cumulative revenue over the months held back.

    Parameters
    ----------
    frame
        One row per `month` end: `expected_revenue`, `revenue`.
    """
    ax = axes(ax, 8.0, 3.8)
    months = pd.to_datetime(frame["month"])
    bare = Style(style.language)
    ax.plot(months, frame["revenue"], color=MAIN, marker="o", markersize=4,
            label=heading("what came", style))  # fmt: skip
    ax.plot(months, frame["expected_revenue"], color=SECOND, linestyle="--", marker="s",
            markersize=4, label=label("expected_revenue", bare))  # fmt: skip
    ax.legend(loc="upper left")
    format_ticks(ax.yaxis, "short", style)
    ax.set_ylim(bottom=min(0.0, float(frame["revenue"].min())))
    ax.set_ylabel(label("revenue", style))
    return ax


def plot_holdout_classes(
    frame: pd.DataFrame, *, ax: Axes | None = None, style: Style = Style()
) -> Axes:
    """Draw expected and actual means of accounts side by side, class by class.

    Parameters
    ----------
    frame
        One row per `activity_class`: `n_accounts`, `expected_mean`, `actual_mean`.
    """
    ax = axes(ax, 8.0, 3.6)
    places = np.arange(len(frame))
    ax.bar(places - 0.2, frame["actual_mean"], width=0.38, color=MAIN,
           label=heading("what came", style))  # fmt: skip
    ax.bar(places + 0.2, frame["expected_mean"], width=0.38, color=SECOND,
           label=heading("what was expected", style))  # fmt: skip
    names = [
        f"{name}\nn = {display(n, 'count', style)}"
        for name, n in zip(frame["activity_class"], frame["n_accounts"], strict=True)
    ]
    ax.set_xticks(places, names)
    ax.set_xlabel(label("activity_class", style))
    ax.set_ylabel(label("actual_mean", style))
    top = float(np.nanmax(frame[["expected_mean", "actual_mean"]].to_numpy()))
    format_ticks(ax.yaxis, "short" if top >= 10_000 else "score", style)
    ax.margins(y=0.2)
    ax.legend(loc="upper left")
    return ax
