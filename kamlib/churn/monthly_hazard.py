"""Chance of leaving month by month after a landmark: the complementary log-log model.

An account with covariates x, in cell c, leaves in month h after the landmark, if it is still there,
with chance 1 − exp(−exp(x β + Z[c, h] θ)): proportional hazards, seen once a month. Covariates are
frozen at the landmark, so that a row needs no copies for its months: the hazards of a cell are added
up once for all of its rows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kamlib.errors import FitError
from kamlib.stats.cox_risk import grouped

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
_STEPS, _HALVINGS = 50, 30
_TOLERANCE = 1e-12


@dataclass(frozen=True, slots=True, eq=False)
class Followed:
    """Rows that were followed month by month from a landmark on.

    Attributes
    ----------
    x
        Covariates at the landmark, shape (n, p).
    cell
        Cell of each row, from 0, shape (n,).
    survived
        Whole months that it was seen to stay, from 0 to W.
    event
        Whether it left in the month after those; then `survived` is below W.
    weight
        How much each row counts.
    """

    x: Floats
    cell: Ints
    survived: Ints
    event: NDArray[np.bool_]
    weight: Floats

    def only(self, chosen: NDArray[np.bool_]) -> Followed:
        """Return some of the rows."""
        return Followed(*(getattr(self, name)[chosen] for name in self.__dataclass_fields__))


@dataclass(frozen=True, slots=True, eq=False)
class MonthlyHazard:
    """A fitted model.

    Attributes
    ----------
    slopes, mean
        β per unit of each covariate, and the covariates at which the baseline holds, shape (p,).
    scale
        Standard deviation of each covariate; the penalty is on β · scale.
    baseline
        θ, shape (q,).
    shape
        Z, shape (C, W, q).
    inverse
        Inverse of the penalised information of (θ, β · scale), shape (q + p, q + p).
    penalties
        Of (θ, β · scale), shape (q + p,).
    """

    slopes: Floats
    mean: Floats
    scale: Floats
    baseline: Floats
    shape: Floats
    inverse: Floats
    penalties: Floats

    @property
    def parameters(self) -> Floats:
        """(θ, β · scale), shape (q + p,)."""
        return np.concatenate([self.baseline, self.slopes * self.scale])

    def log_rates(self, x: Floats, parameters: Floats | None = None) -> Floats:
        """Return x β of rows, shape (n,), at these or other parameters."""
        beta = self.slopes
        if parameters is not None:
            beta = parameters[len(self.baseline) :] / self.scale
        return np.asarray((x - self.mean) @ beta)

    def hazards(self, parameters: Floats | None = None) -> Floats:
        """Return the hazard of each cell and month at average covariates, shape (C, W)."""
        theta = self.baseline if parameters is None else parameters[: len(self.baseline)]
        return np.asarray(np.exp(self.shape @ theta))


def fit_monthly(
    rows: Followed, shape: Floats, *, penalty: float, baseline_penalties: Floats
) -> MonthlyHazard:
    """Fit by penalised maximum likelihood with Newton's steps, halved until the likelihood rises.

    Parameters
    ----------
    rows
        At least one with an event.
    shape
        Z, shape (C, W, q): what each cell and month has to do with each parameter of the baseline.
    penalty
        λ of the ridge: λ ÷ 2 · Σ (β · standard deviation)² is taken from the log-likelihood.
    baseline_penalties
        The same for θ, shape (q,); 0 for what is not to be pulled to 0.

    Raises
    ------
    FitError
        No event, or no finite maximum (give a penalty).

    References
    ----------
    Prentice, R. L. and Gloeckler, L. A. (1978). Regression analysis of grouped survival data with
    application to breast cancer data. Biometrics 34, 57–67. doi:10.2307/2529588

    Examples
    --------
    >>> rows = Followed(np.empty((4, 0)), np.zeros(4, int), np.array([0, 1, 2, 2]),
    ...                 np.array([True, False, False, False]), np.ones(4))
    >>> fit = fit_monthly(rows, np.ones((1, 2, 1)), penalty=1.0, baseline_penalties=np.zeros(1))
    >>> float((1 - np.exp(-fit.hazards()[0, 0])).round(4))  # 1 event in 6 account-months
    0.1667
    """
    if not rows.event.any():
        raise FitError("a monthly chance to leave is learnt from losses; none was given")
    mean = (
        np.average(rows.x, axis=0, weights=rows.weight)
        if rows.x.size
        else np.zeros(rows.x.shape[1])
    )
    spread = np.sqrt(np.average((rows.x - mean) ** 2, axis=0, weights=rows.weight))
    scale = np.where(spread > 1e-9, spread, 1.0)
    scaled = Followed((rows.x - mean) / scale, rows.cell, rows.survived, rows.event, rows.weight)
    q, p = shape.shape[2], rows.x.shape[1]
    penalties = np.concatenate(
        [np.asarray(baseline_penalties, dtype=np.float64), np.full(p, penalty)]
    )
    exposure = float(rows.weight @ (rows.survived + 0.5 * rows.event))
    start = np.log(float(rows.weight @ rows.event) / exposure)
    # all that is not to be pulled to 0 begins where the hazard is the mean one
    level = shape.reshape(-1, q)[:, np.asarray(baseline_penalties) == 0.0]
    first = np.linalg.lstsq(level, np.full(len(level), start), rcond=None)[0]
    beta = np.zeros(q + p)
    beta[:q][np.asarray(baseline_penalties) == 0.0] = first
    value, slope, curve = _sums(scaled, shape, beta, penalties)
    for _ in range(_STEPS):
        step = np.linalg.lstsq(curve, slope, rcond=None)[0]
        if slope @ step <= _TOLERANCE:
            inverse = np.asarray(np.linalg.pinv(curve, hermitian=True), dtype=np.float64)
            return MonthlyHazard(
                beta[q:] / scale, mean, scale, beta[:q], shape, inverse, penalties
            )  # fmt: skip
        for _ in range(_HALVINGS):
            tried = _sums(scaled, shape, beta + step, penalties)
            if tried[0] >= value - 1e-11 * abs(value):
                break
            step = step / 2
        beta = beta + step
        value, slope, curve = tried
    raise FitError(
        "the monthly chance to leave has no finite estimate: give a larger churn.penalty"
    )


def _sums(
    rows: Followed, shape: Floats, beta: Floats, penalties: Floats
) -> tuple[float, Floats, Floats]:
    """Return penalised log-likelihood, slope and curvature (its negative) in (θ, scaled β)."""
    q = shape.shape[2]
    n_cells, n_months = shape.shape[:2]
    hazard, each, risk = _pieces(rows, shape, beta)
    survived = rows.cell * (n_months + 1) + rows.survived
    so_far = np.concatenate([np.zeros((n_cells, 1)), np.cumsum(hazard, axis=1)], axis=1)
    stayed = rows.weight * risk * so_far.ravel()[survived]
    place = rows.cell[rows.event] * n_months + rows.survived[rows.event]
    mu, share, bend = each
    weight = rows.weight[rows.event]
    value = float(weight @ np.log(-np.expm1(-mu)) - stayed.sum())
    value -= 0.5 * float(penalties @ beta**2)

    u = -stayed
    u[rows.event] += weight * share
    v = stayed.copy()
    v[rows.event] += weight * bend
    # months that rows of a cell spent at risk, each at its hazard; and what their events tell
    at_risk = np.bincount(survived, rows.weight * risk, n_cells * (n_months + 1))
    later = at_risk.reshape(n_cells, -1)[:, ::-1].cumsum(axis=1)[:, ::-1][:, 1:]
    spent = (hazard * later).ravel()
    told = np.bincount(place, weight * share, n_cells * n_months)
    bent = np.bincount(place, weight * bend, n_cells * n_months)
    z = shape.reshape(-1, q)
    slope = np.concatenate([z.T @ (told - spent), rows.x.T @ u]) - penalties * beta

    curve = np.diag(penalties.astype(np.float64))
    curve[:q, :q] += (z * (spent + bent)[:, None]).T @ z
    curve[q:, q:] += (rows.x * v[:, None]).T @ rows.x
    x_stayed = grouped(survived.astype(np.int32), rows.weight * risk, rows.x,
                       n_cells * (n_months + 1))  # fmt: skip
    x_told = grouped(place.astype(np.int32), weight * bend, rows.x[rows.event],
                     n_cells * n_months)  # fmt: skip
    both = _so_far(hazard, shape).reshape(-1, q).T @ x_stayed + z.T @ x_told
    curve[:q, q:] += both
    curve[q:, :q] += both.T
    return value, slope, curve


def _pieces(
    rows: Followed, shape: Floats, beta: Floats
) -> tuple[Floats, tuple[Floats, Floats, Floats], Floats]:
    """Return hazards of cells; of events hazard, slope and bend; relative risks of rows."""
    q = shape.shape[2]
    # a step too far must end in a poor likelihood, not in an overflow
    hazard = np.exp(np.clip(shape @ beta[:q], -50.0, 30.0))
    risk = np.exp(np.clip(rows.x @ beta[q:], -50.0, 30.0))
    mu = risk[rows.event] * hazard[rows.cell[rows.event], rows.survived[rows.event]]
    mu = np.clip(mu, 1e-300, 500.0)
    share = mu / np.expm1(mu)
    return hazard, (mu, share, share * (mu / -np.expm1(-mu) - 1.0)), risk


def _so_far(hazard: Floats, shape: Floats) -> Floats:
    """Return Σ hazard · Z over the months up to each, from none to all, shape (C, W + 1, q)."""
    sums = np.cumsum(hazard[:, :, None] * shape, axis=1)
    return np.concatenate([np.zeros_like(sums[:, :1]), sums], axis=1)


def row_scores(fit: MonthlyHazard, rows: Followed, owner: Ints, n_owners: int) -> Floats:
    """Return what each owner's rows add to the slope at the estimate, shape (n_owners, q + p).

    The penalty is not in it. Redrawing owners w times moves the estimate by about
    inverse · Σ (w − 1) · score (the estimating function bootstrap).

    References
    ----------
    Hu, F. and Kalbfleisch, J. D. (2000). The estimating function bootstrap. Canadian Journal of
    Statistics 28, 449–481. doi:10.2307/3315958
    """
    x = (rows.x - fit.mean) / fit.scale
    scaled = Followed(x, rows.cell, rows.survived, rows.event, rows.weight)
    hazard, (_, share, _), risk = _pieces(scaled, fit.shape, fit.parameters)
    sums = _so_far(hazard, fit.shape)
    theta = -(rows.weight * risk)[:, None] * sums[rows.cell, rows.survived]
    theta[rows.event] += (rows.weight[rows.event] * share)[:, None] * (
        fit.shape[rows.cell[rows.event], rows.survived[rows.event]]
    )
    totals = np.concatenate([np.zeros((len(hazard), 1)), np.cumsum(hazard, axis=1)], axis=1)
    u = -rows.weight * risk * totals[rows.cell, rows.survived]
    u[rows.event] += rows.weight[rows.event] * share
    code = owner.astype(np.int32)
    return np.column_stack(
        [grouped(code, np.ones(len(u)), theta, n_owners), grouped(code, u, x, n_owners)]
    )
