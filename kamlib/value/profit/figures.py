"""Figures of profit: each takes a tidy frame, draws, and returns its axes."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from kamlib.glossary import Style, display, heading, label
from kamlib.show.figures import axes, format_ticks
from kamlib.show.theme import INK, MUTED, PALETTE, names_or_ranks
from kamlib.value.profit.loss_makers import LOSES, MAY_LOSE

MAIN, SECOND, GAIN, LOSS = PALETTE[0], PALETTE[1], PALETTE[2], PALETTE[3]
_LISTED = 15


def plot_bridge(
    frame: pd.DataFrame,
    *,
    measure: str = "bridge_revenue",
    ax: Axes | None = None,
    style: Style = Style(),
) -> Axes:
    """Draw the way from the year before to this year as a waterfall, one bar per part.

    Parameters
    ----------
    frame
        Rows from the year before over the parts to this year: `term` and the column `measure`;
        parts of zero are not drawn.
    measure
        Column to draw: bridge_revenue, bridge_margin or bridge_contribution.
    """
    ends = np.arange(len(frame)) % (len(frame) - 1) == 0
    rows = frame[ends | frame[measure].fillna(0).ne(0).to_numpy()].reset_index(drop=True)
    ax = axes(ax, 8.0, 1.0 + 0.38 * len(rows))
    amount = rows[measure].to_numpy(dtype=np.float64)
    inner = slice(1, len(rows) - 1)
    after = amount[0] + np.cumsum(np.concatenate([[0.0], amount[inner]]))
    left = np.concatenate([[0.0], after[:-1], [0.0]])
    colours = [MAIN, *(GAIN if value >= 0 else LOSS for value in amount[inner]), MAIN]
    places = np.arange(len(rows))
    ax.barh(places, amount, left=left, color=colours, height=0.66)
    for step, level in enumerate(after):
        ax.plot([level, level], [step - 0.33, step + 1.33], color=MUTED, linewidth=0.8)
    for place, value, start in zip(places, amount, left, strict=True):
        edge = max(start, start + value)
        ax.annotate(display(value, "short", style), (edge, place), xytext=(4, 0),
                    textcoords="offset points", va="center")  # fmt: skip
    ax.set_yticks(places, [display(name, "term", style) for name in rows["term"]])
    ax.invert_yaxis()
    # the two ends dwarf the parts, so the axis begins where the parts do
    reach = np.concatenate([after, left[inner]])
    span = max(float(np.ptp(reach)), 1e-9)
    ax.set_xlim(float(reach.min()) - 0.35 * span, float(reach.max()) + 0.35 * span)
    ax.xaxis.set_major_locator(MaxNLocator(nbins=5))
    format_ticks(ax.xaxis, "short", style)
    cut = heading("axis does not begin at zero", style)
    ax.set_xlabel(f"{label(measure, style)}, {cut}")
    return ax


def plot_loss_makers(
    frame: pd.DataFrame, *, ax: Axes | None = None, style: Style = Style()
) -> Axes:
    """Draw the contribution of accounts below zero with its interval, the sure ones marked.

    Parameters
    ----------
    frame
        One row per account in order: `name`, `account_id`, `verdict`, `contribution`, `contribution_low`,
        `contribution_high`, `conf_level`.
    """
    rows = frame.head(_LISTED)
    ax = axes(ax, 8.0, 1.0 + 0.32 * len(rows))
    names, _ = names_or_ranks(rows["name"].fillna(rows["account_id"]))
    places = np.arange(len(rows))
    for verdict, colour in ((LOSES, LOSS), (MAY_LOSE, MUTED)):
        here = (rows["verdict"] == verdict).to_numpy()
        if not here.any():
            continue
        ax.hlines(places[here], rows.loc[here, "contribution_low"], rows.loc[here, "contribution_high"],
                  color=colour)  # fmt: skip
        ax.plot(rows.loc[here, "contribution"], places[here], "o", color=colour,
                label=display(verdict, "term", style))  # fmt: skip
    ax.axvline(0, color=INK, linewidth=0.8)
    ax.set_yticks(places, names)
    ax.invert_yaxis()
    ax.legend(loc="lower left")
    ax.xaxis.set_major_locator(MaxNLocator(nbins=5))
    format_ticks(ax.xaxis, "short", style)
    level = display(rows["conf_level"].iloc[0], "level", style)
    ax.set_xlabel(f"{label('contribution', style)}, {heading('interval', style)} {level}"
                  f" (n = {display(len(frame), 'count', style)})")  # fmt: skip
    return ax


def plot_cost_by_tenure(
    frame: pd.DataFrame, *, ax: Axes | None = None, style: Style = Style()
) -> Axes:
    """Draw cost to serve per unit of revenue by year of tenure, within account and pooled.

    Parameters
    ----------
    frame
        One row per `tenure_years`: `pooled_rate`, `within_rate`, `rate_low`, `rate_high`,
        `conf_level`, `n_accounts`.
    """
    ax = axes(ax)
    bare = Style(style.language)
    years = frame["tenure_years"]
    level = display(frame["conf_level"].iloc[0], "level", style)
    ax.fill_between(years, frame["rate_low"], frame["rate_high"], color=MAIN, alpha=0.2,
                    linewidth=0, label=f"{heading('interval', style)} {level}")  # fmt: skip
    ax.plot(years, frame["within_rate"], color=MAIN, marker="o", markersize=4,
            label=label("within_rate", bare))  # fmt: skip
    ax.plot(years, frame["pooled_rate"], color=SECOND, linestyle="--",
            label=label("pooled_rate", bare))  # fmt: skip
    ax.legend(loc="best")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    most = display(frame["n_accounts"].max(), "count", style)
    least = display(frame["n_accounts"].min(), "count", style)
    ax.set_xlabel(f"{label('tenure_years', style)} (n = {least}–{most})")
    ax.set_ylabel(heading("Cost to serve per unit of revenue", style))
    format_ticks(ax.yaxis, "percent", style)
    ax.set_ylim(bottom=min(0.0, float(frame["rate_low"].min())))
    return ax


def plot_whale(frame: pd.DataFrame, *, ax: Axes | None = None, style: Style = Style()) -> Axes:
    """Draw cumulative contribution, most profitable account first, with its peak and its end.

    Parameters
    ----------
    frame
        One row per account in order: `place`, `contribution`, `cumulative`.
    """
    ax = axes(ax)
    places = np.concatenate([[0], frame["place"].to_numpy()])
    heights = np.concatenate([[0.0], frame["cumulative"].to_numpy()])
    ax.plot(places, heights, color=MAIN)
    peak = int(np.argmax(heights))
    ax.fill_between(places[peak:], heights[peak:], heights[peak], color=LOSS, alpha=0.25)
    ax.plot([places[peak]], [heights[peak]], marker="o", color=SECOND)
    peak_words = f"{heading('peak', style)}: {display(heights[peak], 'short', style)}"
    ax.annotate(peak_words, (places[peak], heights[peak]), xytext=(0, 8),
                textcoords="offset points", ha="right")  # fmt: skip
    end_words = f"{heading('all accounts', style)}: {display(heights[-1], 'short', style)}"
    ax.annotate(end_words, (places[-1], heights[-1]), xytext=(0, -16),
                textcoords="offset points", ha="right")  # fmt: skip
    ax.axhline(0, color=INK, linewidth=0.8)
    ax.set_xlabel(
        f"{heading('Accounts, most profitable first', style)} (n = {display(len(frame), 'count', style)})"
    )
    ax.set_ylabel(label("cumulative", style))
    format_ticks(ax.xaxis, "count", style)
    format_ticks(ax.yaxis, "short", style)
    ax.margins(y=0.15)
    return ax
