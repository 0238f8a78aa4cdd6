"""Figures of what the programme changed and whether it paid: each takes a tidy frame and returns its axes."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from kamlib.glossary import Style, display, heading
from kamlib.show.figures import axes, error_bars, format_ticks
from kamlib.show.theme import MUTED, PALETTE


def plot_effects(
    frame: pd.DataFrame, *, outcome: str = "contribution", ax: Axes | None = None,
    style: Style = Style(),
) -> Axes:  # fmt: skip
    """Draw the effect on one outcome by comparison, with its grade, and the naive difference beside it.

    Parameters
    ----------
    frame
        Frame of `programme_effects.effects`.
    outcome
        Whose rows are drawn, in percent of the usual month.
    """
    rows = frame[
        (frame["outcome"] == outcome) & frame[["effect_share", "naive_gap"]].notna().any(axis=1)
    ]
    ax = axes(ax, 8.0, 1.8 + 0.5 * len(rows))
    places = np.arange(len(rows))
    ax.plot(rows["naive_gap"], places, "x", color=MUTED,
            label=heading("naive difference, no effect", style))  # fmt: skip
    told = rows["effect_share"].notna().to_numpy()
    ax.errorbar(
        rows["effect_share"][told], places[told], xerr=error_bars(rows[told], "effect_share", "effect_share_low", "effect_share_high"),
        fmt="o", color=PALETTE[0], capsize=3, label=_told(frame, style),
    )  # fmt: skip
    ax.axvline(0, color=MUTED, linewidth=1, linestyle="--")
    ax.set_yticks(places, _names(rows, "n_treated", style))
    ax.invert_yaxis()
    ax.margins(y=0.2)
    format_ticks(ax.xaxis, "level", style)
    ax.set_xlabel(heading("change against the usual month", style))
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)
    return ax


def plot_return(frame: pd.DataFrame, *, ax: Axes | None = None, style: Style = Style()) -> Axes:
    """Draw what a member brings more in a month, with its interval, beside what the member costs.

    Parameters
    ----------
    frame
        Frame of `programme_return.programme_return`.
    """
    rows = frame[frame["cost_per_member_month"].notna()]
    ax = axes(ax, 8.0, 1.8 + 0.5 * len(rows))
    places = np.arange(len(rows))
    ax.plot(rows["cost_per_member_month"], places, "D", color=PALETTE[1],
            label=heading("cost per member and month", style))  # fmt: skip
    told = rows["gain_per_month"].notna().to_numpy()
    ax.errorbar(
        rows["gain_per_month"][told], places[told],
        xerr=error_bars(rows[told], "gain_per_month", "gain_month_low", "gain_month_high"),
        fmt="o", color=PALETTE[0], capsize=3, label=heading("gain per member and month", style),
    )  # fmt: skip
    ax.axvline(0, color=MUTED, linewidth=1, linestyle="--")
    ax.set_yticks(places, _names(rows, "n_members", style))
    ax.invert_yaxis()
    ax.margins(y=0.2)
    ax.locator_params(axis="x", nbins=6)
    format_ticks(ax.xaxis, "short", style)
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)
    return ax


def _names(rows: pd.DataFrame, count: str, style: Style) -> list[str]:
    named = zip(rows["evidence_grade"], rows["comparison"], rows[count], strict=True)
    return [
        f"{grade}  {display(name, 'term', style)} (n = {display(n, 'count', style)})"
        for grade, name, n in named
    ]


def _told(frame: pd.DataFrame, style: Style) -> str:
    name = heading("effect, where one is told", style)
    levels = frame["conf_level"].dropna()
    return name if levels.empty else f"{name}, {display(levels.iloc[0], 'level', style)}"
