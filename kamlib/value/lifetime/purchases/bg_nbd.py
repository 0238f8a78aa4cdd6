"""BG/NBD and its kin: accounts buy at their own rate and may leave after any purchase.

An account buys with gaps that are Erlang(k) at rate lambda (k = 1: Poisson purchases), lambda ~
Gamma(r, alpha) over accounts, and leaves with probability p after each purchase, p ~ Beta(a, b).
In the modified model (MBG) it may leave right after its first purchase as well.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, gammaln, logit, psi

from kamlib.glossary import Sentence
from kamlib.value.lifetime.purchases.fit import Prior
from kamlib.value.lifetime.purchases.summary import Purchases

Floats = NDArray[np.float64]
MIN_REPEAT = 10
_BLOCK = 8192  # rows at work at a time; these stay in the cache
WEAK_SD = np.array([1.5, 1.0, 1.0, 1.0])


@dataclass(frozen=True, slots=True)
class GeometricDropout:
    """The family of models; `BG_NBD`, `MBG_NBD` and `mbg_cnbd(k)` are its members.

    Coordinates: log(r/alpha), log r, logit(a/(a+b)), log(a+b).

    Attributes
    ----------
    name
        As it is printed.
    at_start
        1 where an account may leave right after its first purchase (MBG), else 0.
    k
        Regularity of gaps between purchases; 1 is random.

    References
    ----------
    Fader, P., Hardie, B. and Lee, K. L. (2005). "Counting your customers" the easy way. Marketing
    Science 24, 275–284, equation 6. doi:10.1287/mksc.1040.0098
    Batislam, E., Denizel, M. and Filiztekin, A. (2007). Empirical validation and comparison of
    models for customer base analysis. International Journal of Research in Marketing 24, 201–209,
    equation 4. doi:10.1016/j.ijresmar.2006.12.005
    Reutterer, T., Platzer, M. and Schröder, N. (2021). Leveraging purchase regularity for
    predicting customer behavior the easy way. International Journal of Research in Marketing 38,
    194–215. doi:10.1016/j.ijresmar.2020.09.002
    """

    name: str
    at_start: int
    k: int = 1
    parameters: tuple[str, ...] = ("r", "alpha", "a", "b")

    def natural(self, theta: Floats) -> Floats:
        """Return r, alpha, a, b of coordinates."""
        rate, shape, share, size = np.moveaxis(np.asarray(theta), -1, 0)
        total = np.exp(size)
        parts = [np.exp(shape), np.exp(shape - rate), total * expit(share), total * expit(-share)]
        return np.stack(parts, axis=-1)

    def coordinates(self, natural: Floats) -> Floats:
        """Return the coordinates of r, alpha, a, b."""
        r, alpha, a, b = np.moveaxis(np.asarray(natural, dtype=np.float64), -1, 0)
        parts = [np.log(r / alpha), np.log(r), logit(a / (a + b)), np.log(a + b)]
        return np.stack(parts, axis=-1)

    def jacobian(self, theta: Floats) -> Floats:
        """Return derivatives of r, alpha, a, b (rows) by coordinates."""
        r, alpha, a, b = self.natural(theta)
        gone = a / (a + b)
        return np.array(
            [
                [0.0, r, 0.0, 0.0],
                [-alpha, alpha, 0.0, 0.0],
                [0.0, 0.0, a * (1 - gone), a],
                [0.0, 0.0, -b * gone, b],
            ]
        )

    def weak_prior(self, rows: Purchases) -> Prior:
        """Return sd 1.5 of the log rate, 1 of the rest; centred on purchases per time observed."""
        rate = (rows.mean_frequency * self.k + 0.5 / rows.n_obs) / max(rows.mean_age, 1e-300)
        centre = np.array([np.log(rate), 0.0, logit(0.2), np.log(4.0)])
        return Prior(centre, np.diag(WEAK_SD**2))

    def too_few(self, rows: Purchases) -> Sentence | None:
        """Return why the data cannot carry the model: fewer than ten accounts bought again."""
        return too_few_repeat(rows)

    def log_odds_gone(self, natural: Floats, x: Floats, t_x: Floats, age: Floats) -> Floats:
        """Return log odds of having left by now, shape (n, 4) and (m,) -> (n, m)."""
        r, alpha, a, b = (part[..., None] for part in np.moveaxis(natural, -1, 0))
        n = r + self.k * x
        lead = np.log(a) - np.log(self._survivals(b, x))
        gone = lead + n * (np.log(alpha + age) - np.log(alpha + t_x))
        gone = np.where(x + self.at_start > 0, gone, -np.inf)
        if self.k > 1:
            gone = gone - np.log(self._idle(n, (age - t_x) / (alpha + age))[0])
        return gone

    def log_likelihood(self, natural: Floats, rows: Purchases) -> Floats:
        """Return log-likelihoods of parameter vectors, shape (n, 4) -> (n,)."""
        r, alpha, a, b = (part[..., None] for part in np.moveaxis(natural, -1, 0))
        total = self._counted(r, a, b, rows) @ rows.counts_weights + self._constant(rows)
        x, t_x, age = rows.frequency, rows.recency_days, rows.age_days
        log_age = np.log(alpha + age)
        n = r + self.k * x
        gone = (np.log(a) - np.log(self._survivals(b, rows.counts)))[..., rows.counts_index]
        gone = gone + n * (log_age - np.log(alpha + t_x))
        if not self.at_start:
            gone = np.where(x > 0, gone, -np.inf)
        each = r * np.log(alpha) - n * log_age
        if self.k > 1:
            idle = np.log(self._idle(n, (age - t_x) / (alpha + age))[0])
            gone, each = gone - idle, each + idle
        each += np.maximum(gone, 0) + np.log1p(np.exp(-np.abs(gone)))
        return np.asarray(total + each @ rows.weights)

    def gradient(self, natural: Floats, rows: Purchases) -> tuple[float, Floats]:
        """Return the log-likelihood and its derivatives by r, alpha, a, b."""
        r, alpha, a, b = natural
        counts, per_count, m, n_obs = rows.counts, rows.counts_weights, self.at_start, rows.n_obs
        survivals = self._survivals(b, counts)
        lead = np.where(counts + m > 0, np.log(a) - np.log(survivals), -np.inf)
        value = float(self._counted(r, a, b, rows) @ per_count) + self._constant(rows)
        value += n_obs * r * np.log(alpha)
        by_r, by_alpha = n_obs * np.log(alpha), n_obs * r / alpha
        left_per_count = np.zeros(len(counts))
        for start in range(0, len(rows.weights), _BLOCK):
            part = slice(start, start + _BLOCK)
            t_x, ages, weights = rows.recency_days[part], rows.age_days[part], rows.weights[part]
            n, index = r + self.k * rows.frequency[part], rows.counts_index[part]
            age, last = alpha + ages, alpha + t_x
            log_age = np.log(age)
            longer = log_age - np.log(last)
            gone = lead[index] + n * longer
            if self.k > 1:
                idle, by_n, by_z = self._idle(n, (ages - t_x) / age)
                log_idle = np.log(idle)
                gone -= log_idle
                value += float(weights @ log_idle)
            small = np.exp(-np.abs(gone))
            value += float(weights @ (np.maximum(gone, 0) + np.log1p(small) - n * log_age))
            left = weights * np.where(gone > 0, 1.0, small) / (1 + small)  # P(gone), weighted
            stayed = weights - left
            by_r += left @ longer - weights @ log_age
            by_alpha -= n @ (stayed / age + left / last)
            if self.k > 1:
                by_r += (stayed / idle) @ by_n
                by_alpha -= (stayed / idle) @ (by_z / age)
            left_per_count += np.bincount(index, left, len(counts))
        both = psi(a + b) - psi(a + b + counts + m)
        by_r += per_count @ (psi(r + self.k * counts) - psi(r))
        by_a = per_count @ both + left_per_count.sum() / a
        by_b = per_count @ (psi(b + counts + m) - psi(b) + both) - left_per_count @ (1 / survivals)
        return value, np.array([by_r, by_alpha, by_a, by_b])

    def _survivals(self, b: Floats, x: Floats) -> Floats:
        """Return b + purchases survived before the one that may have been the last."""
        survived = x + self.at_start
        return np.where(survived > 0, b + survived - 1, 1.0)

    def _counted(self, r: Floats, a: Floats, b: Floats, rows: Purchases) -> Floats:
        x = rows.counts
        y = x + self.at_start
        buys = gammaln(r + self.k * x) - gammaln(r)
        stays = gammaln(b + y) - gammaln(b) + gammaln(a + b) - gammaln(a + b + y)
        return np.asarray(buys + stays)

    def _constant(self, rows: Purchases) -> float:
        total = float(rows.frequency @ rows.weights)
        return (self.k - 1) * rows.log_gaps - total * float(gammaln(self.k))

    def _idle(self, n: Floats, z: Floats) -> tuple[Floats, Floats, Floats]:
        """Return sum of (n)_j z^j / j! over j < k, and its derivatives by n and (times z) by z."""
        term, total = np.ones_like(n * z), np.ones_like(n * z)
        by_n, by_z, inverses = np.zeros_like(total), np.zeros_like(total), np.zeros_like(total)
        for j in range(1, self.k):
            inverses = inverses + 1 / (n + j - 1)
            term = term * z * (n + j - 1) / j
            total, by_n, by_z = total + term, by_n + term * inverses, by_z + j * term
        return total, by_n, by_z


def too_few_repeat(rows: Purchases) -> Sentence | None:
    """Return the sentence that refuses a unit where too few accounts bought again, or None."""
    if rows.n_repeat >= MIN_REPEAT:
        return None
    values = {"n_repeat": rows.n_repeat, "n": rows.n_obs, "need": MIN_REPEAT}
    return Sentence("purchases.too_few_repeat", values)


BG_NBD = GeometricDropout("BG/NBD", at_start=0)
MBG_NBD = GeometricDropout("MBG/NBD", at_start=1)
