"""Whether groups differ: how far apart their figures lie, against how far chance alone puts them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, wofz
from scipy.stats import chi2

from kamlib.loyalty.effects.sample import Floats

_STEP, _END = 0.02, 400.0


@dataclass(frozen=True, slots=True)
class Between:
    """How much groups differ beyond the error of their figures.

    Attributes
    ----------
    mean, std_error
        Mean of the groups, those of small error counting more, and its error.
    tau
        Standard deviation of true effects over groups.
    q, p_value
        Cochran's Q, and the chance of a larger one if no groups differed.
    i_squared
        Share of the spread of figures that is more than their error.
    """

    mean: float
    std_error: float
    tau: float
    q: float
    p_value: float
    i_squared: float


def between(value: Floats, error: Floats) -> Between:
    """Differences of groups by moments.

    Parameters
    ----------
    value, error
        Figure of each of at least two groups and its standard error, shape (k,).

    References
    ----------
    DerSimonian, R. and Laird, N. (1986). Meta-analysis in clinical trials. Controlled Clinical Trials
    7, 177–188. doi:10.1016/0197-2456(86)90046-2
    Higgins, J. P. T. and Thompson, S. G. (2002). Quantifying heterogeneity in a meta-analysis.
    Statistics in Medicine 21, 1539–1558. doi:10.1002/sim.1186

    Examples
    --------
    >>> found = between(np.array([0.0, 2.0, 4.0]), np.ones(3))
    >>> found.q, round(found.tau**2, 6), found.i_squared
    (8.0, 3.0, 0.75)
    """
    weight, df = 1 / error**2, len(value) - 1
    q = float(weight @ (value - weight @ value / weight.sum()) ** 2)
    tau2 = max(0.0, (q - df) / (weight.sum() - weight @ weight / weight.sum()))
    weight = 1 / (error**2 + tau2)
    mean = float(weight @ value / weight.sum())
    share = max(0.0, 1 - df / q) if q > 0 else 0.0
    return Between(
        mean, float(weight.sum() ** -0.5), float(np.sqrt(tau2)), q, float(chi2.sf(q, df)), share
    )


def adjusted(value: Floats, error: Floats) -> Floats:
    """Chance that any of the groups would lie so far from the others, if none differed.

    Parameters
    ----------
    value, error
        Figure and standard error of independent groups, at least two, shape (k,).

    Returns
    -------
    array
        One p-value per group, shape (k,), right for all of them together (max-T).

    Examples
    --------
    >>> adjusted(np.array([0.0, 2.0]), np.ones(2)).round(3)  # 2 ÷ √2 errors apart
    array([0.157, 0.157])
    """
    weight = 1 / error**2
    root = np.sqrt(weight / weight.sum())
    free = np.sqrt(1 - root**2)
    # (figure − mean of all) ÷ its error is the same as against the mean of the others
    distance = np.abs(value - weight @ value / weight.sum()) / (error * free)
    if len(value) == 2:
        return np.asarray(2 * ndtr(-distance))
    # Distances from the mean have the law of independent normals z given Σ root · z = 0, so that
    # P(all within limits) is the density of that sum at 0 over z within limits ÷ that over all z.
    t = np.arange(0.0, _END, _STEP)[:, None] * root
    found = []
    for limit in distance[:, None] * free:
        far = np.exp(-(limit**2) / 2 - 1j * t * limit) * wofz((1j * limit - t) / np.sqrt(2))
        within = np.prod(np.exp(-(t**2) / 2) - far.real, axis=1)
        found.append(1 - np.sqrt(2 / np.pi) * np.trapezoid(within, dx=_STEP))
    return np.asarray(np.clip(found, 0.0, 1.0))
