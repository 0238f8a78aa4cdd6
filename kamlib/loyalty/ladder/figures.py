"""Figure of a finding: the answer, what other ways say, and the naive differences, under its grade."""

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
    if logs.all():
        format_ticks(ax.xaxis, "level", style)
    level = display(frame["conf_level"].iloc[0], "level", style)
    ax.set_xlabel(f"{label('estimate', style)} ({heading('interval', style)}, {level})")
    ax.set_title(say(meaning(grade), style), loc="left", fontsize="medium", wrap=True)
    return ax


def _naive(frame: pd.DataFrame) -> np.ndarray:
    found: np.ndarray = frame["estimator"].str.contains("naive", regex=False).to_numpy(dtype=bool)
    return found
