"""Behaviour against attitude: true, latent, spurious and low loyalty, by tier.

True: high in both; latent: they speak well of us and buy elsewhere; spurious: they buy without
conviction; low: neither. Both scales are frozen (`scales`) and so are the cuts between high and low: a
share moves only because accounts did.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from kamlib.errors import FitError
from kamlib.glossary import Sentence
from kamlib.loyalty.indicators.attitude import ATTITUDE
from kamlib.loyalty.indicators.behaviour import ALL, tier_parts
from kamlib.loyalty.indicators.measures import INDEX
from kamlib.results import Check, Estimate, one_row, refusal
from kamlib.stats.proportions import wilson

CLASSES = ("true loyalty", "latent loyalty", "spurious loyalty", "low loyalty")
CUTS = (50.0, 50.0)
FEW = 20
NEAR = 5.0  # points: an answer or an order more could change the class


def classify(rows: pd.DataFrame, cuts: tuple[float, float] = CUTS) -> pd.DataFrame:
    """Return accounts with `loyalty_class`; null where behaviour or attitude is unknown.

    Parameters
    ----------
    rows
        As `attitude.with_attitude` returns it.
    cuts
        Lowest behaviour and lowest attitude that are high, 0–100; 50 is the middle of the accounts of
        the reference dates.

    Raises
    ------
    FitError
        A cut outside 0–100.

    References
    ----------
    Dick, A. S. and Basu, K. (1994). Customer loyalty: toward an integrated conceptual framework.
    Journal of the Academy of Marketing Science 22(2), 99–113. doi:10.1177/0092070394222001

    Examples
    --------
    >>> rows = pd.DataFrame({"behaviour": [50.0, 49.0, 60.0], "attitude": [50.0, 80.0, np.nan]})
    >>> classify(rows)["loyalty_class"].tolist()
    ['true loyalty', 'latent loyalty', nan]
    """
    if not all(0 <= cut <= 100 for cut in cuts):
        raise FitError(f"loyalty: the cuts are {cuts[0]:g} and {cuts[1]:g}; expected 0 to 100")
    does, says = rows[INDEX] >= cuts[0], rows[ATTITUDE] >= cuts[1]
    found = np.select([does & says, says, does], CLASSES[:3], CLASSES[3])
    known = rows[INDEX].notna() & rows[ATTITUDE].notna()
    named = pd.Series(found, index=rows.index, dtype=object)
    return rows.assign(loyalty_class=named.mask(~known))


def matrix(
    rows: pd.DataFrame,
    day: pd.Timestamp,
    *,
    cuts: tuple[float, float] = CUTS,
    conf_level: float = 0.95,
) -> Estimate:
    """Share of each of the four classes among the accounts of one day, by tier in force.

    Parameters
    ----------
    rows
        As `attitude.with_attitude` returns it.
    day
        Evaluation date.
    cuts
        As in `classify`.
    conf_level
        Of the intervals of shares, which hold for accounts like those that answered.

    Returns
    -------
    Estimate
        Frame: one row per `group` (tiers, best first, and all accounts) and `loyalty_class`:
        `n_accounts`, `class_share` (of the group's classified accounts), `share_low`, `share_high`,
        `revenue` (twelve months), `conf_level`. Summary: `cut_behaviour`, `cut_attitude`, `n_unknown`.
        Checks: how many of the listed accounts could be classified, and how many of these lie so near
        a cut that they could as well be in the next class. Refused below twenty.

    Raises
    ------
    FitError
        As `classify`.
    """
    listed = rows[rows["evaluated_on"] == day]
    found = classify(listed, cuts)
    known = found[found["loyalty_class"].notna()]
    if len(known) < FEW:
        return refusal("loyalty_matrix", "loyalty.too_few_both", n=len(known), need=FEW, day=day)
    parts = tier_parts(known)
    frame = pd.concat([_counts(name, part) for name, part in parts.items()], ignore_index=True)
    of = frame.groupby("group")["n_accounts"].transform("sum")
    low, high = wilson(frame["n_accounts"], of, conf_level)
    frame = frame.assign(
        class_share=frame["n_accounts"] / of, share_low=low, share_high=high, conf_level=conf_level
    )
    whole = frame[frame["group"] == ALL].set_index("loyalty_class")
    kinds = ("true", "latent", "spurious", "low")
    told = {kind: whole["class_share"][name] for kind, name in zip(kinds, CLASSES, strict=True)}
    told |= {
        "n": len(known), "does": cuts[0], "says": cuts[1], "day": day, "level": conf_level,
        "from": whole["share_low"][CLASSES[0]], "to": whole["share_high"][CLASSES[0]],
    }  # fmt: skip
    covered = {"n": len(known), "of": len(listed), "share": len(known) / len(listed)}
    gaps = [(known[c] - cut).abs() for c, cut in zip((INDEX, ATTITUDE), cuts, strict=True)]
    near = float((pd.concat(gaps, axis=1).min(axis=1) < NEAR).mean())
    close = Sentence("loyalty.near_cuts", {"share": near, "points": NEAR, "n": len(known)})
    enough = 2 * len(known) >= len(listed)
    key = "loyalty.most_covered" if enough else "loyalty.few_covered"
    checks = (
        Check("loyalty_covered", enough, Sentence(key, covered)),
        Check("loyalty_near_cuts", near <= 1 / 3, close),
    )
    summary = one_row(
        len(known), "Wilson", conf_level, cut_behaviour=cuts[0], cut_attitude=cuts[1],
        n_unknown=len(listed) - len(known),
    )  # fmt: skip
    return Estimate("loyalty_matrix", frame, summary, Sentence("loyalty.matrix", told), checks)


def _counts(name: str, part: pd.DataFrame) -> pd.DataFrame:
    by_class = part.groupby("loyalty_class")
    return pd.DataFrame(
        {
            "group": name,
            "loyalty_class": list(CLASSES),
            "n_accounts": by_class.size().reindex(CLASSES, fill_value=0).to_numpy(),
            "revenue": by_class["revenue"].sum().reindex(CLASSES, fill_value=0.0).to_numpy(),
        }
    )
