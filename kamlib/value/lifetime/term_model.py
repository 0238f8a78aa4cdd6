"""Contracts that end within a term or at its end: one clock for both, over sBG or BdW.

A contract ages by e for every `term` months under contract, and by 1 - e for every renewal that it
faces. With e = 0 it can be lost at renewals alone, as in `renewals`; with e = 1 only time counts.
Contracts that are seen in the middle of a term tell what they can.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, psi

from kamlib.glossary import Sentence
from kamlib.value.lifetime.purchases.fit import Fit, Prior, fit
from kamlib.value.lifetime.renewals import BDW, MIN_LOST, SBG, BetaWeibull

Floats = NDArray[np.float64]

BETTER = 1.92  # half the 95 % point of chi-squared with one degree: a shape that is worth its keep
_EARLY, _SIZE = 1.5, 0.7  # sd of the priors of logit e, centred on a half, and of size, on 0


@dataclass(frozen=True, slots=True, eq=False)
class Courses:
    """Distinct courses of chains and how many chains share each; times are (renewals, months).

    Attributes
    ----------
    entry, last
        Clock when the chain was first seen, and when it was last seen alive, shape (2, m).
    loss
        0 not lost, 1 lost at the end of a term, 2 lost within one, in the month after `last`.
    size
        How large the chain is, on a normal scale.
    weights
        Chains that share the row.
    term
        Months that age a contract by e: the mean term.
    """

    entry: Floats
    last: Floats
    loss: Floats
    size: Floats
    weights: Floats
    term: float

    @property
    def n_obs(self) -> int:
        """Number of chains."""
        return round(float(self.weights.sum()))

    @property
    def n_lost(self) -> int:
        """Number of chains that were lost."""
        return round(float(self.weights @ (self.loss > 0)))


def distinct_courses(chains: pd.DataFrame, weights: ArrayLike | None = None) -> Courses:
    """Distinct courses of chains.

    Parameters
    ----------
    chains
        One row per chain: `entry`, `entry_months`, `survived`, `months`, `lost`, `ended_early`,
        `size`, `term_months` (see `contract_facts.courses`). Chains of which nothing was seen are left out.
    weights
        Weight of each chain; none: 1.

    Examples
    --------
    >>> rows = pd.DataFrame({"entry": [0.0, 0], "entry_months": [0.0, 6], "survived": [1.0, 0],
    ...     "months": [24.0, 9], "lost": [1.0, 1], "ended_early": [0.0, 1], "size": 0.0,
    ...     "term_months": 12.0})
    >>> found = distinct_courses(rows)
    >>> found.last.tolist(), found.loss.tolist()
    ([[1.0, 0.0], [24.0, 8.0]], [1.0, 2.0])
    """
    weight = np.ones(len(chains)) if weights is None else np.asarray(weights, dtype=np.float64)
    loss = (chains["lost"] + chains["ended_early"]).to_numpy(dtype=np.float64)
    entry = chains[["entry", "entry_months"]].to_numpy(dtype=np.float64)
    last = chains[["survived", "months"]].to_numpy(dtype=np.float64)
    last[:, 1] = np.maximum(last[:, 1] - (loss == 2), 0.0)
    entry[:, 1] = np.where(loss == 2, np.minimum(entry[:, 1], last[:, 1]), entry[:, 1])
    seen = ((last > entry).any(axis=1) | (loss > 0)) & (weight > 0)
    size = chains["size"].to_numpy(dtype=np.float64)
    rows = np.column_stack([entry, last, loss, size])[seen]
    kinds, place = np.unique(rows, axis=0, return_inverse=True)
    counted = np.bincount(place.ravel(), weights=weight[seen], minlength=len(kinds))
    term = chains["term_months"].to_numpy(dtype=np.float64)[seen]
    mean = float(np.average(term, weights=weight[seen])) if seen.any() else 1.0
    return Courses(
        kinds[:, :2].T, kinds[:, 2:4].T, kinds[:, 4], kinds[:, 5], counted.astype(np.float64), mean
    )


@dataclass(frozen=True, slots=True)
class TermModel:
    """sBG or BdW in the time of a contract: parameters alpha, beta, for BdW c, and e (`early`).

    A contract that aged by t was not lost with probability (1 - theta)^(t^c), theta ~ Beta(alpha,
    beta) over contracts; t = (1 - e) · renewals + e · months ÷ term. Of the hazard of one term, e
    lies evenly within the term and 1 - e at its end.

    References
    ----------
    Fader, P. and Hardie, B. (2007). How to project customer retention. Journal of Interactive
    Marketing 21, 76–90. doi:10.1002/dir.20074 (the clock of renewals; e is an addition)
    """

    core: BetaWeibull

    @property
    def name(self) -> str:
        """As it is printed."""
        return self.core.name

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of the natural parameters."""
        return (*self.core.parameters, "early", "size")

    def natural(self, theta: Floats) -> Floats:
        """Return natural parameters of coordinates; e has logit e, `size` is its own."""
        theta = np.asarray(theta)
        core = self.core.natural(theta[..., :-2])
        return np.concatenate([core, expit(theta[..., -2:-1]), theta[..., -1:]], axis=-1)

    def jacobian(self, theta: Floats) -> Floats:
        """Return derivatives of the parameters (rows) by coordinates."""
        k = len(self.parameters)
        found = np.zeros((k, k))
        found[:-2, :-2] = self.core.jacobian(theta[:-2])
        found[-2, -2] = expit(theta[-2]) * expit(-theta[-2])
        found[-1, -1] = 1.0
        return found

    def weak_prior(self, rows: Courses) -> Prior:
        """Return sd 1.5 of the chance to leave and of e, 1 of the spread, 0.5 of log c."""
        terms = float(rows.weights @ (rows.last - rows.entry).mean(axis=0))
        leaving = np.clip((rows.n_lost + 0.5) / (max(terms, 0.0) + rows.n_lost + 1), 0.01, 0.99)
        k = len(self.core.parameters)
        centre = [np.log(leaving / (1 - leaving)), np.log(4.0), 0.0][:k]
        return Prior(
            np.array([*centre, 0.0, 0.0]), np.diag([*[1.5, 1.0, 0.5][:k], _EARLY, _SIZE]) ** 2
        )

    def too_few(self, rows: Courses) -> Sentence | None:
        """Return why the data cannot carry the model: fewer than ten chains lost."""
        if rows.n_lost >= MIN_LOST:
            return None
        values = {"n_lost": rows.n_lost, "n": rows.n_obs, "need": MIN_LOST}
        return Sentence("renewals.too_few_lost", values)

    def age(
        self, natural: Floats, renewals: ArrayLike, months: ArrayLike, size: ArrayLike, term: float
    ) -> Floats:
        """Return what contracts have aged by, shape (..., k) -> (..., m)."""
        early, by_size = natural[..., -2:-1], natural[..., -1:]
        clock = (1 - early) * np.asarray(renewals) + early * np.asarray(months) / term
        return np.asarray(np.exp(by_size * np.asarray(size)) * clock)

    def log_likelihood(self, natural: Floats, rows: Courses) -> Floats:
        """Return log-likelihoods of parameter vectors, shape (n, k) -> (n,)."""
        core = natural[..., :-2]
        first, last, step = self._ages(natural, rows)
        stayed = self.core.log_survival(core, last)
        gone = self.core.log_survival(core, last + step) - stayed
        leaves = np.log(-np.expm1(np.minimum(gone, -1e-300)))
        each = stayed - self.core.log_survival(core, first) + np.where(rows.loss > 0, leaves, 0.0)
        return np.asarray(each @ rows.weights)

    def gradient(self, natural: Floats, rows: Courses) -> tuple[float, Floats]:
        """Return the log-likelihood and its derivatives by the parameters."""
        value = float(self.log_likelihood(natural[None], rows)[0])
        first, last, step = (part[0] for part in self._ages(natural[None], rows))
        pace = np.exp(natural[-1] * rows.size)
        by_early = [pace * (clock[1] / rows.term - clock[0]) for clock in (rows.entry, rows.last)]
        by_early.append(by_early[1] + pace * np.where(rows.loss == 2, 1 / rows.term, -1.0))
        ages = (first, last, last + step)
        at_first, at_last, ahead = (
            self._slopes(natural, age, slope, rows.size)
            for age, slope in zip(ages, by_early, strict=True)
        )
        core = natural[:-2]
        gone = self.core.log_survival(core, last + step) - self.core.log_survival(core, last)
        # d log(1 - e^g) = -dg / (e^-g - 1)
        leaving = np.where(rows.loss > 0, -1 / np.expm1(-np.minimum(gone, -1e-300)), 0.0)
        each = at_last - at_first + leaving * (ahead - at_last)
        slope = each @ rows.weights
        return value, np.concatenate([slope[: len(self.core.parameters)], slope[3:]])

    def _ages(self, natural: Floats, rows: Courses) -> tuple[Floats, Floats, Floats]:
        """Return ages at entry and when last seen, and what would be lived through by the loss."""
        early = natural[..., -2:-1]
        first, last = (
            self.age(natural, clock[0], clock[1], rows.size, rows.term)
            for clock in (rows.entry, rows.last)
        )
        step = np.where(rows.loss == 2, early / rows.term, 1 - early)
        return first, last, np.asarray(np.exp(natural[..., -1:] * rows.size) * step)

    def _slopes(self, natural: Floats, age: Floats, by_early: Floats, size: Floats) -> Floats:
        """Return derivatives of the log survival by alpha, beta, c, e and size, shape (5, m)."""
        alpha, beta, c = (float(part[0]) for part in self.core.three(natural[:-2]))
        aged = np.where(age > 0, age, 1.0)
        tau = np.where(age > 0, aged**c, 0.0)
        both = psi(alpha + beta + tau)
        by_alpha = psi(alpha + beta) - both
        by_tau = psi(beta + tau) - both
        by_beta = psi(beta + tau) - psi(beta) + by_alpha
        by_c = by_tau * tau * np.log(aged)
        by_age = by_tau * c * tau / aged
        return np.array([by_alpha, by_beta, by_c, by_age * by_early, by_age * age * size])


SBG_TERMS, BDW_TERMS = TermModel(SBG), TermModel(BDW)


def fit_terms(rows: Courses) -> Fit:
    """Fit of sBG, or of BdW where it is really better.

    BdW is taken where it is usable and its log-likelihood exceeds that of sBG by more than 1.92
    (the 95 % point of the likelihood ratio of one more parameter).
    """
    plain = fit(SBG_TERMS, rows)
    centre = BDW_TERMS.weak_prior(rows).mean
    starts = [np.array([*centre[:2], log_c, *centre[3:]]) for log_c in (-0.7, 0.0, 0.5)]
    shaped = fit(BDW_TERMS, rows, starts=starts)
    better = shaped.log_likelihood > plain.log_likelihood + BETTER
    return shaped if better and shaped.trouble is None else plain
