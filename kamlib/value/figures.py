"""Figures of customer value: each takes a tidy frame, draws, and returns its axes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.ticker import MaxNLocator

from kamlib.glossary import Style, display, heading, label, term
from kamlib.show.figures import axes, format_ticks
from kamlib.show.theme import GRID, INK, MUTED, PALETTE, names_or_ranks

MAIN, SECOND, LOSS = PALETTE[0], PALETTE[1], PALETTE[3]
_LABELLED = 15


def _called(frame: pd.DataFrame) -> pd.Series:
    """Return names of accounts, and their ids where they have none."""
    return frame["name"].fillna(frame["account_id"])


def _money_along(axis: Axis, style: Style) -> None:
    """Write money along a horizontal axis, with few enough ticks for the words between them."""
    axis.set_major_locator(MaxNLocator(nbins=5))
    format_ticks(axis, "short", style)


def plot_monthly(frame: pd.DataFrame, *, ax: Axes | None = None, style: Style = Style()) -> Axes:
    """Draw revenue by month as bars and, where it is known, contribution as a line.

    Parameters
    ----------
    frame
        One row per month: `month`, `revenue`, `contribution` (may be null throughout).
    """
    ax = axes(ax)
    months = pd.to_datetime(frame["month"])
    bare = Style(style.language)
    ax.bar(months, frame["revenue"], width=25, color=MAIN, label=label("revenue", bare))
    if frame["contribution"].notna().any():
        words = label("contribution", bare)
        ax.plot(months, frame["contribution"], color=SECOND, marker="o", markersize=3, label=words)
    ax.legend(loc="upper left")
    format_ticks(ax.yaxis, "short", style)
    ax.set_ylabel(label("revenue", style))
    ax.set_ylim(top=1.15 * max(float(frame["revenue"].max()), 1e-9))
    ax.axhline(0, color=INK, linewidth=0.8)
    return ax


def plot_lorenz(
    frame: pd.DataFrame, *, ax: Axes | None = None, style: Style = Style(), top_share: float = 0.2
) -> Axes:
    """Draw the Lorenz curve against the line of equality, and mark the part of the top accounts.

    Parameters
    ----------
    frame
        Rows from the smallest account up: `share_accounts`, `share_revenue`, with the origin.
    top_share
        Share of accounts, largest first, whose part is marked.
    """
    ax = axes(ax, 6.4, 4.8)
    x, y = frame["share_accounts"].to_numpy(), frame["share_revenue"].to_numpy()
    ax.plot([0, 1], [0, 1], color=MUTED, linewidth=1, linestyle="--")
    ax.fill_between(x, y, x, color=GRID)
    ax.plot(x, y, color=MAIN)
    edge = 1 - top_share
    held = 1 - float(np.interp(edge, x, y))
    ax.vlines(edge, 1 - held, 1, color=SECOND, linewidth=2)
    ax.plot([edge], [1 - held], marker="o", color=SECOND)
    words = f"{heading('largest', style)} {display(top_share, 'level', style)}: {display(held, 'percent', style)}"
    ax.annotate(words, (edge, 1 - held / 2), xytext=(-8, 0), textcoords="offset points",
                ha="right", va="center")  # fmt: skip
    ax.annotate(f"n = {display(len(frame) - 1, 'count', style)}", (0.03, 0.93), color=MUTED)
    for axis, name in ((ax.xaxis, "share_accounts"), (ax.yaxis, "share_revenue")):
        format_ticks(axis, "level", style)
        axis.set_label_text(label(name, style))
    ax.set_xlim(0, 1)
    ax.set_ylim(0, 1)
    return ax


def plot_movers(frame: pd.DataFrame, *, ax: Axes | None = None, style: Style = Style()) -> Axes:
    """Draw the change of revenue of the accounts that moved most, risers apart from fallers.

    Parameters
    ----------
    frame
        One row per account: `account_id`, `name`, `change`.
    """
    rows = frame.sort_values("change", ascending=False, kind="stable")
    ax = axes(ax, 8.0, 0.8 + 0.3 * len(rows))
    names, _ = names_or_ranks(_called(rows))
    places = np.arange(len(rows))
    ax.barh(places, rows["change"], color=np.where(rows["change"] >= 0, MAIN, LOSS).tolist())
    ax.set_yticks(places, names)
    ax.invert_yaxis()
    ax.axvline(0, color=INK, linewidth=0.8)
    _money_along(ax.xaxis, style)
    ax.set_xlabel(f"{term('change').zh if style.language == 'zh' else term('change').en}"
                  f"{f' ({style.currency})' if style.currency else ''}")  # fmt: skip
    return ax


def plot_rfm(frame: pd.DataFrame, *, ax: Axes | None = None, style: Style = Style()) -> Axes:
    """Draw revenue by recency and frequency score as a grid, with the accounts in each cell.

    Parameters
    ----------
    frame
        One row per pair of scores: `recency_score`, `frequency_score`, `n_accounts`, `revenue`.
    """
    ax = axes(ax, 6.4, 4.8)
    wide: Any = frame.pivot(index="frequency_score", columns="recency_score", values="revenue")
    counts = frame.pivot(index="frequency_score", columns="recency_score", values="n_accounts")
    total = float(wide.to_numpy().sum())
    share = wide / total if total > 0 else wide * 0.0
    ax.imshow(
        share.to_numpy(), origin="lower", cmap="Blues", vmin=0, vmax=max(share.max().max(), 1e-9)
    )
    middle = float(share.max().max()) * 0.55
    for (row, column), part in np.ndenumerate(share.to_numpy()):
        words = f"{display(part, 'percent', style)}\nn = {counts.iat[row, column]}"
        ax.text(column, row, words, ha="center", va="center", fontsize=8,
                color="white" if part > middle else INK)  # fmt: skip
    ax.set_xticks(range(len(wide.columns)), [str(v) for v in wide.columns])
    ax.set_yticks(range(len(wide.index)), [str(v) for v in wide.index])
    ax.set_xlabel(f"{label('recency_score', style)} ({heading('5 = ordered last', style)})")
    ax.set_ylabel(f"{label('frequency_score', style)} ({heading('5 = most orders', style)})")
    ax.grid(False)
    return ax


def plot_split(frame: pd.DataFrame, *, ax: Axes | None = None, style: Style = Style()) -> Axes:
    """Draw revenue and, where it is known, contribution of each group side by side.

    Parameters
    ----------
    frame
        One row per group: `group` (null: unknown), `revenue`, `contribution`.
    """
    rows = frame.head(_LABELLED)
    ax = axes(ax, 8.0, 1.0 + 0.45 * len(rows))
    names, _ = names_or_ranks(rows["group"].fillna(heading("unknown", style)))
    places = np.arange(len(rows))
    both = rows["contribution"].notna().any()
    height = 0.38 if both else 0.7
    handles = [ax.barh(places - (height / 2 if both else 0), rows["revenue"], height, color=MAIN)]
    shown = ["revenue"]
    if both:
        handles.append(ax.barh(places + height / 2, rows["contribution"], height, color=SECOND))
        shown.append("contribution")
    ax.legend(handles, [label(name, Style(style.language)) for name in shown], loc="lower right")
    ax.set_yticks(places, names)
    ax.invert_yaxis()
    ax.axvline(0, color=INK, linewidth=0.8)
    _money_along(ax.xaxis, style)
    ax.set_xlabel(label("revenue", style))
    return ax
