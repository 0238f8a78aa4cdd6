"""Landmarks: days on which living accounts are looked at, and what became of them afterwards.

At a landmark, the morning of the first of a month, an account is alive; covariates are what was known
then and stay as they are; what follows counts month by month. A forecast for today asks the same: what
becomes of accounts like these, seen from a day on which they looked like this.

Accounts of which it shows already that they may be gone are held apart: under contracts those that
gave notice or have no contract in force, else those that have been silent for more than half of the
time after which the definition declares them lost. Among them the loss is no forecast but a silence
that is running out, and every covariate that falls silent with the account would seem to foretell it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from kamlib.book import Book
from kamlib.churn.clock import day_count, day_number, month_count, month_number, month_start
from kamlib.churn.contracts import wait_days
from kamlib.churn.covariates import COVARIATES, MONTH
from kamlib.churn.engine import settled
from kamlib.churn.episodes import Episodes
from kamlib.churn.patience import PATIENCE, patience
from kamlib.churn.spells import Definition, Spells
from kamlib.params import ChurnParams

MONTH_DAYS = 365.25 / 12
_STEPS = (3, 6, 12)  # months between landmarks; each divides a year, so that a year ago is one
_MANY = 400_000
_HALF = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Landmarks:
    """Accounts at landmarks, with what became of them.

    Attributes
    ----------
    rows
        One row per account and landmark; see `landmarks`.
    living
        The same for the accounts that stay today, without what became of them.
    definition
        When an account is lost.
    as_of
        Last day that is known.
    step
        Months between landmarks.
    """

    rows: pd.DataFrame
    living: pd.DataFrame
    definition: Definition
    as_of: date
    step: int

    @property
    def now(self) -> int:
        """Number of the first month of which nothing is known."""
        return month_count(self.as_of) + 1

    @property
    def over(self) -> int:
        """Number of the first month that is not known in full; landmarks count back from it."""
        return _over(self.as_of)

    @property
    def year_ago(self) -> date:
        """Last day known at the landmark twelve months before today's."""
        first = self.over - 12
        return date(first // 12, first % 12 + 1, 1) - timedelta(days=1)


def landmarks(book: Book, rules: ChurnParams, spells: Spells, episodes: Episodes) -> Landmarks:
    """Living accounts at landmarks three months apart, and the accounts that live today.

    Where that makes more than 400,000 rows, landmarks are six or twelve months apart. The month of
    as_of counts where it is over: of one that is not, losses would be known and stays would not.
    Who came on the day of a landmark was not known on its morning. Accounts that the definition
    cannot lose yet (`at_risk_from`) stand in `living` and not among the rows.

    Parameters
    ----------
    book, rules, spells, episodes
        Of one unit and one definition.

    Returns
    -------
    Landmarks
        Its rows hold `account_id`, `spell_no`, `month` (number, as `clock` counts; the landmark is
        its first morning), all covariates, `tenure_years`, `is_apart` (it shows already that the
        account may be gone), `wait_months` (of those apart, the month from the landmark on in which
        the loss would be declared if nothing more came; of others under contracts the month in
        which a contract ends as planned, of others else the months of silence that the definition
        grants them; 0: unknown), `followed` (whole months seen, up to the end or to as_of) and
        `event` (in the month after those; 0 none, 1 churn, 2 another end).
    """
    table = episodes.table
    table = table.mutate(**{MONTH: month_number(table.month)})
    spell = ibis.window(group_by=["account_id", "spell_no"])
    last, kind = table[MONTH].max().over(spell), table.event_type.max().over(spell)
    over = _over(book.as_of)
    ended = kind.notnull() & (last < over)
    came = spells.table.select("account_id", "spell_no", "entered_on")
    table = table.mutate(
        followed=ended.ifelse(last, over) - table[MONTH],
        kind=ended.ifelse(kind, ""),
        tenure_years=(table.entry_days.cast("float64")) / 365.25,
    ).join(came, ["account_id", "spell_no"])
    began = day_number(table.ends_on) - (table.duration_days - table.entry_days) + 1
    # who came or came to be at risk within the month was not there on its first morning
    there = (began == day_number(table.month)) & (table.entered_on < table.month)
    table = table.filter(there, table[MONTH] < over)
    count = int(table.count().execute())
    step = next((s for s in _STEPS if count / s <= _MANY), _STEPS[-1])
    table = table.filter((over - table[MONTH]) % step == 0)
    living = episodes.living.mutate(
        **{MONTH: ibis.literal(month_count(book.as_of) + 1, "int64")},
        tenure_years=episodes.living.duration_days.cast("float64") / 365.25,
    )
    names = [covariate.name for covariate in COVARIATES]
    keep = ["account_id", "spell_no", MONTH, "tenure_years", *names]
    rows = _with_patience(book, rules, spells, table.select(*keep, "followed", "kind"))
    ends = rows.pop("kind").map({"": 0, "churn": 1}).fillna(2).astype("int64")
    rows = rows.assign(event=ends)
    today = _with_patience(book, rules, spells, living.select(*keep))
    return Landmarks(
        _sorted(rows), _sorted(today), spells.definition, book.as_of, step
    )  # fmt: skip


def known_at(found: Landmarks, month: int) -> Landmarks:
    """Return landmarks as they were known on the first morning of an earlier month.

    Rows of later landmarks are gone; what came later is not known: censoring is at that day. Who
    lived then stands in `living`, and what became of them is left out; accounts that the definition
    could not lose yet on that day are missing there.

    Parameters
    ----------
    found
        Landmarks as of a later day.
    month
        Number of the month; one of the landmarks.
    """
    rows = found.rows[found.rows[MONTH] < month]
    seen = month - rows[MONTH]
    happened = (rows["event"] > 0) & (rows["followed"] < seen)
    rows = rows.assign(
        event=rows["event"].where(happened, 0), followed=np.minimum(rows["followed"], seen)
    )
    living = found.rows[found.rows[MONTH] == month].drop(columns=["followed", "event"])
    start = date(month // 12, month % 12 + 1, 1)
    before = (pd.Timestamp(start) - pd.Timedelta(days=1)).date()
    return replace(found, rows=_sorted(rows), living=_sorted(living), as_of=before)


def _with_patience(book: Book, rules: ChurnParams, spells: Spells, table: ir.Table) -> pd.DataFrame:
    """Return rows as a frame, with `is_apart` and `wait_months`."""
    table = settled(book, table, "landmarks")
    if spells.definition == "contracts":
        rows = _frame(table)
        due = rows["days_to_due"]
        gave = rows["notice_given"].fillna(0.0) > 0
        apart = gave | (due.isna() & (rows["monthly_contract"].fillna(0.0) == 0))
        wait = _month_in(rows, due + wait_days(book, rules), book.as_of)
        return rows.assign(is_apart=apart.astype("int64"), wait_months=wait)
    waits = patience(book, rules, spells, table.select("account_id", MONTH).distinct())
    table = table.left_join(waits, ["account_id", MONTH])
    table = table.drop("account_id_right", f"{MONTH}_right")
    first = ibis.least(day_number(month_start(table[MONTH])), day_count(book.as_of) + 1)
    rows = _frame(table.mutate(since=first - table.last_day)).drop(columns="last_day")
    since, wait = (rows.pop(name).astype("float64") for name in ("since", PATIENCE))
    apart = since > _HALF * wait
    granted = (wait / MONTH_DAYS).apply(np.ceil).fillna(0.0).astype("int64")
    left = _month_in(rows, wait - since, book.as_of)
    return rows.assign(is_apart=apart.astype("int64"), wait_months=left.where(apart, granted))


def _month_in(rows: pd.DataFrame, days: pd.Series, as_of: date) -> pd.Series:
    """Return in which month from its landmark on a day falls, 1 for the first; 0: no day."""
    month = rows[MONTH]
    first = pd.to_datetime(pd.DataFrame({"year": month // 12, "month": month % 12 + 1, "day": 1}))
    today = pd.Timestamp(as_of) + pd.Timedelta(days=1)
    # as whole numbers: with unknown ones among floats pandas rounds whatever lies in memory
    then = first.where(first < today, today) + pd.to_timedelta(days.astype("Int64"), unit="D")
    number: pd.Series = then.dt.year * 12 + then.dt.month - month
    return number.clip(lower=1.0).fillna(0.0).astype("int64")


def _frame(table: ir.Table) -> pd.DataFrame:
    frame: pd.DataFrame = table.to_pyarrow().to_pandas(date_as_object=False)
    return frame


def _sorted(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.sort_values([MONTH, "account_id", "spell_no"], ignore_index=True)


def _over(day: date) -> int:
    """Return the number of the first month that is not over by the end of a day."""
    return month_count(day) + int(pd.Timestamp(day).is_month_end)
