"""Figures of the evaluation standard: each takes a tidy frame, draws, and returns its axes."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from kamlib.glossary import Style, display, heading, label
from kamlib.show.figures import axes, format_ticks
from kamlib.show.theme import INK, MUTED, PALETTE, TIER_COLOURS, names_or_ranks
from kamlib.value.standard.facts import CRITERIA

_LABELLED = 15


def plot_parts(frame: pd.DataFrame, *, ax: Axes | None = None, style: Style = Style()) -> Axes:
    """Draw the scores of the best accounts as bars stacked from the points of each criterion.

    Parameters
    ----------
    frame
        One row per account, best first: `account_id`, `name`, `score`, `part_<criterion>`.
    """
    rows = frame.head(_LABELLED)
    ax = axes(ax, 8.0, 1.2 + 0.3 * len(rows))
    names, _ = names_or_ranks(rows["name"].fillna(rows["account_id"]))
    places = np.arange(len(rows))
    left = np.zeros(len(rows))
    bare = Style(style.language)
    for criterion, colour in zip(CRITERIA, PALETTE, strict=False):
        points = rows[f"part_{criterion}"]
        if points.notna().any():
            width = points.fillna(0.0).to_numpy(dtype=np.float64)
            ax.barh(places, width, left=left, color=colour, label=label(criterion, bare))
            left = left + width
    for place, value in zip(places, rows["score"], strict=True):
        ax.annotate(display(value, "score", style), (value, place), xytext=(4, 0),
                    textcoords="offset points", va="center")  # fmt: skip
    ax.set_yticks(places, names)
    ax.invert_yaxis()
    ax.set_xlim(0, 100)
    ax.set_xlabel(f"{label('score', style)} (n = {display(len(rows), 'count', style)})")
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3)
    return ax


def plot_migration(frame: pd.DataFrame, *, ax: Axes | None = None, style: Style = Style()) -> Axes:
    """Draw the matrix of tiers then and now, shaded by the share of each row.

    Parameters
    ----------
    frame
        One row per pair of `tier_then` and `tier_now`: `n_accounts`, `share_accounts`.
    """
    ax = axes(ax, 7.2, 4.4)
    rows, columns = list(dict.fromkeys(frame["tier_then"])), list(dict.fromkeys(frame["tier_now"]))
    index = frame.set_index(["tier_then", "tier_now"])
    shape = (len(rows), len(columns))
    every = pd.MultiIndex.from_product([rows, columns])
    share = index["share_accounts"].reindex(every).to_numpy(dtype=np.float64).reshape(shape)
    count = index["n_accounts"].reindex(every).to_numpy(dtype=np.float64).reshape(shape)
    ax.imshow(np.nan_to_num(share), cmap="Blues", vmin=0.0, vmax=1.0, aspect="auto")
    for (row, column), part in np.ndenumerate(share):
        if np.isnan(count[row, column]):
            continue
        n = display(count[row, column], "count", style)
        ax.text(column, row, f"{display(part, 'percent', style)}\nn = {n}", ha="center",
                va="center", fontsize=8, color="white" if part > 0.55 else INK)  # fmt: skip
    ax.set_xticks(range(len(columns)), [display(tier, "term", style) for tier in columns])
    ax.set_yticks(range(len(rows)), [display(tier, "term", style) for tier in rows])
    ax.set_xlabel(label("tier_now", style))
    ax.set_ylabel(label("tier_then", style))
    ax.grid(False)
    return ax


def plot_calibration(
    frame: pd.DataFrame, *, ax: Axes | None = None, style: Style = Style()
) -> Axes:
    """Draw the share that rose against the chance that was stated, with intervals.

    Parameters
    ----------
    frame
        One row per group of accounts: `chance`, `rose`, `share_low`, `share_high`, `conf_level`,
        `n_accounts`.
    """
    ax = axes(ax, 6.4, 4.8)
    x, y = frame["chance"].to_numpy(), frame["rose"].to_numpy()
    below, above = y - frame["share_low"].to_numpy(), frame["share_high"].to_numpy() - y
    top = 1.08 * max(float(frame["share_high"].max()), float(x.max()), 0.05)
    ax.plot([0, top], [0, top], color=MUTED, linewidth=1, linestyle="--")
    interval = (
        f"{heading('interval', style)}, {display(frame['conf_level'].iloc[0], 'level', style)}"
    )
    ax.errorbar(x, y, yerr=np.maximum([below, above], 0.0), fmt="o", color=PALETTE[0], capsize=3,
                label=interval)  # fmt: skip
    ax.legend(loc="upper left")
    n = display(int(frame["n_accounts"].sum()), "count", style)
    ax.set_xlabel(f"{label('chance', style)} (n = {n})")
    ax.set_ylabel(label("rose", style))
    for axis in (ax.xaxis, ax.yaxis):
        format_ticks(axis, "percent", style)
    ax.set_xlim(0, top)
    ax.set_ylim(0, top)
    return ax


def plot_survival(frame: pd.DataFrame, *, ax: Axes | None = None, style: Style = Style()) -> Axes:
    """Draw the share of accounts of each tier that keeps its tier under other weights.

    Parameters
    ----------
    frame
        One row per group: `group` (a tier or all accounts), `n_accounts`, `survival`, `share_low`,
        `share_high`, `conf_level`.
    """
    ax = axes(ax, 8.0, 3.4)
    places = np.arange(len(frame))
    share = frame["survival"].to_numpy()
    ends = [share - frame["share_low"].to_numpy(), frame["share_high"].to_numpy() - share]
    colours = [TIER_COLOURS.get(str(group), MUTED) for group in frame["group"]]
    ax.barh(places, share, color=colours)
    level = display(frame["conf_level"].iloc[0], "level", style)
    ax.errorbar(share, places, xerr=np.maximum(ends, 0.0), fmt="none", color=INK, capsize=3,
                label=f"{heading('under other weights', style)}, {level}")  # fmt: skip
    names = [
        f"{display(group, 'term', style)} (n = {display(n, 'count', style)})"
        for group, n in zip(frame["group"], frame["n_accounts"], strict=True)
    ]
    ax.set_yticks(places, names)
    ax.invert_yaxis()
    ax.set_xlim(0, 1)
    format_ticks(ax.xaxis, "level", style)
    ax.set_xlabel(label("survival", style))
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0))
    return ax
