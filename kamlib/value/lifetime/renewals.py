"""Contracts: how many renew, for how long, and what the renewals to come are worth.

Time is counted in contract periods: n is the number of renewals that a contract has survived.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, gammaln, logit, psi

from kamlib.errors import FitError
from kamlib.glossary import Sentence
from kamlib.value.lifetime.purchases.fit import Fit, Prior, fit

Floats = NDArray[np.float64]

MIN_LOST = 10


@dataclass(frozen=True, slots=True, eq=False)
class Renewals:
    """Distinct courses of contracts and how many contracts share each.

    Attributes
    ----------
    entry
        Renewals already behind the contract when records begin (left truncation); 0 if none.
    survived
        Renewals survived when it was lost or last seen, counted from its first period.
    lost
        1 where the contract was not renewed the next time, 0 where it is still running.
    weights
        Contracts that share the row.
    """

    entry: Floats
    survived: Floats
    lost: Floats
    weights: Floats

    @property
    def n_obs(self) -> int:
        """Number of contracts."""
        return round(float(self.weights.sum()))

    @property
    def n_lost(self) -> int:
        """Number of contracts that were not renewed."""
        return round(float(self.weights @ self.lost))


def contracts(entry: ArrayLike, survived: ArrayLike, lost: ArrayLike) -> Renewals:
    """Courses of contracts, one row per contract in, distinct rows out.

    Parameters
    ----------
    entry, survived, lost
        See `Renewals`; shape (n,). A contract first seen in its third year and lost at the end of
        its fifth has entry 2, survived 4, lost 1. A contract still in its first period says nothing.

    Raises
    ------
    FitError
        Where there is none, or a course cannot be.

    Examples
    --------
    >>> rows = contracts([0, 0, 2], [1, 1, 4], [1, 1, 0])
    >>> rows.weights.tolist(), rows.n_lost
    ([2.0, 1.0], 2)
    """
    courses = np.column_stack([np.asarray(c, dtype=np.float64) for c in (entry, survived, lost)])
    if len(courses) == 0:
        raise FitError("renewals: no contract; expected at least one")
    begun, ended, gone = courses.T
    whole = np.isfinite(courses).all(axis=1) & (courses == np.floor(courses)).all(axis=1)
    wrong = ~(whole & (begun >= 0) & (ended >= begun) & np.isin(gone, (0, 1)))
    if wrong.any():
        raise FitError(
            f"renewals: {wrong.sum():,} of {len(courses):,} contracts (first: row {wrong.argmax()}) "
            "have no possible course; expected whole numbers with 0 ≤ entry ≤ survived, lost 0 or 1"
        )
    distinct, counted = np.unique(courses, axis=0, return_counts=True)
    begun, ended, gone = distinct.T
    return Renewals(begun, ended, gone, counted.astype(np.float64))


def survivor_table(survivors: ArrayLike) -> Renewals:
    """Courses of one cohort from the numbers still there at the start and after each renewal.

    Parameters
    ----------
    survivors
        Numbers that never rise, shape (periods + 1,); the first is the size of the cohort.

    Examples
    --------
    >>> survivor_table([1000, 631, 468]).weights.tolist()
    [369.0, 163.0, 468.0]
    """
    left = np.asarray(survivors, dtype=np.float64)
    if len(left) < 2 or not (
        np.isfinite(left).all() and (np.diff(left) <= 0).all() and left[-1] >= 0
    ):
        raise FitError("survivor table: expected two or more numbers from zero up that never rise")
    last = len(left) - 1
    survived = np.append(np.arange(last), last).astype(np.float64)
    lost = np.append(np.ones(last), 0.0)
    return Renewals(np.zeros(last + 1), survived, lost, np.append(-np.diff(left), left[-1]))


@dataclass(frozen=True, slots=True)
class BetaWeibull:
    """Shifted beta-geometric and beta-discrete-Weibull: `SBG` and `BDW` are its members.

    A contract survives t renewals with probability (1 - theta)^(t^c), theta ~ Beta(alpha, beta) over
    contracts; c = 1 (sBG) means that a contract's own chance to renew never changes, and that the
    retention rate of a cohort rises only because the fickle leave first. Coordinates:
    logit(alpha / (alpha + beta)), log(alpha + beta) and, for BdW, log c.

    References
    ----------
    Fader, P. and Hardie, B. (2007). How to project customer retention. Journal of Interactive
    Marketing 21, 76–90, equations 5 and 6. doi:10.1002/dir.20074
    Fader, P., Hardie, B., Liu, Y., Davin, J. and Steenburgh, T. (2018). "How to project customer
    retention" revisited: the role of duration dependence. Journal of Interactive Marketing 43,
    1–16. doi:10.1016/j.intmar.2018.01.002
    """

    name: str
    parameters: tuple[str, ...]

    def natural(self, theta: Floats) -> Floats:
        """Return alpha, beta and, for BdW, c of coordinates."""
        theta = np.asarray(theta)
        total = np.exp(theta[..., 1])
        parts = [total * expit(theta[..., 0]), total * expit(-theta[..., 0])]
        return np.stack([*parts, *np.exp(np.moveaxis(theta[..., 2:], -1, 0))], axis=-1)

    def jacobian(self, theta: Floats) -> Floats:
        """Return derivatives of the parameters (rows) by coordinates."""
        natural = self.natural(theta)
        alpha, beta = natural[:2]
        product = alpha * beta / (alpha + beta)
        found = np.diag(natural)
        found[:2, :2] = [[product, alpha], [-product, beta]]
        return found

    def weak_prior(self, rows: Renewals) -> Prior:
        """Return sd 1.5 of the chance to leave, 1 of its spread, 0.5 of log c; centred on the data."""
        chances = float(rows.weights @ (rows.survived - rows.entry + rows.lost))
        leaving = (rows.n_lost + 0.5) / (chances + 1)
        k = len(self.parameters)
        centre = np.array([logit(leaving), np.log(4.0), 0.0])[:k]
        return Prior(centre, np.diag([1.5, 1.0, 0.5][:k]) ** 2)

    def too_few(self, rows: Renewals) -> Sentence | None:
        """Return why the data cannot carry the model: fewer than ten contracts lost."""
        if rows.n_lost >= MIN_LOST:
            return None
        values = {"n_lost": rows.n_lost, "n": rows.n_obs, "need": MIN_LOST}
        return Sentence("renewals.too_few_lost", values)

    def log_survival(self, natural: Floats, renewals: ArrayLike) -> Floats:
        """Return log chances to survive that many renewals, shape (..., k) -> (..., m)."""
        alpha, beta, c = self.three(natural)
        tau = np.asarray(renewals, dtype=np.float64) ** c
        return np.asarray(
            gammaln(beta + tau)
            - gammaln(beta)
            + gammaln(alpha + beta)
            - gammaln(alpha + beta + tau)
        )

    def log_likelihood(self, natural: Floats, rows: Renewals) -> Floats:
        """Return log-likelihoods of parameter vectors, shape (n, k) -> (n,)."""
        stayed = self.log_survival(natural, rows.survived)
        leaves = np.log(-np.expm1(np.minimum(self._last_step(natural, rows), -1e-300)))
        each = stayed - self.log_survival(natural, rows.entry)
        return np.asarray((each + np.where(rows.lost > 0, leaves, 0.0)) @ rows.weights)

    def gradient(self, natural: Floats, rows: Renewals) -> tuple[float, Floats]:
        """Return the log-likelihood and its derivatives by the parameters."""
        value = float(self.log_likelihood(natural[None], rows)[0])
        at_end = self._slopes(natural, rows.survived)
        step = self._slopes(natural, rows.survived + 1) - at_end
        gone = np.minimum(self._last_step(natural, rows), -1e-300)
        # d log(1 - e^g) = -dg / (e^-g - 1)
        leaving = np.where(rows.lost > 0, -1 / np.expm1(-gone), 0.0)
        each = at_end - self._slopes(natural, rows.entry) + leaving * step
        return value, (each @ rows.weights)[: len(self.parameters)]

    def three(self, natural: Floats) -> tuple[Floats, Floats, Floats]:
        """Return alpha, beta and c (1 for sBG), each of shape (..., 1)."""
        parts = np.moveaxis(np.asarray(natural, dtype=np.float64), -1, 0)[..., None]
        return parts[0], parts[1], parts[2] if len(parts) > 2 else np.ones_like(parts[0])

    def _last_step(self, natural: Floats, rows: Renewals) -> Floats:
        """Return the log chance to survive the next renewal as well, given those survived."""
        alpha, beta, _ = self.three(natural)
        if len(self.parameters) == 2:  # exact; the difference below would lose digits
            return np.asarray(np.log((beta + rows.survived) / (alpha + beta + rows.survived)))
        ahead = self.log_survival(natural, rows.survived + 1)
        return np.asarray(ahead - self.log_survival(natural, rows.survived))

    def _slopes(self, natural: Floats, renewals: Floats) -> Floats:
        """Return derivatives of the log survival by alpha, beta, c, shape (3, m)."""
        alpha, beta, c = (float(part[0]) for part in self.three(natural))
        tau = renewals**c
        both = psi(alpha + beta + tau)
        by_alpha = psi(alpha + beta) - both
        by_beta = psi(beta + tau) - psi(beta) + by_alpha
        by_c = (psi(beta + tau) - both) * tau * np.log(np.maximum(renewals, 1.0))
        return np.array([by_alpha, by_beta, by_c])


SBG = BetaWeibull("sBG", ("alpha", "beta"))
BDW = BetaWeibull("BdW", ("alpha", "beta", "c"))
_STARTS = (-1.0, 0.0, 0.7)  # log c; the likelihood of BdW can have more than one maximum


def fit_renewals(
    model: BetaWeibull, rows: Renewals, *, prior: Literal["weak"] | None = "weak"
) -> Fit:
    """Parameters of a renewal model, BdW from three starts.

    Parameters
    ----------
    model, rows
        `SBG` or `BDW`, and courses of contracts.
    prior
        "weak", or None for maximum likelihood.
    """
    centre = model.weak_prior(rows).mean
    starts = [centre]
    if model is BDW:
        starts = [np.array([*centre[:2], log_c]) for log_c in _STARTS]
    return fit(model, rows, prior=prior, starts=starts)
