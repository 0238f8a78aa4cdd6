"""Pareto/NBD: accounts buy at their own rate until they leave, at a time of their own.

Purchases are Poisson at rate lambda ~ Gamma(r, alpha); the life is exponential at rate mu ~
Gamma(s, beta), independent of purchases.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln, psi

from kamlib.glossary import Sentence
from kamlib.value.lifetime.purchases.bg_nbd import too_few_repeat
from kamlib.value.lifetime.purchases.fit import Prior
from kamlib.value.lifetime.purchases.summary import Purchases

Floats = NDArray[np.float64]
_DROP = 40.0  # the integrand is followed until it has fallen by e^-40
_BLOCK = 100_000  # numbers at work at a time; these stay in the cache
WEAK_SD = np.array([1.5, 1.0, 1.5, 1.0])


Rule = tuple[Floats, Floats]


def _rule(n_nodes: int) -> Rule:
    """Return places in 0..1 and logs of weights of Gauss–Legendre quadrature."""
    at, weight = np.polynomial.legendre.leggauss(n_nodes)
    return (at + 1) / 2, np.log(weight / 2)


# errors of a log-likelihood: below 1e-11 and, where many draws are weighed, below 1e-8
_FINE, _COARSE = _rule(24), _rule(16)


@dataclass(frozen=True, slots=True)
class ParetoNBD:
    """The model; `PARETO_NBD` is its only member.

    Coordinates: log(r/alpha), log r, log(s/beta), log s.

    The integral over the time of leaving is taken by 24-node Gauss–Legendre quadrature in log time:
    no hypergeometric function that overflows, and the gradient from the same nodes.

    References
    ----------
    Schmittlein, D., Morrison, D. and Colombo, R. (1987). Counting your customers: who are they and
    what will they do next? Management Science 33, 1–24. doi:10.1287/mnsc.33.1.1
    Fader, P. and Hardie, B. (2005). A note on deriving the Pareto/NBD model and related
    expressions, equations 16 and 17.
    """

    name: str = "Pareto/NBD"
    parameters: tuple[str, ...] = ("r", "alpha", "s", "beta")

    def natural(self, theta: Floats) -> Floats:
        """Return r, alpha, s, beta of coordinates."""
        rate, r, leaving, s = np.moveaxis(np.asarray(theta), -1, 0)
        return np.asarray(np.exp(np.stack([r, r - rate, s, s - leaving], axis=-1)))

    def coordinates(self, natural: Floats) -> Floats:
        """Return the coordinates of r, alpha, s, beta."""
        r, alpha, s, beta = np.moveaxis(np.log(np.asarray(natural, dtype=np.float64)), -1, 0)
        return np.stack([r - alpha, r, s - beta, s], axis=-1)

    def jacobian(self, theta: Floats) -> Floats:
        """Return derivatives of r, alpha, s, beta (rows) by coordinates."""
        r, alpha, s, beta = self.natural(theta)
        return np.array(
            [[0.0, r, 0.0, 0.0], [-alpha, alpha, 0.0, 0.0], [0.0, 0.0, 0.0, s], [0.0, 0.0, -beta, beta]]
        )  # fmt: skip

    def weak_prior(self, rows: Purchases) -> Prior:
        """Return sd 1.5 of both log rates, 1 of the shapes; centred on purchases per time."""
        age = max(rows.mean_age, 1e-300)
        rate = (rows.mean_frequency + 0.5 / rows.n_obs) / age
        return Prior(np.array([np.log(rate), 0.0, np.log(0.5 / age), 0.0]), np.diag(WEAK_SD**2))

    def too_few(self, rows: Purchases) -> Sentence | None:
        """Return why the data cannot carry the model: fewer than ten accounts bought again."""
        return too_few_repeat(rows)

    def log_odds_gone(self, natural: Floats, x: Floats, t_x: Floats, age: Floats) -> Floats:
        """Return log odds of having left by now, shape (n, 4) and (m,) -> (n, m)."""
        natural = np.atleast_2d(natural)
        rule = _FINE if len(natural) == 1 else _COARSE
        found = np.empty((len(natural), len(x)))
        step = max(1, _BLOCK // (len(rule[0]) * max(len(x), 1)))
        for start in range(0, len(natural), step):
            part = slice(start, start + step)
            found[part] = self._odds(natural[part], x, t_x, age, rule)
        return found

    def log_likelihood(self, natural: Floats, rows: Purchases) -> Floats:
        """Return log-likelihoods of parameter vectors, shape (n, 4) -> (n,)."""
        x, age = rows.frequency, rows.age_days
        gone = self.log_odds_gone(natural, x, rows.recency_days, age)
        r, alpha, s, beta = (part[..., None] for part in np.moveaxis(natural, -1, 0))
        buys = (gammaln(r + rows.counts) - gammaln(r)) @ rows.counts_weights
        each = r * np.log(alpha) - (r + x) * np.log(alpha + age) + s * np.log(beta / (beta + age))
        each += np.maximum(gone, 0) + np.log1p(np.exp(-np.abs(gone)))
        return np.asarray(buys + each @ rows.weights)

    def gradient(self, natural: Floats, rows: Purchases) -> tuple[float, Floats]:
        """Return the log-likelihood and its derivatives by r, alpha, s, beta."""
        r, alpha, s, beta = natural
        x, t_x, age, weights = rows.frequency, rows.recency_days, rows.age_days, rows.weights
        n, counts = r + x, rows.counts
        log_a, log_b, log_f, t = _nodes(
            r, alpha, s, beta, x[:, None], t_x[:, None], age[:, None], _FINE
        )
        if alpha > beta:
            log_a, log_b = log_b, log_a
        top = log_f.max(axis=1)
        mass = np.exp(log_f - top[:, None])
        total = mass.sum(axis=1)
        mass /= total[:, None]
        end_a, end_b = np.log(alpha + age), np.log(beta + age)
        gone = np.log(s) + top + np.log(total) + n * end_a + s * end_b
        small = np.exp(-np.abs(gone))
        each = np.maximum(gone, 0) + np.log1p(small) - n * end_a - s * end_b
        buys = float(rows.counts_weights @ (gammaln(r + counts) - gammaln(r)))
        n_obs = rows.n_obs
        value = buys + float(weights @ each) + n_obs * (r * np.log(alpha) + s * np.log(beta))
        left = weights * np.where(gone > 0, 1.0, small) / (1 + small)  # P(gone), weighted
        stayed = weights - left
        by_r = (
            float(rows.counts_weights @ (psi(r + counts) - psi(r)))
            + n_obs * np.log(alpha)
            - stayed @ end_a
            - left @ np.einsum("ij,ij->i", mass, log_a)
        )
        by_alpha = n_obs * r / alpha - n @ (
            stayed / (alpha + age) + left * (mass / (alpha + t)).sum(axis=1)
        )
        by_s = (
            n_obs * np.log(beta)
            - stayed @ end_b
            - left @ np.einsum("ij,ij->i", mass, log_b)
            + left.sum() / s
        )
        by_beta = (
            n_obs * s / beta
            - s * (stayed @ (1 / (beta + age)))
            - (s + 1) * (left @ (mass / (beta + t)).sum(axis=1))
        )
        return value, np.array([by_r, by_alpha, by_s, by_beta])

    def _odds(
        self,
        natural: Floats,
        x: Floats,
        t_x: Floats,
        age: Floats,
        rule: Rule,
    ) -> Floats:
        """Return log odds of having left, parameters of shape (n, 4), one column per account."""
        r, alpha, s, beta = (part[:, None, None] for part in natural.T)
        log_f = _nodes(r, alpha, s, beta, x[:, None], t_x[:, None], age[:, None], rule)[2]
        top = log_f.max(axis=-1)
        total = top + np.log(np.exp(log_f - top[..., None]).sum(axis=-1))
        r, alpha, s, beta = (part[:, None] for part in natural.T)
        return np.asarray(
            np.log(s) + total + (r + x) * np.log(alpha + age) + s * np.log(beta + age)
        )


def _nodes(
    r: Any, alpha: Any, s: Any, beta: Any, x: Floats, t_x: Floats, age: Floats, rule: Rule
) -> tuple[Floats, Floats, Floats, Floats]:
    """Return logs of (smaller + t) and (larger + t), log of integrand times weight, t at the nodes.

    The integral is that of (alpha + t)^-(r + x) (beta + t)^-(s + 1) from t_x to age; "smaller" is
    the smaller of alpha and beta.
    """
    at, log_weight = rule
    first = alpha <= beta
    least, most = np.where(first, alpha, beta), np.where(first, beta, alpha)
    steep, other = np.where(first, r + x, s + 1), np.where(first, s + 1, r + x)
    # how far least + t and most + t may grow until the integrand has fallen far enough
    reach = np.minimum(
        (least + t_x) * np.expm1(np.minimum(_DROP / steep, 700.0)),
        (most + t_x) * np.expm1(np.minimum(_DROP / other, 700.0)),
    )
    start = least + t_x
    width = np.log1p(np.minimum(age - t_x, reach) / start)
    rise = width * at
    t = t_x + start * np.expm1(rise)
    log_least, log_most = np.log(start) + rise, np.log(most + t)
    log_width = np.log(np.maximum(width, 1e-300))
    log_f = log_weight + log_width + (1 - steep) * log_least - other * log_most
    return log_least, log_most, log_f, t


PARETO_NBD = ParetoNBD()
