"""Inference with few parent companies: the wild cluster bootstrap with the null imposed."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np

from kamlib.errors import FitError
from kamlib.loyalty.panel.grid import Floats, Places

MIN_CLUSTERS = 6
_HALVINGS = 40


@dataclass(frozen=True, slots=True)
class Wild:
    """A coefficient with its bootstrap p-value and interval.

    Attributes
    ----------
    estimate, std_error
        Least squares, and its clustered error (CRV1).
    p_value
        Chance of as large a t value without an effect.
    low, high
        The effects that are not rejected; infinite where no effect, however large, is.
    draws
        Patterns of signs that were tried; all there are, where they are fewer than asked for.
    """

    estimate: float
    std_error: float
    p_value: float
    low: float
    high: float
    draws: int


def wild_cluster(
    outcome: Floats,
    features: Floats,
    place: int,
    cluster: Places,
    *,
    draws: int,
    conf_level: float,
    rng: np.random.Generator,
) -> Wild:
    """One coefficient of a regression whose rows hang together in clusters.

    For a panel give changes per account (mean after less mean before), so that one row stands for
    an account and its parent company is the cluster.

    Parameters
    ----------
    outcome
        Shape (n,).
    features
        With a constant, shape (n, k), of full rank.
    place
        Column of the coefficient.
    cluster
        Number of the cluster of each row, shape (n,).
    draws, conf_level, rng
        Patterns of random signs, level of the interval, source of randomness.

    Raises
    ------
    FitError
        Fewer than six clusters (the signs of five cannot reject at 5 %: permute the treatment
        instead), or features that repeat one another.

    Notes
    -----
    Residuals are those under the effect that is tested, each cluster's with a random sign; t values
    use the clustered error of each draw. The interval is the set of effects with a p-value above
    1 − level.

    References
    ----------
    Cameron, A. C., Gelbach, J. B. and Miller, D. L. (2008). Bootstrap-based improvements for inference
    with clustered errors. Review of Economics and Statistics 90, 414–427.
    doi:10.1162/rest.90.3.414
    """
    codes = np.unique(cluster, return_inverse=True)[1]
    groups = int(codes.max(initial=-1)) + 1
    if groups < MIN_CLUSTERS:
        raise FitError(
            f"{groups} clusters are too few for a bootstrap of clusters: it takes {MIN_CLUSTERS}; "
            "permute the treatment among clusters instead"
        )
    others = np.delete(features, place, axis=1)
    if np.linalg.matrix_rank(features) < features.shape[1]:
        raise FitError("the features repeat one another: no coefficient of their own is left")
    own = _rest(features[:, place], others)
    pieces = _Pieces.of(own, _rest(outcome, others), others, codes, groups)
    signs = _signs(groups, draws, rng)
    estimate = pieces.estimate
    scale = groups / (groups - 1) * (len(outcome) - 1) / (len(outcome) - features.shape[1])
    error = float(np.sqrt(scale * (pieces.scores(np.ones((1, groups)), estimate) ** 2).sum()))
    error /= pieces.spread
    alpha = 1 - conf_level
    reach = [_edge(pieces, signs, estimate, side * error, alpha) for side in (-1.0, 1.0)]
    return Wild(estimate, error, pieces.p_value(signs, 0.0), reach[0], reach[1], len(signs))


@dataclass(frozen=True, slots=True, eq=False)
class _Pieces:
    """Sums by cluster, all that the bootstrap reads; outcome and own feature without the others."""

    products: Floats  # own · outcome, shape (G,)
    squares: Floats  # own · own
    lean: Floats  # own · others, shape (G, k)
    outcome_sums: Floats  # others · outcome
    own_sums: Floats  # others · own
    inverse: Floats  # of others' products

    @classmethod
    def of(cls, own: Floats, rest: Floats, others: Floats, codes: Places, groups: int) -> _Pieces:
        """Sum rows by cluster."""

        def sums(values: Floats) -> Floats:
            total = np.zeros((groups, *values.shape[1:]))
            np.add.at(total, codes, values)
            return total

        return cls(
            sums(own * rest),
            sums(own**2),
            sums(own[:, None] * others),
            sums(rest[:, None] * others),
            sums(own[:, None] * others),
            np.asarray(np.linalg.inv(others.T @ others)),
        )

    @property
    def spread(self) -> float:
        """Sum of squares of the own feature."""
        return float(self.squares.sum())

    @property
    def estimate(self) -> float:
        """Least squares coefficient."""
        return float(self.products.sum()) / self.spread

    def scores(self, signs: Floats, null: float) -> Floats:
        """Return each cluster's score in regressions of signed residuals, shape (draws, G)."""
        signed = signs * (self.products - null * self.squares)
        common = signs @ (self.outcome_sums - null * self.own_sums) @ self.inverse @ self.lean.T
        shift = signed.sum(axis=1, keepdims=True) / self.spread
        return np.asarray(signed - common - shift * self.squares)

    def p_value(self, signs: Floats, null: float) -> float:
        """Return the share of patterns whose t value is as large as that of the rows."""
        above = np.abs(signs @ (self.products - null * self.squares))
        ratio = above / np.maximum(np.sqrt((self.scores(signs, null) ** 2).sum(axis=1)), 1e-300)
        seen = np.ones((1, signs.shape[1]))
        mine = abs(float((self.products - null * self.squares).sum()))
        mine /= max(float(np.sqrt((self.scores(seen, null) ** 2).sum())), 1e-300)
        return float((ratio >= mine * (1 - 1e-9)).mean())


def _signs(groups: int, draws: int, rng: np.random.Generator) -> Floats:
    """Return patterns of signs, the rows' own among them: all of them where they are few."""
    if 2**groups <= draws:
        return np.array(list(product([1.0, -1.0], repeat=groups)))
    drawn = rng.choice([-1.0, 1.0], size=(draws, groups))
    return np.vstack([np.ones(groups), drawn])


def _edge(pieces: _Pieces, signs: Floats, estimate: float, step: float, alpha: float) -> float:
    """Return where the p-value falls to alpha on one side of the estimate."""
    inside, reach = estimate, step
    while pieces.p_value(signs, estimate + reach) > alpha:
        inside, reach = estimate + reach, 2 * reach
        if abs(reach) > 1e6 * abs(step):
            return float(np.copysign(np.inf, step))
    outside = estimate + reach
    for _ in range(_HALVINGS):
        middle = (inside + outside) / 2
        if pieces.p_value(signs, middle) > alpha:
            inside = middle
        else:
            outside = middle
    return (inside + outside) / 2


def _rest(values: Floats, others: Floats) -> Floats:
    return np.asarray(values - others @ np.linalg.lstsq(others, values, rcond=None)[0])
