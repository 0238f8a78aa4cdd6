"""How long an account stays within a horizon: the area under a Kaplan–Meier curve."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtri

from kamlib.errors import FitError

Floats = NDArray[np.float64]


def restricted_mean(
    curve: pd.DataFrame, horizon: float, *, given: float | None = None
) -> pd.DataFrame:
    """Estimate the mean time that is lived within a horizon, of those who are there at its beginning.

    Parameters
    ----------
    curve
        Frame of `kaplan_meier`.
    horizon
        Length of time that counts, above zero, in the curve's unit; who stays longer counts with it.
    given
        Time that was reached: the mean is of the time remaining after it, of those without the event
        until then, and of no one else. The curve's start where not given.

    Returns
    -------
    DataFrame
        One row: `time` (from which it counts), `horizon`, `term` ("restricted_mean"), `estimate`,
        `std_error`, `conf_low`, `conf_high` (normal, cut at 0 and the horizon; unknown where no event
        falls into it), `conf_level` of the curve.

    Raises
    ------
    FitError
        A horizon that is not above zero or goes beyond what was observed, a time outside the curve.
        Choose a shorter horizon; nothing is extrapolated.

    Notes
    -----
    The variance is Σ A(tᵢ)² dᵢ ÷ (nᵢ (nᵢ − dᵢ)) with A the area from tᵢ to the end; lifelines'
    `return_variance` is the variance of the lives themselves and not that of their mean.

    References
    ----------
    Royston, P. and Parmar, M. K. B. (2013). Restricted mean survival time: an alternative to the
    hazard ratio. BMC Medical Research Methodology 13, 152. doi:10.1186/1471-2288-13-152
    Klein, J. P. and Moeschberger, M. L. (2003). Survival Analysis, 2nd edition, section 4.5.

    Examples
    --------
    >>> from kamlib.stats.kaplan_meier import kaplan_meier
    >>> lived = restricted_mean(kaplan_meier([2, 4, 6, 6], [1, 1, 0, 0]), horizon=5)
    >>> lived["estimate"].tolist()  # (2 + 4 + 5 + 5) / 4
    [4.0]
    """
    begin, estimate, variance = _area(curve, horizon, given)
    frame = _row("restricted_mean", begin, horizon, estimate, variance, curve)
    return frame.assign(
        conf_low=frame["conf_low"].clip(lower=0.0), conf_high=frame["conf_high"].clip(upper=horizon)
    )


def restricted_mean_difference(
    curve: pd.DataFrame, other: pd.DataFrame, horizon: float, *, given: float | None = None
) -> pd.DataFrame:
    """Estimate how much longer the accounts of one curve stay within a horizon than those of another.

    Parameters
    ----------
    curve, other
        Frames of `kaplan_meier` of two groups that share no account.
    horizon, given
        As in `restricted_mean`, the same for both; with no `given` both curves must begin together.

    Returns
    -------
    DataFrame
        One row as that of `restricted_mean`, `term` "restricted_mean_difference": curve less other.

    Raises
    ------
    FitError
        As `restricted_mean`, or curves that begin at different times.
    """
    begin, first, first_variance = _area(curve, horizon, given)
    other_begin, second, second_variance = _area(other, horizon, given)
    if begin != other_begin:
        raise FitError(
            f"restricted mean: the curves begin at {begin:g} and {other_begin:g}; say from which time "
            "both count"
        )
    variance = first_variance + second_variance
    return _row("restricted_mean_difference", begin, horizon, first - second, variance, curve)


def _row(
    term: str, begin: float, horizon: float, estimate: float, variance: float, curve: pd.DataFrame
) -> pd.DataFrame:
    level = float(curve["conf_level"].iloc[0])
    error = float(np.sqrt(variance))
    half = float(ndtri((1 + level) / 2)) * error if error > 0 else float("nan")
    return pd.DataFrame(
        {
            "time": [begin], "horizon": [float(horizon)], "term": [term], "estimate": [estimate],
            "std_error": [error], "conf_low": [estimate - half], "conf_high": [estimate + half],
            "conf_level": [level],
        }
    )  # fmt: skip


def _area(curve: pd.DataFrame, horizon: float, given: float | None) -> tuple[float, float, float]:
    """Return where counting begins, the area under the curve from there, and its variance."""
    time, share = (curve[name].to_numpy(dtype=np.float64) for name in ("time", "estimate"))
    begin = float(time[0] if given is None else given)
    end = begin + horizon
    if not horizon > 0:
        raise FitError(f"restricted mean: the horizon is {horizon:g} and must be above zero")
    reached = share[max(int(np.searchsorted(time, begin, side="right")) - 1, 0)]
    if begin < time[0] or begin > time[-1] or reached == 0:
        raise FitError(
            f"restricted mean: nobody is known to be there at {begin:g}; the curve runs from {time[0]:g} "
            f"to {time[-1]:g}"
        )
    if end > time[-1] and share[-1] > 0:
        raise FitError(
            f"restricted mean: {end:g} lies beyond the last time observed, {time[-1]:g}; take a horizon "
            f"of at most {time[-1] - begin:g}"
        )
    inside = (time > begin) & (time <= end)
    n, d = (curve[name].to_numpy(dtype=np.float64)[inside] for name in ("n_risk", "n_event"))
    widths = np.diff(np.r_[begin, time[inside], end])
    pieces = widths * np.r_[1.0, share[inside] / reached]
    later = np.cumsum(pieces[::-1])[::-1][1:]
    # where all have left nothing is left to live, and the last term is none
    terms = np.divide(d, n * (n - d), out=np.zeros_like(d), where=n > d)
    return begin, float(pieces.sum()), float(np.sum(later**2 * terms))
