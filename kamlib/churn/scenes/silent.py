"""Orders stop for three months: who comes back, after how long, and whether it is the intermediaries.

An intermediary that sells from stock is silent and not lost. So accounts that fell silent are followed
from the end of the third month without an order to their next one.
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from kamlib.accounts import Ledger, attributes
from kamlib.book import Book
from kamlib.churn.clock import day_of, month_count, month_number
from kamlib.churn.spells import Spells
from kamlib.churn.statements import COMPETING, stated_ends
from kamlib.glossary import Sentence
from kamlib.results import Check, Estimate, none_found, one_row
from kamlib.stats.aalen_johansen import aalen_johansen
from kamlib.stats.kaplan_meier import at_times
from kamlib.stats.logrank import logrank

BACK, ENDED = "back", "ended"
ALL = "all accounts"
_YEAR = 12
_FEW = 5  # silent accounts of a group below which it is not shown


def silences(
    book: Book, spells: Spells, ledger: Ledger, *, months: int = 3, active_months: int = 6
) -> ir.Table:
    """Return the times at which accounts that used to order went without an order for some months.

    Parameters
    ----------
    book, spells, ledger
        Of one unit.
    months
        Whole calendar months without an order after which an account counts as silent.
    active_months
        Months with an order, of the twelve up to the last one, that an account must have: a silence
        says nothing of who seldom orders.

    Returns
    -------
    Table
        One row per account and silence: `account_id`, `month` (of the last order), `waited_months` (from
        the end of the last of the silent months to the month of the next order, or to the last
        whole month known), `event_type` ("back"; "ended": insolvent, merged, ended by us; null: silent
        still), `revenue` (of the twelve months up to the last order), `group` (role, as known at
        `as_of`). Accounts whose end was known before the silence was that long are left out, under the
        definition by contracts those whose contracts had run out as well.
    """
    rows = ledger.table
    year = ibis.window(group_by="account_id", order_by="month", preceding=_YEAR - 1, following=0)
    rows = rows.mutate(
        revenue=rows.revenue.sum().over(year),
        n_active=(rows.n_orders > 0).ifelse(1, 0).sum().over(year),
        now=month_number(rows.month),
    )
    last = _last_whole_month(book)
    rows = rows.filter(rows.n_orders > 0, rows.now <= last)
    order = ibis.window(group_by="account_id", order_by="month")
    rows = rows.mutate(following=rows.now.lead().over(order), silent=rows.now + months)
    rows = rows.filter(
        rows.following.fill_null(last + 1) > rows.silent, rows.n_active >= active_months
    )
    ends = _ends(book, spells)
    both = rows.left_join(ends, "account_id")
    here = (both.ended >= both.now) & (both.ended < both.following.fill_null(last + 1))
    counts = here & (both.is_other | (both.ended <= both.silent))
    rows = both.group_by("account_id", "month", "now", "silent", "following", "revenue").agg(
        ended=both.ended.min(where=counts.fill_null(False))
    )
    rows = rows.filter(rows.ended.isnull() | (rows.ended > rows.silent))
    # an end that rules an order out comes first, if there is one
    until = rows.ended.fill_null(rows.following.fill_null(last))
    kind = rows.ended.notnull().ifelse(
        ENDED, rows.following.notnull().ifelse(BACK, ibis.null("string"))
    )
    people = attributes(book, book.as_of)
    people = people.select("account_id", group=people.role.replace("_", " "))
    rows = rows.mutate(waited_months=until - rows.silent, event_type=kind)
    rows = rows.left_join(people, "account_id").drop("account_id_right")
    return rows.select("account_id", "month", "waited_months", "event_type", "revenue", "group")


def _ends(book: Book, spells: Spells) -> ir.Table:
    """Return ends that were known: `account_id`, `ended` (month), `is_other` (no order can follow)."""
    known = spells.table.filter(spells.table.ended_on.notnull())
    known = known.select(
        "account_id", ended=month_number(known.ended_on), is_other=known.event_type.isin(COMPETING)
    )
    if spells.definition != "contracts":
        # a declared loss is what is to be found out here
        known = known.filter(known.is_other)
    stated = stated_ends(book)
    if stated is None:
        return known
    # also those that were stated after a loss had been declared
    ended = month_number(day_of(stated.known_day))
    return known.union(stated.select("account_id", ended=ended, is_other=ibis.literal(True)))


def _last_whole_month(book: Book) -> int:
    return month_count(book.as_of) - int(not pd.Timestamp(book.as_of).is_month_end)


def silent_accounts(
    rows: pd.DataFrame, *, months: int = 3, horizon: float = 12, conf_level: float = 0.95
) -> Estimate:
    """Share of silent accounts that order again, by time since the silence was noticed, and by role.

    Parameters
    ----------
    rows
        As `silences` gives them.
    months
        As it was given there.
    horizon
        Months after the silence was noticed for which the share is stated.
    conf_level
        Of the intervals.

    Returns
    -------
    Estimate
        Frame: share that is back (Aalen–Johansen, right-censored; ends that rule it out taken into
        account): `group` ("all accounts", then each role with at least five silences), `time` in months,
        `n_risk`, `n_event`, `n_censor`, `estimate`, `std_error`, `conf_low`, `conf_high`,
        `conf_level`, `term`. Summary: `n_accounts`, `n_back`, `revenue` (of the year before, of accounts silent still),
        `share` back within `horizon` with `share_low`, `share_high`, `p_value` between roles.
        Silences of one account are taken as independent.
    """
    followed = rows[rows["waited_months"] > 0]
    if rows.empty:
        return none_found("silent_accounts", "scenes.no_silence", months=months)
    if not followed["event_type"].eq(BACK).any():
        still = float(rows.loc[rows["event_type"].isna(), "revenue"].sum())
        return none_found("silent_accounts", "scenes.none_back", n=len(rows), months=months,
                          revenue=still)  # fmt: skip
    sizes = followed["group"].value_counts()
    roles = sorted(sizes[sizes >= _FEW].index)
    some = {ALL: followed} | {role: followed[followed["group"] == role] for role in roles}
    curves = {group: _returns(part, conf_level) for group, part in some.items()}
    every = curves[ALL]
    # where nobody is silent any more the share stays as it is
    known = horizon if every["event_free"].iloc[-1] <= 0 else every["time"].iloc[-1]
    used = float(min(horizon, known))
    frame = pd.concat([c.assign(group=g) for g, c in curves.items()], ignore_index=True)
    frame.insert(0, "group", frame.pop("group"))
    frame = frame.drop(columns="event_free")
    shares = {group: at_times(curve, [used]).iloc[0] for group, curve in curves.items()}
    whole = shares[ALL]
    is_back = followed["event_type"] == BACK
    p_value = _difference(followed[followed["group"].isin(roles)])
    silent = rows["event_type"].isna()
    revenue = float(rows.loc[silent, "revenue"].sum())
    waited = float(followed.loc[is_back, "waited_months"].median())
    values = {
        "n": len(rows), "accounts": int(rows["account_id"].nunique()), "months": months,
        "share": whole["estimate"], "low": whole["conf_low"], "high": whole["conf_high"],
        "level": conf_level, "horizon": used, "waited": waited, "still": int(silent.sum()),
        "revenue": revenue, "roles": _roles(shares, p_value, conf_level),
    }  # fmt: skip
    summary = one_row(
        len(rows), "Aalen–Johansen", conf_level, n_accounts=values["accounts"],
        n_back=int(is_back.sum()), n_silent=int(silent.sum()), revenue=revenue, horizon=used,
        share=whole["estimate"], share_low=whole["conf_low"], share_high=whole["conf_high"],
        waited_median=waited, p_value=p_value,
    )  # fmt: skip
    unfollowed = len(rows) - len(followed)
    note = Sentence("scenes.just_silent" if unfollowed else "scenes.all_followed",
                    {"n": unfollowed, "of": len(rows)})  # fmt: skip
    check = Check("silences_followed", True, note)
    return Estimate("silent_accounts", frame, summary, Sentence("scenes.silent", values), (check,))


def _returns(part: pd.DataFrame, conf_level: float) -> pd.DataFrame:
    curve = aalen_johansen(
        part["waited_months"], part["event_type"], kinds=[BACK, ENDED], conf_level=conf_level
    )
    back = curve[curve["event_type"] == BACK]
    back = back.drop(columns=["event_type", "naive"]).reset_index(drop=True)
    return back.assign(term="share_back")


def _difference(rows: pd.DataFrame) -> float:
    """Return the chance of a difference between roles as large, were there none; NaN: one role."""
    back = rows["event_type"] == BACK
    if rows["group"].nunique() < 2 or not back.any():
        return float("nan")
    return logrank(rows["waited_months"], back, rows["group"]).p_value


def _roles(shares: dict[str, pd.Series], p_value: float, conf_level: float) -> Sentence:
    roles = {g: row for g, row in shares.items() if g != ALL and pd.notna(row["estimate"])}
    if len(roles) < 2 or np.isnan(p_value):
        return Sentence("scenes.one_role")
    most, least = (pick(roles, key=lambda g: roles[g]["estimate"]) for pick in (max, min))
    values = {
        "most": most, "most_share": roles[most]["estimate"], "most_low": roles[most]["conf_low"],
        "most_high": roles[most]["conf_high"], "least": least,
        "least_share": roles[least]["estimate"], "least_low": roles[least]["conf_low"],
        "least_high": roles[least]["conf_high"], "p": max(p_value, 0.001),
    }  # fmt: skip
    return Sentence(
        "scenes.roles_differ" if p_value < 1 - conf_level else "scenes.roles_alike", values
    )
