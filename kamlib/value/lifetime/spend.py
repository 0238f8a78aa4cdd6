"""What an account spends per purchase: gamma-gamma, and a log-normal model where it is forbidden."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import norm, spearmanr

from kamlib.errors import FitError
from kamlib.glossary import Sentence
from kamlib.results import Check
from kamlib.value.lifetime.purchases.fit import Fit, fit
from kamlib.value.lifetime.spend_models import GAMMA_GAMMA, MIN_SPENDERS, Spends, log_normal

STRONG = 0.3  # correlation of frequency and spend that gamma-gamma no longer bears
_LEVEL = 0.95


def spenders(
    frequency: ArrayLike,
    monetary_value: ArrayLike,
    pace: ArrayLike | None = None,
    *,
    within: tuple[float, float] | None = None,
) -> tuple[Spends, Check]:
    """Accounts that a spend model can use, and a check that counts those it cannot.

    Parameters
    ----------
    frequency, monetary_value
        One value per account, shape (n,); averages without a repeat purchase are not looked at.
    pace
        How fast each account buys while it is a customer (`expected.pace`); None: 1 + frequency.
    within
        Spread of single purchases about their account's mean, relative to it, and its degrees of
        freedom; None where single purchases are not known.
    """
    x, z = np.asarray(frequency, dtype=np.float64), np.asarray(monetary_value, dtype=np.float64)
    if x.shape != z.shape:
        raise FitError(f"spend: {x.size:,} frequencies and {z.size:,} averages; expected as many")
    bought = x > 0
    usable = bought & (z > 0) & np.isfinite(z)
    values = {"n": int((bought & ~usable).sum()), "total": int(bought.sum())}
    key = "spend.all_positive" if values["n"] == 0 else "spend.not_positive"
    check = Check("spend_positive", values["n"] == 0, Sentence(key, values))
    fast = 1 + x if pace is None else np.asarray(pace, dtype=np.float64)
    known: tuple[float | None, float] = (None, 1.0)
    if within is not None and within[0] > 0 and within[1] > 0:
        known = float(np.log(within[0])), max(1 / np.sqrt(2 * within[1]), 0.02)
    return Spends(x[usable], z[usable], fast[usable], *known), check


def spend_correlation(rows: Spends) -> Check:
    """Rank correlation of frequency and average spend, which gamma-gamma takes to be none.

    Fails where it is at least 0.3 either way and its 95 % interval (Fisher's z with the variance
    1.06 / (n - 3)) leaves out zero; not judged for fewer than ten accounts.

    References
    ----------
    Fieller, E. C., Hartley, H. O. and Pearson, E. S. (1957). Tests for rank correlation
    coefficients I. Biometrika 44, 470–481. doi:10.1093/biomet/44.3-4.470
    """
    n = rows.n_obs
    if n < MIN_SPENDERS:
        unknown = Sentence("spend.correlation_unknown", {"n": n, "need": MIN_SPENDERS})
        return Check("spend_independent", None, unknown)
    constant = np.ptp(rows.frequency) == 0 or np.ptp(rows.monetary_value) == 0
    rho = 0.0 if constant else float(spearmanr(rows.frequency, rows.monetary_value).statistic)
    half = norm.ppf((1 + _LEVEL) / 2) * np.sqrt(1.06 / (n - 3))
    centre = np.arctanh(np.clip(rho, -0.999999, 0.999999))
    low, high = np.tanh([centre - half, centre + half])
    strong = abs(rho) >= STRONG and low * high > 0
    values: dict[str, Any] = {"rho": rho, "low": float(low), "high": float(high), "level": _LEVEL, "n": n,
              "limit": STRONG}  # fmt: skip
    key = "spend.correlated" if strong else "spend.independent"
    return Check("spend_independent", not strong, Sentence(key, values))


def fit_spend(
    rows: Spends, *, prior: Literal["weak"] | None = "weak"
) -> tuple[Fit, tuple[Check, ...]]:
    """Spend model of a unit: gamma-gamma, or log-normal where gamma-gamma is forbidden.

    Gamma-gamma is forbidden where spend goes with frequency, where q may be 1 or less (no mean
    exists; one-sided 95 % limit), and where its fit cannot be used.

    Parameters
    ----------
    rows
        What `spenders` returned.
    prior
        "weak", or None for maximum likelihood.

    Returns
    -------
    tuple
        The fit, and checks that say which model it is and why.
    """
    related = spend_correlation(rows)
    first = fit(GAMMA_GAMMA, rows, prior=prior)
    q = {"q": first.parameters["q"], "low": _lowest_q(first)}
    if related.passed is not False and q["low"] > 1 and first.trouble is None:
        why = Sentence("spend.gamma_gamma", {"n": rows.n_obs} | q)
        return first, (related, Check("spend_model", True, why), *first.checks)
    second = fit(log_normal(rows), rows, prior=prior)
    if first.trouble is not None:
        reason = first.trouble
    elif related.passed is False:
        reason = related.note
    else:
        reason = Sentence("spend.heavy_tail", q)
    why = Sentence("spend.log_normal", {"n": rows.n_obs, "reason": reason})
    return second, (related, Check("spend_model", False, why), *second.checks)


def _lowest_q(found: Fit) -> float:
    """Return the one-sided 95 % limit of q: below 1 single futures would have no mean."""
    return float(np.exp(found.theta[1] + norm.ppf(0.05) * np.sqrt(found.covariance[1, 1])))
