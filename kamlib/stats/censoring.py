"""What is known at a horizon, and how much each known account counts for those that are not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kamlib.errors import FitError
from kamlib.stats.spells import exits, spells

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class FollowUp:
    """Accounts followed from one day on, and how likely each was still followed when it ended.

    Attributes
    ----------
    exit, event
        Time since that day, and what happened then: 0 nothing (censored), 1 the event, 2 another end
        that rules it out.
    uncensored
        G(exit−): the share of accounts whose follow-up was to last at least until this exit.
    time, share
        Steps of G: what remains of follow-up after each time; 1 before the first.
    """

    exit: Floats
    event: NDArray[np.int64]
    uncensored: Floats
    time: Floats
    share: Floats

    def lasts(self, time: ArrayLike) -> Floats:
        """Return G(time−), the share whose follow-up lasts at least until a time."""
        place = np.searchsorted(self.time, np.asarray(time, dtype=np.float64), side="left")
        shares: Floats = np.r_[1.0, self.share][place]
        return shares


def follow_up(exit_: ArrayLike, event: ArrayLike) -> FollowUp:
    """Estimate how long follow-up lasts, of accounts that are all followed from time 0.

    Parameters
    ----------
    exit_, event
        One element per account; `event` is 0 (censored), 1 (the event) or 2 (another end).

    Raises
    ------
    FitError
        Faults of `spells.spells`.

    Notes
    -----
    Kaplan–Meier of the censoring. An account that ends at a time was followed through it: at tied
    times events come first, and G is read just before (G(t) in its place makes the Brier score of
    monthly data 1 % too large, and of half-yearly data 7 %).
    """
    observed = spells(exit_, event, kinds=2)
    sets = exits(observed, kinds=2)
    left = sets.n_risk - sets.n_event.sum(axis=1)
    share = np.cumprod(1 - np.divide(sets.n_censor, left, out=np.zeros_like(left), where=left > 0))
    place = np.searchsorted(sets.time, observed.exit, side="right") - 1
    return FollowUp(observed.exit, observed.event, np.r_[1.0, share][place], sets.time, share)


def known_by(seen: FollowUp, horizon: float) -> tuple[Floats, Floats]:
    """Return whether the event came within a horizon, and the weight of each account.

    Parameters
    ----------
    seen
        Follow-up of accounts.
    horizon
        Time above zero.

    Returns
    -------
    tuple
        Outcome, 1 where the event came at or before the horizon, and weight, 0 where an account was
        censored before it, so that nobody knows; both of shape (n,). The weights sum to n, and the
        weighted share of events is the Aalen–Johansen (Kaplan–Meier) estimate.

    Raises
    ------
    FitError
        A horizon that no account is followed to.

    Notes
    -----
    An account that is censored at the horizon itself was there through it, and is known. Other
    programs count it as unknown (they have T > t for T ≥ t), and then can say nothing at the end of a
    window in which all accounts are followed equally long.

    References
    ----------
    Graf, E., Schmoor, C., Sauerbrei, W. and Schumacher, M. (1999). Assessment and comparison of
    prognostic classification schemes for survival data. Statistics in Medicine 18, 2529–2545.
    doi:10.1002/(SICI)1097-0258(19990915/30)18:17/18<2529::AID-SIM274>3.0.CO;2-5

    Examples
    --------
    >>> outcome, weight = known_by(follow_up([1, 2, 3, 4], [0, 1, 0, 0]), horizon=3)
    >>> outcome.tolist(), weight.round(4).tolist()
    ([0.0, 1.0, 0.0, 0.0], [0.0, 1.3333, 1.3333, 1.3333])
    """
    there = float(seen.lasts(horizon))
    if not horizon > 0 or there == 0:
        raise FitError(
            f"horizon: {horizon:g} cannot be judged; it must be above 0 and at most "
            f"{seen.exit.max():g}, the longest that an account was followed"
        )
    happened = (seen.event > 0) & (seen.exit <= horizon)
    outcome = happened & (seen.event == 1)
    weight = np.where(happened, 1 / seen.uncensored, np.where(seen.exit >= horizon, 1 / there, 0.0))
    return outcome.astype(np.float64), weight


def chances(chance: ArrayLike, n: int, times: Floats) -> Floats:
    """Return predicted chances as one column per time, checked.

    Parameters
    ----------
    chance
        Shape (n,), one for all times, or (n, k).
    n, times
        Number of accounts, and the k times.

    Raises
    ------
    FitError
        Another shape, or a chance outside 0 to 1.
    """
    values = np.asarray(chance, dtype=np.float64)
    values = values[:, None] if values.ndim == 1 else values
    if values.shape not in {(n, 1), (n, times.size)}:
        raise FitError(
            f"chances: the shape is {np.shape(chance)}; expected one per account, ({n},), or one per "
            f"account and time, ({n}, {times.size})"
        )
    bad = ~((values >= 0) & (values <= 1)).all(axis=1)
    if bad.any():
        rows = np.flatnonzero(bad)
        raise FitError(
            f"chances: {rows.size:,} of {n:,} accounts have one outside 0 to 1; the first is row "
            f"{rows[0]}: {values[rows[0]].tolist()}"
        )
    return np.broadcast_to(values, (n, times.size))
