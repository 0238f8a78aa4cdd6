"""Figures of a finding under its grade: the answer with what other ways say, and the effect by group."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from kamlib.glossary import Style, display, heading, label, say
from kamlib.loyalty.ladder.grades import Grade, meaning
from kamlib.show.figures import axes, format_ticks
from kamlib.show.theme import MUTED, PALETTE


def plot_finding(
    frame: pd.DataFrame, grade: Grade, *, ax: Axes | None = None, style: Style = Style()
) -> Axes:
    """Draw figures with their intervals from the answer down to the naive ones; the grade is the title.

    Parameters
    ----------
    frame
        Frame of a `Finding`, one row at least. Changes of logarithms are drawn in percent.
    grade
        Of the finding: on its own rows the mark is blue; rows of a lower one are grey.
    """
    logs = frame["term"].str.endswith("_log").to_numpy(dtype=bool)
    values = frame[["estimate", "conf_low", "conf_high"]].to_numpy(dtype=np.float64)
    values = np.where(logs[:, None], np.expm1(values), values)
    ax = axes(ax, 8.0, 1.6 + 0.4 * len(frame))
    places = np.arange(len(frame))
    own = (frame["evidence_grade"] == grade).to_numpy() & ~_naive(frame)
    for chosen, colour in ((own, PALETTE[0]), (~own, MUTED)):
        ax.hlines(places[chosen], values[chosen, 1], values[chosen, 2], color=colour, linewidth=2)
        ax.plot(values[chosen, 0], places[chosen], "o", color=colour)
    ax.axvline(0, color=MUTED, linewidth=1, linestyle="--")
    counts = (display(n, "count", style) for n in frame["n_treated"])
    names = (display(name, "term", style) for name in frame["estimator"])
    marks = frame["evidence_grade"]
    ax.set_yticks(
        places, [f"{m}  {n} (n = {c})" for m, n, c in zip(marks, names, counts, strict=True)]
    )
    ax.invert_yaxis()
    if (logs | frame["term"].str.endswith("_ratio").to_numpy(dtype=bool)).all():
        format_ticks(ax.xaxis, "level", style)
    level = display(frame["conf_level"].iloc[0], "level", style)
    ax.set_xlabel(f"{label('estimate', style)} ({heading('interval', style)}, {level})")
    ax.set_title(say(meaning(grade), style), loc="left", fontsize="medium", wrap=True)
    return ax


def plot_groups(
    frame: pd.DataFrame, grade: Grade, *, ax: Axes | None = None, style: Style = Style()
) -> Axes:
    """Draw each group's own figure (grey) above the one drawn to the mean (blue); the grade is the title.

    Parameters
    ----------
    frame
        Frame of `by_group.effects_by_group` or `pooling.pooled` with `term`, one row at least. Changes
        of logarithms are drawn in percent. A group without a figure of its own has the blue mark alone.
    grade
        Of the finding.
    """
    term = frame["term"].iloc[0]
    ax = axes(ax, 8.0, 1.8 + 0.6 * len(frame))
    places = np.arange(len(frame))
    sets = {
        "own figure": (MUTED, -0.14, ["estimate", "conf_low", "conf_high"]),
        "drawn to the mean of the groups": (PALETTE[0], 0.14, ["pooled", "pooled_low", "pooled_high"]),
    }  # fmt: skip
    for name, (colour, aside, columns) in sets.items():
        known = frame[columns[0]].notna().to_numpy()
        values = frame.loc[known, columns].to_numpy(dtype=np.float64)
        values = np.expm1(values) if term.endswith("_log") else values
        at = places[known] + aside
        ax.hlines(at, values[:, 1], values[:, 2], color=colour, linewidth=2)
        ax.plot(values[:, 0], at, "o", color=colour, label=heading(name, style))
    ax.axvline(0, color=MUTED, linewidth=1, linestyle="--")
    names = (display(name, "term", style) for name in frame["group"])
    counts = (display(n, "count", style) for n in frame["n_treated"])
    ax.set_yticks(places, [f"{n} (n = {c})" for n, c in zip(names, counts, strict=True)])
    ax.set_ylim(len(frame) - 0.5, -0.5)
    if term.endswith(("_log", "_ratio")):
        format_ticks(ax.xaxis, "level", style)
    level = display(frame["conf_level"].iloc[0], "level", style)
    ax.set_xlabel(f"{label('estimate', style)} ({heading('interval', style)}, {level})")
    ax.set_title(say(meaning(grade), style), loc="left", fontsize="medium", wrap=True)
    # below the axis, where no interval can lie
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.35 / len(frame) - 0.1), ncols=2)
    return ax


def _naive(frame: pd.DataFrame) -> np.ndarray:
    found: np.ndarray = frame["estimator"].str.contains("naive", regex=False).to_numpy(dtype=bool)
    return found
