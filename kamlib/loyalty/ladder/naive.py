"""The naive differences, shown beside the answer to say how far off they are, and why."""

from __future__ import annotations

import numpy as np
import pandas as pd

from kamlib.glossary import Sentence
from kamlib.loyalty.effects.effect import amount_of, limits
from kamlib.loyalty.effects.randomised import difference_in_means
from kamlib.loyalty.ladder.sections import Section, changes
from kamlib.results import Estimate, one_row

MEMBERS = "Members against others (naive)"
BEFORE_AFTER = "Before and after (naive)"


def naive(cut: Section, *, conf_level: float = 0.95) -> Estimate:
    """Members against others, and members before against after: description, not effect.

    Parameters
    ----------
    cut
        Accounts on either side of their day.
    conf_level
        Of the intervals.

    Returns
    -------
    Estimate
        One row per naive figure: `estimator`, `term`, `estimate`, `conf_low`, `conf_high`,
        `conf_level`, `n_treated`, `n_control`. The note says what part of the first stood before
        anybody had joined, and how much the others changed in the same months.
    """
    sample, d = cut.sample, cut.sample.treated
    members = difference_in_means(sample)
    low, high = limits(members, conf_level)
    moved = (sample.outcome - cut.before)[d]
    error = float(moved.std(ddof=1) / np.sqrt(len(moved)))
    half = (members.value - low) / members.std_error * error
    own = float(moved.mean())
    rows = [(MEMBERS, members.value, low, high), (BEFORE_AFTER, own, own - half, own + half)]
    frame = pd.DataFrame(rows, columns=["estimator", "estimate", "conf_low", "conf_high"])
    frame.insert(1, "term", "att" if sample.scale == "money" else f"att_{sample.scale}")
    frame = frame.assign(
        conf_level=conf_level, n_treated=sample.n_treated, n_control=sample.n_control
    )
    gap = float(cut.before[d].mean() - cut.before[~d].mean())
    others = float(changes(cut).outcome[~d].mean())
    share = sample.scale in ("log", "ratio")
    values = {
        "outcome": sample.outcome_name,
        "members": amount_of(sample, members.value, low, high, conf_level),
        "own": amount_of(sample, own, own - half, own + half, conf_level),
        "gap": np.expm1(gap) if sample.scale == "log" else gap,
        "others": np.expm1(others) if sample.scale == "log" else others,
    }
    key = "loyalty_ladder.naive" if share else "loyalty_ladder.naive_money"
    summary = one_row(sample.n_obs, "naive differences", conf_level)
    return Estimate("naive", frame, summary, Sentence(key, values))


def break_even(needed: float) -> Sentence:
    """Return what the programme would have to bring to pay, where no effect may be claimed."""
    if needed > 0:
        return Sentence("loyalty_ladder.break_even", {"needed": needed})
    return Sentence("loyalty_ladder.break_even_unknown")
