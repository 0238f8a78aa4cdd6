"""Figure of the price premium of service."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from kamlib.glossary import Style, display, heading, label, say
from kamlib.loyalty.ladder.grades import meaning
from kamlib.show.figures import axes, format_ticks
from kamlib.show.theme import MUTED, PALETTE


def plot_price_premium(
    frame: pd.DataFrame, *, ax: Axes | None = None, style: Style = Style()
) -> Axes:
    """Draw the premium of each kind of service, by what is held equal; the grade is the title.

    Parameters
    ----------
    frame
        Frame of `price_premium.price_premium`: one row at least.
    """
    kinds = list(dict.fromkeys(frame["service_measure"]))
    approaches = list(dict.fromkeys(frame["approach"]))
    ax = axes(ax, 8.0, 2.0 + 0.35 * len(frame))
    colours = (MUTED, PALETTE[1], PALETTE[0])
    for i, (approach, colour) in enumerate(zip(approaches, colours, strict=False)):
        own = frame[frame["approach"] == approach]
        # beside one another, so that intervals do not hide each other
        places = np.array([kinds.index(k) for k in own["service_measure"]]) + 0.22 * (i - 1)
        ax.hlines(places, own["premium_low"], own["premium_high"], color=colour, linewidth=2)
        ax.plot(own["premium_points"], places, "o", color=colour, label=heading(approach, style))
    counts = [frame.loc[frame["service_measure"] == kind, "n_accounts"].max() for kind in kinds]
    names = [
        f"{display(kind, 'term', style)} (n = {display(n, 'count', style)})"
        for kind, n in zip(kinds, counts, strict=True)
    ]
    ax.axvline(0, color=MUTED, linewidth=1, linestyle="--")
    ax.set_yticks(range(len(kinds)), names)
    ax.set_ylim(len(kinds) - 0.5, -0.5)
    ax.locator_params(axis="x", nbins=7)
    format_ticks(ax.xaxis, "score", style)
    level = display(frame["conf_level"].iloc[0], "level", style)
    ax.set_xlabel(f"{label('premium_points', style)}; {heading('interval', style)}, {level}")
    ax.set_title(say(meaning("D"), style), loc="left", fontsize="medium", wrap=True)
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=2)
    return ax
