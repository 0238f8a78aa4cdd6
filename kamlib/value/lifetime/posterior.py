"""How sure the parameters are: draws from their posterior, with a measure of how far to trust them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kamlib.glossary import Sentence
from kamlib.results import Check
from kamlib.value.lifetime.purchases.fit import Fit, Rows

Floats = NDArray[np.float64]

TRUST = 0.7  # largest Pareto k of usable importance weights
_DF = 5
_ROUNDS = 3
_CHAINS, _WARM, _KEEP = 40, 150, 100
_FAR = 30.0  # coordinates are not followed farther than this from the maximum
_BLOCK = 100_000  # numbers at work at a time; these stay in the cache


@dataclass(frozen=True, slots=True, eq=False)
class Posterior:
    """Draws of natural parameters, equally weighted.

    Attributes
    ----------
    fit
        The fit whose uncertainty this is.
    natural
        Parameters, shape (draws, k), in the order of the model.
    method
        "importance" or "metropolis".
    pareto_k
        Shape of the tail of the importance weights; above 0.7 they are not to be trusted, and
        chains are run instead.
    ess
        Effective number of draws.
    r_hat
        Largest potential scale reduction of the chains; 1 for importance sampling.
    """

    fit: Fit
    natural: Floats
    method: str
    pareto_k: float
    ess: float
    r_hat: float = 1.0

    @property
    def check(self) -> Check:
        """Whether the draws may stand for the posterior."""
        good = self.r_hat < 1.05 and self.ess >= min(400, len(self.natural) / 4)
        values: dict[str, Any] = {"model": self.fit.model.name, "k": self.pareto_k}
        values |= {"ess": self.ess, "r_hat": self.r_hat}
        if self.method == "importance":
            key = "posterior.sound" if good else "posterior.few"
        else:
            key = "posterior.chains" if good else "posterior.chains_apart"
        return Check("posterior_trusted", good, Sentence(key, values))


def posterior(fit: Fit, rows: Rows, *, draws: int = 4000, rng: np.random.Generator) -> Posterior:
    """Posterior of a fit's parameters: importance sampling around the maximum, else chains.

    Proposals are multivariate t with 5 degrees of freedom at the maximum. Where the weights have
    too heavy a tail, location and spread are learnt from them and the draw is repeated; where that
    does not help, random-walk Metropolis chains are run from the best draws.

    Parameters
    ----------
    fit, rows
        A fit and what it was fitted to. Without a prior the prior is flat in the coordinates.
    draws
        Number of equally weighted draws returned.
    rng
        Source of randomness.

    References
    ----------
    Vehtari, A., Simpson, D., Gelman, A., Yao, Y. and Gabry, J. (2024). Pareto smoothed importance
    sampling. Journal of Machine Learning Research 25(72), 1–58.
    """
    density = _density(fit, rows)
    centre, spread = fit.theta, fit.covariance
    tail, kept, weight = np.inf, np.empty((0, len(centre))), np.empty(0)
    for _ in range(_ROUNDS):
        theta, log_proposal = _student(centre, spread, draws, rng)
        log_ratio = density(theta) - log_proposal
        new, k = smoothed(log_ratio)
        if k < tail:
            tail, kept, weight = k, theta, new
        if tail <= TRUST:
            break
        centre, spread = _moments(kept, weight, fit.covariance)
    if tail <= TRUST:
        even = (np.arange(draws) + rng.random()) / draws
        chosen = np.searchsorted(np.cumsum(weight), even).clip(max=draws - 1)
        natural = fit.model.natural(rng.permutation(kept[chosen]))
        return Posterior(fit, natural, "importance", tail, float(1 / (weight**2).sum()))
    first = kept[rng.choice(len(kept), _CHAINS, p=weight)]
    chains = _metropolis(density, first, _moments(kept, weight, fit.covariance)[1], rng)
    r_hat, ess = _mixing(chains)
    flat = chains.reshape(-1, chains.shape[-1])
    natural = fit.model.natural(flat[rng.permutation(np.resize(np.arange(len(flat)), draws))])
    return Posterior(fit, natural, "metropolis", tail, ess, r_hat)


def smoothed(log_ratio: Floats) -> tuple[Floats, float]:
    """Return Pareto-smoothed importance weights that sum to one, and the shape k of their tail.

    The largest M = min(n / 5, 3 sqrt(n)) weights are replaced by quantiles of a generalised Pareto
    distribution fitted to them. Ratios that are not finite weigh nothing.

    References
    ----------
    Zhang, J. and Stephens, M. A. (2009). A new and efficient estimation method for the generalized
    Pareto distribution. Technometrics 51, 316–325. doi:10.1198/tech.2009.08017

    Examples
    --------
    >>> weights, k = smoothed(np.zeros(100))
    >>> float(weights[0]), k
    (0.01, -inf)
    """
    usable = np.isfinite(log_ratio)
    if not usable.any():
        return np.full(len(log_ratio), 1 / len(log_ratio)), np.inf
    weight = np.where(usable, np.exp(log_ratio - log_ratio[usable].max()), 0.0)
    n = len(weight)
    size = int(min(n / 5, 3 * np.sqrt(n)))
    order = np.argsort(weight)
    largest, limit = order[-size:], weight[order[-size - 1]]
    excess = weight[largest] - limit
    k = -np.inf
    if size >= 5 and excess[0] >= 0 and excess[-1] > 1e-12:
        k, scale = _pareto(np.maximum(excess, 1e-15))
        at = (np.arange(size) + 0.5) / size
        quantile = (
            -scale * np.log1p(-at) if abs(k) < 1e-9 else scale / k * np.expm1(-k * np.log1p(-at))
        )
        weight[largest] = np.minimum(limit + quantile, 1.0)
    return weight / weight.sum(), float(k)


def _pareto(x: Floats) -> tuple[float, float]:
    """Return shape and scale of a generalised Pareto distribution of rising excesses."""
    n = len(x)
    m = 30 + int(np.sqrt(n))
    quarter = x[int(n / 4 + 0.5) - 1]
    theta = 1 / x[-1] + (1 - np.sqrt(m / (np.arange(1, m + 1) - 0.5))) / (3 * quarter)
    shape = np.log1p(-theta[:, None] * x).mean(axis=1)
    profile = n * (np.log(-theta / shape) - shape - 1)
    weight = np.exp(profile - profile.max())
    best = float((theta * weight).sum() / weight.sum())
    k = float(np.log1p(-best * x).mean())
    scale = -k / best
    return (n * k + 5) / (n + 10), scale  # drawn towards 0.5, as the paper on smoothing has it


def _density(fit: Fit, rows: Rows) -> Callable[[Floats], Floats]:
    precision = None if fit.prior is None else np.linalg.inv(fit.prior.covariance)
    size = len(getattr(rows, "frequency", getattr(rows, "weights", ())))
    step = max(1, _BLOCK // max(size, 1))

    def density(theta: Floats) -> Floats:
        found = np.full(len(theta), -np.inf)
        near = np.flatnonzero((np.abs(theta - fit.theta) < _FAR).all(axis=1))
        for start in range(0, len(near), step):
            part = near[start : start + step]
            found[part] = fit.model.log_likelihood(fit.model.natural(theta[part]), rows)
        if fit.prior is not None and precision is not None:
            away = theta - fit.prior.mean
            found -= 0.5 * ((away @ precision) * away).sum(axis=1)
        return np.where(np.isnan(found), -np.inf, found)

    return density


def _student(
    centre: Floats, spread: Floats, draws: int, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Return draws of a multivariate t, antithetic in pairs, and their log density but a constant."""
    k = len(centre)
    half = rng.standard_normal(((draws + 1) // 2, k))
    normal = np.concatenate([half, -half])[:draws]
    chi = np.resize(rng.chisquare(_DF, (draws + 1) // 2), draws) / _DF
    steps = normal / np.sqrt(chi)[:, None]
    log_density = -0.5 * (_DF + k) * np.log1p((steps**2).sum(axis=1) / _DF)
    return centre + steps @ np.linalg.cholesky(spread).T, log_density


def _moments(theta: Floats, weight: Floats, least: Floats) -> tuple[Floats, Floats]:
    centre = weight @ theta
    away = theta - centre
    return centre, (away * weight[:, None]).T @ away + 1e-2 * np.diag(np.diag(least))


def _metropolis(
    density: Callable[[Floats], Floats], start: Floats, spread: Floats, rng: np.random.Generator
) -> Floats:
    """Return chains of shape (kept, chains, k); all chains step together."""
    factor = np.linalg.cholesky(spread) * 2.38 / np.sqrt(start.shape[1])
    at, value = start, density(start)
    kept = []
    for turn in range(_WARM + _KEEP):
        trial = at + rng.standard_normal(at.shape) @ factor.T
        found = density(trial)
        taken = np.log(rng.random(len(at))) < found - value
        at, value = np.where(taken[:, None], trial, at), np.where(taken, found, value)
        if turn >= _WARM:
            kept.append(at)
    return np.array(kept)


def _mixing(chains: Floats) -> tuple[float, float]:
    """Return the largest R-hat of split chains, and the smallest effective number of draws.

    Gelman, A. et al. (2013). Bayesian Data Analysis, 3rd ed., section 11.4; the effective number is
    that of chain means, sum of variances against m times the variance of means.
    """
    half = len(chains) // 2
    parts = np.concatenate([chains[:half], chains[half : 2 * half]], axis=1)
    between = parts.mean(axis=0).var(axis=0, ddof=1)
    within = parts.var(axis=0, ddof=1).mean(axis=0)
    whole = within * (half - 1) / half + between
    r_hat = np.sqrt(whole / within)
    effective = np.minimum(parts.shape[1] * whole / between, half * parts.shape[1])
    return float(r_hat.max()), float(effective.min())
