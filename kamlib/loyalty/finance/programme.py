"""The money of a programme month by month: what it brings, what it costs, and what is left."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from kamlib.errors import FitError, nearest
from kamlib.loyalty.finance.flows import monthly_rate

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Programme:
    """A programme as it is valued.

    Attributes
    ----------
    effect
        Revenue gained per account in the programme and month.
    margin
        Contribution of a unit of that revenue, as a share. Where the programme also changes the
        margin of what is bought anyway, give the effect on contribution and a margin of 1.
    n_accounts
        Accounts in the programme.
    months
        Months that are valued, from the start.
    months_seen
        Months in which the effect was measured.
    set_up
        Money laid out at the start.
    running
        Money per month for service and communication, of all accounts.
    rewards
        Money per month at which rewards would be redeemed if all were.
    breakage
        Share of the rewards that is never redeemed.
    discount_rate
        What money loses in a year.
    fade
        Share of the effect that is lost from month to month after `months_seen`; None where nobody
        said.
    """

    effect: float
    margin: float
    n_accounts: int
    months: int
    months_seen: int
    set_up: float
    running: float = 0.0
    rewards: float = 0.0
    breakage: float = 0.0
    discount_rate: float = 0.10
    fade: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Course:
    """Gains and costs, each of shape (draws, months + 1); the first column is the start.

    Attributes
    ----------
    gain
        Contribution that the programme brought.
    cost
        Money that it took.
    rate
        Discount rate per month, shape (draws,).
    """

    gain: Floats
    cost: Floats
    rate: Floats

    @property
    def net(self) -> Floats:
        """Gain less cost, not discounted, shape (draws,)."""
        return np.asarray((self.gain - self.cost).sum(axis=1))

    @property
    def roi(self) -> Floats:
        """Net ÷ cost, shape (draws,)."""
        return np.asarray(self.net / self.cost.sum(axis=1))

    @property
    def npv(self) -> Floats:
        """Net present value, shape (draws,)."""
        at = np.arange(self.gain.shape[1])
        return np.asarray(((self.gain - self.cost) / (1 + self.rate[:, None]) ** at).sum(axis=1))


def course(programme: Programme, draws: Mapping[str, Floats] | None = None) -> Course:
    """Gains and costs of a programme month by month, where wanted under many draws at once.

    Parameters
    ----------
    programme
        As it is valued.
    draws
        Draws of its figures by name, shape (draws,) each; the others are as they stand.

    Raises
    ------
    FitError
        A figure that the programme does not have, values outside their range, or more than twice
        the months seen without a word on how the effect fades.

    Examples
    --------
    >>> shop = Programme(effect=100, margin=0.3, n_accounts=10, months=12, months_seen=12,
    ...                  set_up=1_000, running=100, discount_rate=0.0)
    >>> found = course(shop)
    >>> found.net.round(6).tolist(), found.roi.round(6).tolist()
    ([1400.0], [0.636364])
    """
    _check(programme, draws or {})

    def figure(name: str) -> Floats:
        given = (draws or {}).get(name, getattr(programme, name))
        return np.atleast_1d(np.asarray(0.0 if given is None else given, dtype=np.float64))[:, None]

    month = np.arange(programme.months + 1)
    past = np.maximum(month - programme.months_seen, 0)
    running = (month > 0).astype(np.float64)
    gain = figure("effect") * figure("margin") * programme.n_accounts * running
    gain = gain * (1 - figure("fade")) ** past
    cost = figure("running") * running + figure("rewards") * (1 - figure("breakage")) * running
    cost = cost + figure("set_up") * (month == 0)
    rate = np.array([monthly_rate(float(r)) for r in figure("discount_rate")[:, 0]])
    gain, cost = np.broadcast_arrays(gain, cost)
    return Course(gain, cost, np.broadcast_to(rate, gain.shape[:1]))


def break_even_effect(programme: Programme) -> float:
    """Return the revenue per account and month at which the programme just pays back its cost.

    Before discounting. Where no effect may be claimed, this is all that can be said.

    >>> shop = Programme(effect=0, margin=0.3, n_accounts=10, months=12, months_seen=12,
    ...                  set_up=1_000, running=100)
    >>> round(break_even_effect(shop), 6)
    61.111111
    """
    found = course(programme)
    weight = (1 - (programme.fade or 0.0)) ** np.maximum(
        np.arange(1, programme.months + 1) - programme.months_seen, 0
    )
    return float(found.cost.sum() / (programme.margin * programme.n_accounts * weight.sum()))


def _check(programme: Programme, draws: Mapping[str, Floats]) -> None:
    names = [f.name for f in fields(programme)]
    faults = [
        f"the programme has no figure '{n}'{nearest(n, names)}" for n in draws if n not in names
    ]
    if not 0 < programme.margin <= 1:
        faults.append(
            f"margin: a share above 0 and up to 1 is needed; it is {programme.margin:g}. Without a "
            "margin there is no return, only revenue"
        )
    if min(programme.set_up, programme.running, programme.rewards) < 0:
        faults.append("set_up, running and rewards must not be below zero")
    if programme.set_up + programme.running + programme.rewards == 0:
        faults.append("no cost of the programme is given: without it there is no return")
    if not 0 <= programme.breakage < 1:
        faults.append(f"breakage must lie from 0 to below 1; it is {programme.breakage:g}")
    if programme.fade is not None and not 0 <= programme.fade <= 1:
        faults.append(f"fade must lie from 0 to 1; it is {programme.fade:g}")
    if min(programme.n_accounts, programme.months, programme.months_seen) < 1:
        faults.append("accounts and months must be one at least")
    elif programme.months > 2 * programme.months_seen and programme.fade is None:
        faults.append(
            f"{programme.months} months are valued and {programme.months_seen} were seen: beyond twice "
            "that, say how the effect fades from month to month (fade; 0 if it is to stay)"
        )
    if faults:
        raise FitError(*faults)
