"""How many have left for each reason: the Aalen–Johansen cumulative incidence, ties kept as they are."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri

from kamlib.errors import FitError, nearest
from kamlib.stats.spells import Exits, exits, spells

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]


def aalen_johansen(
    exit_: ArrayLike,
    event_type: ArrayLike,
    *,
    entry: ArrayLike | None = None,
    weight: ArrayLike | None = None,
    kinds: Sequence[str] | None = None,
    start: float | None = None,
    n_risk_min: int = 1,
    conf_level: float = 0.95,
) -> pd.DataFrame:
    """Estimate the share that each kind of event has taken by each time, of those at the start.

    An account that was lost to insolvency cannot be lost to a competitor any more. One less the
    Kaplan–Meier curve of a single reason (`naive`) treats it as if it still could, and is too high;
    shares of all reasons and the share that remains sum to 1 here, and only here.

    Parameters
    ----------
    exit_, entry, weight
        One element per spell, observed in (entry, exit], as `spells.spells` reads them.
    event_type
        Name of the event at `exit`; missing or empty: censored.
    kinds
        Names in the order of the result, also of kinds that did not occur; those found, sorted, where
        not given.
    start, n_risk_min
        Where the curves begin, as in `kaplan_meier`.
    conf_level
        Of pointwise intervals on the log–log scale of what is left: with one kind these are the
        limits of `kaplan_meier`.

    Returns
    -------
    DataFrame
        One row per kind at the start and at each time at which a spell ends: `time`, `event_type`,
        `term` ("incidence"), `n_risk` (just before; at the start: right after), `n_event` (of this
        kind), `n_censor`, `estimate`, `std_error`, `conf_low`, `conf_high`, `conf_level`, `naive`,
        `event_free` (share without any event). No interval before the first event of the kind.

    Raises
    ------
    FitError
        Spells that cannot be, a kind that `kinds` does not name, no kind at all; too few at risk, or
        none for a while.

    Notes
    -----
    The variance is that of the delta method for the counts at each time, given those at risk. Without
    delayed entry it equals R's `survfit` for several states (an infinitesimal jackknife) exactly, with
    ties too; with delayed entry R's adds cross terms of expectation zero. It needs counts only, so that
    rows of one account may be split over months.

    References
    ----------
    Aalen, O. O. and Johansen, S. (1978). An empirical transition matrix for non-homogeneous Markov
    chains based on censored observations. Scandinavian Journal of Statistics 5, 141–150.
    Marubini, E. and Valsecchi, M. G. (1995). Analysing Survival Data from Clinical Trials and
    Observational Studies, chapter 10: variance by the delta method.

    Examples
    --------
    >>> frame = aalen_johansen([1, 2, 3, 4], ["price", "insolvent", "price", ""])
    >>> frame[frame["event_type"] == "price"]["estimate"].tolist()
    [0.0, 0.25, 0.25, 0.5, 0.5]
    """
    code, names = _kinds(event_type, kinds)
    observed = spells(exit_, code, entry=entry, weight=weight, kinds=len(names))
    sets = exits(observed, kinds=len(names), start=start, n_risk_min=n_risk_min)
    share, error, left = incidence(sets)
    rates = sets.n_event / sets.n_risk[:, None]
    naive = 1 - np.cumprod(1 - rates, axis=0, dtype=np.float64)
    low, high = incidence_limits(share, error, conf_level)
    size, k = share.shape[0] + 1, len(names)
    counts = [
        np.repeat(np.r_[sets.n_start, sets.n_risk], k), _whole(sets.n_event, 0.0),
        np.repeat(np.r_[0.0, sets.n_censor], k),
    ]  # fmt: skip
    n_risk, n_event, n_censor = (values.astype(np.int64) for values in counts)
    return pd.DataFrame(
        {
            "time": np.repeat(np.r_[sets.start, sets.time], k), "event_type": np.tile(names, size),
            "term": "incidence", "n_risk": n_risk, "n_event": n_event, "n_censor": n_censor,
            "estimate": _whole(share, 0.0), "std_error": _whole(error, 0.0),
            "conf_low": _whole(low, np.nan), "conf_high": _whole(high, np.nan),
            "conf_level": conf_level, "naive": _whole(naive, 0.0),
            "event_free": np.repeat(np.r_[1.0, left], k),
        }
    )  # fmt: skip


def _kinds(event_type: ArrayLike, kinds: Sequence[str] | None) -> tuple[Codes, NDArray[np.object_]]:
    """Return 0 or the number of the kind, from 1, and the names of kinds."""
    found = pd.Series(event_type).astype(object)
    code, occurred = pd.factorize(found.mask(found == ""), sort=True)
    names = list(occurred if kinds is None else kinds)
    unknown = [name for name in occurred if name not in names]
    if unknown:
        raise FitError(
            *(
                f"incidence: the kind of event '{name}' is not among those named"
                f"{nearest(str(name), names)}"
                for name in unknown
            )
        )
    if not names:
        raise FitError("incidence: no event has occurred, and no kinds of events are named")
    # the last place is that of −1, the code of the censored
    place = np.array([names.index(name) + 1 for name in occurred] + [0], dtype=np.int64)
    return place[code], np.asarray(names, dtype=object)


def incidence(sets: Exits) -> tuple[Floats, Floats, Floats]:
    """Return shares and standard errors by time and kind, (T, K), and the share without event, (T,).

    Of what happens at s, P(t) gains S · a, and loses q = P(t) − P(s) in proportion to all events; the
    variance is Σ [S² a (1 − a) − 2 S a q + q² h / (1 − h)] / n with a the rate of the kind at s, h of
    all kinds, S what is left just before.
    """
    n = sets.n_risk[:, None]
    rates, events = sets.n_event / n, sets.n_event.sum(axis=1, keepdims=True)
    every = events / n
    left = np.cumprod(1 - every[:, 0])
    before = np.r_[1.0, left[:-1]][:, None]
    share = np.cumsum(before * rates, axis=0)
    # once all have left, nothing is added later
    odds = np.divide(every, 1 - every, out=np.zeros_like(every), where=events < n)
    # q is written out, so that sums over s serve every t
    fixed = before**2 * rates * (1 - rates) + 2 * before * rates * share + share**2 * odds
    once = -2 * (before * rates + share * odds)
    fixed, once, twice = (np.cumsum(part / n, axis=0) for part in (fixed, once, odds))
    variance = fixed + once * share + twice * share**2
    # where all have left in one way these parts cancel, but for rounding
    variance = np.where(variance > 1e-12 * fixed, variance, 0.0)
    return share, np.sqrt(variance), left


def incidence_limits(share: Floats, error: Floats, conf_level: float) -> tuple[Floats, Floats]:
    """Return limits of incidences on the log–log scale of what is left; NaN at 0 and 1."""
    inside = (share > 0) & (share < 1 - 1e-12) & (error > 0)
    rest = np.where(inside, 1 - share, np.nan)
    factor = np.exp(float(ndtri((1 + conf_level) / 2)) * error / np.abs(rest * np.log(rest)))
    low: Floats = 1 - np.exp(np.log(rest) / factor)
    high: Floats = 1 - np.exp(np.log(rest) * factor)
    return low, high


def _whole(values: Floats, first: float) -> Floats:
    """Return values by time and kind in one column, with the row of the start."""
    return np.vstack([np.full(values.shape[1], first), values]).ravel()
