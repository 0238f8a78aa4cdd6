"""Figures of collection: each takes a tidy frame, draws, and returns its axes."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from kamlib.glossary import Style, display, heading, label
from kamlib.show.figures import axes, format_ticks, over_time
from kamlib.show.theme import INK, MUTED, PALETTE

MAIN, SECOND, LOSS = PALETTE[0], PALETTE[1], PALETTE[3]


def plot_ageing(frame: pd.DataFrame, *, ax: Axes | None = None, style: Style = Style()) -> Axes:
    """Draw open receivables by age, with their shares.

    Parameters
    ----------
    frame
        One row per `bucket` in order of age: `open_balance`, `share_open`, `n_accounts`.
    """
    ax = axes(ax, 7.0, 3.8)
    places = np.arange(len(frame))
    colours = [MAIN, *[LOSS] * (len(frame) - 1)]
    ax.bar(places, frame["open_balance"], color=colours, width=0.66)
    for place, row in zip(places, frame.to_dict("records"), strict=True):
        words = (f"{display(row['share_open'], 'percent', style)}\n"
                 f"n = {display(row['n_accounts'], 'count', style)}")  # fmt: skip
        ax.annotate(words, (place, row["open_balance"]), xytext=(0, 4),
                    textcoords="offset points", ha="center")  # fmt: skip
    ax.set_xticks(places, [display(name, "term", style) for name in frame["bucket"]])
    format_ticks(ax.yaxis, "short", style)
    ax.set_ylabel(label("open_balance", style))
    ax.set_ylim(top=1.25 * max(float(frame["open_balance"].max()), 1e-9))
    return ax


def plot_days_overdue(
    frame: pd.DataFrame, *, ax: Axes | None = None, style: Style = Style()
) -> Axes:
    """Draw the share of invoices still unpaid by days past due, disputed ones apart.

    Parameters
    ----------
    frame
        One row per `is_disputed` and `days_overdue`: `share_unpaid`, `unpaid_low`, `unpaid_high`,
        `conf_level`, `n_risk`.
    """
    ax = axes(ax)
    for disputed, colour in ((False, MAIN), (True, LOSS)):
        rows = frame[frame["is_disputed"] == disputed]
        if rows.empty:
            continue
        name = heading("disputed" if disputed else "not disputed", style)
        count = display(rows["n_risk"].iloc[0], "count", style)
        ax.fill_between(rows["days_overdue"], rows["unpaid_low"], rows["unpaid_high"], step="post",
                        color=colour, alpha=0.2, linewidth=0)  # fmt: skip
        ax.step(rows["days_overdue"], rows["share_unpaid"], where="post", color=colour,
                label=f"{name} (n = {count})")  # fmt: skip
    ax.axvline(0, color=INK, linewidth=0.8)
    ax.axhline(0.5, color=MUTED, linewidth=0.8, linestyle="--")
    ax.legend(loc="upper right")
    format_ticks(ax.yaxis, "level", style)
    format_ticks(ax.xaxis, "count", style)
    ax.set_ylim(0, 1.02)
    level = display(frame["conf_level"].iloc[0], "level", style)
    ax.set_ylabel(f"{label('share_unpaid', style)}, {heading('interval', style)} {level}")
    ax.set_xlabel(label("days_overdue", style))
    return ax


def plot_collection(frame: pd.DataFrame, *, ax: Axes | None = None, style: Style = Style()) -> Axes:
    """Draw both collection rates at every evaluation date.

    Parameters
    ----------
    frame
        One row per `evaluated_on`: `cash_rate`, `due_rate`.
    """
    ax = axes(ax, 8.0, 3.6)
    return over_time(frame, {"cash_rate": SECOND, "due_rate": MAIN}, "percent", ax, style)
