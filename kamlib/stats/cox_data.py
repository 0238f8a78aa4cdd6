"""What a Cox model is fitted to: rows of time at risk, half open (entry, exit], with covariates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from kamlib.errors import FitError
from kamlib.stats.rows import columns_of, refuse

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
Flags = NDArray[np.bool_]

# times closer than this share of the largest are one: 0.1 + 0.2 and 0.3
SAME = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class CoxData:
    """Checked rows: one per subject, or one per subject and stretch of time.

    Attributes
    ----------
    names
        Names of the covariates, in the order of their columns.
    covariates
        Shape (n_rows, k), in the order C; what holds from `entry` to `exit`.
    entry, exit
        Shape (n_rows,), in one unit of time; a row is at risk at t where entry < t ≤ exit. Without
        late entry `entry` is −∞.
    event
        Whether the event happened at `exit`.
    stratum
        Code of each row's stratum, a place in `strata`; each stratum has a baseline of its own.
    strata
        Labels of the strata in sorted order; one empty label where there are none.
    weight, offset
        Case weights, and known parts of the log hazard; None where there are none.
    """

    names: tuple[str, ...]
    covariates: Floats
    entry: Floats
    exit: Floats
    event: Flags
    stratum: Ints
    strata: tuple[Any, ...]
    weight: Floats | None = None
    offset: Floats | None = None

    @property
    def n_obs(self) -> int:
        """Number of rows."""
        return len(self.exit)

    def only(self, names: Sequence[str]) -> CoxData:
        """Return the same rows with some of the covariates, in the order of `names`."""
        if tuple(names) == self.names:
            return self
        places = [self.names.index(name) for name in names]
        columns = np.ascontiguousarray(self.covariates[:, places])
        return replace(self, names=tuple(names), covariates=columns)


def cox_data(
    covariates: ArrayLike,
    exit_: ArrayLike,
    event: ArrayLike,
    *,
    names: Sequence[str],
    entry: ArrayLike | None = None,
    strata: ArrayLike | None = None,
    weight: ArrayLike | None = None,
    offset: ArrayLike | None = None,
) -> CoxData:
    """Rows of time at risk, checked; all faults are told at once.

    Parameters
    ----------
    covariates
        Shape (n_rows, k). Values that are missing or infinite are left to
        `kamlib.stats.preflight.preflight`; no fit takes them.
    exit_, entry
        End and begin of each row, the begin not within it; entry not given is −∞.
    event
        Whether the event happened at the end of the row.
    names
        One name per column.
    strata, weight, offset
        Shape (n_rows,). Rows of weight zero count as absent.

    Raises
    ------
    FitError
        No row; lengths that differ; times, weights or offsets that are missing or infinite (`entry`
        may be −∞); entry not before exit; an event that is neither 0 nor 1; weights below zero;
        strata that are missing. Each fault names the first rows, counted from 0.

    Examples
    --------
    >>> data = cox_data([[0.0], [1.0]], [5, 8], [True, False], names=["complaint"], entry=[0, 2])
    >>> data.n_obs, int(data.event.sum())
    (2, 1)
    """
    x = np.ascontiguousarray(covariates, dtype=np.float64)
    given = {
        "exit": exit_, "event": event, "entry": entry, "weight": weight, "offset": offset,
    }  # fmt: skip
    values = columns_of("cox", {name: v for name, v in given.items() if v is not None})
    until, n_rows = values["exit"], len(values["exit"])
    faults = []
    if x.shape != (n_rows, len(names)):
        faults.append(
            f"cox: covariates of shape {x.shape} for {n_rows:,} rows and {len(names)} names; "
            "give one row per row and one column per name"
        )
    if len(set(names)) != len(names):
        faults.append("cox: a covariate's name stands twice; name each once")
    codes, levels = np.zeros(n_rows, dtype=np.int32), ("",)
    if strata is not None:
        found, labels = pd.factorize(np.asarray(strata), sort=True)
        codes, levels = found.astype(np.int32), tuple(labels.tolist())
        if len(codes) != n_rows:
            faults.append(f"cox: {len(codes):,} strata for {n_rows:,} rows; give one per row")
    if faults:
        raise FitError(*faults)
    since = values.get("entry", np.full(n_rows, -np.inf))
    near = SAME * float(np.abs(until[np.isfinite(until)]).max(initial=0.0))
    rules = {
        "whose exit is missing or infinite": ~np.isfinite(until),
        "whose entry is missing or infinite": np.isnan(since) | (since == np.inf),
        "whose entry is not before the exit": since >= until - near,
        "whose event is neither 0 nor 1": ~np.isin(values["event"], (0, 1)),
        "whose stratum is missing": codes < 0,
    }
    for name in {"weight", "offset"} & values.keys():
        rules[f"whose {name} is missing or infinite"] = ~np.isfinite(values[name])
    if weight is not None:
        rules["whose weight is below zero"] = values["weight"] < 0
    refuse("cox", rules, values)
    return CoxData(
        tuple(names), x, since, until, values["event"] == 1, codes, levels,
        values.get("weight"), values.get("offset"),
    )  # fmt: skip
