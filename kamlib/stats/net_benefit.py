"""Whether acting on a chance pays: net benefit by the threshold from which one acts."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.special import ndtri

from kamlib.errors import FitError
from kamlib.stats.censoring import chances, follow_up, known_by
from kamlib.stats.observed_share import observed_share


def net_benefit(
    chance: ArrayLike,
    exit_: ArrayLike,
    event: ArrayLike,
    thresholds: ArrayLike,
    *,
    horizon: float,
    conf_level: float = 0.95,
) -> pd.DataFrame:
    """Estimate what acting on all accounts at or above a chance is worth, per account of the book.

    The unit is one lost account that is acted on. A threshold p says that acting in vain on 1 − p
    accounts is as dear as missing p lost ones: p = cost of a visit ÷ (margin saved × its success).
    Net benefit is TP ÷ n − FP ÷ n · p ÷ (1 − p), with shares of lost accounts among those flagged
    estimated in that group (Kaplan–Meier or Aalen–Johansen), since some are not followed to the end.

    Parameters
    ----------
    chance
        Chance of the event within the horizon, shape (n,).
    exit_, event
        As in `brier.brier_score`: 0 censored, 1 the event, 2 another end that rules it out.
    thresholds
        Chances from which one acts, each above 0 and below 1.
    horizon
        Time since the day of the prediction.
    conf_level
        Of normal intervals.

    Returns
    -------
    DataFrame
        One row per threshold: `threshold`, `n_flagged`, `observed` (share of the flagged that had the
        event), `term` ("net_benefit"), `estimate`, `std_error`, `conf_low`, `conf_high`, `conf_level`,
        `treat_all` (net benefit of acting on every account; on none it is 0). No flagged account: 0.
        Unknown where none of the flagged was followed to the horizon.

    Raises
    ------
    FitError
        Faults of chances and spells, thresholds outside (0, 1), a horizon that nobody is followed to.

    References
    ----------
    Vickers, A. J. and Elkin, E. B. (2006). Decision curve analysis: a novel method for evaluating
    prediction models. Medical Decision Making 26, 565–574. doi:10.1177/0272989X06295361
    Vickers, A. J., Cronin, A. M., Elkin, E. B. and Gonen, M. (2008). Extensions to decision curve
    analysis. BMC Medical Informatics and Decision Making 8, 53. doi:10.1186/1472-6947-8-53

    Examples
    --------
    >>> found = net_benefit([0.9, 0.8, 0.2, 0.1], [1, 3, 3, 3], [1, 0, 0, 0], [0.5], horizon=2)
    >>> found[["estimate", "treat_all"]].iloc[0].tolist()  # (1 − 1) / 4; (1 − 3) / 4
    [0.0, -0.5]
    """
    seen = follow_up(exit_, event)
    n = seen.exit.size
    given = chances(chance, n, np.array([horizon]))[:, 0]
    known_by(seen, horizon)
    asked = np.atleast_1d(np.asarray(thresholds, dtype=np.float64))
    bad = asked[~((asked > 0) & (asked < 1))]
    if bad.size:
        raise FitError(f"net benefit: thresholds lie above 0 and below 1; found {bad.tolist()}")
    rate = observed_share(seen.exit, seen.event, horizon, conf_level).share
    half = float(ndtri((1 + conf_level) / 2))
    rows = []
    for threshold in asked:
        odds = threshold / (1 - threshold)
        flagged = given >= threshold
        share = float(flagged.mean())
        lost = spread = 0.0
        if flagged.any():
            found = observed_share(seen.exit[flagged], seen.event[flagged], horizon, conf_level)
            lost, spread = found.share, found.std_error
        each = lost - (1 - lost) * odds  # worth of one flagged account
        benefit = share * each
        # both the share that is lost and the share that is flagged would be others in another sample
        error = np.sqrt((share * (1 + odds) * spread) ** 2 + each**2 * share * (1 - share) / n)
        rows.append(
            {
                "threshold": threshold, "n_flagged": int(flagged.sum()),
                "observed": lost if flagged.any() else np.nan, "term": "net_benefit",
                "estimate": benefit, "std_error": error, "conf_low": benefit - half * error,
                "conf_high": benefit + half * error, "conf_level": conf_level,
                "treat_all": rate - (1 - rate) * odds,
            }
        )  # fmt: skip
    return pd.DataFrame(rows)
