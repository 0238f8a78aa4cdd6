"""A finished trial as estimators take it: arms, outcomes, and what was known of each customer before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from kamlib.book.layouts import CONTROL, TrialLayout
from kamlib.errors import FitError, nearest
from kamlib.loyalty.effects.sample import Bools, Sample, sample

_RARE = 30  # customers that a class needs for a figure of its own
_BELOW, _ABOVE = "lower half", "upper half"
_YES, _NO = "yes", "no"


@dataclass(frozen=True, slots=True, eq=False)
class TrialRecord:
    """A trial.

    Attributes
    ----------
    rows
        One row per customer: `account_id`, `trial_arm`, the outcomes, and `numbers`.
    arms
        Those that were sent something, in the order of the layout; nobody need be in control.
    known_arms
        All that the layout names, also those in which nobody is.
    money, shares
        Outcomes that are amounts, the one first by which the trial is judged; and those that are 0 or 1.
    numbers
        Columns of what was known before the draw -> characteristic and its class ("" for a number). A
        class of fewer than thirty customers has none; what was unknown stands at the mean, with a
        column that says so.
    past
        The column that foretells the first amount best; "" where it is not there.
    classes
        One row per customer: the class of each characteristic by which effects are compared; missing
        where it is unknown. Numbers are parted at their median.
    """

    rows: pd.DataFrame
    arms: tuple[str, ...]
    known_arms: tuple[str, ...]
    money: tuple[str, ...]
    shares: tuple[str, ...]
    numbers: Mapping[str, tuple[str, str]]
    past: str
    classes: pd.DataFrame

    @property
    def outcomes(self) -> tuple[str, ...]:
        """All outcomes, amounts first."""
        return (*self.money, *self.shares)

    def n_in(self, arm: str) -> int:
        """Return the customers of an arm."""
        return int((self.rows["trial_arm"] == arm).sum())


def trial_record(customers: pd.DataFrame, layout: TrialLayout) -> TrialRecord:
    """Return a trial as estimators take it.

    Parameters
    ----------
    customers
        As `kamlib.book.Trial.customers`.
    layout
        Which of its columns are outcomes, and which were known before the draw.

    Raises
    ------
    FitError
        A column that the layout names is not there.
    """
    names = tuple(layout.covariates.values())
    wanted = ("account_id", "arm", *layout.outcomes.values(), *names)
    absent = [
        f"no column '{n}'{nearest(n, customers.columns)}" for n in wanted if n not in customers
    ]
    if absent:
        raise FitError(*absent)
    parts, numbers = [], {}
    for name in names:
        for column, kind in _numbers(customers[name], name in layout.groups).items():
            label = f"{name}: {column}" if column else name
            parts.append(kind.rename(label))
            numbers[label] = (name, column)
    came = customers[[*wanted[:2], *layout.outcomes.values()]].rename(columns={"arm": "trial_arm"})
    rows, there = pd.concat([came, *parts], axis=1), set(came["trial_arm"])
    classes = {n: _classes(customers[n], n in layout.groups) for n in layout.by}
    return TrialRecord(
        rows, tuple(arm for arm in layout.arms if arm in there), layout.arms,
        tuple(layout.money.values()), tuple(layout.shares.values()), numbers, layout.past if layout.past in numbers else "",
        pd.DataFrame(classes, index=customers.index),
    )  # fmt: skip


def pair(
    record: TrialRecord,
    arm: str,
    outcome: str,
    covariates: Sequence[str] = (),
    *,
    other: str = CONTROL,
    chosen: Bools | None = None,
) -> Sample:
    """Return the customers of two arms, the first of them as those in the programme.

    Parameters
    ----------
    record
        Of the trial.
    arm, other
        To be compared.
    outcome
        What came after.
    covariates
        Columns of `record.numbers`.
    chosen
        Customers that count, one truth value per row; None: all.

    Raises
    ------
    Unfit
        An arm without customers.
    """
    rows = record.rows
    kept = rows["trial_arm"].isin((arm, other)).to_numpy()
    rows = rows[kept if chosen is None else kept & chosen]
    rows = rows[[outcome, *covariates]].assign(sent=(rows["trial_arm"] == arm).to_numpy())
    return sample(
        rows, outcome, "sent", covariates, scale="share" if outcome in record.shares else "money"
    )


def _numbers(values: pd.Series, is_class: bool) -> dict[str, pd.Series]:
    """Return what is known of one characteristic as numbers, by class ("": it is a number)."""
    unknown = values.isna()
    found: dict[str, pd.Series] = {}
    if is_class:
        size = values.value_counts()
        # the largest class is what the others are compared with
        for name in sorted(str(n) for n in size.index[1:] if size[n] >= _RARE):
            found[name] = (values == name).astype(float)
    elif values.nunique() > 1:
        found[""] = values.astype(float).fillna(float(values.mean()))
    if _RARE <= unknown.sum() < len(values):
        found["unknown"] = unknown.astype(float)
    return found


def _classes(values: pd.Series, is_class: bool) -> pd.Series:
    """Return the class of each customer, missing where it is unknown."""
    if is_class:
        return values
    known = values.dropna().unique()
    if set(known) <= {0.0, 1.0}:
        return values.map({1.0: _YES, 0.0: _NO})
    above = values > values.median()
    return above.map({True: _ABOVE, False: _BELOW}).where(values.notna())
