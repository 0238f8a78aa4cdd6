"""What a purchase model reads: distinct summary rows and how many accounts share each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kamlib.errors import FitError

Floats = NDArray[np.float64]
_PACKED = 2**62


@dataclass(frozen=True, slots=True, eq=False)
class Purchases:
    """Distinct rows of purchase summaries, with the tables that every model needs.

    Attributes
    ----------
    frequency, recency_days, age_days
        One value per distinct row: repeat purchases, age at the last one, age; in one time unit.
    weights
        Accounts that share the row.
    counts, counts_weights, counts_index
        Distinct frequencies, accounts of each, and where each row finds its own.
    log_gaps
        Sum over all accounts of the logarithms of the times between purchases; only needed to
        compare regular-order models of different `k`, see `mbg_cnbd_k`.
    """

    frequency: Floats
    recency_days: Floats
    age_days: Floats
    weights: Floats
    counts: Floats
    counts_weights: Floats
    counts_index: NDArray[np.intp]
    log_gaps: float = 0.0

    @property
    def n_obs(self) -> int:
        """Number of accounts."""
        return round(float(self.weights.sum()))

    @property
    def n_repeat(self) -> int:
        """Number of accounts with at least one repeat purchase."""
        return round(float(self.weights[self.frequency > 0].sum()))

    @property
    def mean_frequency(self) -> float:
        """Mean number of repeat purchases of an account."""
        return float(np.average(self.frequency, weights=self.weights))

    @property
    def mean_age(self) -> float:
        """Mean age of an account."""
        return float(np.average(self.age_days, weights=self.weights))


def compress(
    frequency: ArrayLike,
    recency_days: ArrayLike,
    age_days: ArrayLike,
    *,
    weights: ArrayLike | None = None,
    log_gaps: float = 0.0,
) -> Purchases:
    """Distinct (frequency, recency_days, age_days) rows and the number of accounts of each.

    Parameters
    ----------
    frequency, recency_days, age_days
        One value per account, shape (n,). An account without a repeat purchase has recency 0.
    weights
        Accounts behind each row where the rows are counted already; else one each.
    log_gaps
        See `Purchases`.

    Raises
    ------
    FitError
        Where there is no account, or a row cannot be: all faults at once, each counted.

    Examples
    --------
    >>> rows = compress([0, 2, 0], [0, 30, 0], [90, 90, 90])
    >>> rows.weights.tolist(), rows.n_obs
    ([2.0, 1.0], 3)
    """
    columns = [np.asarray(c, dtype=np.float64) for c in (frequency, recency_days, age_days)]
    _judge(*columns)
    given = None if weights is None else np.asarray(weights, dtype=np.float64)
    (x, recency, age), counted = _packed(columns, given) or _sorted(columns, given)
    counts, index = np.unique(x, return_inverse=True)
    per_count = np.bincount(index, counted).astype(np.float64)
    return Purchases(x, recency, age, counted, counts, per_count, index, log_gaps)


def _judge(x: Floats, recency: Floats, age: Floats) -> None:
    if len(x) == 0:
        raise FitError("purchase summary: no account; expected at least one")
    finite = np.isfinite(x) & np.isfinite(recency) & np.isfinite(age)
    wrong = {
        "not finite": ~finite,
        "a frequency that is no count": finite & ((x < 0) | (x != np.floor(x))),
        "a last purchase before the first or after the end": (recency < 0) | (recency > age),
        "no repeat purchase but the date of one": (x == 0) & (recency > 0),
        "repeat purchases on the day of the first": (x > 0) & (recency == 0),
    }
    faults = [
        f"purchase summary: {what} in {hit.sum():,} of {len(x):,} rows (first: row {hit.argmax()})"
        for what, hit in wrong.items()
        if hit.any()
    ]
    if faults:
        raise FitError(*faults)


def _packed(columns: list[Floats], given: Floats | None) -> tuple[list[Floats], Floats] | None:
    """Sort one whole number per account, where the three fit into one."""
    sizes = [int(column.max()) + 1 for column in columns if column.max() < _PACKED]
    whole = all(bool((column == np.floor(column)).all()) for column in columns)
    if given is not None or not whole or len(sizes) < 3 or np.prod(sizes, dtype=object) > _PACKED:
        return None
    x, recency, age = (column.astype(np.int64) for column in columns)
    key = np.sort((x * sizes[1] + recency) * sizes[2] + age)
    starts = np.flatnonzero(np.concatenate([[True], key[1:] != key[:-1]]))
    rest, last = np.divmod(key[starts], sizes[2])
    first, middle = np.divmod(rest, sizes[1])
    counted = np.diff(np.append(starts, len(key))).astype(np.float64)
    return [part.astype(np.float64) for part in (first, middle, last)], counted


def _sorted(columns: list[Floats], given: Floats | None) -> tuple[list[Floats], Floats]:
    order = np.lexsort(columns[::-1])
    rows = [column[order] for column in columns]
    new = np.any([row[1:] != row[:-1] for row in rows], axis=0)
    starts = np.flatnonzero(np.concatenate([[True], new]))
    ones = np.ones(len(order)) if given is None else given[order]
    return [row[starts] for row in rows], np.add.reduceat(ones, starts)
