"""Figures of retention economics: each takes a tidy frame, draws, and returns its axes."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from kamlib.glossary import Style, display, heading, label
from kamlib.show.figures import axes, error_bars, format_ticks
from kamlib.show.theme import MUTED, PALETTE


def plot_win_and_keep(
    win: pd.DataFrame, keep: pd.DataFrame, *, ax: Axes | None = None, style: Style = Style()
) -> Axes:
    """Draw what an account costs to win and to keep for a year, year by year, with intervals.

    Parameters
    ----------
    win
        Frame of `economics.cost_to_win`.
    keep
        Frame of `economics.cost_to_keep`.
    """
    ax = axes(ax)
    both = (
        (win, "cost_to_win", "win", "n_won", PALETTE[1]),
        (keep, "cost_to_keep", "keep", "n_bought", PALETTE[0]),
    )
    for shift, (frame, name, limits, count, colour) in zip((-8, 8), both, strict=True):
        # beside one another, so that intervals do not hide each other
        days = pd.to_datetime(frame["year_ends_on"]) + pd.Timedelta(days=shift)
        n = display(frame[count].sum(), "count", style)
        ax.errorbar(
            days, frame[name], yerr=error_bars(frame, name, f"{limits}_low", f"{limits}_high"),
            fmt="o-", color=colour, capsize=3,
            label=f"{label(name, Style(style.language))} (n = {n})",
        )  # fmt: skip
    ax.legend(loc="best", title=_level(win, style))
    ax.set_ylim(bottom=min(0.0, ax.get_ylim()[0]))
    ax.set_ylabel(label("cost", style))
    _years(ax, keep, style)
    format_ticks(ax.yaxis, "short", style)
    return ax


def plot_retention(frame: pd.DataFrame, *, ax: Axes | None = None, style: Style = Style()) -> Axes:
    """Draw the share of each year's accounts that bought in the next year, with its interval.

    Parameters
    ----------
    frame
        Frame of `retention_worth.retention_by_year`.
    """
    ax = axes(ax)
    n = display(frame["n_bought"].sum(), "count", style)
    ax.errorbar(
        pd.to_datetime(frame["year_ends_on"]), frame["retention_rate"],
        yerr=error_bars(frame, "retention_rate", "rate_low", "rate_high"), fmt="o-",
        color=PALETTE[0], capsize=3, label=f"{_level(frame, style)} (n = {n})",
    )  # fmt: skip
    ax.legend(loc="best")
    ax.set_ylim(top=1.0)
    ax.set_ylabel(label("retention_rate", style))
    _years(ax, frame, style)
    format_ticks(ax.yaxis, "percent", style)
    return ax


def plot_first_year(frame: pd.DataFrame, *, ax: Axes | None = None, style: Style = Style()) -> Axes:
    """Draw the first year's contribution of accounts that were sent and of others, with intervals.

    Parameters
    ----------
    frame
        Frame of `referrals.referral_value`.
    """
    counts = [display(n, "count", style) for n in frame["n_first_year"]]
    names = [
        f"{display(kind, 'term', style)} (n = {n})"
        for kind, n in zip(frame["came_by"], counts, strict=True)
    ]
    ends = ("contribution_low", "contribution_high")
    return _dots(frame, "contribution_first_year", ends, names, "short", 0.0, ax, style)


def plot_marginal_return(
    frame: pd.DataFrame, *, ax: Axes | None = None, style: Style = Style()
) -> Axes:
    """Draw what one unit of money more brings at each tier and level; at 1 it comes back.

    Parameters
    ----------
    frame
        Frame of `budget.marginal_return`.
    """
    names = _cells(frame, frame["n_accounts"], style)
    ends = ("marginal_low", "marginal_high")
    return _dots(frame, "marginal_gain", ends, names, "ratio", 1.0, ax, style)


def plot_allocation(frame: pd.DataFrame, *, ax: Axes | None = None, style: Style = Style()) -> Axes:
    """Draw what is spent at each tier and level now, and what is proposed.

    Parameters
    ----------
    frame
        Frame of `budget.allocation`.
    """
    ax = axes(ax, 8.0, 1.6 + 0.55 * len(frame))
    places = np.arange(len(frame))
    ax.barh(places - 0.2, frame["spend_now"], height=0.38, color=PALETTE[5],
            label=heading("spent now", style))  # fmt: skip
    ax.barh(places + 0.2, frame["spend"], height=0.38, color=PALETTE[0],
            label=heading("proposed", style))  # fmt: skip
    ax.set_yticks(places, _cells(frame, frame["n_accounts"], style))
    ax.invert_yaxis()
    ax.locator_params(axis="x", nbins=6)
    ax.set_xlabel(label("spend", style))
    format_ticks(ax.xaxis, "short", style)
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)
    return ax


def _dots(
    frame: pd.DataFrame, name: str, ends: tuple[str, str], names: list[str], kind: str,
    line: float, ax: Axes | None, style: Style,
) -> Axes:  # fmt: skip
    ax = axes(ax, 8.0, 1.6 + 0.45 * len(frame))
    places = np.arange(len(frame))
    ax.errorbar(
        frame[name], places, xerr=error_bars(frame, name, *ends), fmt="o", color=PALETTE[0],
        capsize=3, label=_level(frame, style),
    )  # fmt: skip
    ax.axvline(line, color=MUTED, linewidth=1, linestyle="--")
    ax.set_yticks(places, names)
    ax.margins(y=0.25)
    ax.invert_yaxis()
    ax.locator_params(axis="x", nbins=6)
    ax.set_xlabel(label(name, style))
    format_ticks(ax.xaxis, kind, style)
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0))
    return ax


def _cells(frame: pd.DataFrame, counts: pd.Series, style: Style) -> list[str]:
    level = label("programme_level", Style(style.language))
    return [
        f"{display(row.tier, 'term', style)} · {level} {row.programme_level} "
        f"(n = {display(n, 'count', style)})"
        for row, n in zip(frame.itertuples(), counts, strict=True)
    ]


def _level(frame: pd.DataFrame, style: Style) -> str:
    level = display(frame["conf_level"].iloc[0], "level", style)
    return f"{heading('interval', style)}, {level}"


def _years(ax: Axes, frame: pd.DataFrame, style: Style) -> None:
    days = pd.to_datetime(frame["year_ends_on"])
    ax.set_xticks(days, [display(day, "month", style) for day in days])
    ax.set_xlabel(label("year_ends_on", style))
