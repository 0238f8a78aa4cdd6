"""Account-months as a model of drivers reads them: when the account went, and what was known before.

Under contracts an account goes on the day on which its loss is declared. A silence is declared long
after the account went: by then complaints are closed, nobody calls any more, and what is known before
the declaration is a consequence of the loss. Looked at like that, complaints seem to keep accounts.
So, to explain losses and for nothing else, a silence is dated back to the last order, and a loss that
was taken back by a later order counts as none. Accounts that stay are followed to their last order.
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir
import pandas as pd

from kamlib.accounts import owner
from kamlib.book import Book
from kamlib.churn.clock import day_count, day_number, known_on, month_number
from kamlib.churn.covariates import MONTH, Source, carried
from kamlib.churn.covariates.stack import entries, month_after
from kamlib.churn.engine import collect
from kamlib.churn.episodes import Episodes
from kamlib.churn.spells import Spells
from kamlib.params import ChurnParams

_DATE_LENGTH = 10


def driver_rows(book: Book, rules: ChurnParams, spells: Spells, episodes: Episodes) -> pd.DataFrame:
    """Account-months at risk with what was known before each, on a clock of whole months.

    Parameters
    ----------
    book, rules, spells, episodes
        Of one unit and one definition.

    Returns
    -------
    DataFrame
        One row per account, spell and month: the columns of `Episodes.table`, `event` (1: the
        account went in this month for good), `entry_months` and `exit_months` (calendar months since
        the one in which the spell began; a row covers the time after the first up to the second),
        `cluster` (the account, or with `cluster: manager` the account manager who held it last).
    """
    table = episodes.table
    if spells.definition != "contracts":
        table = _dated_back(book, spells, episodes)
    if rules.cluster == "manager" and book.has("assignments"):
        held = _last_manager(book, table)
        table = table.left_join(held, ["account_id", "month"])
        table = table.drop("account_id_right", "month_right")
        table = table.rename(cluster="manager_id")
    rows = collect(table)
    began = rows["ends_on"] - pd.to_timedelta(rows["duration_days"] - 1, "D")
    entry = _months(rows["month"]) - _months(began)
    cluster = rows["cluster"] if "cluster" in rows else rows["account_id"]
    return rows.assign(
        entry_months=entry,
        exit_months=entry + 1.0,
        # who never had a manager belongs to nobody else
        cluster=cluster.fillna("account " + rows["account_id"]),
    )


def _months(days: pd.Series) -> pd.Series:
    number: pd.Series = days.dt.year * 12 + days.dt.month
    return number.astype("float64")


def _dated_back(book: Book, spells: Spells, episodes: Episodes) -> ir.Table:
    """Return account-months up to the last order, and losses that lasted in the month of it."""
    table = spells.table
    order = ibis.window(group_by="account_id", order_by="spell_no")
    ends = table.select(
        "account_id",
        "spell_no",
        silent_day=day_number(table.silent_since),
        is_lost=(table.event_type == "churn").fill_null(False)
        & table.spell_no.lead().over(order).isnull(),
    )
    living = episodes.living
    living = living.select(
        "account_id", "spell_no",
        order_day=day_count(book.as_of) + 1 - living.days_since_last.cast("int64"),
    )  # fmt: skip
    rows = episodes.table.left_join(ends, ["account_id", "spell_no"])
    rows = rows.drop("account_id_right", "spell_no_right")
    rows = rows.left_join(living, ["account_id", "spell_no"])
    rows = rows.drop("account_id_right", "spell_no_right")
    last = ibis.coalesce(rows.silent_day, rows.order_day)
    rows = rows.filter(day_number(rows.month) <= last)
    ends_here = day_number((rows.month + ibis.interval(months=1)).cast("date")) > last
    event = (ends_here & rows.is_lost).fill_null(False).ifelse(1, 0).cast("int64")
    return rows.mutate(event=event).drop("silent_day", "is_lost", "order_day")


def _last_manager(book: Book, table: ir.Table) -> ir.Table:
    """Return who held each account last before each month: `account_id`, `month`, `manager_id`."""
    rows = owner(book, book["assignments"])
    rows = rows.filter(rows.part.fill_null("account_manager") == "account_manager")
    known = known_on(book, "assignments", rows, rows.starts_on)
    key = rows.starts_on.strftime("%Y-%m-%d") + rows.manager_id
    held = entries(rows, month_after(known), day_number(known), manager_key=key)
    source = Source(held, lambda t: {}, lasts=("manager_key",))
    asked = table.select("account_id", "month").distinct()
    asked = asked.mutate(**{MONTH: month_number(asked.month)})
    found = asked.join(carried(book, asked.select("account_id", MONTH), [source]),
                       ["account_id", MONTH])  # fmt: skip
    return found.select(
        "account_id", "month", manager_id=found.manager_key.substr(_DATE_LENGTH).nullif("")
    )
