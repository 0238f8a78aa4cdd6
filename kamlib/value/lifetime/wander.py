"""How far accounts wander from the constant rates of a model, as factors on what it plays forward."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Shift:
    """Factors on one quantity: one that all accounts share, and one of each account's own.

    Attributes
    ----------
    common, common_sd
        Logarithm of the factor that all accounts share, and how unsure it is.
    spread
        Standard deviation of the logarithm of an account's own factor, whose mean is 1.
    """

    common: float = 0.0
    common_sd: float = 0.0
    spread: float = 0.0

    def over(self, times: float) -> Shift:
        """Return the shift of a forecast whose wander has this many times the variance."""
        root = float(np.sqrt(times))
        return Shift(self.common, self.common_sd * root, self.spread * root)

    def draw_common(self, draws: int, rng: np.random.Generator) -> Floats:
        """Return the factor that all accounts share, shape (draws, 1)."""
        if self.common_sd == 0:
            return np.full((draws, 1), np.exp(self.common))
        return np.asarray(np.exp(self.common + self.common_sd * rng.standard_normal((draws, 1))))

    def draw_own(self, shape: tuple[int, ...], rng: np.random.Generator) -> Floats:
        """Return the accounts' own factors, log-normal with mean 1."""
        if self.spread == 0:
            return np.ones(shape)
        return np.asarray(np.exp(self.spread * rng.standard_normal(shape) - self.spread**2 / 2))


@dataclass(frozen=True, slots=True)
class Wander:
    """What a forecast allows for beyond its model; `rehearsal` learns it from the unit's past.

    Attributes
    ----------
    rate, spend
        Shifts of how often accounts buy, and of what they spend per purchase.
    comeback
        Chance that an account which the model takes to have left buys again within the horizon.
    count_level, money_level
        Level at which limits of single accounts are taken, so that they hold as often as stated; 0:
        at the stated one.
    """

    rate: Shift = Shift()
    spend: Shift = Shift()
    comeback: float = 0.0
    count_level: float = 0.0
    money_level: float = 0.0


STEADY = Wander()
