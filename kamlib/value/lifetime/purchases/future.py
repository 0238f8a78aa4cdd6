"""What accounts will buy, and how long they stay, by simulation of the model's own story."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit

from kamlib.value.lifetime.purchases.bg_nbd import GeometricDropout
from kamlib.value.lifetime.purchases.expected import PurchaseModel
from kamlib.value.lifetime.purchases.pareto_nbd import ParetoNBD

Floats = NDArray[np.float64]


def future(
    model: PurchaseModel,
    parameters: Floats,
    frequency: ArrayLike,
    recency_days: ArrayLike,
    age_days: ArrayLike,
    horizon_days: float,
    rng: np.random.Generator,
    *,
    fast: Floats | None = None,
    comeback: float = 0.0,
) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """Purchases to the horizon, time lived within it, and whether the life ended with a purchase.

    Parameters
    ----------
    model, parameters
        A purchase model and draws of its parameters, shape (draws, 4).
    frequency, recency_days, age_days
        One value per account, shape (n,).
    horizon_days, rng
        How far ahead; source of randomness.
    fast
        Factors on the rates of purchase, shape (draws, n); None: rates stay as they were.
    comeback
        Chance that an account which has left buys again, at the rate it had, from some day within
        the horizon on; what is left of the horizon then counts from its first day.

    Returns
    -------
    tuple
        Three arrays of shape (draws, n). Accounts that have left already lived 0.
    """
    x, t_x, age = (np.asarray(c, dtype=np.float64) for c in (frequency, recency_days, age_days))
    alive = rng.random((len(parameters), len(x))) < expit(
        -model.log_odds_gone(parameters, x, t_x, age)
    )
    ahead, seen = np.full(alive.shape, float(horizon_days)), np.broadcast_to(age, alive.shape)
    if comeback > 0:
        back = ~alive & (rng.random(alive.shape) < comeback)
        ahead = np.where(back, horizon_days * rng.random(alive.shape), ahead)
        seen = np.where(back, t_x, seen)  # it bought until then; the silence after says nothing
        alive |= back
    draw, account = np.nonzero(alive)
    r, alpha, third, fourth = parameters[draw].T
    x, t_x, age, horizon = x[account], t_x[account], seen[alive], ahead[alive]
    quick = np.ones(len(x)) if fast is None else fast[alive]
    if isinstance(model, ParetoNBD):
        rate = quick * rng.standard_gamma(r + x) / (alpha + age)
        leaving = rng.standard_gamma(third) / np.maximum(fourth + age, 1e-300)
        with np.errstate(divide="ignore", over="ignore"):
            left_after = rng.standard_exponential(len(x)) / leaving
        lives = np.minimum(left_after, horizon)
        bought = rng.poisson(np.minimum(rate * lives, 1e9)).astype(np.float64)
        ended = np.zeros(len(x), dtype=bool)
    else:
        bought, lives, ended = _geometric(
            model, r, alpha, third, fourth, x, t_x, age, horizon, quick, rng
        )
    count, lived, at_end = np.zeros(alive.shape), np.zeros(alive.shape), np.zeros_like(alive)
    count[alive], lived[alive], at_end[alive] = bought, lives, ended
    return count, lived, at_end


def _geometric(
    model: GeometricDropout,
    r: Floats,
    alpha: Floats,
    a: Floats,
    b: Floats,
    x: Floats,
    t_x: Floats,
    age: Floats,
    horizon: Floats,
    quick: Floats,
    rng: np.random.Generator,
) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """Return purchases, time lived and whether it ended within, of living accounts."""
    k, n = model.k, r + model.k * x
    begun = np.zeros_like(x)  # events since the last purchase; every k-th is a purchase
    if k > 1:
        z = (age - t_x) / (alpha + age)
        chances = np.cumprod([np.ones_like(z), *((n + j - 1) / j * z for j in range(1, k))], axis=0)
        ladder = np.cumsum(chances, axis=0)
        begun = (rng.random(len(x)) * ladder[-1] > ladder).sum(axis=0).astype(np.float64)
    rate = quick * rng.standard_gamma(n + begun) / (alpha + age)
    events = rng.poisson(np.minimum(rate * horizon, 1e9)).astype(np.float64)
    leaves = rng.beta(a, b + x + model.at_start)
    with np.errstate(divide="ignore", over="ignore"):  # who never leaves buys without end
        hazard = -np.log1p(-leaves)
        until = np.ceil(np.maximum(rng.standard_exponential(len(x)) / hazard, 1e-300))
    possible = np.floor((events + begun) / k)
    ended = until <= possible
    bought = np.where(ended, until, possible)
    last = np.where(ended, until * k - begun, 1.0)  # the event with which the life ends
    when = rng.beta(last, np.where(ended, events - last, 0.0) + 1.0)
    return bought, np.where(ended, horizon * when, horizon), ended
