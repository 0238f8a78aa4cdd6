"""Figures of what goes with leaving, of the forecast and of the watch list: frame in, axes out."""

from __future__ import annotations

import textwrap

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, MaxNLocator, NullLocator

from kamlib.churn.effects import contrast
from kamlib.churn.validation import CHANCE, DROP, EXPECTED_LOSS, REVENUE
from kamlib.glossary import Style, display, heading, label, say
from kamlib.show.figures import axes, format_ticks
from kamlib.show.theme import GRID, INK, MUTED, PALETTE, TIER_COLOURS, names_or_ranks, shorten

MAIN, SECOND = PALETTE[0], PALETTE[1]
_LABELLED = 20
_LABEL_WIDTH = 52
_TICKS = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0)
_FURTHEST = 20.0  # times as often, or as rarely: what lies beyond is cut


def plot_forest(
    frame: pd.DataFrame,
    *,
    n_event: int | None = None,
    ax: Axes | None = None,
    style: Style = Style(),
) -> Axes:
    """Draw hazard ratios with their intervals on a logarithmic axis, the first row on top.

    Parameters
    ----------
    frame
        That of `drivers.drivers`; effects of unknown values are not drawn. What is more than twenty
        times as often, or as rare, is a head of an arrow at the edge.
    n_event
        Losses behind all of it; None: as many as the row has that has most.
    """
    known = frame["category"].ne("unknown") | frame["category"].isna()
    rows = frame[known] if known.any() else frame
    ax = axes(ax, 8.4, 1.2 + 0.34 * len(rows))
    names = []
    for _, row in rows.iterrows():
        words = say(contrast(row), style)
        lines = textwrap.wrap(words[:1].upper() + words[1:], _LABEL_WIDTH)
        names.append("\n".join(shorten(line, _LABEL_WIDTH) for line in lines[:2]))
    places = np.arange(len(rows))
    ratio, low, high = (
        rows[c].clip(1 / _FURTHEST, _FURTHEST).to_numpy(dtype=np.float64)
        for c in ("hazard_ratio", "ratio_low", "ratio_high")
    )
    inside = (ratio < _FURTHEST) & (ratio > 1 / _FURTHEST)
    sure = ((rows["ratio_low"] > 1) | (rows["ratio_high"] < 1)).to_numpy()
    for is_sure, colour in ((True, MAIN), (False, MUTED)):
        some = sure == is_sure
        ax.hlines(places[some], low[some], high[some], color=colour, linewidth=2)
        for marker, there in (
            ("o", inside),
            (">", ratio == _FURTHEST),
            ("<", ratio == 1 / _FURTHEST),
        ):
            at = some & there
            ax.plot(ratio[at], places[at], linestyle="none", marker=marker, color=colour)
    ax.axvline(1.0, color=INK, linewidth=0.8)
    ax.set_xscale("log")
    ax.set_yticks(places, names)
    ax.set_ylim(len(rows) - 0.5, -0.5)
    ax.grid(True, axis="x", color=GRID)
    ax.grid(False, axis="y")
    _log_ticks(ax, low, high, style)
    level = display(rows["conf_level"].iloc[0], "level", style)
    events = display(rows["n_event"].max() if n_event is None else n_event, "count", style)
    bare = Style(style.language)
    ax.set_xlabel(
        f"{label('hazard_ratio', bare)}, {heading('interval', style)} {level} "
        f"({label('n_event', bare)}: {events})"
    )
    return ax


def _log_ticks(ax: Axes, low: np.ndarray, high: np.ndarray, style: Style) -> None:
    ends = min(float(low.min()), 0.8), max(float(high.max()), 1.25)
    ax.set_xlim(ends[0] / 1.1, ends[1] * 1.1)
    ax.xaxis.set_major_locator(FixedLocator(_TICKS))
    ax.xaxis.set_minor_locator(NullLocator())
    format_ticks(ax.xaxis, "ratio", style)


def plot_captured(frame: pd.DataFrame, *, ax: Axes | None = None, style: Style = Style()) -> Axes:
    """Draw the share of lost value on the list, by length of the list and by what it is ordered by.

    Parameters
    ----------
    frame
        That of `validation.captured`.
    """
    rows = frame[(frame["term"] == "value_captured") & frame["against"].isna()]
    ax = axes(ax, 8.0, 4.2)
    lengths = sorted(rows["listed"].unique())
    rankings = [r for r in (EXPECTED_LOSS, CHANCE, REVENUE, DROP) if (rows["ranking"] == r).any()]
    colours = dict(zip((EXPECTED_LOSS, CHANCE, REVENUE, DROP), (MAIN, PALETTE[5], MUTED, SECOND),
                       strict=True))  # fmt: skip
    wide = 0.8 / len(rankings)
    for number, ranking in enumerate(rankings):
        own = rows[rows["ranking"] == ranking].set_index("listed").loc[lengths]
        at = np.arange(len(lengths)) + (number - (len(rankings) - 1) / 2) * wide
        value = own["estimate"].to_numpy(dtype=np.float64)
        limits = [value - own["conf_low"].to_numpy(), own["conf_high"].to_numpy() - value]
        ax.bar(at, value, width=0.92 * wide, color=colours[ranking],
               label=display(ranking, "term", style))  # fmt: skip
        ax.errorbar(at, value, yerr=np.maximum(np.nan_to_num(limits), 0.0), fmt="none", color=INK,
                    linewidth=1, capsize=3)  # fmt: skip
    ax.set_xticks(range(len(lengths)), [display(k, "count", style) for k in lengths])
    ax.set_xlabel(label("listed", style))
    level = display(rows["conf_level"].iloc[0], "level", style)
    ax.set_ylabel(f"{label('value_captured', style)}\n({heading('interval', style)} {level})")
    ax.set_ylim(0, min(1.0, 1.15 * float(np.nanmax(rows[["estimate", "conf_high"]].to_numpy()))))
    format_ticks(ax.yaxis, "level", style)
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=len(rankings))
    return ax


def plot_calibration_by_tier(
    frame: pd.DataFrame, *, ax: Axes | None = None, style: Style = Style()
) -> Axes:
    """Draw the share that left against the share expected, tier by tier, with intervals.

    Parameters
    ----------
    frame
        That of `validation.calibrated`.
    """
    ax = axes(ax, 8.0, 1.4 + 0.5 * len(frame))
    places = np.arange(len(frame))
    seen = frame["observed"].to_numpy(dtype=np.float64)
    limits = [
        seen - frame["observed_low"].to_numpy(dtype=np.float64),
        frame["observed_high"].to_numpy(dtype=np.float64) - seen,
    ]
    colours = [TIER_COLOURS.get(str(group), MUTED) for group in frame["group"]]
    ax.barh(places, seen, height=0.55, color=colours)
    level = display(frame["conf_level"].iloc[0], "level", style)
    bare = Style(style.language)
    ax.errorbar(seen, places, xerr=np.maximum(np.nan_to_num(limits), 0.0), fmt="none", color=INK,
                capsize=3, label=f"{label('observed', bare)}, {level}")  # fmt: skip
    ax.plot(frame["expected"], places, linestyle="none", marker="D", color=PALETTE[3],
            label=label("expected", bare))  # fmt: skip
    names = [
        f"{display(group, 'term', style)} (n = {display(n, 'count', style)})"
        for group, n in zip(frame["group"], frame["n_obs"], strict=True)
    ]
    ax.set_yticks(places, names)
    ax.invert_yaxis()
    ax.grid(True, axis="x", color=GRID)
    ax.grid(False, axis="y")
    ax.set_xlim(left=0)
    format_ticks(ax.xaxis, "percent", style)
    ax.set_xlabel(label("observed", bare))
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)
    return ax


def plot_watchlist(frame: pd.DataFrame, *, ax: Axes | None = None, style: Style = Style()) -> Axes:
    """Draw the expected losses at the top of the watch list, with each account's chance to leave.

    Parameters
    ----------
    frame
        That of `watchlist.watchlist`, largest expected loss first.
    """
    rows = frame.head(_LABELLED)
    ax = axes(ax, 8.0, 1.2 + 0.3 * len(rows))
    names, _ = names_or_ranks(rows["name"].fillna(rows["account_id"]))
    places = np.arange(len(rows))
    loss = rows["expected_loss"].fillna(0.0).to_numpy(dtype=np.float64)
    tiers = rows["tier_in_force"].astype(object).fillna("")
    ax.barh(places, loss, color=[TIER_COLOURS.get(str(tier), MUTED) for tier in tiers])
    for place, value, chance in zip(places, loss, rows["p_leave"], strict=True):
        ax.annotate(display(chance, "percent", style), (max(value, 0.0), place), xytext=(4, 0),
                    textcoords="offset points", va="center", fontsize=9)  # fmt: skip
    for tier, colour in TIER_COLOURS.items():
        if (tiers == tier).any():
            ax.bar(0, 0, color=colour, label=display(tier, "term", style))
    ax.set_yticks(places, names)
    ax.invert_yaxis()
    ax.margins(x=0.12)
    ax.grid(True, axis="x", color=GRID)
    ax.grid(False, axis="y")
    ax.xaxis.set_major_locator(MaxNLocator(4))
    format_ticks(ax.xaxis, "short", style)
    bare = Style(style.language)
    count = display(len(frame), "count", style)
    ax.set_xlabel(f"{label('expected_loss', style)}; {label('p_leave', bare)} (n = {count})")
    if (tiers != "").any():
        ax.legend(loc="lower right")
    return ax
