"""Least squares, with what each row adds to the error of a coefficient."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.linalg import solve_triangular

from kamlib.loyalty.effects.effect import spread
from kamlib.loyalty.effects.sample import Floats, Ints, Unfit

Errors = Literal["HC0", "HC2", "HC3"]
_DEPENDENT = 1e-9
_ALONE = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """A fitted regression of n rows on k columns.

    Attributes
    ----------
    coefficients
        Shape (k,).
    residual, leverage
        Shape (n,).
    lines
        How much a row's outcome moves each coefficient, shape (n, k).
    """

    coefficients: Floats
    residual: Floats
    leverage: Floats
    lines: Floats


def least_squares(
    design: Floats, outcome: Floats, names: Sequence[str], weights: Floats | None = None
) -> Fit:
    """Fit the mean of an outcome.

    Parameters
    ----------
    design
        Shape (n, k), the constant included.
    outcome
        Shape (n,).
    names
        Of the columns, for messages.
    weights
        Not below zero, shape (n,); None: all alike.

    Raises
    ------
    Unfit
        Fewer rows than columns, or a column that follows from those before it.

    Examples
    --------
    >>> line = np.column_stack([np.ones(3), np.arange(3.0)])
    >>> least_squares(line, np.array([1.0, 3.0, 5.0]), ["constant", "x"]).coefficients.round(6)
    array([1., 2.])
    """
    n, k = design.shape
    if n <= k:
        raise Unfit("effect.too_many", n=n, k=k)
    root = np.ones(n) if weights is None else np.sqrt(weights)
    scaled = design * root[:, None]
    q, r = np.linalg.qr(scaled)
    _refuse_dependent(scaled, r, names)
    lines = solve_triangular(r, q.T).T * root[:, None]
    coefficients = outcome @ lines
    return Fit(coefficients, outcome - design @ coefficients, np.sum(q**2, axis=1), lines)


def refuse_dependent(design: Floats, names: Sequence[str]) -> None:
    """Refuse columns that `least_squares` could not fit, without the cost of a fit.

    Parameters
    ----------
    design, names
        As for `least_squares`.

    Raises
    ------
    Unfit
        As there.
    """
    n, k = design.shape
    if n <= k:
        raise Unfit("effect.too_many", n=n, k=k)
    _refuse_dependent(design, np.asarray(np.linalg.qr(design, mode="r")), names)


def _refuse_dependent(design: Floats, r: Floats, names: Sequence[str]) -> None:
    dependent = np.abs(np.diag(r)) <= _DEPENDENT * np.linalg.norm(design, axis=0)
    if dependent.any():
        raise Unfit("effect.dependent", covariate=str(names[int(dependent.argmax())]))


def parts(fit: Fit, direction: Floats, errors: Errors) -> Floats:
    """Return what each row adds to the error of a sum of coefficients, shape (n,).

    Parameters
    ----------
    fit
        A regression without weights.
    direction
        How often each coefficient counts, shape (k,).
    errors
        "HC0": residuals as they are; "HC2": divided by √(1 − leverage); "HC3": by 1 − leverage.

    Raises
    ------
    Unfit
        One row alone settles a coefficient, so that its residual says nothing.

    References
    ----------
    MacKinnon, J. G. and White, H. (1985). Some heteroskedasticity-consistent covariance matrix
    estimators with improved finite sample properties. Journal of Econometrics 29, 305–325.
    doi:10.1016/0304-4076(85)90158-7
    """
    moves: Floats = fit.lines @ direction * fit.residual
    if errors == "HC0":
        return moves
    free = 1 - fit.leverage
    if (free < _ALONE).any():
        raise Unfit("effect.alone", row=int(free.argmin()))
    return moves / (np.sqrt(free) if errors == "HC2" else free)


def standard_error(
    fit: Fit, place: int, errors: Errors, cluster: Ints | None
) -> tuple[float, float]:
    """Return the standard error of one coefficient and its degrees of freedom.

    Rows of groups: CR1, √(G ÷ (G − 1) · (n − 1) ÷ (n − k)) times the error from residuals added up
    within groups, with G − 1 degrees of freedom; `errors` then does not count.
    """
    n, k = fit.lines.shape
    one = np.eye(k)[place]
    if cluster is None:
        return float(np.sqrt(np.sum(parts(fit, one, errors) ** 2))), float(n - k)
    error = spread(parts(fit, one, "HC0"), cluster) * np.sqrt((n - 1) / (n - k))
    return float(error), float(len(np.unique(cluster)) - 1)
