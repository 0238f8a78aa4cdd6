"""What running contracts will bring beyond their present term, by simulation of their renewals."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kamlib.value.lifetime.predict import Interval, limits
from kamlib.value.lifetime.renewal_value import simulate_renewals
from kamlib.value.lifetime.renewals import BetaWeibull

Floats = NDArray[np.float64]


def predict_contracts(
    model: BetaWeibull,
    parameters: Floats,
    survived: ArrayLike,
    contribution: ArrayLike,
    *,
    due: ArrayLike = 0.0,
    horizon: float,
    discount: float,
    conf_level: float,
    rng: np.random.Generator,
) -> tuple[Interval, Interval, Floats]:
    """Discounted contribution of the renewals to come, per contract and for the unit.

    The term that is running is contracted already and is not part of it.

    Parameters
    ----------
    model, parameters
        Renewal model and draws of its parameters, shape (draws, k); see `posterior`.
    survived
        Renewals survived, one value per contract, shape (n,).
    contribution
        Margin less cost to serve of one period, shape (n,), or (draws, n) where it is uncertain.
    due
        Periods until the next renewal falls due.
    horizon
        Number of renewals looked ahead.
    discount
        Rate per period, 0.1 for 10 %.
    conf_level, rng
        Level of the limits; source of randomness.

    Returns
    -------
    tuple
        Interval per contract, interval of the unit's sum, and the draws of that sum.
    """
    until = np.asarray(due, dtype=np.float64)
    renewals = np.minimum(simulate_renewals(model, parameters, survived, rng), horizon)
    # 1 + v + … + v^(renewals - 1) with v = 1 / (1 + discount)
    terms = renewals
    if discount > 0:
        terms = -np.expm1(-renewals * np.log1p(discount)) * (1 + discount) / discount
    value = np.asarray(contribution, dtype=np.float64) * terms * (1 + discount) ** -until
    tails = [(1 - conf_level) / 2, (1 + conf_level) / 2]
    total = value.sum(axis=1)
    low, high = np.quantile(total, tails)
    return Interval(*limits(value, tails)), Interval(np.asarray(total.mean()), low, high), total
