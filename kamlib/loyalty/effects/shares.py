"""Effect of a programme on a share: accounts that stayed, renewed, or answered."""

from __future__ import annotations

import numpy as np
import pandas as pd

from kamlib.errors import FitError
from kamlib.glossary import Sentence
from kamlib.loyalty.effects.effect import N_ARM_MIN
from kamlib.loyalty.effects.sample import Sample
from kamlib.results import Estimate, one_row, refusal
from kamlib.stats.proportions import wilson


def share_difference(
    events: int, n_obs: int, other_events: int, other_n_obs: int, conf_level: float
) -> tuple[float, float, float]:
    """Difference of two shares with Newcombe's limits (his method 10).

    Parameters
    ----------
    events, n_obs
        Accounts that count, of all in the first arm.
    other_events, other_n_obs
        In the arm that is taken off.
    conf_level
        Of the interval.

    Returns
    -------
    tuple
        Difference, lower and upper limit, within −1 and 1.

    References
    ----------
    Newcombe, R. G. (1998). Interval estimation for the difference between independent proportions:
    comparison of eleven methods. Statistics in Medicine 17, 873–890: 56 of 70 less 48 of 80 gives
    0.0524 to 0.3339.

    Examples
    --------
    >>> [round(v, 4) for v in share_difference(56, 70, 48, 80, 0.95)]
    [0.2, 0.0524, 0.3339]
    """
    a, b = events / n_obs, other_events / other_n_obs
    (l1, u1), (l2, u2) = (_wilson(x, n, conf_level) for x, n in
                          ((events, n_obs), (other_events, other_n_obs)))  # fmt: skip
    low = a - b - np.hypot(a - l1, u2 - b)
    high = a - b + np.hypot(u1 - a, b - l2)
    return a - b, float(low), float(high)


def share_ratio(
    events: int, n_obs: int, other_events: int, other_n_obs: int, conf_level: float
) -> tuple[float, float, float]:
    """Ratio of two shares with limits from those of each share (MOVER-R over Wilson's).

    Parameters
    ----------
    events, n_obs, other_events, other_n_obs, conf_level
        As for `share_difference`; the second arm is what the first is divided by.

    Returns
    -------
    tuple
        Ratio, lower and upper limit; NaN and infinity where nobody counts in the second arm.

    References
    ----------
    Newcombe, R. G. (2016). MOVER-R confidence intervals for ratios and products of two independently
    estimated quantities. Statistical Methods in Medical Research 25, 1774–1778.
    doi:10.1177/0962280213502144

    Examples
    --------
    >>> [round(v, 3) for v in share_ratio(10, 20, 10, 20, 0.95)]
    [1.0, 0.543, 1.841]
    """
    a, b = events / n_obs, other_events / other_n_obs
    (l1, u1), (l2, u2) = (_wilson(x, n, conf_level) for x, n in
                          ((events, n_obs), (other_events, other_n_obs)))  # fmt: skip
    # each limit in the form that does not divide by the difference of near equals
    top = l1 * (2 * a - l1)
    low = top / (a * b + np.sqrt((a * b) ** 2 - top * u2 * (2 * b - u2))) if top > 0 else 0.0
    bottom = l2 * (2 * b - l2)
    high = (
        (a * b + np.sqrt((a * b) ** 2 - u1 * (2 * a - u1) * bottom)) / bottom
        if bottom > 0
        else np.inf
    )
    return a / b if b > 0 else float("nan"), float(low), float(high)


def shares(
    sample: Sample, name: str, *, conf_level: float = 0.95, n_arm_min: int = N_ARM_MIN
) -> Estimate:
    """Share of accounts with the outcome in the programme against outside, assigned by chance.

    Parameters
    ----------
    sample
        Of scale "share".
    name
        Of the result.
    conf_level
        Of the intervals.
    n_arm_min
        Accounts that each arm needs.

    Returns
    -------
    Estimate
        Frame: two rows, `term` "ate_share" (difference, Newcombe) and "risk_ratio" (MOVER-R):
        `estimate`, `conf_low`, `conf_high`, `conf_level`, `n_treated`, `n_control`, `n_obs`; the ratio
        and its upper limit are unknown where nobody outside counts. Summary: `share_treated`,
        `share_control`.

    Raises
    ------
    FitError
        An outcome that is no share, or accounts in groups, for which these limits are too narrow.
    """
    if sample.scale != "share":
        raise FitError("outcome: a share was expected; give sample(…, scale='share')")
    if sample.cluster is not None:
        raise FitError(
            "cluster: these limits take accounts as independent; use difference_in_means for groups"
        )
    n1, n0 = sample.n_treated, sample.n_control
    if min(n1, n0) < n_arm_min:
        return refusal(name, "effect.few", n_treated=n1, n_control=n0, need=n_arm_min)
    with_, without = (int(sample.outcome[arm].sum()) for arm in (sample.treated, ~sample.treated))
    rows = [
        (term, *of(with_, n1, without, n0, conf_level))
        for term, of in (("ate_share", share_difference), ("risk_ratio", share_ratio))
    ]
    frame = pd.DataFrame(rows, columns=["term", "estimate", "conf_low", "conf_high"])
    frame["conf_high"] = frame["conf_high"].replace(np.inf, np.nan)
    frame = frame.assign(conf_level=conf_level, n_treated=n1, n_control=n0, n_obs=n1 + n0)
    both = {"share_treated": with_ / n1, "share_control": without / n0}
    value, low, high = rows[0][1:]
    amount = {"value": 100 * value, "low": 100 * low, "high": 100 * high, "level": conf_level}
    values = {"n_treated": n1, "n_control": n0, "outcome": sample.outcome_name, **both,
              "amount": Sentence("effect.points", amount)}  # fmt: skip
    summary = one_row(n1 + n0, "Newcombe, Wilson", conf_level, **both)
    return Estimate(name, frame, summary, Sentence("effect.shares", values))


def _wilson(events: int, n_obs: int, conf_level: float) -> tuple[float, float]:
    low, high = wilson(events, n_obs, conf_level)
    return float(low), float(high)
