"""Two models of what an account spends per purchase: gamma-gamma and log-normal."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammaln, psi

from kamlib.errors import FitError
from kamlib.glossary import Sentence
from kamlib.value.lifetime.purchases.fit import Prior

Floats = NDArray[np.float64]

MIN_SPENDERS = 10


@dataclass(frozen=True, slots=True, eq=False)
class Spends:
    """Accounts with repeat purchases and a positive average spend, one value each.

    Attributes
    ----------
    frequency, monetary_value
        Repeat purchases and the mean net amount of one, in one currency.
    pace
        How fast the account buys while it is a customer, in any unit (`expected.pace`); where it is
        not given, 1 + frequency stands for it.
    within, within_sd
        Logarithm of the spread of single purchases about the account's mean, relative to it, and how
        sure that is; None where single purchases are not known.
    """

    frequency: Floats
    monetary_value: Floats
    pace: Floats
    within: float | None = None
    within_sd: float = 1.0

    @property
    def n_obs(self) -> int:
        """Number of accounts."""
        return len(self.frequency)


@dataclass(frozen=True, slots=True)
class GammaGamma:
    """Spend per purchase: Gamma(p, nu) within an account, nu ~ Gamma(q, gamma) over accounts.

    Assumes that what an account spends does not depend on how often it buys. Coordinates: log p,
    log q, log(p gamma / q).

    References
    ----------
    Fader, P. and Hardie, B. (2013). The gamma-gamma model of monetary value, equations 1a and 5.
    Colombo, R. and Jiang, W. (1999). A stochastic RFM model. Journal of Interactive Marketing 13,
    2–12. doi:10.1002/(SICI)1520-6653(199922)13:3<2::AID-DIR1>3.0.CO;2-H
    """

    name: str = "gamma-gamma"
    parameters: tuple[str, ...] = ("p", "q", "gamma")

    def natural(self, theta: Floats) -> Floats:
        """Return p, q, gamma of coordinates."""
        p, q, level = np.moveaxis(np.asarray(theta), -1, 0)
        return np.asarray(np.exp(np.stack([p, q, level + q - p], axis=-1)))

    def jacobian(self, theta: Floats) -> Floats:
        """Return derivatives of p, q, gamma (rows) by coordinates."""
        p, q, gamma = self.natural(theta)
        return np.array([[p, 0.0, 0.0], [0.0, q, 0.0], [-gamma, gamma, gamma]])

    def weak_prior(self, rows: Spends) -> Prior:
        """Return sd 1 of shapes, 1.5 of the level; centred on the median average."""
        middle = float(np.median(rows.monetary_value)) if rows.n_obs else 1.0
        return Prior(
            np.array([np.log(2), np.log(3), np.log(middle)]), np.diag([1.0, 1.0, 1.5]) ** 2
        )

    def too_few(self, rows: Spends) -> Sentence | None:
        """Return why the data cannot carry the model, or None where they can."""
        return _too_few(rows)

    def log_likelihood(self, natural: Floats, rows: Spends) -> Floats:
        """Return log-likelihoods of parameter vectors, shape (n, 3) -> (n,)."""
        p, q, gamma = (part[..., None] for part in np.moveaxis(natural, -1, 0))
        x, z = rows.frequency, rows.monetary_value
        px = p * x
        each = gammaln(px + q) - gammaln(px) - gammaln(q) + q * np.log(gamma)
        each += (px - 1) * np.log(z) + px * np.log(x) - (px + q) * np.log(gamma + x * z)
        return np.asarray(each.sum(axis=-1))

    def gradient(self, natural: Floats, rows: Spends) -> tuple[float, Floats]:
        """Return the log-likelihood and its derivatives by p, q, gamma."""
        p, q, gamma = natural
        x, z = rows.frequency, rows.monetary_value
        px, spent = p * x, gamma + x * z
        log_spent, both = np.log(spent), psi(p * x + q)
        by_p = x @ (both - psi(px) + np.log(x * z) - log_spent)
        by_q = both.sum() - log_spent.sum() + rows.n_obs * (np.log(gamma) - psi(q))
        by_gamma = rows.n_obs * q / gamma - ((px + q) / spent).sum()
        return float(self.log_likelihood(natural[None], rows)[0]), np.array([by_p, by_q, by_gamma])

    def expected(
        self,
        natural: Floats,
        frequency: ArrayLike,
        monetary_value: ArrayLike,
        pace: ArrayLike | None = None,
    ) -> Floats:
        """Return the expected spend per purchase of each account, given its own average.

        p (gamma + x z) / (p x + q - 1): a mean of the account's own average and that of all, which
        an account without repeat purchases is given whole. Needs q > 1.

        Examples
        --------
        >>> GAMMA_GAMMA.expected(np.array([6.25, 3.74, 15.44]), [2, 0], [22.35, 0]).round(4).tolist()
        [24.6637, 35.219]
        """
        p, q, gamma = natural
        x, z = np.asarray(frequency, dtype=np.float64), np.asarray(monetary_value, dtype=np.float64)
        if q <= 1:
            raise FitError(f"gamma-gamma: q is {q:.3g} and must exceed 1 for a mean to exist")
        return np.asarray(p * (gamma + np.where(x > 0, x * z, 0.0)) / (p * x + q - 1))

    def future(
        self,
        natural: Floats,
        x: Floats,
        z: Floats,
        count: Floats,
        rng: np.random.Generator,
        pace: Floats | None = None,
    ) -> Floats:
        """Return the total spend of `count` purchases to come, shape (draws, accounts)."""
        p, q, gamma = (part[:, None] for part in natural.T)
        nu = rng.standard_gamma(q + p * x) / (gamma + np.where(x > 0, x * z, 0.0))
        return np.asarray(rng.standard_gamma(p * count) / np.maximum(nu, 1e-300))


@dataclass(frozen=True, slots=True)
class LogNormal:
    """Spend level of an account, log-normal around a level that may depend on how fast it buys.

    log level ~ N(mu + slope (log pace - mean of it), tau^2); the observed average of x purchases
    is the level times an error of log variance sigma^2 / x and mean 1. Coordinates: mu, slope, log
    tau, log sigma. Pace, not the number of purchases: an account that came last month and buys daily
    has bought as often as one that came years ago and hardly buys.

    References
    ----------
    Borle, S., Singh, S. and Jain, D. (2008). Customer lifetime value measurement. Management
    Science 54, 100–112 (log-normal spend). doi:10.1287/mnsc.1070.0746
    Glady, N., Baesens, B. and Croux, C. (2009). A modified Pareto/NBD approach for predicting
    customer lifetime value. Expert Systems with Applications 36, 2062–2071 (spend that depends on
    frequency). doi:10.1016/j.eswa.2007.12.049

    Attributes
    ----------
    centre
        Mean of log pace over the accounts of the fit; see `log_normal`.
    """

    centre: float
    name: str = "log-normal"
    parameters: tuple[str, ...] = ("mu", "slope", "tau", "sigma")

    def natural(self, theta: Floats) -> Floats:
        """Return mu, slope, tau, sigma of coordinates."""
        mu, slope, tau, sigma = np.moveaxis(np.asarray(theta), -1, 0)
        return np.stack([mu, slope, np.exp(tau), np.exp(sigma)], axis=-1)

    def jacobian(self, theta: Floats) -> Floats:
        """Return derivatives of mu, slope, tau, sigma (rows) by coordinates."""
        return np.diag([1.0, 1.0, *self.natural(theta)[2:]])

    def weak_prior(self, rows: Spends) -> Prior:
        """Return sd 1.5 of the level, 0.5 of the slope, 1 of both spreads; centred on the median.

        Where single purchases are known they say what sigma is.
        """
        middle = float(np.median(rows.monetary_value)) if rows.n_obs else 1.0
        within = np.log(0.7) if rows.within is None else rows.within
        centre = np.array([np.log(middle), 0.0, np.log(0.7), within])
        return Prior(centre, np.diag([1.5, 0.5, 1.0, rows.within_sd]) ** 2)

    def too_few(self, rows: Spends) -> Sentence | None:
        """Return why the data cannot carry the model, or None where they can."""
        return _too_few(rows)

    def log_likelihood(self, natural: Floats, rows: Spends) -> Floats:
        """Return log-likelihoods of parameter vectors, shape (n, 4) -> (n,)."""
        left, variance = self._residual(natural, rows)
        each = -0.5 * (left**2 / variance + np.log(2 * np.pi * variance))
        return np.asarray((each - np.log(rows.monetary_value)).sum(axis=-1))

    def gradient(self, natural: Floats, rows: Spends) -> tuple[float, Floats]:
        """Return the log-likelihood and its derivatives by mu, slope, tau, sigma."""
        _, _, tau, sigma = natural
        left, variance = self._residual(natural, rows)
        score = left / variance
        by_variance = 0.5 * (score**2 - 1 / variance)
        by_slope = score @ (np.log(rows.pace) - self.centre)
        by_sigma = (2 * sigma * by_variance - sigma * score) @ (1 / rows.frequency)
        slopes = [score.sum(), by_slope, 2 * tau * by_variance.sum(), by_sigma]
        return float(self.log_likelihood(natural[None], rows)[0]), np.array(slopes)

    def expected(
        self,
        natural: Floats,
        frequency: ArrayLike,
        monetary_value: ArrayLike,
        pace: ArrayLike | None = None,
    ) -> Floats:
        """Return the expected spend per purchase of each account, given its own average.

        An account without repeat purchases, or whose average is not positive, is given the mean of
        accounts of its pace.
        """
        x, z = np.asarray(frequency, dtype=np.float64), np.asarray(monetary_value, dtype=np.float64)
        fast = 1 + x if pace is None else np.asarray(pace, dtype=np.float64)
        mean, variance = self._level(np.asarray(natural)[None], x, z, fast)
        return np.asarray(np.exp(mean + variance / 2)[0])

    def future(
        self,
        natural: Floats,
        x: Floats,
        z: Floats,
        count: Floats,
        rng: np.random.Generator,
        pace: Floats | None = None,
    ) -> Floats:
        """Return the total spend of `count` purchases to come, shape (draws, accounts)."""
        mean, variance = self._level(natural, x, z, 1 + x if pace is None else pace)
        error = natural[:, 3, None] ** 2 / np.maximum(count, 1)
        spread = np.sqrt(variance + error) * rng.standard_normal(count.shape)
        return count * np.exp(mean - error / 2 + spread)

    def _residual(self, natural: Floats, rows: Spends) -> tuple[Floats, Floats]:
        mu, slope, tau, sigma = np.moveaxis(natural, -1, 0)[..., None]
        error = sigma**2 / rows.frequency
        left = np.log(rows.monetary_value) + error / 2 - mu
        left = left - slope * (np.log(rows.pace) - self.centre)
        return left.reshape(*natural.shape[:-1], -1), (tau**2 + error).reshape(left.shape)

    def _level(self, natural: Floats, x: Floats, z: Floats, pace: Floats) -> tuple[Floats, Floats]:
        """Return mean and variance of the log level of accounts, shape (draws, accounts)."""
        mu, slope, tau, sigma = (part[:, None] for part in natural.T)
        known = (x > 0) & (z > 0)
        error = sigma**2 / np.where(known, x, 1.0)
        own = np.log(np.where(known, z, 1.0)) + error / 2
        prior = mu + slope * (np.log(pace) - self.centre)
        weight = np.where(known, tau**2 / (tau**2 + error), 0.0)
        return prior + weight * (own - prior), tau**2 * (1 - weight)


GAMMA_GAMMA = GammaGamma()
SpendModel = GammaGamma | LogNormal


def log_normal(rows: Spends) -> LogNormal:
    """Return the log-normal model centred on the pace of these accounts."""
    return LogNormal(float(np.log(rows.pace).mean()) if rows.n_obs else 0.0)


def _too_few(rows: Spends) -> Sentence | None:
    if rows.n_obs >= MIN_SPENDERS:
        return None
    return Sentence("spend.too_few", {"n": rows.n_obs, "need": MIN_SPENDERS})
