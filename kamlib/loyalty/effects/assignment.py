"""Whether chance assigned as it should have: accounts of each arm against the planned shares."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy.special import chdtrc

from kamlib.errors import FitError
from kamlib.glossary import Sentence
from kamlib.results import Check, Estimate, one_row

P_MIN = 0.001


def sample_ratio(
    counts: Mapping[str, int], planned: Mapping[str, float] | None = None, *, name: str
) -> Estimate:
    """Accounts per arm against the plan (sample ratio mismatch).

    Parameters
    ----------
    counts
        Accounts by arm, two arms at least.
    planned
        Share of each arm, together 1; None: all alike.
    name
        Of the result.

    Returns
    -------
    Estimate
        Frame: one row per arm: `group`, `n_obs`, `n_expected`. Summary: `statistic` (chi-squared),
        `df`, `p_value`. The check fails below p = 0.001: then the arms differ in more than the
        programme, and no estimate of its effect can be trusted.

    Raises
    ------
    FitError
        Fewer than two arms, no account, or planned shares that do not fit.

    References
    ----------
    Fabijan, A. et al. (2019). Diagnosing sample ratio mismatch in online controlled experiments.
    KDD '19, 2156–2164. doi:10.1145/3292500.3330722

    Examples
    --------
    >>> float(sample_ratio({"with": 60, "without": 40}, name="arms")["statistic"])
    4.0
    """
    shares = dict(planned) if planned else {arm: 1 / len(counts) for arm in counts}
    seen = np.array(list(counts.values()), dtype=np.float64)
    if len(counts) < 2 or seen.sum() == 0:
        raise FitError("arms: at least two are compared, with accounts in them")
    if set(shares) != set(counts) or min(shares.values()) <= 0:
        raise FitError(f"planned: one share above 0 for each of {', '.join(counts)} was expected")
    if abs(sum(shares.values()) - 1) > 1e-9:
        raise FitError(f"planned: shares add up to {sum(shares.values()):g}; expected 1")
    expected = seen.sum() * np.array([shares[arm] for arm in counts])
    statistic, df = float(np.sum((seen - expected) ** 2 / expected)), len(counts) - 1
    p_value = float(chdtrc(df, statistic))
    frame = pd.DataFrame({"group": list(counts), "n_obs": seen.astype(int), "n_expected": expected})
    n = int(seen.sum())
    summary = one_row(n, "chi-squared", statistic=statistic, df=df, p_value=p_value)
    sound = p_value >= P_MIN
    note = Sentence("effect.ratio" if sound else "effect.ratio_off", {"n": n, "p": p_value})
    return Estimate(name, frame, summary, note, (Check("sample_ratio", sound, note),))
