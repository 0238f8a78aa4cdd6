"""How far predicted chances lie from what happened: the Brier score, with censored accounts."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri

from kamlib.errors import FitError
from kamlib.stats.censoring import chances, follow_up, known_by

Floats = NDArray[np.float64]


def brier_score(
    chance: ArrayLike,
    exit_: ArrayLike,
    event: ArrayLike,
    times: ArrayLike,
    *,
    base_rate: ArrayLike | None = None,
    conf_level: float = 0.95,
) -> pd.DataFrame:
    """Estimate the mean squared error of chances to have the event by each time.

    Parameters
    ----------
    chance
        Chance of the event at or before each time, shape (n,) or (n, k).
    exit_, event
        Time from the day of the prediction to an account's end, and what happened then: 0 nothing
        (censored), 1 the event, 2 another end that rules it out. All are followed from time 0.
    times
        The k horizons, within follow-up.
    base_rate
        One chance for everybody at each time, to compare with; what was observed where not given.
    conf_level
        Of normal intervals that take the censoring weights as known.

    Returns
    -------
    DataFrame
        One row per time: `time`, `term` ("brier"), `n_obs`, `estimate`, `std_error`, `conf_low`,
        `conf_high`, `conf_level`, `brier_null` (everybody is given the base rate), `brier_scaled`
        (1 − estimate ÷ null: 1 perfect, 0 no better than the base rate).

    Raises
    ------
    FitError
        Chances outside 0 to 1, faults of the spells, a time that no account is followed to.

    References
    ----------
    Graf, E., Schmoor, C., Sauerbrei, W. and Schumacher, M. (1999). Assessment and comparison of
    prognostic classification schemes for survival data. Statistics in Medicine 18, 2529–2545.
    doi:10.1002/(SICI)1097-0258(19990915/30)18:17/18<2529::AID-SIM274>3.0.CO;2-5
    Gerds, T. A. and Schumacher, M. (2006). Consistent estimation of the expected Brier score in general
    survival models with right-censored event times. Biometrical Journal 48, 1029–1040.
    doi:10.1002/bimj.200610301

    Examples
    --------
    >>> score = brier_score([0.8, 0.4, 0.1], [1, 2, 3], [1, 0, 0], times=[2])
    >>> float(score["estimate"].iloc[0].round(4))  # (0.04 + 0.16 + 0.01) / 3
    0.07
    """
    seen = follow_up(exit_, event)
    asked = np.atleast_1d(np.asarray(times, dtype=np.float64))
    n = seen.exit.size
    given = chances(chance, n, asked)
    rates = None if base_rate is None else np.broadcast_to(base_rate, asked.shape)
    rows = []
    for k, time in enumerate(asked):
        outcome, weight = known_by(seen, time)
        loss = weight * (outcome - given[:, k]) ** 2
        rate = np.mean(weight * outcome) if rates is None else rates[k]
        rows.append((loss.mean(), loss.std(ddof=1) / np.sqrt(n) if n > 1 else np.nan,
                     np.mean(weight * (outcome - rate) ** 2)))  # fmt: skip
    score, error, null = np.array(rows).T
    half = float(ndtri((1 + conf_level) / 2)) * error
    with np.errstate(divide="ignore", invalid="ignore"):
        scaled = np.where(null > 0, 1 - score / null, np.nan)
    return pd.DataFrame(
        {
            "time": asked, "term": "brier", "n_obs": n, "estimate": score, "std_error": error,
            "conf_low": np.maximum(score - half, 0.0), "conf_high": np.minimum(score + half, 1.0),
            "conf_level": conf_level, "brier_null": null, "brier_scaled": scaled,
        }
    )  # fmt: skip


def integrated_brier(scores: pd.DataFrame) -> pd.DataFrame:
    """Average a Brier score over time, from 0 to the last time that was scored.

    Parameters
    ----------
    scores
        Frame of `brier_score` at two or more rising times; the nearer together, the better.

    Returns
    -------
    DataFrame
        One row: `time` (the last), `term` ("brier_integrated"), `estimate`, `brier_null`,
        `brier_scaled`; by trapezia from (0, 0), since at time 0 nothing is uncertain.

    Raises
    ------
    FitError
        Fewer than two times, or times that do not rise.
    """
    time = scores["time"].to_numpy(dtype=np.float64)
    if time.size < 2 or (np.diff(time) <= 0).any():
        raise FitError(f"integrated Brier score: {time.size} times; expected two or more that rise")
    score, null = (
        float(np.trapezoid(np.r_[0.0, scores[name]], np.r_[0.0, time]) / time[-1])
        for name in ("estimate", "brier_null")
    )
    return pd.DataFrame(
        {
            "time": [time[-1]], "term": ["brier_integrated"], "estimate": [score],
            "brier_null": [null], "brier_scaled": [1 - score / null if null > 0 else np.nan],
        }
    )  # fmt: skip
