"""Figures that are not known for sure, drawn together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.stats import beta, gamma, norm, t

from kamlib.errors import FitError, nearest

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Uncertain:
    """A figure with its error.

    Attributes
    ----------
    value, error
        Mean and standard error; an error of zero is a figure known for sure.
    law
        "any": symmetric (Student's t), as effects are; "share": within 0 and 1 (beta); "amount":
        above zero (gamma), as costs are.
    df
        Degrees of freedom of "any"; None for large samples.
    """

    value: float
    error: float = 0.0
    law: Literal["any", "share", "amount"] = "any"
    df: float | None = None

    def quantile(self, chance: Floats) -> Floats:
        """Return the values below which the figure lies with these chances.

        Raises
        ------
        FitError
            A share or an amount outside its range, or an error that is too large for it.

        Examples
        --------
        >>> Uncertain(0.25, 0.05, "share").quantile(np.array([0.025, 0.975])).round(3).tolist()
        [0.159, 0.354]
        """
        if self.error < 0:
            raise FitError(f"an error must not be below zero; it is {self.error:g}")
        if self.error == 0:
            return np.full_like(chance, self.value)
        if self.law == "share":
            spread = self.value * (1 - self.value)
            if not 0 < self.value < 1 or self.error**2 >= spread:
                raise FitError(f"{self.value:g} ± {self.error:g} is no share between 0 and 1")
            size = spread / self.error**2 - 1
            return np.asarray(beta.ppf(chance, self.value * size, (1 - self.value) * size))
        if self.law == "amount":
            if self.value <= 0:
                raise FitError(f"an uncertain amount must be above zero; it is {self.value:g}")
            shape = (self.value / self.error) ** 2
            return np.asarray(gamma.ppf(chance, shape, scale=self.value / shape))
        law = norm if self.df is None else t(self.df)
        return np.asarray(self.value + self.error * law.ppf(chance))


def draw(
    figures: Mapping[str, Uncertain],
    *,
    draws: int,
    rng: np.random.Generator,
    correlation: Mapping[tuple[str, str], float] | None = None,
) -> dict[str, Floats]:
    """Draw figures together.

    Parameters
    ----------
    figures
        By name.
    draws, rng
        Number of draws, source of randomness.
    correlation
        Of pairs of names, on the normal scale (Gaussian copula); all others are independent.

    Returns
    -------
    dict
        Draws by name, shape (draws,).

    Raises
    ------
    FitError
        An unknown name, or correlations that contradict one another.
    """
    names = list(figures)
    pairs = dict(correlation or {})
    unknown = [name for pair in pairs for name in pair if name not in figures]
    if unknown:
        raise FitError(*(f"correlation: no figure '{n}'{nearest(n, names)}" for n in unknown))
    together = np.eye(len(names))
    for (one, other), value in pairs.items():
        at = names.index(one), names.index(other)
        together[at] = together[at[::-1]] = value
    try:
        root = np.linalg.cholesky(together)
    except np.linalg.LinAlgError:
        raise FitError(
            "the correlations contradict one another: bring them nearer to zero"
        ) from None
    chance = norm.cdf(rng.standard_normal((draws, len(names))) @ root.T)
    return {name: figures[name].quantile(chance[:, k]) for k, name in enumerate(names)}
