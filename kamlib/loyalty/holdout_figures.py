"""Figure of a trial to come: what it would find, by how long it runs."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes

from kamlib.glossary import Style, display, heading, label
from kamlib.show.figures import axes, format_ticks
from kamlib.show.theme import MUTED, PALETTE


def plot_holdout(frame: pd.DataFrame, *, ax: Axes | None = None, style: Style = Style()) -> Axes:
    """Draw the smallest effect that would be found against the months, with the one at which it pays.

    Parameters
    ----------
    frame
        Frame of `holdout.holdout_design`, one row at least.
    """
    ax = axes(ax)
    plain = Style(style.language)
    n = display(frame["n_accounts"].iloc[0], "count", style)
    ax.plot(
        frame["trial_months"], frame["detectable_usual"], "o-", color=PALETTE[0],
        label=f"{label('detectable_usual', plain)} (n = {n})",
    )  # fmt: skip
    if "needed_usual" in frame:
        ax.axhline(
            frame["needed_usual"].iloc[0], color=MUTED, linewidth=1, linestyle="--",
            label=label("needed_usual", plain),
        )  # fmt: skip
    ax.set_xticks(frame["trial_months"])
    ax.set_ylim(bottom=0.0)
    ax.set_xlabel(label("trial_months", style))
    ax.set_ylabel(heading("share of a usual month", style))
    format_ticks(ax.xaxis, "count", style)
    format_ticks(ax.yaxis, "percent", style)
    ax.legend(loc="best")
    return ax
