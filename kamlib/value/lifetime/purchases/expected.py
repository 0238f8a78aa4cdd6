"""What accounts are expected to buy: chance to be alive, purchases over a horizon, discounted."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betainc, expit, gammaln

from kamlib.errors import FitError
from kamlib.value.lifetime.purchases.bg_nbd import GeometricDropout
from kamlib.value.lifetime.purchases.pareto_nbd import ParetoNBD

Floats = NDArray[np.float64]
PurchaseModel = GeometricDropout | ParetoNBD

_DROP = 45.0  # integrands are followed until they have fallen by e^-45
_AT, _WEIGHT = np.polynomial.legendre.leggauss(32)
_AT, _WEIGHT = (_AT + 1) / 2, _WEIGHT / 2
_CHANCES = 128
_BLOCK = 256
_PURCHASES = 100_000


def p_alive(
    model: PurchaseModel,
    natural: ArrayLike,
    frequency: ArrayLike,
    recency_days: ArrayLike,
    age_days: ArrayLike,
) -> Floats:
    """Chance that each account is still a customer at the end of observation.

    Parameters
    ----------
    model, natural
        A model and its parameters in the model's order, shape (4,).
    frequency, recency_days, age_days
        One value per account, shape (n,); one unit of time, that of the parameters.

    Returns
    -------
    ndarray
        Chances, shape (n,). Under BG/NBD an account that never bought again cannot have left: its
        chance is 1 by construction, so that these chances must not be shown or ranked by.
    """
    parameters, x, t_x, age = _arrays(natural, frequency, recency_days, age_days)
    return np.asarray(expit(-model.log_odds_gone(parameters[None], x, t_x, age)[0]))


def pace(
    model: PurchaseModel,
    natural: ArrayLike,
    frequency: ArrayLike,
    recency_days: ArrayLike,
    age_days: ArrayLike,
) -> Floats:
    """Purchases per unit of time of each account while it is a customer.

    (r + k x) / k over alpha and the time that it was a customer: its age where it is one still, the
    time to its last purchase where it has left, between them by the chance of either.

    Parameters
    ----------
    model, natural, frequency, recency_days, age_days
        As for `p_alive`.

    Returns
    -------
    ndarray
        Rates above 0, shape (n,); k is 1 but for regular buyers.

    Examples
    --------
    >>> from kamlib.value.lifetime.purchases.pareto_nbd import PARETO_NBD
    >>> pace(PARETO_NBD, [1.0, 10.0, 0.5, 10.0], [4], [40], [40]).tolist()
    [0.1]
    """
    parameters, x, t_x, age = _arrays(natural, frequency, recency_days, age_days)
    alive = p_alive(model, parameters, x, t_x, age)
    k = 1 if isinstance(model, ParetoNBD) else model.k
    r, alpha = parameters[:2]
    return np.asarray((r / k + x) / (alpha + alive * age + (1 - alive) * t_x))


def expected_purchases(
    model: PurchaseModel,
    natural: ArrayLike,
    frequency: ArrayLike,
    recency_days: ArrayLike,
    age_days: ArrayLike,
    *,
    horizon_days: ArrayLike,
    discount: float = 0.0,
) -> Floats:
    """Expected purchases of each account from now to the horizon, discounted on request.

    Parameters
    ----------
    model, natural, frequency, recency_days, age_days
        As for `p_alive`.
    horizon_days
        How far ahead, for all or per account; infinite is allowed where there is a discount.
    discount
        Continuous rate per unit of time: log(1.15) / 365.25 is 15 % a year.

    Returns
    -------
    ndarray
        Purchases, shape (n,): conditional expected transactions where `discount` is 0, discounted
        expected residual transactions where the horizon is infinite.

    Raises
    ------
    FitError
        Where the horizon is infinite and nothing is discounted, or either is negative.

    Notes
    -----
    Both families are P(alive) (r + x) / (alpha + T) times the integral over u of exp(-discount u)
    and the chance of still being there, weighted by the rate: ((beta + T) / (beta + T + u))^s for
    Pareto/NBD, E[(1 + p u / (alpha + T))^-(r + x + 1)] over p ~ Beta(a, b + x) for BG/NBD. Unlike
    the hypergeometric form, this has no singularity at a = 1 or a + b <= 1.

    References
    ----------
    Fader, P., Hardie, B. and Lee, K. L. (2005). RFM and CLV: using iso-value curves for customer
    base analysis. Journal of Marketing Research 42, 415–430, equation 2.
    doi:10.1509/jmkr.2005.42.4.415

    Examples
    --------
    >>> from kamlib.value.lifetime.purchases.pareto_nbd import PARETO_NBD
    >>> weeks = expected_purchases(PARETO_NBD, [0.553, 10.578, 0.606, 11.669], [2], [30.43],
    ...                            [38.86], horizon_days=39)
    >>> weeks.round(4).tolist()
    [1.4551]
    """
    horizon = np.asarray(horizon_days, dtype=np.float64)
    if not (np.all(horizon >= 0) and 0 <= discount < np.inf):
        raise FitError("expected purchases: horizon and discount must be numbers from zero up")
    if discount == 0 and np.isinf(horizon).any():
        raise FitError(
            "expected purchases: without an end and without a discount the sum has no limit; "
            "give a horizon or a discount rate above zero"
        )
    parameters, x, t_x, age = _arrays(natural, frequency, recency_days, age_days)
    alive = p_alive(model, parameters, x, t_x, age)
    ahead = np.broadcast_to(horizon, alive.shape)
    r, alpha = parameters[:2]
    if isinstance(model, ParetoNBD):
        s, beta = parameters[2:]
        reach = discounted_power(s, beta + age, ahead, discount)
        return np.asarray(alive * (r + x) / (alpha + age) * reach)
    found = np.empty_like(alive)
    for start in range(0, len(x), _BLOCK):
        part = slice(start, start + _BLOCK)
        rows = (parameters, x[part], t_x[part], age[part], ahead[part], discount)
        found[part] = _random(model, *rows) if model.k == 1 else _regular(model, *rows)
    return alive * found


def expected_since_first(model: PurchaseModel, natural: ArrayLike, age_days: ArrayLike) -> Floats:
    """Repeat purchases that a new account is expected to make up to each age.

    Summed over accounts this is the curve that cumulative purchases are compared with.

    Parameters
    ----------
    model, natural
        As for `p_alive`.
    age_days
        Ages, shape (n,); below zero counts as zero.

    Returns
    -------
    ndarray
        Purchases, shape (n,).
    """
    ages = np.maximum(np.atleast_1d(np.asarray(age_days, dtype=np.float64)), 0)
    new = np.zeros_like(ages)
    return expected_purchases(model, natural, new, new, new, horizon_days=ages)


def discounted_power(
    exponent: ArrayLike, scale: ArrayLike, horizon: ArrayLike, discount: float
) -> Floats:
    """Integral of exp(-discount u) (1 + u / scale)^-exponent over u from 0 to the horizon.

    Closed where nothing is discounted, else 32-node Gauss–Legendre quadrature in log time.

    Examples
    --------
    >>> discounted_power([2.0, 0.0], 1.0, [1.0, 2.0], 0.0).round(12).tolist()
    [0.5, 2.0]
    """
    e, a, end = np.broadcast_arrays(*_floats(exponent, scale, horizon))
    if discount == 0:
        length = np.log1p(end / a)
        power = (1 - e) * length
        small = np.abs(power) < 1e-12
        ratio = np.expm1(power) / np.where(small, 1.0, power)
        return np.asarray(a * length * np.where(small, 1.0, ratio))
    fallen = np.minimum(_DROP / np.maximum(e - 1, 1e-3), 600.0)
    end = np.minimum(np.minimum(end, _DROP / discount), np.minimum(a, 1e40) * np.expm1(fallen))
    turn = 1 / (discount + e / a + 1 / np.maximum(end, 1e-300))
    width = np.log1p(end / turn)[..., None]
    u = turn[..., None] * np.expm1(width * _AT)
    log_f = -discount * u - e[..., None] * np.log1p(u / a[..., None])
    return np.asarray((np.exp(log_f) * (turn[..., None] + u) * width) @ _WEIGHT)


def _floats(*columns: ArrayLike) -> list[Floats]:
    return [np.asarray(column, dtype=np.float64) for column in columns]


def _arrays(*columns: ArrayLike) -> list[Floats]:
    return [np.atleast_1d(column) for column in _floats(*columns)]


def _random(
    model: GeometricDropout,
    natural: Floats,
    x: Floats,
    t_x: Floats,
    age: Floats,
    horizon: Floats,
    discount: float,
) -> Floats:
    """Return purchases of living accounts whose gaps are exponential."""
    r, alpha, a, b = natural
    n, scale = r + x, alpha + age
    p, weight = _chances(a, b + x + model.at_start, n * np.minimum(horizon, 1e12) / scale)
    reach = discounted_power((n + 1)[:, None], scale[:, None] / p, horizon[:, None], discount)
    return np.asarray(n / scale * (weight * reach).sum(axis=1))


def _chances(a: float, c: Floats, steep: Floats) -> tuple[Floats, Floats]:
    """Return nodes and weights of a mean over p ~ Beta(a, c), shape (n, 128).

    Trapezoidal rule in s, where logit p = s + exp(s - high) - exp(low - s): straight where a mean of
    a function that turns at p = 1 / steep takes place, and stretched beyond, so that tails as slow
    as p^a of a small a end within few nodes.
    """
    low, high = -np.log(1 + c + steep)[:, None] - 3, 3 + np.log1p(a)
    first = low - max(np.log(_DROP / a), 0) - 1
    last = high + np.maximum(np.log(_DROP / c), 0)[:, None] + 1

    def log_weight(s: Floats) -> tuple[Floats, Floats]:
        right, left = np.exp(s - high), np.exp(low - s)
        y = s + right - left
        log_p = -np.logaddexp(0, -y)
        return log_p, a * log_p - c[:, None] * np.logaddexp(0, y) + np.log1p(right + left)

    s = first + (last - first) * np.linspace(0, 1, 96)
    _, coarse = log_weight(s)
    inside = coarse > coarse.max(axis=1, keepdims=True) - _DROP
    gap = (last - first) / 95
    first = np.take_along_axis(s, inside.argmax(axis=1)[:, None], axis=1) - gap
    last = np.take_along_axis(s, 95 - inside[:, ::-1].argmax(axis=1)[:, None], axis=1) + gap
    log_p, fine = log_weight(first + (last - first) * np.linspace(0, 1, _CHANCES))
    weight = np.exp(fine - fine.max(axis=1, keepdims=True))
    return np.exp(np.maximum(log_p, -650.0)), weight / weight.sum(axis=1, keepdims=True)


def _regular(
    model: GeometricDropout,
    natural: Floats,
    x: Floats,
    t_x: Floats,
    age: Floats,
    horizon: Floats,
    discount: float,
) -> Floats:
    """Return purchases of living accounts whose gaps are Erlang(k).

    The j-th next purchase takes place if the account survived the j - 1 before it and the jk-th
    next event of a Poisson process, less those since the last purchase, falls within the horizon.
    """
    if discount > 0:  # integrated by parts
        end = np.minimum(horizon, _DROP / discount)
        times = end * _AT[:, None]
        counts = [_regular(model, natural, x, t_x, age, at, 0.0) for at in times]
        whole = _regular(model, natural, x, t_x, age, end, 0.0)
        paid = np.exp(-discount * times) * _WEIGHT[:, None] * discount * end
        return np.asarray(whole * np.exp(-discount * end) + (paid * np.array(counts)).sum(axis=0))
    r, alpha, a, b = natural
    n, scale, k = r + model.k * x, alpha + age, model.k
    begun = np.arange(k)[:, None]  # events since the last purchase
    z = np.maximum((age - t_x) / scale, 1e-300)
    chance = np.exp(gammaln(n + begun) - gammaln(n) - gammaln(begun + 1.0) + begun * np.log(z))
    chance /= chance.sum(axis=0)
    c = b + x + model.at_start
    share = horizon / (scale + horizon)
    total, stays = np.zeros_like(x), np.ones_like(x)
    for j in range(1, _PURCHASES):
        reached = (chance * betainc(j * k - begun, n + begun, share)).sum(axis=0)
        total = total + stays * reached
        if (stays * reached <= 1e-13 * total).all():
            break
        stays = stays * (c + j - 1) / (a + c + j - 1)
    return np.asarray(total)
