"""Churn from a record without dates: one line per customer, with its age and whether it left.

Such a record shows every customer over its last months only, those up to its age in which it could be
seen to leave: it enters late. That is how a curve and a model are to be read from it; following every
customer from its first month instead takes those who stayed for granted, since whoever left before
nobody recorded. IBM's sample of a telephone company (`TELCO`) is such a record.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from kamlib.churn.stretch import MONTH_DAYS
from kamlib.errors import FitError
from kamlib.glossary import Sentence
from kamlib.results import Check, Estimate, refusal

_PLAUSIBLE = 0.5  # of the customers older than a year, how many the curve may leave unexplained


@dataclass(frozen=True, slots=True)
class Snapshot:
    """How a record is to be read.

    Attributes
    ----------
    account, tenure, left, left_value
        Columns of the customer, of its age in months and of whether it left, and the value there
        that says so.
    covariates
        Column -> name of the covariate. Numbers stay numbers; of two texts the later one by the
        alphabet is 1; of more texts each but the first by the alphabet becomes a covariate
        "<name>: <text>".
    """

    account: str
    tenure: str
    left: str
    left_value: str
    covariates: Mapping[str, str]


TELCO = Snapshot(
    "customerID", "tenure", "Churn", "Yes",
    {
        "Contract": "contract", "InternetService": "internet", "PaymentMethod": "payment",
        "MonthlyCharges": "monthly_charges", "PaperlessBilling": "paperless",
        "TechSupport": "tech_support", "OnlineSecurity": "online_security",
        "SeniorCitizen": "senior", "Partner": "partner", "Dependents": "dependents",
    },
)  # fmt: skip


def snapshot_rows(
    record: pd.DataFrame, layout: Snapshot = TELCO, *, window_months: float = 1
) -> pd.DataFrame:
    """Return the customers of a record as lives that are seen late.

    Parameters
    ----------
    record
        One row per customer.
    layout
        Which columns say what.
    window_months
        Months up to the day of the record in which a leaving was written down. The level of every
        curve rests on it, and so does how many times as often one group leaves as another; which of
        two groups of one age leaves more often does not. `window_check` judges it.

    Returns
    -------
    DataFrame
        One row per customer of at least a month: `account_id`, `spell_no` (1), `entry_days` (its age
        less the window), `duration_days`, `event`, `event_type` ("churn"; None: stays), and the
        columns of `layout.covariates` as they are. As `curves.survival` takes them; with `covariates` a
        Cox model, too.

    Raises
    ------
    FitError
        Columns that are not there, with those found; a customer twice; ages that are no numbers from
        0 on; a window that is not above zero. All faults at once.

    Examples
    --------
    >>> layout = Snapshot("id", "age", "gone", "Yes", {})
    >>> record = pd.DataFrame({"id": ["a", "b"], "age": [3, 1], "gone": ["Yes", "No"]})
    >>> (snapshot_rows(record, layout)["entry_days"] / MONTH_DAYS).tolist()
    [2.0, 0.0]
    """
    columns = [layout.account, layout.tenure, layout.left, *layout.covariates]
    missing = [name for name in columns if name not in record]
    if missing:
        raise FitError(
            f"snapshot: no column {', '.join(missing)} (columns found: {', '.join(map(str, record))})"
        )
    age = pd.to_numeric(record[layout.tenure], errors="coerce")
    twice = record[layout.account].duplicated()
    wrong = age.isna() | (age < 0)
    faults = []
    if twice.any():
        faults.append(
            f"snapshot: {int(twice.sum()):,} rows repeat a customer; one row each is allowed"
        )
    if wrong.any():
        first = record.loc[wrong, layout.tenure].iloc[0]
        faults.append(
            f"snapshot: {int(wrong.sum()):,} ages are no numbers from 0 on (first: {first})"
        )
    if not window_months > 0:
        faults.append(f"snapshot: the window is {window_months:g} months and must be above zero")
    if faults:
        raise FitError(*faults)
    seen = age > 0  # who began this month has not been at risk yet
    left = (record[layout.left] == layout.left_value)[seen]
    kind = left.map({True: "churn", False: None})
    return pd.DataFrame(
        {
            "account_id": record.loc[seen, layout.account].astype(str), "spell_no": 1,
            "entry_days": np.maximum(age[seen] - window_months, 0.0) * MONTH_DAYS,
            "duration_days": age[seen] * MONTH_DAYS, "event": left.astype(int),
            "event_type": kind,
        }
        | {name: record.loc[seen, name] for name in layout.covariates}
    ).reset_index(drop=True)  # fmt: skip


def covariates(rows: pd.DataFrame, layout: Snapshot = TELCO) -> pd.DataFrame:
    """Return the covariates of a Cox fit, one column each, for rows of `snapshot_rows`.

    The first text by the alphabet is what the others are compared with.
    """
    parts: dict[str, pd.Series] = {}
    for column, name in layout.covariates.items():
        values = rows[column]
        if pd.api.types.is_numeric_dtype(values):
            parts[name] = values.astype(float)
            continue
        _, *others = sorted(values.dropna().unique())
        for text in others:
            key = name if len(others) == 1 else f"{name}: {text}"
            parts[key] = (values == text).astype(float).where(values.notna())
    return pd.DataFrame(parts)


def window_check(rows: pd.DataFrame, curve: pd.DataFrame) -> Check:
    """Return whether the customers that are there could have come through the curve.

    Parameters
    ----------
    rows
        As `snapshot_rows` returns them.
    curve
        Frame of `curves.survival` of these rows, from its beginning.

    Returns
    -------
    Check
        Failed where customers older than a year are so many that, at the rate at which the curve
        says they leave, more than twice as many had to begin in every month then as begin now. The
        window is then longer than stated: read which group leaves more often, and no level.
    """
    months = rows["duration_days"] / MONTH_DAYS
    young, old = (months <= 12).sum(), ((months > 12) & (months <= 24)).sum()
    share = curve["estimate"].to_numpy()
    time = curve["time"].to_numpy()

    def lived(first: float, last: float) -> float:
        # area under the steps: customers of these ages for each that begins in a month
        grid = np.arange(first, last, 0.05) + 0.025
        place = np.maximum(np.searchsorted(time, grid, side="right") - 1, 0)
        return float(share[place].mean() * (last - first))

    there, expected = float(old / max(young, 1)), lived(12, 24) / lived(0, 12)
    values = {"old": int(old), "young": int(young), "expected": expected * float(young)}
    fits = bool(there * _PLAUSIBLE <= expected)
    return Check("window_fits", fits,
                 Sentence("snapshot.window_fits" if fits else "snapshot.window_odd", values))  # fmt: skip


def beyond_snapshot() -> tuple[Estimate, ...]:
    """Return what a record without dates cannot carry, each with its reason."""
    return (
        refusal("calendar", "snapshot.no_calendar"),
        refusal("value_over_time", "snapshot.no_value"),
        refusal("out_of_time", "snapshot.no_out_of_time"),
        refusal("reasons", "snapshot.no_reasons"),
        refusal("winback", "snapshot.no_return"),
    )
