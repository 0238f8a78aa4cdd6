"""Figures of a finished trial: each takes a tidy frame, draws, and returns its axes."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from kamlib.glossary import Style, display, heading, label
from kamlib.glossary import term as column
from kamlib.show.figures import axes, format_ticks
from kamlib.show.theme import GRID, MUTED, PALETTE, shorten

_STEP = 0.18  # between marks of one row
_NAME = 46


def plot_effects(
    frame: pd.DataFrame, *, outcome: str, ax: Axes | None = None, style: Style = Style()
) -> Axes:
    """Draw the change of one outcome by arm, one mark for each way of reading it.

    Parameters
    ----------
    frame
        Frame of `trial_results.effects`.
    outcome
        Its rows are drawn.
    """
    rows = frame[frame["term"] == outcome]
    arms = list(dict.fromkeys(rows["trial_arm"]))
    ways = list(dict.fromkeys(rows["estimator"]))
    ax = axes(ax, 8.0, 1.5 + 0.65 * len(arms))
    for place, way in enumerate(ways):
        some = rows[rows["estimator"] == way]
        shift = _STEP * (place - (len(ways) - 1) / 2)
        at = np.array([arms.index(arm) for arm in some["trial_arm"]]) + shift
        _marks(ax, some, at, PALETTE[place], display(way, "term", style))
    names = [_counted(rows[rows["trial_arm"] == arm].iloc[0], display(arm, "term", style), style)
             for arm in arms]  # fmt: skip
    _dress(ax, names, rows, f"{label(outcome, style)}: {heading('change', style)}", style)
    format_ticks(ax.xaxis, column(outcome).display, style)
    ax.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=1)
    return ax


def plot_shares(frame: pd.DataFrame, *, ax: Axes | None = None, style: Style = Style()) -> Axes:
    """Draw the change of each share by arm, as the difference of means tells it.

    Parameters
    ----------
    frame
        Frame of `trial_results.on_shares`.
    """
    ax = axes(ax, 8.0, 1.5 + 0.5 * len(frame))
    _marks(ax, frame, np.arange(len(frame), dtype=np.float64), PALETTE[0], "")
    names = [
        _counted(
            row, ", ".join(display(row[c], "term", style) for c in ("term", "trial_arm")), style
        )
        for _, row in frame.iterrows()
    ]
    _dress(ax, names, frame, heading("change of the share", style), style)
    format_ticks(ax.xaxis, "percent", style)
    return ax


def plot_returns(frame: pd.DataFrame, *, ax: Axes | None = None, style: Style = Style()) -> Axes:
    """Draw what is left of an arm's gain after its cost, per customer; beyond the line it paid.

    Parameters
    ----------
    frame
        Frame of `trial_return.returns`.
    """
    rows = frame.rename(columns={"net_low": "conf_low", "net_high": "conf_high"})
    rows = rows.assign(estimate=rows["net_each"])
    ax = axes(ax, 8.0, 1.6 + 0.5 * len(rows))
    at = np.arange(len(rows), dtype=np.float64)
    for sure, colour in ((True, PALETTE[0]), (False, MUTED)):
        some = ((rows["conf_low"] > 0) | (rows["conf_high"] < 0)).to_numpy() == sure
        _marks(ax, rows[some], at[some], colour, "")
    names = []
    for _, row in rows.iterrows():
        paid = display(row["chance_paid"], "percent", style)
        arm = display(row["trial_arm"], "term", style)
        n = display(row["n_arm"], "count", style)
        names.append(f"{arm} (n = {n})\n{label('chance_paid', Style(style.language))}: {paid}")
    _dress(ax, names, rows, label("net_each", style), style)
    format_ticks(ax.xaxis, "cents", style)
    return ax


def plot_classes(frame: pd.DataFrame, *, ax: Axes | None = None, style: Style = Style()) -> Axes:
    """Draw the change in each class of customers, arms beside one another.

    Parameters
    ----------
    frame
        Frame of `trial_groups.by_class`. Marks are full where the classes of a characteristic differ for
        sure, all comparisons allowed for, and hollow where chance can have made the difference.
    """
    classes = list(dict.fromkeys(zip(frame["covariate"], frame["category"], strict=True)))
    arms = list(dict.fromkeys(frame["trial_arm"]))
    ax = axes(ax, 8.0, 1.8 + 0.36 * len(classes))
    for place, arm in enumerate(arms):
        rows = frame[frame["trial_arm"] == arm]
        keys = zip(rows["covariate"], rows["category"], strict=True)
        at = np.array([classes.index(key) for key in keys], dtype=np.float64)
        at += _STEP * (place - (len(arms) - 1) / 2)
        colour = PALETTE[place % len(PALETTE)]
        _marks(ax, rows, at, colour, display(arm, "term", style))
        open_ = (rows["p_holm"] >= 1 - rows["conf_level"]).to_numpy()
        ax.plot(rows["estimate"][open_], at[open_], "o", color=colour, markerfacecolor="white")
    names = []
    for covariate, category in classes:
        rows = frame[(frame["covariate"] == covariate) & (frame["category"] == category)]
        n = display(rows["n_arm"].sum() + rows["n_other"].max(), "count", style)
        words = ": ".join(display(word, "term", style) for word in (covariate, category))
        names.append(f"{shorten(words, _NAME)} (n = {n})")
    outcome = frame["term"].iloc[0]
    _dress(ax, names, frame, f"{label(outcome, style)}: {heading('change', style)}", style)
    format_ticks(ax.xaxis, column(outcome).display, style)
    ax.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2)
    return ax


def _marks(ax: Axes, rows: pd.DataFrame, at: np.ndarray, colour: str, name: str) -> None:
    ax.hlines(at, rows["conf_low"], rows["conf_high"], color=colour, linewidth=2)
    ax.plot(rows["estimate"], at, "o", color=colour, label=name or None)


def _counted(row: pd.Series, name: str, style: Style) -> str:
    sent, none = (display(row[c], "count", style) for c in ("n_arm", "n_other"))
    return f"{shorten(name, _NAME)}\n(n = {sent} / {none})"


def _dress(ax: Axes, names: list[str], rows: pd.DataFrame, words: str, style: Style) -> None:
    ax.axvline(0, color=MUTED, linewidth=1, linestyle="--")
    ax.set_yticks(range(len(names)), names)
    ax.set_ylim(len(names) - 0.5, -0.5)
    ax.grid(True, axis="x", color=GRID)
    ax.grid(False, axis="y")
    level = display(rows["conf_level"].iloc[0], "level", style)
    ax.set_xlabel(f"{words} ({heading('interval', style)}, {level})")
