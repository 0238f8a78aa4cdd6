"""What models of churn read of an account-month: factors, in order of importance, and their columns.

A factor is one characteristic. It becomes one column or more: counts are capped, so that no single
account rules a figure; where some values are unknown their mean stands in and a column of its own says
so; a text has one column per frequent value, and one for all the rare ones together. What was learnt of
the rows at hand (means, values of texts) is kept, so that other rows are read in the same way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kamlib.churn.covariates import leaking
from kamlib.glossary import Sentence

Floats = NDArray[np.float64]
_KNOTS = np.log1p([0.5, 2.0, 6.0])  # years
_OTHER = "other"
_RARE = 0.01  # of the rows: a value of a text, or an unknown one, that is rarer is not told apart


@dataclass(frozen=True, slots=True)
class Factor:
    """One characteristic of an account-month.

    Attributes
    ----------
    name
        Its column.
    contrast
        Sentence that says what its figure compares.
    step
        By how much, in the unit of the column.
    most
        More than this counts as this much.
    kind
        "number", "text", or "curve": a number of years whose effect may bend.
    """

    name: str
    contrast: str
    step: float = 1.0
    most: float = float("inf")
    kind: Literal["number", "text", "curve"] = "number"


FACTORS: tuple[Factor, ...] = (
    Factor("open_complaints", "drivers.open_complaints", most=1.0),
    Factor("manager_left_6m", "drivers.manager_left_6m"),
    Factor("contract_due", "drivers.contract_due"),
    Factor("partial_loss", "drivers.partial_loss"),
    Factor("standard_broken", "drivers.standard_broken"),
    Factor("late_responses_6m", "drivers.late_responses_6m", most=4.0),
    Factor("complaints_3m", "drivers.complaints_3m", most=3.0),
    Factor("satisfaction", "drivers.satisfaction"),
    Factor("weeks_since_visit", "drivers.weeks_since_visit", step=4.0, most=52.0),
    Factor("monthly_contract", "drivers.monthly_contract"),
    Factor("price_realisation", "drivers.price_realisation", step=0.05),
    Factor("programme_level", "drivers.programme_level"),
    Factor("log_revenue_12m", "drivers.log_revenue_12m", step=float(np.log(2.0))),
    Factor("manager_rotated_6m", "drivers.manager_rotated_6m"),
    Factor("standard_broken_again", "drivers.standard_broken_again"),
    Factor("breadth", "drivers.breadth"),
    Factor("share_overdue", "drivers.share_overdue", step=0.1),
    Factor("mean_days_overdue", "drivers.mean_days_overdue", step=30.0, most=90.0),
    Factor("tenure_at_entry", "drivers.tenure_at_entry", most=10.0),
    Factor("tier_in_force", "drivers.category", kind="text"),
    Factor("role", "drivers.category", kind="text"),
    Factor("segment", "drivers.category", kind="text"),
    Factor("region", "drivers.category", kind="text"),
)
# a forecast knows how long an account has been there, and not from when on it was seen
FORETELLING: tuple[Factor, ...] = (
    *(factor for factor in FACTORS if factor.name != "tenure_at_entry"),
    Factor("tenure_years", "drivers.tenure_years", kind="curve"),
)
# of a record of one day (`kamlib.book.layouts`)
ON_ONE_DAY: tuple[Factor, ...] = (
    Factor("contract", "drivers.category", kind="text"),
    Factor("internet", "drivers.category", kind="text"),
    Factor("payment", "drivers.category", kind="text"),
    Factor("online_security", "snapshot.online_security"),
    Factor("tech_support", "snapshot.tech_support"),
    Factor("paperless", "snapshot.paperless"),
    Factor("monthly_charges", "snapshot.monthly_charges", step=10.0),
    Factor("senior", "snapshot.senior"),
    Factor("dependents", "snapshot.dependents"),
    Factor("partner", "snapshot.partner"),
)


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a design.

    Attributes
    ----------
    name
        Unique within the design.
    factor
        What it is of.
    category
        Value of a text, "unknown", or None.
    base
        Value that it is compared with, where there is one.
    """

    name: str
    factor: Factor
    category: str | None = None
    base: str | None = None

    @property
    def contrast(self) -> Sentence:
        """What its figure compares, in words."""
        values = {"name": self.factor.name, "level": self.category, "base": self.base}
        if self.factor.name == "role":  # readers know a role without its underscore
            values = {key: value and value.replace("_", " ") for key, value in values.items()}
        if self.category == "unknown":
            return Sentence("drivers.unknown", values)
        return Sentence(self.factor.contrast, values if self.category else {})


@dataclass(frozen=True, slots=True, eq=False)
class Design:
    """How rows are read.

    Attributes
    ----------
    columns
        In order of importance.
    usual
        Factor -> mean of its known values, which stands in for unknown ones.
    """

    columns: tuple[Column, ...]
    usual: dict[str, float]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns."""
        return tuple(column.name for column in self.columns)

    def matrix(self, rows: pd.DataFrame) -> Floats:
        """Return the columns of some rows, shape (n_rows, k), finite."""
        x = np.empty((len(rows), len(self.columns)))
        for place, column in enumerate(self.columns):
            factor, values = column.factor, rows[column.factor.name]
            if factor.kind == "text":
                x[:, place] = self._is_of(column, values)
            elif column.category == "unknown":
                x[:, place] = values.isna()
            else:
                known = _capped(values, factor).fillna(self.usual[factor.name])
                x[:, place] = _curve(known, column) if factor.kind == "curve" else known
        return x

    def _is_of(self, column: Column, values: pd.Series) -> pd.Series:
        texts = _texts(values)
        if column.category != _OTHER:
            return texts == column.category
        own = [c for c in self.columns if c.factor == column.factor and c.category != _OTHER]
        return ~texts.isin({c.category for c in own} | {column.base})


def usable(definition: str, rows: pd.DataFrame, factors: Sequence[Factor]) -> list[Factor]:
    """Return the factors that rows hold and that do not say what a loss itself is made of."""
    leaks = leaking(definition)
    return [
        factor for factor in factors
        if factor.name not in leaks and factor.name in rows and rows[factor.name].notna().any()
    ]  # fmt: skip


def learn_design(rows: pd.DataFrame, factors: Sequence[Factor], *, based: bool) -> Design:
    """Return how rows like these are read.

    Parameters
    ----------
    rows
        One row per account-month, with a column per factor.
    factors
        Some of which must be known in the rows (`usable`).
    based
        Whether the most frequent value of a text is left out, and the others compared with it; else
        every frequent value has a column, which a fit without a penalty does not take.
    """
    columns: list[Column] = []
    usual = {}
    for factor in factors:
        values = rows[factor.name]
        if factor.kind == "text":
            columns += _levels(values, factor, based)
            continue
        usual[factor.name] = float(_capped(values, factor).mean())
        columns.append(Column(factor.name, factor))
        if factor.kind == "curve":
            columns.append(Column(f"{factor.name}_bend", factor))
        if values.isna().mean() >= _RARE:
            columns.append(Column(f"{factor.name}_unknown", factor, "unknown"))
    return Design(tuple(columns), usual)


def _levels(values: pd.Series, factor: Factor, based: bool) -> list[Column]:
    texts = _texts(values)
    share = texts.value_counts(normalize=True).sort_index()
    first = share.idxmax() if share.max() >= _RARE else _OTHER
    # together rare values may be frequent
    share = share.groupby(np.where(share >= _RARE, share.index, _OTHER)).sum()
    levels = sorted(str(level) for level in share.index[share >= _RARE])
    base = str(first) if based else None
    return [
        Column(f"{factor.name}={level}", factor, level, base) for level in levels if level != base
    ]


def _texts(values: pd.Series) -> pd.Series:
    return values.astype(object).where(values.notna(), "unknown")


def _capped(values: pd.Series, factor: Factor) -> pd.Series:
    """Return values in steps, cut at the most that counts."""
    return values.astype("float64").clip(upper=factor.most) / factor.step


def _curve(years: pd.Series, column: Column) -> Floats:
    """Return the logarithm of years, or its bend: a cubic spline that is straight at both ends."""
    z: Floats = np.log1p(years.to_numpy(dtype=np.float64).clip(0.0))
    if not column.name.endswith("_bend"):
        return z
    low, middle, high = _KNOTS

    def cube(knot: float) -> Floats:
        return np.asarray(np.maximum(z - knot, 0.0) ** 3)

    bend = cube(low) - (cube(middle) * (high - low) - cube(high) * (middle - low)) / (high - middle)
    return np.asarray(bend / (high - low) ** 2)
