"""Were accounts that joined on a course of their own before? The test, and what it could have seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.optimize import brentq
from scipy.stats import chi2, f, ncf, ncx2, norm, t

from kamlib.errors import FitError
from kamlib.loyalty.panel.grid import Floats
from kamlib.loyalty.panel.scores import Effects, wald

Kind = Literal["joint", "slope"]


@dataclass(frozen=True, slots=True, eq=False)
class PreTrend:
    """Result of a test of effects before the start, all of which should be zero.

    Attributes
    ----------
    statistic, df, p_value
        Wald statistic, number of effects that it joins, and chance of a larger one without a trend;
        NaN where the treated clusters are too few to test that many together.
    slope, slope_error
        Trend before the start, in units of the outcome per period, by generalised least squares.
    slope_p_value
        Of the test of that slope alone: stronger against a steady trend.
    """

    statistic: float
    df: int
    p_value: float
    slope: float
    slope_error: float
    slope_p_value: float


def pre_trend(effects: Effects, *, normal: bool = False) -> PreTrend:
    """Test the effects before the start jointly, and their steady trend.

    A test that finds nothing proves little: read it with `power`.

    Parameters
    ----------
    effects
        By time since the start, or by cohort and period, with `rel_period`. With a universal base
        (no row at −1) they are levels against the last period before, else changes per period.
    normal
        Whether reference laws are those of large samples; else Hotelling's, with the treated
        clusters less one as degrees of freedom.

    Raises
    ------
    FitError
        No effects before the start, or more of them than the accounts can tell apart: give an event
        study instead of cells, or fewer periods.

    References
    ----------
    Roth, J. (2022). Pretest with caution: event-study estimates after testing for parallel trends.
    American Economic Review: Insights 4, 305–322. doi:10.1257/aeri.20210236
    """
    before, course = _before(effects)
    statistic, k, p_value = wald(before)
    towards = np.linalg.solve(before.covariance, course)
    error = float(1 / np.sqrt(course @ towards))
    slope = float(towards @ before.estimate) * error**2
    if normal:
        slope_p = float(2 * norm.sf(abs(slope) / error))
    else:
        rest = effects.df - k + 1
        ratio = statistic * rest / (k * effects.df)
        p_value = float(f.sf(ratio, k, rest)) if rest > 0 else float("nan")
        slope_p = float(2 * t.sf(abs(slope) / error, effects.df))
    return PreTrend(statistic, k, p_value, slope, error, slope_p)


def power(
    effects: Effects,
    slope: float,
    *,
    level: float = 0.05,
    kind: Kind = "joint",
    normal: bool = False,
) -> float:
    """Chance that a test of the effects before the start rejects, if there were such a trend.

    Parameters
    ----------
    effects
        As for `pre_trend`.
    slope
        Trend, in units of the outcome per period.
    level
        Of the test.
    kind
        The joint test, or that of a steady trend.
    normal
        As for `pre_trend`.

    Raises
    ------
    FitError
        As `pre_trend`; or fewer treated clusters than effects, for the joint test.
    """
    before, course = _before(effects)
    k = 1 if kind == "slope" else len(before.estimate)
    shift = slope**2 * _weight(before, course)
    if normal:
        return float(ncx2.sf(chi2.isf(level, k), k, shift)) if shift else level
    rest = _rest(effects.df, k)
    return float(ncf.sf(f.isf(level, k, rest), k, rest, shift)) if shift else level


def seen_slope(
    effects: Effects,
    *,
    chance: float = 0.5,
    level: float = 0.05,
    kind: Kind = "joint",
    normal: bool = False,
) -> float:
    """Return the trend per period that the test finds with this chance; smaller ones mostly pass.

    Parameters
    ----------
    effects, level, kind, normal
        As for `power`.
    chance
        Between the level of the test and 1.

    Raises
    ------
    FitError
        As `pre_trend`; or a chance that is not above the level.
    """
    if not level < chance < 1:
        raise FitError(
            f"the chance to find a trend must lie between {level:g} and 1; it is {chance:g}"
        )

    def missing(slope: float) -> float:
        return power(effects, slope, level=level, kind=kind, normal=normal) - chance

    before, course = _before(effects)
    top = 1 / np.sqrt(_weight(before, course))
    while missing(top) < 0:
        top *= 2
    return float(brentq(missing, 0.0, top, xtol=1e-12 * top, rtol=1e-12))


def erasing_slope(effects: Effects, needed: float = 0.0) -> float:
    """Return the steady trend that alone would explain the mean effect beyond what is needed.

    Parameters
    ----------
    effects
        By time since the start, with `rel_period`; later effects are their plain mean.
    needed
        Effect at which the programme just pays, in the unit of the outcome.
    """
    rel = effects.frame["rel_period"].to_numpy(np.float64)
    after = rel >= 0
    if not after.any():
        raise FitError("there is no effect from the start on")
    return float((effects.estimate[after].mean() - needed) / (rel[after] + 1).mean())


def _before(effects: Effects) -> tuple[Effects, Floats]:
    """Return the effects before the start, and what a trend of one per period makes of them."""
    rel = effects.frame["rel_period"].to_numpy(np.float64)
    before = rel < 0
    if not before.any():
        raise FitError(
            "there is nothing to compare before the start: it takes two periods before the start of "
            "some cohort"
        )
    by_period = (rel == -1).any()
    return effects.only(before), np.ones(before.sum()) if by_period else rel[before] + 1


def _weight(before: Effects, course: Floats) -> float:
    """Return what is known of a trend: one over the variance of its estimate."""
    wald(before)  # refuses effects that cannot be told apart
    return float(course @ np.linalg.solve(before.covariance, course))


def _rest(df: int, k: int) -> int:
    if df < k:
        raise FitError(
            f"{df + 1} treated clusters cannot test {k} effects before the start together: take "
            "fewer periods, or the test of a steady trend"
        )
    return df - k + 1
