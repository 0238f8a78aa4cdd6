"""The partial likelihood of a Cox model, its slope and its curvature, in one pass over the rows.

With Efron's ties a moment of d events counts d times: the k-th time (k = 0 … d − 1) the risk set less
the share k ÷ d of those whose event it is. Breslow's counts the whole risk set. Either way all that is
ever needed of a moment are sums over its risk set and over its events, and the curvature is one
product of matrices over all rows: a row weighs by the hazard that was added up while it was at risk.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from kamlib.errors import FitError
from kamlib.stats.cox_data import CoxData, Floats, Ints
from kamlib.stats.cox_risk import RiskSets, grouped, risk_sets

Ties = Literal["efron", "breslow"]
_BLOCK = 65_536  # values in one block of rows: what a processor keeps at hand


@dataclass(frozen=True, slots=True, eq=False)
class Likelihood:
    """Rows made ready: covariates centred within their stratum and divided by their scale.

    Attributes
    ----------
    sets
        The risk sets of m moments; only rows that are in one of them are kept, n of them.
    x
        Shape (n, k).
    scale, centre
        Standard deviation of each covariate within strata, shape (k,), 1 where it is constant; mean
        of each covariate in each stratum, shape (n_strata, k), 0 where nobody was at risk.
    weight, offset
        Shape (n,); the offset less `known`, its mean in each stratum, shape (n_strata,).
    chosen
        x of the rows that end in an event.
    at, share, mass
        The times that moments count: the moment, the share of its events that are taken off, and the
        weight; one entry per event with Efron's ties, one per moment with Breslow's.
    """

    sets: RiskSets
    x: Floats
    scale: Floats
    centre: Floats
    weight: Floats | None
    offset: Floats | None
    known: Floats
    chosen: Floats
    at: Ints
    share: Floats
    mass: Floats

    def point(self, beta: Floats) -> Point:
        """Return the sums at a coefficient vector, in units of the scaled covariates."""
        with np.errstate(all="ignore"):  # a step too far is told by its likelihood
            return self._point(beta)

    def _point(self, beta: Floats) -> Point:
        sets, event = self.sets, self.sets.event
        line = self.x @ beta if self.offset is None else self.x @ beta + self.offset
        risk = np.exp(line)
        if self.weight is not None:
            risk *= self.weight
        own, cell = risk[event], sets.at
        in_set, of_events = sets.sums(risk), grouped(cell, own, None, sets.size)
        # with late entry a risk set is a difference, which rounding may take below its part
        in_set = np.maximum(in_set, of_events)
        left = in_set[self.at] - self.share * of_events[self.at]
        seen = line[event] if self.weight is None else line[event] * self.weight[event]
        value = float(seen.sum() - self.mass @ np.log(left))
        each = self.mass / left
        hazard = [grouped(self.at, each * self.share**q, None, sets.size) for q in (0, 1)]
        each /= left
        square = [grouped(self.at, each * self.share**q, None, sets.size) for q in (0, 1, 2)]
        return Point(
            value if np.isfinite(value) else -np.inf, risk, in_set,
            sets.sums(risk, self.x), grouped(cell, own, self.chosen, sets.size),
            (hazard[0], hazard[1]), (square[0], square[1], square[2]),
        )  # fmt: skip

    def score(self, point: Point) -> Floats:
        """Return the slope of the log-likelihood, shape (k,)."""
        event = self.sets.event
        weight = np.ones(len(event)) if self.weight is None else self.weight[event]
        (full, part), in_set, events = point.hazard, point.in_set_x, point.of_events_x
        return np.asarray(weight @ self.chosen - full @ in_set + part @ events)

    def information(self, point: Point, by: Floats | None = None) -> Floats:
        """Return minus the second derivatives, shape (k, k); with `by`, weighted by moment."""
        sets, event = self.sets, self.sets.event
        full, part = point.hazard
        h0, h1, h2 = point.square
        if by is not None:
            full, part, h0, h1, h2 = (by * values for values in (full, part, h0, h1, h2))
        added = point.risk * sets.over(full)
        added[event] -= point.risk[event] * part[sets.at]
        total = np.zeros((self.x.shape[1],) * 2)
        size = max(256, _BLOCK // max(self.x.shape[1], 1))
        for low in range(0, len(added), size):
            block = self.x[low : low + size]
            total += block.T @ (block * added[low : low + size, None])
        s, d = point.in_set_x, point.of_events_x
        cross = (s * h1[:, None]).T @ d
        total -= (s * h0[:, None]).T @ s - cross - cross.T + (d * h2[:, None]).T @ d
        return np.asarray((total + total.T) / 2)


@dataclass(frozen=True, slots=True, eq=False)
class Point:
    """Sums at one coefficient vector.

    Attributes
    ----------
    log_likelihood
        −∞ where the coefficients are too large to be computed with.
    risk
        weight · exp(line) of each row, shape (n,).
    in_set, in_set_x, of_events_x
        Sums of risk and of risk · x over risk sets, and of risk · x over events, by moment.
    hazard, square
        Sums of mass ÷ left · shareᵠ (q = 0, 1) and of mass ÷ left² · shareᵠ (q = 0, 1, 2) by moment;
        the first is the step of the cumulative baseline hazard.
    """

    log_likelihood: float
    risk: Floats
    in_set: Floats
    in_set_x: Floats
    of_events_x: Floats
    hazard: tuple[Floats, Floats]
    square: tuple[Floats, Floats, Floats]


def likelihood(data: CoxData, ties: Ties = "efron") -> Likelihood:
    """Return the partial likelihood of the data.

    Raises
    ------
    FitError
        Covariates that are missing or infinite: `kamlib.stats.preflight` says which can be used.

    References
    ----------
    Cox, D. R. (1972). Regression models and life-tables. Journal of the Royal Statistical Society B
    34, 187–202. doi:10.1111/j.2517-6161.1972.tb00899.x
    Efron, B. (1977). The efficiency of Cox's likelihood function for censored data. Journal of the
    American Statistical Association 72, 557–565. doi:10.1080/01621459.1977.10480613
    Breslow, N. (1974). Covariance analysis of censored survival data. Biometrics 30, 89–99.
    doi:10.2307/2529620
    """
    sets = risk_sets(data)
    rows = sets.rows if len(sets.rows) < data.n_obs else slice(None)
    code = data.stratum[rows]
    count = np.maximum(np.bincount(code, minlength=len(data.strata)), 1)
    x, scale, centre = _scaled(data.names, data.covariates[rows], code, count)
    weight = None if data.weight is None else data.weight[rows]
    offset, known = None, np.zeros(len(count))
    if data.offset is not None:
        offset = data.offset[rows]
        known = grouped(code, offset, None, len(count)) / count
        offset = offset - known[code]
    at, share, mass = _counted(sets, weight, ties)
    return Likelihood(
        sets, x, scale, centre, weight, offset, known, x[sets.event], at, share, mass
    )  # fmt: skip


def _scaled(
    names: tuple[str, ...], raw: Floats, code: Ints, count: NDArray[np.int64]
) -> tuple[Floats, Floats, Floats]:
    """Return covariates centred within strata and scaled, the scale, and the centres."""
    with np.errstate(over="ignore", invalid="ignore"):
        centre = grouped(code, np.ones(len(code)), raw, len(count)) / count[:, None]
        x = raw - (centre[0] if len(centre) == 1 else centre[code])
        spread = np.sqrt(np.einsum("ij,ij->j", x, x) / max(len(x) - 1, 1))
    faults = [
        f"covariate {name}: has values that are missing, infinite or too large to be squared; "
        "complete it, leave it out, or give it in another unit"
        for name, sound in zip(names, np.isfinite(spread), strict=True)
        if not sound
    ]
    if faults:
        raise FitError(*faults)
    constant = spread <= 1e-12 * np.abs(centre).max(axis=0, initial=0.0)
    scale = np.where(constant, 1.0, spread)
    x[:, constant] = 0.0
    x /= scale
    return x, scale, centre


def _counted(sets: RiskSets, weight: Floats | None, ties: Ties) -> tuple[Ints, Floats, Floats]:
    """Return the times that moments count: the moment, the share taken off, and the weight."""
    n_event = np.bincount(sets.at, minlength=sets.size)
    mass = n_event.astype(np.float64)
    if weight is not None:
        mass = grouped(sets.at, weight[sets.event], None, sets.size)
    if ties == "breslow":
        return np.arange(sets.size, dtype=np.int32), np.zeros(sets.size), mass
    at = np.repeat(np.arange(sets.size, dtype=np.int32), n_event)
    many = n_event[at]
    before = np.arange(len(at)) - (np.cumsum(n_event) - n_event)[at]
    return at, before / many, mass[at] / many
