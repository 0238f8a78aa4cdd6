"""Who was at risk when: sums over the risk sets of all moments at which an event happened.

A moment is a distinct time of events within a stratum. A row matters only by the moments that its
time at risk holds, which are consecutive: sums over all risk sets are sums by the last moment of each
row, added up from the end of the stratum, less what had not entered. Nothing is sorted but the
moments; rows of equal times, such as account-months, make few of them. A row that holds one moment
is added there and nowhere else, so that nothing is subtracted where nothing need be.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from kamlib.stats.cox_data import SAME, CoxData, Flags, Floats, Ints


@dataclass(frozen=True, slots=True, eq=False)
class RiskSets:
    """The risk sets of m moments, and which of them each of the n rows is in.

    Attributes
    ----------
    stratum, time
        Of each moment, in rising order, shape (m,).
    bounds
        First moment of each stratum, and m: shape (n_strata + 1,).
    rows
        Places, in the data, of the rows that are in a risk set at all.
    first, past
        Row i is in the risk sets `first[i]` to `past[i]` − 1; at least one.
    event
        Places, among `rows`, of those that end in an event: at the moment past − 1.
    """

    stratum: Ints
    time: Floats
    bounds: NDArray[np.int64]
    rows: NDArray[np.int64]
    first: Ints
    past: Ints
    event: NDArray[np.int64]
    _code: Ints
    _single: Flags | None
    _late: Flags | None

    @property
    def size(self) -> int:
        """Number of moments."""
        return len(self.time)

    @property
    def at(self) -> Ints:
        """The moment of each event."""
        return self.past[self.event] - 1

    def sums(self, values: Floats, columns: Floats | None = None) -> Floats:
        """Return sums of values, or of values · columns, over each risk set.

        Shapes (n,) and (n, k) give (m,) and (m, k).
        """
        m = self.size
        if self._single is None:
            return grouped(self.first, values, columns, m)
        # rows of one moment in a table of their own
        table = grouped(self._code, values, columns, 2 * m)
        total = self._from_end(table[:m]) + table[m:]
        if self._late is not None:
            before = grouped(self.first - 1, values, columns, m, only=self._late)
            total -= self._from_end(before)
        return total

    def over(self, steps: Floats, rows: slice = slice(None)) -> Floats:
        """Return sums, over the moments of each row, of steps of shape (m,) or (m, k)."""
        first = self.first[rows]
        if self._single is None:
            return np.asarray(steps[first])
        added = added_up(steps)
        total = np.asarray(added[self.past[rows]] - added[first])
        one = self._single[rows]
        total[one] = steps[first[one]]
        return total

    def _from_end(self, table: Floats) -> Floats:
        total = np.empty_like(table)
        for low, high in zip(self.bounds[:-1], self.bounds[1:], strict=True):
            total[low:high] = np.cumsum(table[low:high][::-1], axis=0)[::-1]
        return total


def added_up(steps: Floats) -> Floats:
    """Return sums of steps up to each, beginning with 0: one more than there are steps."""
    return np.concatenate([np.zeros((1, *steps.shape[1:])), np.cumsum(steps, axis=0)])


def grouped(
    code: Ints, values: Floats, columns: Floats | None, size: int, *, only: Flags | None = None
) -> Floats:
    """Return sums by group of values, shape (n,), or of values · columns, shape (n, k).

    Result of shape (size,) or (size, k); with `only`, of some of the rows.
    """
    if columns is None:
        if only is not None:
            code, values = code[only], values[only]
        return np.asarray(np.bincount(code, values, size), dtype=np.float64)
    ends = np.arange(len(code) + 1, dtype=np.int32)
    if only is not None:
        ends[1:] = np.cumsum(only)
        code, values = code[only], values[only]
    # a matrix with one entry per column, which is multiplied without being sorted or filled
    matrix = sparse.csc_array((values, code, ends), shape=(size, len(columns)))
    return np.asarray(matrix @ columns)


def risk_sets(data: CoxData) -> RiskSets:
    """Return the risk sets of the data; rows of weight zero are in none.

    Examples
    --------
    >>> from kamlib.stats.cox_data import cox_data
    >>> sets = risk_sets(cox_data(np.ones((3, 1)), [2, 5, 5], [1, 0, 1], names=["x"]))
    >>> sets.time.tolist(), sets.sums(np.ones(3)).tolist()
    ([2.0, 5.0], [3.0, 2.0])
    """
    event = data.event if data.weight is None else data.event & (data.weight > 0)
    times = np.unique(data.exit[event])
    if len(times):
        near = SAME * max(float(np.abs(data.exit).max()), np.finfo(float).tiny)
        times = times[np.diff(times, prepend=-np.inf) > near]
        past = np.searchsorted(times, data.exit + near, side="right")
        first = np.searchsorted(times, data.entry + near, side="right")
    else:
        past = first = np.zeros(data.n_obs, dtype=np.int64)
    n_strata, k = len(data.strata), len(times)
    stratum, time = np.zeros(k, dtype=np.int32), times
    if n_strata > 1:
        # the same with pairs of stratum and time, as one whole number each
        here = data.stratum.astype(np.int64) * (k + 1)
        pairs = np.unique((here + past)[event])
        past = np.searchsorted(pairs, here + past, side="right")
        first = np.searchsorted(pairs, here + first, side="right")
        stratum, time = (pairs // (k + 1)).astype(np.int32), times[pairs % (k + 1) - 1]
    bounds = np.searchsorted(stratum, np.arange(n_strata + 1))
    seen = past > first if data.weight is None else (past > first) & (data.weight > 0)
    rows = np.flatnonzero(seen)
    if len(rows) < data.n_obs:
        past, first, event = past[rows], first[rows], event[rows]
    single = past - first == 1
    late = ~single & (first > bounds[data.stratum[rows]])
    code = np.where(single, past + (len(time) - 1), past - 1).astype(np.int32)
    return RiskSets(
        stratum, time, bounds, rows, first.astype(np.int32), past.astype(np.int32),
        np.flatnonzero(event), code, None if single.all() else single, late if late.any() else None,
    )  # fmt: skip
