"""Whether those who left first had been given the higher risk: concordance and the area under the curve."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, ndtri

from kamlib.errors import FitError
from kamlib.stats.censoring import FollowUp, follow_up, known_by
from kamlib.stats.dominance import dominated
from kamlib.stats.rows import columns_of

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


def harrell_concordance(
    risk: ArrayLike, exit_: ArrayLike, event: ArrayLike, *, conf_level: float = 0.95
) -> pd.DataFrame:
    """Share of comparable pairs of accounts in which the one that left first had the higher risk.

    Two accounts are comparable where one left while the other was still followed; who leaves when the
    other is censored left first. Equal risks count a half, equal times of leaving not at all. What is
    estimated depends on how long accounts happened to be followed: `uno_concordance` does not.

    Parameters
    ----------
    risk
        Any score that rises with the risk to leave, shape (n,).
    exit_, event
        Time from the day of the prediction to an account's end; `event` is 1 where it left, else 0.
    conf_level
        Of the interval on the log-odds scale.

    Returns
    -------
    DataFrame
        One row: `term` ("concordance"), `n_obs`, `n_event`, `estimate` (0.5: no better than chance),
        `std_error` (infinitesimal jackknife), `conf_low`, `conf_high`, `conf_level`.

    Raises
    ------
    FitError
        Faults of the spells, unknown risks, no comparable pair.

    References
    ----------
    Harrell, F. E., Lee, K. L. and Mark, D. B. (1996). Multivariable prognostic models. Statistics in
    Medicine 15, 361–387. doi:10.1002/(SICI)1097-0258(19960229)15:4<361::AID-SIM168>3.0.CO;2-4

    Examples
    --------
    >>> found = harrell_concordance([3, 1, 2], [1, 2, 3], [1, 1, 0])
    >>> float(found["estimate"].iloc[0].round(4))  # pairs 1–2 and 1–3 agree, 2–3 does not
    0.6667
    """
    seen = _seen(risk, exit_, event)
    score = columns_of("concordance", {"risk": risk})["risk"]
    return _concordance("concordance", score, seen, np.ones_like(score), conf_level)


def uno_concordance(
    risk: ArrayLike,
    exit_: ArrayLike,
    event: ArrayLike,
    *,
    tau: float,
    conf_level: float = 0.95,
) -> pd.DataFrame:
    """Share of pairs in which who left first, before tau, had the higher risk, had none been censored.

    Parameters
    ----------
    risk, exit_, event, conf_level
        As in `harrell_concordance`.
    tau
        Only those who left before it lead a pair; the weights, 1 ÷ G(t−)² with G the share whose
        follow-up lasts, stay small where tau lies well within follow-up.

    Returns
    -------
    DataFrame
        As `harrell_concordance`, with `time` (tau) first and `term` "concordance_uno"; the error takes
        the weights as known.

    Raises
    ------
    FitError
        As `harrell_concordance`, or a tau that is not above zero.

    References
    ----------
    Uno, H., Cai, T., Pencina, M. J., D'Agostino, R. B. and Wei, L. J. (2011). On the C-statistics for
    evaluating overall adequacy of risk prediction procedures with censored survival data. Statistics
    in Medicine 30, 1105–1117. doi:10.1002/sim.4154
    """
    if not tau > 0:
        raise FitError(f"concordance: tau is {tau:g} and must be above zero")
    seen = _seen(risk, exit_, event)
    score = columns_of("concordance", {"risk": risk})["risk"]
    leads = np.where(seen.exit < tau, seen.uncensored**-2.0, 0.0)
    found = _concordance("concordance_uno", score, seen, leads, conf_level)
    found.insert(0, "time", float(tau))
    return found


def auc_at(
    risk: ArrayLike,
    exit_: ArrayLike,
    event: ArrayLike,
    times: ArrayLike,
    *,
    conf_level: float = 0.95,
) -> pd.DataFrame:
    """Chance that an account that leaves by a time had a higher risk than one that does not.

    Cumulative cases against dynamic controls: those with the event at or before the time, weighted
    for the censored, against those still there (or ended otherwise before).

    Parameters
    ----------
    risk
        Score that rises with the risk, shape (n,), or one per time, (n, k).
    exit_, event
        As in `brier.brier_score`; an `event` of 2 is another end that rules leaving out.
    times
        The k horizons.
    conf_level
        Of intervals on the log-odds scale, which take the censoring weights as known.

    Returns
    -------
    DataFrame
        One row per time: `time`, `term` ("auc"), `n_obs`, `n_event` (known to have left by then),
        `estimate`, `std_error`, `conf_low`, `conf_high`, `conf_level`; unknown where nobody has left
        by then, or all have.

    Raises
    ------
    FitError
        Faults of the spells, unknown risks, a time that no account is followed to.

    References
    ----------
    Blanche, P., Dartigues, J.-F. and Jacqmin-Gadda, H. (2013). Estimating and comparing time-dependent
    areas under receiver operating characteristic curves for censored event times with competing risks.
    Statistics in Medicine 32, 5381–5397. doi:10.1002/sim.5958

    Examples
    --------
    >>> float(auc_at([3, 1, 2, 0], [1, 2, 3, 3], [1, 1, 0, 0], [2])["estimate"].iloc[0])
    0.75
    """
    seen = follow_up(exit_, event)
    asked = np.atleast_1d(np.asarray(times, dtype=np.float64))
    score = np.asarray(risk, dtype=np.float64)
    score = score[:, None] if score.ndim == 1 else score
    if score.shape not in {(seen.exit.size, 1), (seen.exit.size, asked.size)}:
        raise FitError(f"auc: risks of shape {score.shape} for {seen.exit.size:,} accounts")
    if not np.isfinite(score).all():
        raise FitError(f"auc: {int((~np.isfinite(score)).any(axis=1).sum()):,} risks are unknown")
    rows = []
    for k, time in enumerate(asked):
        outcome, weight = known_by(seen, time)
        area, error = _area(score[:, min(k, score.shape[1] - 1)], weight * outcome,
                            weight * (1 - outcome))  # fmt: skip
        n_event = int(outcome.sum())
        rows.append({"time": time} | _row("auc", area, error, seen.exit.size, n_event, conf_level))
    return pd.DataFrame(rows)


def _area(score: Floats, case: Floats, control: Floats) -> tuple[float, float]:
    """Return the area for weighted cases and controls, and its jackknife error."""
    n_case, n_control = case.sum(), control.sum()
    if n_case <= 0 or n_control <= 0:
        return float("nan"), float("nan")
    _, place = np.unique(score, return_inverse=True)

    def below(weight: Floats) -> Floats:
        sums = np.bincount(place, weight)
        shares: Floats = (np.cumsum(sums) - sums / 2)[place]
        return shares

    # of each case, the share of controls below it; of each control, the share of cases above it
    beaten, beating = below(control) / n_control, 1 - below(case) / n_case
    area = float(case @ beaten / n_case)
    moved = case / n_case * (beaten - area) + control / n_control * (beating - area)
    return area, float(np.sqrt(moved @ moved))


def _seen(risk: ArrayLike, exit_: ArrayLike, event: ArrayLike) -> FollowUp:
    values = columns_of("concordance", {"risk": risk, "exit": exit_, "event": event})
    faults = []
    if not np.isfinite(values["risk"]).all():
        faults.append(
            f"concordance: {int((~np.isfinite(values['risk'])).sum()):,} risks are unknown"
        )
    if (values["event"] == 2).any():
        faults.append(
            "concordance: pairs know one kind of event only; auc_at takes other ends into account"
        )
    if faults:
        raise FitError(*faults)
    return follow_up(values["exit"], values["event"])


def _concordance(
    term: str, score: Floats, seen: FollowUp, leads: Floats, conf_level: float
) -> pd.DataFrame:
    """Return the weighted share of pairs in order; `leads` weighs the pairs that each account leads."""
    left = seen.event == 1
    weight = leads * left
    # at the same time, who leaves comes before who is censored
    place = np.unique(seen.exit, return_inverse=True)[1]
    order = (2 * place + ~left).astype(np.float64)
    ones = np.ones_like(score)
    led_right, led = dominated(-order, score, ones), _later(order, ones)
    good = weight * led_right + dominated(order, -score, weight)
    every = weight * led + _later(-order, weight)
    total = float((weight * led).sum())
    if total <= 0:
        raise FitError(
            "concordance: no two accounts can be compared; nobody left while another stayed"
        )
    estimate = float((weight * led_right).sum()) / total
    error = float(np.sqrt(np.sum((good - estimate * every) ** 2))) / total
    n_event = int((weight > 0).sum())
    return pd.DataFrame([_row(term, estimate, error, score.size, n_event, conf_level)])


def _later(order: Floats, weight: Floats) -> Floats:
    """Return the weight of all whose order is higher."""
    place = np.unique(order, return_inverse=True)[1]
    sums = np.bincount(place, weight).astype(np.float64)
    above: Floats = (np.cumsum(sums[::-1])[::-1] - sums)[place]
    return above


def _row(
    term: str, estimate: float, error: float, n_obs: int, n_event: int, conf_level: float
) -> dict[str, Any]:
    low = high = float("nan")
    if 0 < estimate < 1 and error > 0:
        half = float(ndtri((1 + conf_level) / 2)) * error / (estimate * (1 - estimate))
        odds = np.log(estimate / (1 - estimate))
        low, high = float(expit(odds - half)), float(expit(odds + half))
    return {
        "term": term, "n_obs": n_obs, "n_event": n_event, "estimate": estimate, "std_error": error,
        "conf_low": low, "conf_high": high, "conf_level": conf_level,
    }  # fmt: skip
