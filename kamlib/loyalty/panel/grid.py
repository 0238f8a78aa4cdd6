"""A tidy panel, checked once and laid out as units × periods, as all panel estimators read it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kamlib.errors import FitError

Floats = NDArray[np.float64]
Places = NDArray[np.int64]
Flags = NDArray[np.bool_]

_KEYS = ("unit", "period", "cohort", "outcome")


@dataclass(frozen=True, slots=True, eq=False)
class Panel:
    """Units × periods; n units, T periods one step apart.

    Attributes
    ----------
    units
        Identifiers, shape (n,), in rising order.
    periods
        Whole numbers, shape (T,): months or years counted on.
    start
        Place in `periods` at which a unit is first treated, shape (n,), at least 1; T where it is not
        treated within the panel.
    outcome
        Shape (n, T); NaN where the panel has no value.
    covariates
        Known before any treatment, one row per unit, shape (n, k).
    weight
        Of a unit, shape (n,), mean 1. Account-weighted effects have ones; revenue-weighted effects
        the revenue before the start.
    cluster
        Number of the cluster (parent company) that a unit belongs to, shape (n,).
    n_always
        Units left out since they were treated from their first period on: they have no before.
    """

    units: NDArray[Any]
    periods: Places
    start: Places
    outcome: Floats
    covariates: Floats
    weight: Floats
    cluster: Places
    n_always: int

    @property
    def n_units(self) -> int:
        """Number of units."""
        return len(self.units)

    @property
    def n_periods(self) -> int:
        """Number of periods."""
        return len(self.periods)

    @property
    def treated(self) -> Flags:
        """Whether a unit is ever treated within the panel."""
        return self.start < self.n_periods

    @property
    def after(self) -> Flags:
        """Whether a unit is under treatment in a period, shape (n, T)."""
        return np.arange(self.n_periods) >= self.start[:, None]

    @property
    def seen(self) -> Flags:
        """Whether there is a value, shape (n, T)."""
        return np.isfinite(self.outcome)

    @property
    def cohorts(self) -> Places:
        """Places at which any unit starts, in rising order."""
        return np.unique(self.start[self.treated])

    @property
    def n_treated_clusters(self) -> int:
        """Clusters with a treated unit: what the error of an effect on the treated hangs on."""
        return len(np.unique(self.cluster[self.treated]))


def panel_of(
    frame: pd.DataFrame,
    *,
    covariates: Sequence[str] = (),
    weight: str | None = None,
    cluster: str | None = None,
) -> Panel:
    """Lay out a tidy panel of one row per unit and period.

    Parameters
    ----------
    frame
        `unit`; `period`, a whole number that rises by one from period to period; `cohort`, the
        period in which the unit is first treated, missing where it never is; `outcome`, a number,
        missing where it is not known. Money of accounts that left is 0, not missing. A cohort after
        the last period counts as not treated within the panel.
    covariates
        Columns of numbers that are the same in all rows of a unit.
    weight, cluster
        Columns that are the same in all rows of a unit; without them units weigh the same, and each
        is a cluster of its own, as is a unit whose cluster is missing.

    Raises
    ------
    FitError
        With all faults at once: missing columns; rows given twice; a cohort, covariate, weight or
        cluster that changes within a unit (a covariate that moves after the start may be a result
        of the treatment: give its value before); periods that are no whole numbers or leave a gap;
        values that are not finite; or nobody left with a before and an after.

    Examples
    --------
    >>> rows = [(u, p, 2 if u < "c" else None, p) for u in "abc" for p in (1, 2)]
    >>> panel = panel_of(pd.DataFrame(rows, columns=["unit", "period", "cohort", "outcome"]))
    >>> panel.outcome.tolist(), panel.start.tolist()
    ([[1.0, 2.0], [1.0, 2.0], [1.0, 2.0]], [1, 1, 2])
    """
    fixed = list(dict.fromkeys(n for n in (*covariates, weight, cluster) if n is not None))
    absent = [name for name in (*_KEYS, *fixed) if name not in frame.columns]
    if absent:
        raise FitError(f"the panel lacks the columns {', '.join(absent)}")
    if frame.empty:
        raise FitError("the panel has no rows")
    numbers = ["period", "cohort", "outcome", *covariates, *([weight] if weight else [])]
    frame = _with_numbers(frame[list(dict.fromkeys([*_KEYS, *fixed]))], numbers)
    unit, units = pd.factorize(frame["unit"], sort=True)
    first = _first_rows(unit, len(units))
    faults = [*_faults_of_rows(frame, unit), *_faults_within_units(frame, unit, first, fixed)]
    if not faults:
        per_unit = frame.iloc[first]
        faults = [*_faults_of_units(per_unit, covariates, weight)]
    if faults:
        raise FitError(*faults)
    period = frame["period"].to_numpy(np.float64).astype(np.int64)
    periods = np.arange(period.min(), period.max() + 1)
    start = per_unit["cohort"].to_numpy(np.float64) - periods[0]
    start = np.where(np.isnan(start), len(periods), start).clip(0, len(periods)).astype(np.int64)
    outcome = np.full((len(units), len(periods)), np.nan)
    outcome[unit, period - periods[0]] = frame["outcome"].to_numpy(np.float64)
    codes = np.arange(len(units)) if cluster is None else _codes(per_unit[cluster])
    weights = np.ones(len(units)) if weight is None else per_unit[weight].to_numpy(np.float64)
    before = np.arange(len(periods)) < start[:, None]
    keep = (np.isfinite(outcome) & before).any(axis=1)
    _refuse_if_nobody(start, keep, len(periods))
    return Panel(
        units=units.to_numpy()[keep],
        periods=periods,
        start=start[keep],
        outcome=outcome[keep],
        covariates=per_unit[list(covariates)].to_numpy(np.float64)[keep],
        weight=weights[keep] / weights[keep].mean(),
        cluster=np.unique(codes[keep], return_inverse=True)[1].astype(np.int64),
        n_always=int((~keep & (start < len(periods))).sum()),
    )


def _with_numbers(frame: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """Return the frame with these columns as floats, missing values as NaN."""
    read = {name: pd.to_numeric(frame[name], errors="coerce") for name in names}
    faults = [
        f"{name}: {wrong:,} rows hold no number (first: {str(frame.loc[bad, name].iloc[0])!r})"
        for name, column in read.items()
        if (wrong := int((bad := column.isna() & frame[name].notna()).sum()))
    ]
    if faults:
        raise FitError(*faults)
    floats = {name: column.astype(np.float64, copy=False) for name, column in read.items()}
    columns = {name: floats.get(name, frame[name]) for name in map(str, frame.columns)}
    return pd.DataFrame(columns, copy=False)


def _codes(cluster: pd.Series[Any]) -> Places:
    """Number the clusters; who has none (no parent company) is one of its own."""
    codes = pd.factorize(cluster)[0].astype(np.int64)
    return np.where(codes < 0, len(codes) + np.arange(len(codes)), codes)


def _refuse_if_nobody(start: Places, keep: Flags, n_periods: int) -> None:
    treated = start < n_periods
    if not treated.any():
        raise FitError(
            "nobody in the panel is treated within its periods: there is no effect to estimate"
        )
    if not (treated & keep).any():
        raise FitError(
            "all who are treated are so from their first period on: without a value before the start "
            "nothing can be compared; give earlier periods"
        )
    if (treated & keep).sum() < 2:
        raise FitError(
            "only one unit is treated within the panel: its effect cannot be told from its chance; "
            "two are the least, and fewer than eight say little"
        )


def _first_rows(unit: Places, n_units: int) -> Places:
    """Return the first row of each unit; rows without a unit have the number −1."""
    first = np.empty(n_units + 1, dtype=np.int64)
    first[unit[::-1]] = np.arange(len(unit))[::-1]
    return first[:-1]


def _faults_of_rows(frame: pd.DataFrame, unit: Places) -> list[str]:
    faults = []
    number, periods = pd.factorize(frame["period"])
    twice = len(unit) - len(pd.unique((unit + 1) * (len(periods) + 1) + number + 1))
    if twice:
        faults.append(f"{twice:,} rows repeat a unit and period that were given before")
    nameless = int(frame["unit"].isna().sum())
    if nameless:
        faults.append(f"{nameless:,} rows have no unit")
    known = np.sort(periods.to_numpy(np.float64))
    if (number < 0).any() or not np.isfinite(known).all() or (known % 1 != 0).any():
        faults.append("periods must be whole numbers, counted on from period to period")
    elif (np.diff(known) != 1).any():
        missing = sorted(set(range(int(known[0]), int(known[-1]))) - set(known.astype(int)))
        faults.append(
            f"no unit has a value in {len(missing)} of the periods between {int(known[0])} and "
            f"{int(known[-1])} (first: {missing[0]}); number the periods one step apart"
        )
    if np.isinf(frame["outcome"].to_numpy(np.float64)).any():
        faults.append("outcomes must be finite (an infinite one may be the logarithm of nothing)")
    return faults


def _faults_within_units(
    frame: pd.DataFrame, unit: Places, first: Places, fixed: Sequence[str]
) -> list[str]:
    told = {"cohort": "the period of the first treatment", **dict.fromkeys(fixed, "a fixed value")}
    named = unit >= 0
    faults = []
    for name, meaning in told.items():
        # a value beside a missing one, which has the number −1, is a change as well
        value = pd.factorize(frame[name])[0]
        moves = named & (value != value[first][unit])
        moving = len(np.unique(unit[moves]))
        if moving:
            faults.append(
                f"{name}: {meaning} changes within {moving:,} units; give one value per unit, as "
                "known before the start"
            )
    return faults


def _faults_of_units(
    per_unit: pd.DataFrame, covariates: Sequence[str], weight: str | None
) -> list[str]:
    faults = []
    cohort = per_unit["cohort"].to_numpy(np.float64)
    if (cohort[np.isfinite(cohort)] % 1 != 0).any() or np.isinf(cohort).any():
        faults.append("cohorts must be whole numbers like the periods, and missing for never")
    for name in covariates:
        unknown = int((~np.isfinite(per_unit[name].to_numpy(np.float64))).sum())
        if unknown:
            faults.append(f"{name}: {unknown:,} of {len(per_unit):,} units have no value")
    if weight is not None and not (per_unit[weight].to_numpy(np.float64) > 0).all():
        faults.append(f"{weight}: weights must be above zero")
    return faults
