"""What each account and the unit will bring, by simulation: purchases, spend, margin, discounting."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kamlib.value.lifetime.purchases.expected import PurchaseModel
from kamlib.value.lifetime.purchases.future import future
from kamlib.value.lifetime.spend_models import SpendModel
from kamlib.value.lifetime.wander import STEADY, Wander

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
    pace
        Purchases per unit of time (`expected.pace`), where spend goes with it.
    """

    frequency: Floats
    recency_days: Floats
    age_days: Floats
    monetary_value: Floats
    margin_rate: Floats = field(default_factory=lambda: np.ones(1))
    cost_to_serve: Floats = field(default_factory=lambda: np.zeros(1))
    pace: Floats = field(default_factory=lambda: np.ones(1))


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
    p_order
        Chance of each account to buy at least once; empty where nothing is bought by order.
    path
        Purchases and revenue of all accounts expected by each of the times asked for.
    """

    accounts: dict[str, Interval]
    unit: dict[str, Interval]
    draws: dict[str, Floats]
    negative: Floats
    conf_level: float
    p_order: Floats = field(default_factory=lambda: np.empty(0))
    path: dict[str, Floats] = field(default_factory=dict)


NAMES = ("purchases", "revenue", "margin", "cost", "contribution")


def predict(
    model: PurchaseModel,
    parameters: Floats,
    spend: SpendModel,
    spend_parameters: Floats,
    accounts: Accounts,
    *,
    horizon_days: float,
    discount: float,
    conf_level: float,
    rng: np.random.Generator,
    wander: Wander = STEADY,
    times: ArrayLike = (),
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
    wander
        What is allowed for beyond the model: rates and spend that move, accounts that come back.
    times
        Times up to the horizon for which `path` is wanted.

    Notes
    -----
    Purchases of a draw are discounted by the mean over the times at which they may fall, given
    their number and the end of the life: means are exact, and the spread that times alone would
    add within the horizon is left out (below one part in a hundred of an account's). The path takes
    them to be spread evenly over the life.
    """
    n, draws = len(accounts.frequency), len(parameters)
    ahead = np.asarray(times, dtype=np.float64)
    rate, level = (part.draw_common(draws, rng) for part in (wander.rate, wander.spend))
    size = max(1, _BLOCK // max(draws, 1))
    sums = {name: np.zeros(draws) for name in NAMES}
    found: dict[str, list[Floats]] = {name: [] for name in NAMES}
    negative, p_order = np.empty(n), np.empty(n)
    path = {"purchases": np.zeros(len(ahead)), "revenue": np.zeros(len(ahead))}
    stated = tails(conf_level)
    levels = {name: max(conf_level, wander.money_level) for name in NAMES}
    levels["purchases"] = max(conf_level, wander.count_level)
    for start in range(0, n, size):
        part = slice(start, min(start + size, n))
        x, t_x, age, z, margin, cost, pace = (
            _part(getattr(accounts, name), n, part) for name in Accounts.__slots__
        )
        fast = rate * wander.rate.draw_own((draws, len(x)), rng)
        count, lived, at_end = future(
            model, parameters, x, t_x, age, horizon_days, rng, fast=fast, comeback=wander.comeback
        )
        revenue = spend.future(spend_parameters, x, z, count, rng, pace)
        revenue = revenue * level * wander.spend.draw_own(revenue.shape, rng)
        late = _mean_discount(count, lived, at_end, discount)
        paid = cost * lived * _fall(discount * lived)
        earned = margin * revenue * late
        values = (count, revenue, earned, paid, earned - paid)
        for name, value in zip(NAMES, values, strict=True):
            sums[name] += value.sum(axis=1)
            found[name].append(limits(value, tails(levels[name])))
        negative[part] = (values[-1] < 0).mean(axis=0)
        p_order[part] = (count > 0).mean(axis=0)
        for step, time in enumerate(ahead):
            by_then = np.minimum(time / np.maximum(lived, 1e-300), 1.0)
            path["purchases"][step] += float((count * by_then).sum()) / draws
            path["revenue"][step] += float((revenue * by_then).sum()) / draws
    each = {
        name: Interval(*np.concatenate(found[name], axis=1)) if n else _empty() for name in NAMES
    }
    unit = {
        name: Interval(np.asarray(total.mean()), *np.quantile(total, stated)[:, None][..., 0])
        for name, total in sums.items()
    }
    return Prediction(each, unit, sums, negative, conf_level, p_order, path)


def tails(level: float) -> list[float]:
    """Return the shares of draws below the limits of an equal-tailed interval."""
    return [(1 - level) / 2, (1 + level) / 2]


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


def limits(values: Floats, shares: list[float]) -> Floats:
    """Return mean and limits over draws, shape (3, n); limits are drawn values, taken outwards."""
    draws = len(values)
    low, high = int(np.floor(shares[0] * (draws - 1))), int(np.ceil(shares[1] * (draws - 1)))
    ranked = np.partition(values, (low, high), axis=0)
    return np.stack([values.mean(axis=0), ranked[low], ranked[high]])


def _part(values: Floats, n: int, part: slice) -> Floats:
    array = np.asarray(values, dtype=np.float64)
    return array if array.shape[-1] != n else array[..., part]


def _empty() -> Interval:
    return Interval(np.empty(0), np.empty(0), np.empty(0))
