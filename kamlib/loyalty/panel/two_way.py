"""Levels of units and of periods fitted to part of a panel: sums over units only, gaps allowed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from kamlib.loyalty.panel.grid import Flags, Floats, Places


@dataclass(frozen=True, slots=True, eq=False)
class TwoWay:
    """Weighted least squares of unit and period levels on the cells of `mask`.

    Attributes
    ----------
    mask
        Cells that are fitted, shape (n, T).
    weight
        Of a unit, shape (n,).
    inverse
        Of the periods' normal equations once units are swept out, shape (T, T); the level of a
        part that hangs together is free, and taken so that its periods sum to zero.
    reach
        Cells whose level is known, shape (n, T): their unit and period are both fitted, and by
        cells that hang together.
    """

    mask: Flags
    weight: Floats
    inverse: Floats
    reach: Flags

    def levels(self, values: Floats) -> Floats:
        """Return unit + period level of all cells, shape (n, T), of values that are fitted."""
        return self.loading(np.where(self.mask, values, 0.0) * self.weight[:, None])

    def loading(self, sums: Floats) -> Floats:
        """Return λ_i + μ_t that solves the normal equations with these right-hand sides.

        With weighted values it gives their fitted levels. With weights w of cells elsewhere it gives
        the loadings of fitted cells, so that Σ w · level = Σ mask · weight · loading · value.
        """
        count = np.maximum(self.mask.sum(axis=1) * self.weight, 1e-300)
        units = sums.sum(axis=1)
        swept = sums.sum(axis=0) - self.mask.T @ (self.weight * units / count)
        period = self.inverse @ swept
        unit = (units - self.weight * (self.mask @ period)) / count
        return np.asarray(unit[:, None] + period)


def two_way(mask: Flags, weight: Floats) -> TwoWay:
    """Prepare the fit of unit and period levels to the cells of a mask.

    Parameters
    ----------
    mask
        Shape (n, T).
    weight
        Of a unit, shape (n,).

    Examples
    --------
    >>> mask = np.array([[True, True], [True, False]])
    >>> fit = two_way(mask, np.ones(2))
    >>> fit.levels(np.array([[1.0, 3.0], [5.0, 0.0]])).round(6).tolist()
    [[1.0, 3.0], [5.0, 7.0]]
    """
    cells = mask * weight[:, None]
    count = np.maximum(mask.sum(axis=1), 1)
    normal = np.diag(cells.sum(axis=0)) - cells.T @ (mask / count[:, None])
    of_unit, of_period = _parts(mask)
    pinned = normal + weight.sum() * (of_period[:, None] == of_period)
    together: Flags = np.equal.outer(of_unit, of_period)
    fitted: Flags = np.logical_and.outer(mask.any(axis=1), mask.any(axis=0))
    return TwoWay(mask, weight, np.linalg.inv(pinned), together & fitted)


def _parts(mask: Flags) -> tuple[Places, Places]:
    """Return for each unit and period the number of the part that it hangs together with."""
    n, width = mask.shape
    filled = mask.sum(axis=0)
    if (filled == mask.any(axis=1).sum()).any():
        # a period in which all are seen joins them; one in which nobody is stands alone
        return np.zeros(n, np.int64), np.where(filled, 0, 1 + np.arange(width))
    units, periods = np.nonzero(mask)
    links = np.ones(len(units)), (units, n + periods)
    part = connected_components(csr_array(links, shape=(n + width, n + width)), directed=False)[1]
    return part[:n].astype(np.int64), part[n:].astype(np.int64)
