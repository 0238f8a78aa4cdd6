"""What each account and the unit will bring, by simulation: purchases, spend, margin, discounting."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit

from kamlib.value.lifetime.purchases.bg_nbd import GeometricDropout
from kamlib.value.lifetime.purchases.pareto_nbd import ParetoNBD
from kamlib.value.lifetime.spend_models import SpendModel

Floats = NDArray[np.float64]
_BLOCK = 200_000  # account-draws at work at a time; these stay in the cache


@dataclass(frozen=True, slots=True, eq=False)
class Accounts:
    """What is known of the accounts whose future is simulated; one value each, or one for all.

    Attributes
    ----------
    frequency, recency_days, age_days
        Purchase summary, shape (n,).
    monetary_value
        Mean net amount of a repeat purchase; not looked at where there is none.
    margin_rate
        Margin per unit of revenue. With shape (draws, n) its own uncertainty is carried on.
    cost_to_serve
        Cost per unit of time, paid as long as the account lives.
    """

    frequency: Floats
    recency_days: Floats
    age_days: Floats
    monetary_value: Floats
    margin_rate: Floats = field(default_factory=lambda: np.ones(1))
    cost_to_serve: Floats = field(default_factory=lambda: np.zeros(1))


@dataclass(frozen=True, slots=True, eq=False)
class Interval:
    """Mean and equal-tailed limits; shape (n,) for accounts, () for the unit.

    Limits of accounts are values that were drawn, so that for counts they hold at least the stated
    level.
    """

    mean: Floats
    low: Floats
    high: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """The future of accounts and of their unit over one horizon.

    Attributes
    ----------
    accounts, unit
        Per account, and for the sum over accounts: `purchases`, `revenue` (as invoiced), `margin`,
        `cost`, and `contribution` (margin less cost to serve); the last three are discounted.
    draws
        The unit's sums, one per draw, by the same names: sums of units are sums of draws.
    negative
        Chance of each account that its contribution is below zero.
    conf_level
        Level of the limits.
    """

    accounts: dict[str, Interval]
    unit: dict[str, Interval]
    draws: dict[str, Floats]
    negative: Floats
    conf_level: float


NAMES = ("purchases", "revenue", "margin", "cost", "contribution")


def predict(
    model: GeometricDropout | ParetoNBD,
    parameters: Floats,
    spend: SpendModel,
    spend_parameters: Floats,
    accounts: Accounts,
    *,
    horizon_days: float,
    discount: float,
    conf_level: float,
    rng: np.random.Generator,
) -> Prediction:
    """Contribution that each account and the unit bring from now to the horizon, with intervals.

    Each draw takes one set of parameters and plays every account forward: is it alive, at what rate
    does it buy, when does it leave, how often has it bought by then, what does it spend. Revenue
    becomes margin, cost to serve is paid while the account lives, and both are discounted.

    Parameters
    ----------
    model, parameters
        Purchase model and draws of its parameters, shape (draws, 4); see `posterior`.
    spend, spend_parameters
        Spend model and as many draws of its parameters.
    accounts
        What is known of them.
    horizon_days
        How far ahead, in the unit of time of the accounts.
    discount
        Continuous rate per unit of time.
    conf_level
        Level of the intervals.
    rng
        Source of randomness.

    Notes
    -----
    Purchases of a draw are discounted by the mean over the times at which they may fall, given
    their number and the end of the life: means are exact, and the spread that times alone would
    add within the horizon is left out (below one part in a hundred of an account's).
    """
    n, draws = len(accounts.frequency), len(parameters)
    size = max(1, _BLOCK // max(draws, 1))
    sums = {name: np.zeros(draws) for name in NAMES}
    found: dict[str, list[Floats]] = {name: [] for name in NAMES}
    negative = np.empty(n)
    tails = [(1 - conf_level) / 2, (1 + conf_level) / 2]
    for start in range(0, n, size):
        part = slice(start, min(start + size, n))
        x, t_x, age, z, margin, cost = (
            _part(getattr(accounts, name), n, part) for name in Accounts.__slots__
        )
        count, lived, at_end = future(model, parameters, x, t_x, age, horizon_days, rng)
        revenue = spend.future(spend_parameters, x, z, count, rng)
        late = _mean_discount(count, lived, at_end, discount)
        paid = cost * lived * _fall(discount * lived)
        earned = margin * revenue * late
        values = (count, revenue, earned, paid, earned - paid)
        for name, value in zip(NAMES, values, strict=True):
            sums[name] += value.sum(axis=1)
            found[name].append(limits(value, tails))
        negative[part] = (values[-1] < 0).mean(axis=0)
    each = {
        name: Interval(*np.concatenate(found[name], axis=1)) if n else _empty() for name in NAMES
    }
    unit = {
        name: Interval(np.asarray(total.mean()), *np.quantile(total, tails)[:, None][..., 0])
        for name, total in sums.items()
    }
    return Prediction(each, unit, sums, negative, conf_level)


def future(
    model: GeometricDropout | ParetoNBD,
    parameters: Floats,
    frequency: ArrayLike,
    recency_days: ArrayLike,
    age_days: ArrayLike,
    horizon_days: float,
    rng: np.random.Generator,
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

    Returns
    -------
    tuple
        Three arrays of shape (draws, n). Accounts that have left already lived 0.
    """
    x, t_x, age = (np.asarray(c, dtype=np.float64) for c in (frequency, recency_days, age_days))
    alive = rng.random((len(parameters), len(x))) < expit(
        -model.log_odds_gone(parameters, x, t_x, age)
    )
    draw, account = np.nonzero(alive)
    r, alpha, third, fourth = parameters[draw].T
    x, t_x, age = x[account], t_x[account], age[account]
    if isinstance(model, ParetoNBD):
        rate = rng.standard_gamma(r + x) / (alpha + age)
        leaving = rng.standard_gamma(third) / np.maximum(fourth + age, 1e-300)
        with np.errstate(divide="ignore", over="ignore"):
            left_after = rng.standard_exponential(len(x)) / leaving
        lives = np.minimum(left_after, horizon_days)
        bought = rng.poisson(rate * lives).astype(np.float64)
        ended = np.zeros(len(x), dtype=bool)
    else:
        bought, lives, ended = _geometric(
            model, r, alpha, third, fourth, x, t_x, age, horizon_days, rng
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
    horizon: float,
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
    rate = rng.standard_gamma(n + begun) / (alpha + age)
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


def _fall(z: Floats) -> Floats:
    """Return (1 - exp(-z)) / z: the mean discount over times spread evenly up to z."""
    small = z < 1e-9
    return np.where(small, 1.0, -np.expm1(-z) / np.where(small, 1.0, z))


def _mean_discount(
    count: Floats, lived: Floats, at_end: NDArray[np.bool_], discount: float
) -> Floats:
    spread = _fall(discount * lived)
    last = np.where(at_end, np.exp(-discount * lived), spread)
    return spread + (last - spread) / np.maximum(count, 1)


def limits(values: Floats, tails: list[float]) -> Floats:
    """Return mean and limits over draws, shape (3, n); limits are drawn values, taken outwards."""
    draws = len(values)
    low, high = int(np.floor(tails[0] * (draws - 1))), int(np.ceil(tails[1] * (draws - 1)))
    ranked = np.partition(values, (low, high), axis=0)
    return np.stack([values.mean(axis=0), ranked[low], ranked[high]])


def _part(values: Floats, n: int, part: slice) -> Floats:
    array = np.asarray(values, dtype=np.float64)
    return array if array.shape[-1] != n else array[..., part]


def _empty() -> Interval:
    return Interval(np.empty(0), np.empty(0), np.empty(0))
