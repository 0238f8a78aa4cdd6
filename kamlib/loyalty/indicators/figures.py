"""Figures of loyalty: each takes a tidy frame, draws, and returns its axes."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from kamlib.glossary import Style, display, heading, label
from kamlib.loyalty.indicators.matrix import CLASSES
from kamlib.loyalty.indicators.measures import INDEX, INDICATORS
from kamlib.loyalty.indicators.over_time import SHARES
from kamlib.show.figures import axes, format_ticks, over_time
from kamlib.show.theme import INK, MUTED, PALETTE

# blue for what they do and say, grey for neither
CLASS_COLOURS = dict(zip(CLASSES, (PALETTE[0], PALETTE[5], PALETTE[1], "#B9BEC3"), strict=True))


def plot_indicators(frame: pd.DataFrame, *, ax: Axes | None = None, style: Style = Style()) -> Axes:
    """Draw the mean of each indicator and the range of the middle half of the accounts.

    Parameters
    ----------
    frame
        One row per `indicator`: `n_accounts`, `score_mean`, `score_low`, `score_high`.
    """
    rows = frame[frame["score_mean"].notna()]
    ax = axes(ax, 8.0, 1.4 + 0.4 * len(rows))
    places = np.arange(len(rows))
    ax.hlines(places, rows["score_low"], rows["score_high"], color=PALETTE[5], linewidth=7,
              label=heading("middle half of the accounts", style))  # fmt: skip
    ax.plot(rows["score_mean"], places, "o", color=PALETTE[0], label=label("score_mean", style))
    ax.set_yticks(places, _with_n(rows, style))
    ax.invert_yaxis()
    ax.axvline(50, color=MUTED, linewidth=1, linestyle="--")
    ax.set_xlim(0, 100)
    ax.set_xlabel(heading("score, 0 to 100", style))
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)
    return ax


def plot_matrix(frame: pd.DataFrame, *, ax: Axes | None = None, style: Style = Style()) -> Axes:
    """Draw the four classes of each tier as bars stacked to one, with the interval of the first.

    Parameters
    ----------
    frame
        One row per `group` and `loyalty_class`: `n_accounts`, `class_share`, `share_low`,
        `share_high`, `conf_level`.
    """
    groups = list(dict.fromkeys(frame["group"]))
    ax = axes(ax, 8.0, 1.6 + 0.45 * len(groups))
    places, left = np.arange(len(groups)), np.zeros(len(groups))
    for name, colour in CLASS_COLOURS.items():
        rows = frame[frame["loyalty_class"] == name].set_index("group").loc[groups]
        share = rows["class_share"].to_numpy(dtype=np.float64)
        ax.barh(places, share, left=left, color=colour, label=display(name, "term", style))
        left = left + share
    first = frame[frame["loyalty_class"] == CLASSES[0]].set_index("group").loc[groups]
    share = first["class_share"].to_numpy(dtype=np.float64)
    ends = [share - first["share_low"].to_numpy(), first["share_high"].to_numpy() - share]
    level = display(frame["conf_level"].iloc[0], "level", style)
    ax.errorbar(share, places, xerr=np.maximum(ends, 0.0), fmt="none", color=INK, capsize=3,
                label=f"{heading('interval', style)}, {level}")  # fmt: skip
    counts = frame.groupby("group")["n_accounts"].sum()
    names = [
        f"{display(group, 'term', style)} (n = {display(counts[group], 'count', style)})"
        for group in groups
    ]
    ax.set_yticks(places, names)
    ax.invert_yaxis()
    ax.set_xlim(0, 1)
    format_ticks(ax.xaxis, "level", style)
    ax.set_xlabel(label("class_share", style))
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3)
    return ax


def plot_over_time(frame: pd.DataFrame, *, ax: Axes | None = None, style: Style = Style()) -> Axes:
    """Draw the index and the five indicators quarter by quarter.

    Parameters
    ----------
    frame
        One row per `evaluated_on`: the indicators and `behaviour`, `n_accounts`.
    """
    ax = axes(ax)
    colours = dict(zip((INDEX, *INDICATORS), (INK, *PALETTE), strict=False))
    over_time(frame, colours, "score", ax, style)
    ax.axhline(50, color=MUTED, linewidth=1, linestyle="--")
    ax.set_ylabel(heading("score, 0 to 100", style))
    n = display(frame["n_accounts"].iloc[-1], "count", style)
    ax.set_xlabel(f"{label('evaluated_on', style)} (n = {n})")
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3)
    return ax


def plot_classes_over_time(
    frame: pd.DataFrame, *, ax: Axes | None = None, style: Style = Style()
) -> Axes:
    """Draw the shares of the four classes quarter by quarter.

    Parameters
    ----------
    frame
        One row per `evaluated_on`: the four shares, `n_answered`.
    """
    ax = axes(ax)
    over_time(frame, dict(zip(SHARES, CLASS_COLOURS.values(), strict=True)), "level", ax, style)
    ax.set_ylim(bottom=0)
    ax.set_ylabel(label("class_share", style))
    n = display(frame["n_answered"].iloc[-1], "count", style)
    ax.set_xlabel(f"{label('evaluated_on', style)} (n = {n})")
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=4)
    return ax


def plot_foretold(frame: pd.DataFrame, *, ax: Axes | None = None, style: Style = Style()) -> Axes:
    """Draw how well each indicator told apart who stayed, with intervals and the years before.

    Parameters
    ----------
    frame
        One row per `indicator`: `n_accounts`, `told_apart`, `told_low`, `told_high`, `told_before`,
        `conf_level`; rows that could not be judged are left out.
    """
    rows = frame[frame["told_apart"].notna()]
    ax = axes(ax, 8.0, 1.4 + 0.4 * len(rows))
    places, share = np.arange(len(rows)), rows["told_apart"].to_numpy(dtype=np.float64)
    ends = [share - rows["told_low"].to_numpy(), rows["told_high"].to_numpy() - share]
    level = display(rows["conf_level"].iloc[0], "level", style)
    ax.axvline(0.5, color=MUTED, linestyle="--", label=heading("no better than a coin", style))
    ax.errorbar(share, places, xerr=np.maximum(np.nan_to_num(ends), 0.0), fmt="o",
                color=PALETTE[0], capsize=3,
                label=f"{label('told_apart', style)}, {level}")  # fmt: skip
    ax.plot(rows["told_before"], places, "x", color=PALETTE[3], label=label("told_before", style))
    ax.set_yticks(places, _with_n(rows, style))
    ax.invert_yaxis()
    format_ticks(ax.xaxis, "ratio", style)
    ax.set_xlabel(label("told_apart", style))
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3)
    return ax


def _with_n(rows: pd.DataFrame, style: Style) -> list[str]:
    bare = Style(style.language)
    return [
        f"{display(name, 'term', bare)} (n = {display(n, 'count', bare)})"
        for name, n in zip(rows["indicator"], rows["n_accounts"], strict=True)
    ]
