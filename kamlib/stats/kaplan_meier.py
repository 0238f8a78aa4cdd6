"""How many remain, and for how long: the Kaplan–Meier curve with delayed entry.

The curve is our own and not lifelines': both agree to rounding (tests/stats/test_kaplan_meier.py),
but lifelines takes 1.5 s to import in every kernel, its table of numbers at risk counts who enters at a
time as at risk at it, and it cannot begin where enough are at risk.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri

from kamlib.stats.spells import exits, flows, spells

Floats = NDArray[np.float64]
_COUNTS = ["n_risk", "n_event", "n_censor"]


def kaplan_meier(
    exit_: ArrayLike,
    event: ArrayLike,
    *,
    entry: ArrayLike | None = None,
    weight: ArrayLike | None = None,
    start: float | None = None,
    n_risk_min: int = 1,
    conf_level: float = 0.95,
) -> pd.DataFrame:
    """Estimate the share without the event after each time, of those who got to the curve's start.

    Parameters
    ----------
    exit_, event, entry, weight
        One element per spell, observed in (entry, exit], as `spells.spells` reads them; censored
        where `event` is 0. Rows of one account that follow each other, such as account-months, may
        stay apart: curve, errors and numbers at risk are the same, only `n_censor` counts the seams.
    start, n_risk_min
        The curve begins at the first entry, not before `start`, after which `n_risk_min` are at risk.
    conf_level
        Of pointwise intervals on the log–log scale.

    Returns
    -------
    DataFrame
        One row at the start and one per time at which a spell ends, rising: `time` in the caller's
        unit, `term` ("remaining"), `n_risk` (just before; at the start: right after), `n_event`,
        `n_censor`, `estimate` (the curve steps down at `time` and stays until the next), `std_error`
        (Greenwood), `conf_low`, `conf_high`, `conf_level`. No interval before the first event, nor
        once none remains.

    Raises
    ------
    FitError
        Spells that cannot be, see `spells.spells`; too few at risk, or none for a while.

    References
    ----------
    Kaplan, E. L. and Meier, P. (1958). Nonparametric estimation from incomplete observations.
    Journal of the American Statistical Association 53, 457–481. doi:10.2307/2281868
    Kalbfleisch, J. D. and Prentice, R. L. (2002). The Statistical Analysis of Failure Time Data, 2nd
    edition, section 1.4: interval on the log–log scale.
    Tsai, W.-Y., Jewell, N. P. and Wang, M.-C. (1987). A note on the product-limit estimator under
    right censoring and left truncation. Biometrika 74, 883–886. doi:10.1093/biomet/74.4.883

    Examples
    --------
    >>> curve = kaplan_meier([3, 5, 5, 8], [1, 1, 0, 1])
    >>> curve["estimate"].tolist()
    [1.0, 0.75, 0.5, 0.0]
    """
    sets = exits(
        spells(exit_, event, entry=entry, weight=weight),
        start=start, n_risk_min=n_risk_min,
    )  # fmt: skip
    n, d = sets.n_risk, sets.n_event[:, 0]
    remaining = np.cumprod(1 - d / n, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = np.sqrt(np.cumsum(d / (n * (n - d))))
        low, high = _log_log(remaining, spread, conf_level)
        error = remaining * spread
    counts = np.column_stack([n, d, sets.n_censor])
    first = [sets.n_start, 0.0, 0.0]
    n_risk, n_event, n_censor = np.vstack([first, counts]).astype(np.int64).T
    return pd.DataFrame(
        {
            "time": np.r_[sets.start, sets.time], "term": "remaining",
            "n_risk": n_risk, "n_event": n_event, "n_censor": n_censor,
            "estimate": np.r_[1.0, remaining], "std_error": np.r_[0.0, error],
            "conf_low": np.r_[np.nan, low], "conf_high": np.r_[np.nan, high],
            "conf_level": conf_level,
        }
    )  # fmt: skip


def _log_log(remaining: Floats, spread: Floats, conf_level: float) -> tuple[Floats, Floats]:
    """Return limits of shares from the standard errors of their logarithms."""
    inside = (remaining > 0) & (remaining < 1)
    log = np.log(np.where(inside, remaining, np.nan))
    factor = np.exp(float(ndtri((1 + conf_level) / 2)) * spread / np.abs(log))
    low: Floats = np.exp(log * factor)
    high: Floats = np.exp(log / factor)
    return low, high


def at_times(curve: pd.DataFrame, times: ArrayLike) -> pd.DataFrame:
    """Read a curve at stated times.

    Parameters
    ----------
    curve
        One curve: frame of `kaplan_meier`, or one `event_type` of `aalen_johansen`.
    times
        Any order, in the curve's unit.

    Returns
    -------
    DataFrame
        One row per time, as asked: the curve's columns without its counts (`at_risk_table` counts at
        stated times). Unknown before the curve's start and after the last time that was observed, unless
        none was left by then.
    """
    asked = np.asarray(times, dtype=np.float64)
    known = curve["time"].to_numpy(dtype=np.float64)
    place = np.searchsorted(known, asked, side="right") - 1
    read = curve.drop(columns=_COUNTS).iloc[np.maximum(place, 0)].reset_index(drop=True)
    read["time"] = asked
    left = "event_free" if "event_free" in curve else "estimate"
    outside = (place < 0) | ((asked > known[-1]) & bool(curve[left].iloc[-1] > 0))
    figures = read.columns.difference(["time", "event_type", "term", "conf_level"])
    read.loc[outside, figures] = np.nan
    return read


def quantiles(curve: pd.DataFrame, shares: Sequence[float] = (0.5,)) -> pd.DataFrame:
    """Return the times by which stated shares are gone; 0.5 is the median.

    Parameters
    ----------
    curve
        Frame of `kaplan_meier`.
    shares
        Shares that are gone, between 0 and 1.

    Returns
    -------
    DataFrame
        One row per share: `share_gone`, `term` ("time_gone"), `estimate` (the first time at which no
        more than the rest remains), `conf_low`, `conf_high` (the first times at which the limits of the
        curve are that low), `conf_level`; unknown where the curve or a limit does not fall so far.

    References
    ----------
    Brookmeyer, R. and Crowley, J. (1982). A confidence interval for the median survival time.
    Biometrics 38, 29–41. doi:10.2307/2530286
    """
    time = curve["time"].to_numpy(dtype=np.float64)

    def first(column: str, share: float) -> float:
        # 0.75 · 2/3 is not 0.5 to the last bit
        low = curve[column].to_numpy() <= 1 - share + 1e-12
        return float(time[int(np.argmax(low))]) if low.any() else float("nan")

    named = {"estimate": "estimate", "conf_low": "conf_low", "conf_high": "conf_high"}
    rows = [{k: first(column, share) for k, column in named.items()} for share in shares]
    frame = pd.DataFrame(rows, columns=list(named))
    frame.insert(0, "share_gone", np.asarray(shares, dtype=np.float64))
    frame.insert(1, "term", "time_gone")
    return frame.assign(conf_level=curve["conf_level"].iloc[0])


def at_risk_table(
    exit_: ArrayLike,
    event: ArrayLike,
    times: ArrayLike,
    *,
    entry: ArrayLike | None = None,
    weight: ArrayLike | None = None,
) -> pd.DataFrame:
    """Count spells at risk at stated times, and how they ended since the time before.

    Parameters
    ----------
    exit_, event, entry, weight
        As in `kaplan_meier`.
    times
        Rising, in the caller's unit.

    Returns
    -------
    DataFrame
        One row per stated time: `time`, `n_risk` (entry < time ≤ exit: still there just before it; at
        the earliest entry, usually 0, those who begin there), `n_event`, `n_censor` (ends after the
        stated time before and not after this one; in the first row all until then).

    Notes
    -----
    These are the counts of R's `summary(survfit(…), times = …)`. A spell that ends at a stated time is
    at risk there and counts as ended in the same row.

    Examples
    --------
    >>> at_risk_table([3, 5, 5, 8], [1, 1, 0, 1], [0, 5, 6])["n_risk"].tolist()
    [4, 3, 1]
    """
    observed = spells(exit_, event, entry=entry, weight=weight)
    asked = np.asarray(times, dtype=np.float64)
    flow = flows(observed)
    after, gone = np.r_[0.0, flow.after[0]], np.vstack([[0.0, 0.0], flow.gone[0].cumsum(axis=0)])
    before = np.searchsorted(flow.time, asked, side="left")
    # nobody is at risk at the very beginning: there they count who begin
    n_risk = after[np.where(asked == flow.time[0], 1, before)]
    counts = gone[np.searchsorted(flow.time, asked, side="right")]
    counts[1:] -= counts[:-1].copy()
    return pd.DataFrame(
        {
            "time": asked, "n_risk": n_risk.astype(np.int64),
            "n_event": counts[:, 1].astype(np.int64), "n_censor": counts[:, 0].astype(np.int64),
        }
    )  # fmt: skip
