"""How much business an account would do in each month if it lived: the path of log volume."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kamlib.book.simulate.accounts import Accounts
from kamlib.book.simulate.clock import MONTHS, NEVER, Days, month_of
from kamlib.book.simulate.model import UnitModel

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Path:
    """Parts of log volume by account and month, and prices."""

    moving: Floats  # accounts x MONTHS: drift, season, shock (not size, not programme)
    shock: Floats  # accounts x MONTHS, the AR(1) part alone
    partial_day: Days  # on which part of the business moves elsewhere, NEVER: none
    partial_line: NDArray[np.bool_]  # True: the main product line goes, False: all lines shrink
    paused: NDArray[np.bool_]  # accounts x MONTHS: an intermediary sells from stock
    discount: Floats  # accounts x MONTHS

    def partial_before(self, month: int) -> NDArray[np.bool_]:
        """Return which accounts had moved part of their business before a month."""
        return np.asarray(month_of(np.minimum(self.partial_day, 4000)) < month)


def draw(model: UnitModel, people: Accounts, rng: np.random.Generator) -> Path:
    """Draw the path of every account over all months, whether it will live to see them or not."""
    s, count = model.spending, len(people)
    months = np.arange(MONTHS)
    shock = np.empty((count, MONTHS))
    shock[:, 0] = rng.standard_normal(count) * s.ar_sd / np.sqrt(1 - s.ar**2)
    for month in range(1, MONTHS):
        shock[:, month] = s.ar * shock[:, month - 1] + s.ar_sd * rng.standard_normal(count)
    season = s.season * np.cos(2 * np.pi * (months % 12 + 1 - s.season_peak) / 12)
    drift = people.drift[:, None] * (months - 30) / 12

    wait = rng.geometric(s.partial_rate, count)
    partial_month = np.maximum(month_of(people.onboarded), 0) + 6 + wait
    partial_day = np.where(
        partial_month < MONTHS,
        np.round((partial_month + rng.random(count)) * 30.4375).astype(np.int64),
        NEVER,
    )
    paused = np.zeros((count, MONTHS), dtype=bool)
    stocked = people.intermediary & (rng.random(count) < s.destocking_share)
    from_month = 26 + rng.integers(0, 3, count)
    length = rng.integers(3, 6, count)
    paused |= (
        stocked[:, None]
        & (months >= from_month[:, None])
        & (months < (from_month + length)[:, None])
    )

    price = model.price
    own = price.discount_sd * rng.standard_normal(count) + price.costly_discount * people.costly
    discount = (
        (price.discount_base + price.discount_size * people.size + own)[:, None]
        + price.discount_creep * months / 12
    )  # fmt: skip
    return Path(
        moving=drift + season + shock,
        shock=shock,
        partial_day=partial_day,
        partial_line=rng.random(count) < 0.4,
        paused=paused,
        discount=np.clip(discount, 0.0, 0.45),
    )
