"""Maximum a posteriori and maximum likelihood fits of small models; one way for all of them.

A model states its log-likelihood and gradient in its natural parameters, and coordinates without
bounds in which a normal prior makes sense. Logarithms carry the scale: another unit of time or
money moves a coordinate by a constant and changes nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from kamlib.glossary import Sentence
from kamlib.results import Check

Floats = NDArray[np.float64]

TOLERANCE = 1e-7  # largest gradient of the log posterior, per observation, of a converged fit
RIDGE_SD = 2.0  # data alone leave some direction uncertain by more than a factor of e^2
_REACH = 30.0  # coordinates stay within e^30 of where a fit starts
_STEP = 1e-4
_FLAT = 1e-10  # a gradient that no step need improve
_STEPS, _HALVINGS, _FRESH = 60, 12, 8


class Rows(Protocol):
    """What a model is fitted to."""

    @property
    def n_obs(self) -> int:
        """Number of observations behind the rows."""


class Model(Protocol):
    """What a fit needs to know of a model; parameters stand in the last axis, in this order."""

    @property
    def name(self) -> str:
        """As it is printed."""

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of the natural parameters."""

    def natural(self, theta: Floats) -> Floats:
        """Return natural parameters of coordinates, shape (..., k)."""

    def jacobian(self, theta: Floats) -> Floats:
        """Return derivatives of natural parameters (rows) by coordinates, shape (k, k)."""

    def log_likelihood(self, natural: Floats, rows: Any) -> Floats:
        """Return log-likelihoods of parameter vectors, shape (n, k) -> (n,)."""

    def gradient(self, natural: Floats, rows: Any) -> tuple[float, Floats]:
        """Return the log-likelihood and its derivatives by the natural parameters."""

    def weak_prior(self, rows: Any) -> Prior:
        """Return the prior that only keeps a fit from running away, centred on the data."""

    def too_few(self, rows: Any) -> Sentence | None:
        """Return why the data cannot carry the model, or None where they can."""


@dataclass(frozen=True, slots=True, eq=False)
class Prior:
    """A normal prior of coordinates.

    Attributes
    ----------
    mean, covariance
        Shapes (k,) and (k, k).
    source
        "weak", or "pooled" where it was learnt from other units.
    digest
        Hash of the pool that it came from; empty for the weak prior.
    """

    mean: Floats
    covariance: Floats
    source: str = "weak"
    digest: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """A fitted model: every number in it is finite, whatever the data were.

    Attributes
    ----------
    model
        The model that was fitted.
    theta, covariance
        Coordinates at the maximum, and the inverse of minus the second derivatives there.
    parameters, std_error
        Natural parameters by name; standard errors by the delta method.
    log_likelihood
        At the maximum, without the prior.
    converged, gradient_norm
        Whether the largest gradient per observation is below the tolerance, and the gradient.
    ridge
        The data alone cannot tell some parameters apart: use what the model expects of accounts,
        not the single parameters.
    n_obs
        Number of accounts or contracts.
    prior
        The prior used; None where the fit is by maximum likelihood.
    trouble
        Why the fit must not be used; None where it may.
    """

    model: Model
    theta: Floats
    covariance: Floats
    parameters: dict[str, float]
    std_error: dict[str, float]
    log_likelihood: float
    converged: bool
    gradient_norm: float
    ridge: bool
    n_obs: int
    prior: Prior | None
    trouble: Sentence | None

    @property
    def natural(self) -> Floats:
        """Natural parameters in the order of the model."""
        return self.model.natural(self.theta)

    @property
    def checks(self) -> tuple[Check, ...]:
        """What must hold for the parameters, and for what is computed from them."""
        values = {"model": self.model.name, "n": self.n_obs}
        usable = self.trouble or Sentence("purchases.fit_sound", values)
        apart = Sentence("purchases.ridge" if self.ridge else "purchases.no_ridge", values)
        return (
            Check("fit_usable", self.trouble is None, usable),
            Check("parameters_told_apart", not self.ridge, apart),
        )


def fit(
    model: Model,
    rows: Rows,
    *,
    prior: Prior | Literal["weak"] | None = "weak",
    starts: Sequence[Floats] = (),
) -> Fit:
    """Parameters of a model by maximum a posteriori, or by maximum likelihood without a prior.

    Damped Newton and BFGS steps on analytic gradients; second derivatives are differences of the
    gradient. (Written out: the optimiser of scipy costs more than the model on so few parameters,
    and its linear algebra keeps a second core spinning.)

    Parameters
    ----------
    model, rows
        What is fitted to what.
    prior
        "weak" (the model's own), a prior learnt elsewhere, or None.
    starts
        Coordinates to start from; the best maximum is kept. None given: the weak prior's centre.

    Returns
    -------
    Fit
        Always; `trouble` says where it must not be used.

    References
    ----------
    Nocedal, J. and Wright, S. (2006). Numerical Optimization, 2nd ed., Springer, sections 3.4, 7.2.
    """
    weak = model.weak_prior(rows)
    used = weak if prior == "weak" else prior
    objective = _objective(model, rows, used)
    best: tuple[Floats, float, Floats, Floats] | None = None
    for start in starts or (weak.mean if used is None else used.mean,):
        found = _climb(objective, np.asarray(start, dtype=np.float64))
        if best is None or found[1] < best[1]:
            best = found
    assert best is not None  # noqa: S101 - starts are never empty
    theta, _, slope, curvature = best
    n_obs = rows.n_obs
    information = max(n_obs, 1) * curvature
    alone = information if used is None else information - np.linalg.inv(used.covariance)
    covariance = _inverse(information)
    ridge = bool(np.linalg.eigvalsh(alone)[0] < RIDGE_SD**-2)
    norm = float(np.abs(slope).max())
    natural = model.natural(theta)
    jacobian = model.jacobian(theta)
    errors = np.sqrt(np.diag(jacobian @ covariance @ jacobian.T))
    converged = norm <= TOLERANCE
    trouble = model.too_few(rows)
    if trouble is None and not converged:
        trouble = Sentence("purchases.not_converged", {"model": model.name, "n": n_obs})
    return Fit(
        model,
        theta,
        covariance,
        dict(zip(model.parameters, natural.tolist(), strict=True)),
        dict(zip(model.parameters, errors.tolist(), strict=True)),
        float(model.log_likelihood(natural[None], rows)[0]),
        converged,
        norm,
        ridge,
        n_obs,
        used,
        trouble,
    )


Objective = Callable[[Floats], tuple[float, Floats]]


def _objective(model: Model, rows: Rows, prior: Prior | None) -> Objective:
    """Return minus the log posterior per observation, and its gradient, by coordinates."""
    n_obs = max(rows.n_obs, 1)
    precision = None if prior is None else np.linalg.inv(prior.covariance)

    def objective(theta: Floats) -> tuple[float, Floats]:
        value, by_natural = model.gradient(model.natural(theta), rows)
        slope = by_natural @ model.jacobian(theta)
        if prior is not None and precision is not None:
            away = theta - prior.mean
            pull = precision @ away
            value -= 0.5 * float(away @ pull)
            slope = slope - pull
        return -value / n_obs, -slope / n_obs

    return objective


def _climb(objective: Objective, start: Floats) -> tuple[Floats, float, Floats, Floats]:
    """Return where the objective is least, its value, slope and second derivatives there.

    Steps are Newton's with second derivatives made positive, kept up to date by BFGS between the
    times they are measured; a step must pay, and stays within a factor of e^2.
    """
    theta = np.asarray(start, dtype=np.float64)
    low, high = theta - _REACH, theta + _REACH
    value, slope = objective(theta)
    curvature, age = _curvature(objective, theta, slope), 0
    for _ in range(_STEPS):
        if np.abs(slope).max() < _FLAT:
            break
        if age >= _FRESH:
            curvature, age = _curvature(objective, theta, slope), 0
        step = -_inverse(curvature) @ slope
        step *= min(1.0, 2.0 / float(np.abs(step).max()))
        for _ in range(_HALVINGS):
            trial = np.clip(theta + step, low, high)
            found, its_slope = objective(trial)
            # near the maximum values no longer differ, gradients still do
            flatter = np.abs(its_slope).max() < 0.5 * np.abs(slope).max()
            if found < value or (flatter and found < value + 1e-9):
                break
            step = step / 4
        else:
            if age == 0:
                break
            age = _FRESH
            continue
        moved, turned = trial - theta, its_slope - slope
        theta, value, slope = trial, found, its_slope
        bent = float(moved @ turned)
        if bent > 0:
            along = curvature @ moved
            curvature = curvature - np.outer(along, along) / float(moved @ along)
            curvature = curvature + np.outer(turned, turned) / bent
            age += 1
        else:
            age = _FRESH
    return theta, value, slope, _curvature(objective, theta)


def _curvature(objective: Objective, theta: Floats, slope: Floats | None = None) -> Floats:
    """Return second derivatives by central differences, or forward ones from a known gradient."""
    if slope is None:
        steps = np.eye(len(theta)) * _STEP
        rows = [(objective(theta + s)[1] - objective(theta - s)[1]) / (2 * _STEP) for s in steps]
    else:
        small = _STEP / 100
        rows = [(objective(theta + s)[1] - slope) / small for s in np.eye(len(theta)) * small]
    both = np.array(rows)
    return (both + both.T) / 2


def _inverse(matrix: Floats) -> Floats:
    """Return the inverse of a symmetric matrix made positive, flat directions held finite."""
    values, vectors = np.linalg.eigh(matrix)
    sizes = np.abs(values)
    held = np.maximum(sizes, max(1e-9 * float(sizes.max()), 1e-300))
    return np.asarray((vectors / held) @ vectors.T)
