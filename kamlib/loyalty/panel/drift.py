"""How much own drift of those who joined an effect survives (Rambachan and Roth), in closed form."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq
from scipy.stats import ncx2, norm

from kamlib.errors import FitError
from kamlib.loyalty.panel.grid import Floats, Places
from kamlib.loyalty.panel.scores import Effects, wald

_MOST = 1e3
_FAR = 8.0


@dataclass(frozen=True, slots=True)
class Bounds:
    """What an effect can be if trends were not parallel.

    Attributes
    ----------
    low, high
        Limits of an interval that holds the effect at the level, whatever drift is allowed.
    set_low, set_high
        The effects that the estimates would leave open if they had no error.
    """

    low: float
    high: float
    set_low: float
    set_high: float


@dataclass(frozen=True, slots=True, eq=False)
class _Course:
    """An event study cut into before and after; the last period before is the zero of both."""

    before: Floats  # nearest last, without the zero
    after: Floats
    covariance: Floats  # of both, before first
    loading: Floats  # of the effects after

    @property
    def steps(self) -> float:
        """What a drift of one per period adds to the effect."""
        return float(np.abs(self.loading) @ np.arange(1, len(self.after) + 1))

    def spread(self, load_before: Floats) -> float:
        """Standard error of the effect plus a combination of the effects before."""
        load = np.concatenate([load_before, self.loading])
        return float(np.sqrt(max(load @ self.covariance @ load, 0.0)))


def relative_magnitudes(
    effects: Effects,
    mbar: float,
    *,
    loading: Floats | None = None,
    conf_level: float = 0.95,
) -> Bounds:
    """Interval of an effect if its drift per period is at most `mbar` times the largest one before.

    Parameters
    ----------
    effects
        By time since the start with a universal base: `rel_period` without gaps, but for −1.
    mbar
        Zero for parallel trends; one where drift after the start is no worse than before.
    loading
        Weights of the effects from the start on; their plain mean unless given.
    conf_level
        Of the interval.

    Returns
    -------
    Bounds
        Conservative: it contains the interval of the least favourable hybrid test.

    Raises
    ------
    FitError
        A base that is not universal, a gap, or fewer than one period before the base.

    Notes
    -----
    The drift before is the largest of S moves from period to period, and the interval the union of
    those with either sign of each move, with the joint error of effect and move; each side has half
    of what the level leaves. Periods must be of one length.

    References
    ----------
    Rambachan, A. and Roth, J. (2023). A more credible approach to parallel trends. Review of Economic
    Studies 90, 2555–2591. doi:10.1093/restud/rdad018
    """
    course = _course(effects, loading)
    if mbar < 0:
        raise FitError(f"mbar must not be below zero; it is {mbar:g}")
    moves = _moves(len(course.before))
    centre = float(course.loading @ course.after)
    reach = mbar * course.steps
    z = float(norm.ppf((1 + conf_level) / 2))
    ends = []
    for move in moves:
        for sign in (-1.0, 1.0):
            load = sign * reach * move
            middle = centre + float(load @ course.before)
            ends.append((middle, z * course.spread(load)))
    middles, halves = (np.array(v) for v in zip(*ends, strict=True))
    return Bounds(
        float((middles - halves).min()),
        float((middles + halves).max()),
        float(middles.min()),
        float(middles.max()),
    )


def breakdown(
    effects: Effects,
    *,
    needed: float = 0.0,
    loading: Floats | None = None,
    conf_level: float = 0.95,
) -> float:
    """Return the largest `mbar` at which the interval of relative magnitudes still leaves out `needed`.

    Zero where it does not even leave it out under parallel trends; infinite where there is no drift.

    Parameters
    ----------
    effects, loading, conf_level
        As for `relative_magnitudes`.
    needed
        Effect at which the programme just pays, in the unit of the outcome; zero asks for any.
    """

    def distance(mbar: float) -> float:
        found = relative_magnitudes(effects, mbar, loading=loading, conf_level=conf_level)
        return max(found.low - needed, needed - found.high)

    if distance(0.0) <= 0:
        return 0.0
    if distance(_MOST) > 0:
        return float("inf")
    return float(brentq(distance, 0.0, _MOST, xtol=1e-10))


def smoothness(
    effects: Effects,
    bend: float,
    *,
    loading: Floats | None = None,
    conf_level: float = 0.95,
) -> Bounds:
    """Interval of an effect if drift goes on as before but for a bend of at most `bend` per period.

    The trend before is carried on and taken off. Of the slopes through the last 1, 2, … periods the one
    with the shortest interval is taken; which one that is hangs on errors and `bend`, never on the
    estimates, so that the interval keeps its level.

    Parameters
    ----------
    effects, loading, conf_level
        As for `relative_magnitudes`.
    bend
        Largest change of the drift from period to period, in units of the outcome; zero for a
        straight line.

    Returns
    -------
    Bounds
        At zero the shortest interval of fixed length there is; above it, somewhat longer than that.
        The set is that of the chosen slope.

    Raises
    ------
    FitError
        As `relative_magnitudes`; a bend below zero; or a covariance without full rank.

    References
    ----------
    Rambachan, A. and Roth, J. (2023). A more credible approach to parallel trends. Review of Economic
    Studies 90, 2555–2591. doi:10.1093/restud/rdad018
    """
    course = _course(effects, loading)
    if bend < 0:
        raise FitError(f"the bend must not be below zero; it is {bend:g}")
    wald(
        effects.only((effects.frame["rel_period"] < 0).to_numpy())
    )  # refuses a rank that falls short
    h = np.arange(1, len(course.after) + 1)
    away = np.arange(len(course.before), 0, -1)
    after_bends = np.abs([course.loading @ np.maximum(h - j, 0) for j in range(len(h))]).sum()
    best = (0.0, np.inf, 0.0)
    for periods in range(1, len(away) + 1):
        load = _load(course, away, periods)
        before_bends = np.abs([load @ np.maximum(away - j, 0) for j in range(1, len(away))]).sum()
        bias = bend * float(after_bends + before_bends)
        error = course.spread(load)
        half = _half(bias, error, conf_level)
        middle = float(course.loading @ course.after + load @ course.before)
        if half < best[1]:
            best = middle, half, bias
    middle, half, bias = best
    return Bounds(middle - half, middle + half, middle - bias, middle + bias)


def _half(bias: float, error: float, conf_level: float) -> float:
    """Return the quantile of the absolute value of a normal figure around the bias."""
    if bias > _FAR * error:
        # the other tail holds nothing any more
        return bias + float(norm.ppf(conf_level)) * error
    return error * float(np.sqrt(ncx2.ppf(conf_level, 1, (bias / error) ** 2))) if error else 0.0


def _load(course: _Course, away: Places, periods: int) -> Floats:
    """Return the loads of the last effects before that take their trend off with the least error."""
    near = slice(len(away) - periods, len(away))
    inverse = np.linalg.inv(course.covariance[near, near])
    x = -away[near].astype(np.float64)
    slope = inverse @ x / (x @ inverse @ x)
    run = float(course.loading @ np.arange(1, len(course.after) + 1))
    # what the effects before tell of the error of the effect, once their trend is set aside
    common = inverse @ course.covariance[len(away) :, near].T @ course.loading
    load = np.zeros(len(away))
    load[near] = -run * slope - common + slope * (x @ common)
    return load


def _moves(n_before: int) -> Floats:
    """Return, in rows, the loads that turn effects before into moves from period to period."""
    levels = np.vstack([np.eye(n_before), np.zeros(n_before)])
    return np.diff(levels, axis=0)


def _course(effects: Effects, loading: Floats | None) -> _Course:
    rel = effects.frame["rel_period"].to_numpy()
    order = np.argsort(rel)
    rel = rel[order]
    n_before = int((rel < 0).sum())
    expected = np.r_[np.arange(-1 - n_before, -1), np.arange(len(rel) - n_before)]
    if n_before == 0 or n_before == len(rel) or not np.array_equal(rel, expected):
        raise FitError(
            "drift is judged by an event study with a universal base: one effect per period since the "
            "start, without gaps, none at −1, and some on either side"
        )
    n_after = len(rel) - n_before
    weights = np.full(n_after, 1 / n_after) if loading is None else np.asarray(loading, np.float64)
    if len(weights) != n_after:
        raise FitError(
            f"{n_after} effects from the start on take as many weights; {len(weights)} given"
        )
    covariance = effects.covariance[np.ix_(order, order)]
    estimate = effects.estimate[order]
    return _Course(estimate[:n_before], estimate[n_before:], covariance, weights)
