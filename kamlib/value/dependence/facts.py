"""Facts of dependence: who is known at an account, who holds it, and how much rests on few over time."""

from __future__ import annotations

from datetime import date
from typing import Any

import ibis
import ibis.expr.types as ir

from kamlib.accounts import Ledger, evaluation_dates, latest, owner
from kamlib.accounts.calendar import WINDOW_MONTHS, Window
from kamlib.book import Book


def contact_facts(book: Book, day: date) -> ir.Table:
    """Return who is known at each account, whom we met and who of ours holds it, on a day.

    Returns
    -------
    Table
        One row per account with a contact or an assignment in force: `account_id`; `n_contacts`,
        `n_deciders` (part "decides"; zero also where the parts are unknown), `only_contact_id`
        (where there is one contact only), `last_visit_on`, `decider_met_on` (last visit up to the
        day with a contact who decides), `n_holders` (people of ours assigned in any part) and
        `only_holder_id` (where there is one only). Counts are null where the unit has no such table.
    """
    people, ours = _in_force(book, "contacts", day), _in_force(book, "assignments", day)
    known = people.group_by("account_id").agg(
        n_contacts=people.contact_id.nunique(),
        n_deciders=people.contact_id.nunique(where=people.part == "decides"),
        only_contact_id=people.contact_id.min(),
    )
    held = ours.group_by("account_id").agg(
        n_holders=ours.manager_id.nunique(), only_holder_id=ours.manager_id.min()
    )
    visits = owner(book, book["visits"])
    visits = visits.filter(visits.date <= ibis.date(day))
    decides = book["contacts"].filter(book["contacts"].part == "decides")
    deciders = decides.select(decider_id=decides.contact_id)
    met = visits.left_join(deciders, visits.contact_id == deciders.decider_id)
    met = met.group_by("account_id").agg(
        last_visit_on=met.date.max(), decider_met_on=met.date.max(where=met.decider_id.notnull())
    )
    out = ibis.union(known.select("account_id"), held.select("account_id"), distinct=True)
    for part in (known, held, met):
        out = out.left_join(part, "account_id").drop("account_id_right")
    filled: dict[str, Any] = {}
    for table, counts in (("contacts", ("n_contacts", "n_deciders")),
                          ("assignments", ("n_holders",))):  # fmt: skip
        for name in counts:
            number = out[name].fill_null(0)
            filled[name] = number if book.has(table) else ibis.null("int64")
    for name, count in (("only_contact_id", out.n_contacts), ("only_holder_id", out.n_holders)):
        filled[name] = (count == 1).ifelse(out[name], ibis.null("string"))
    return out.mutate(**filled)


def _in_force(book: Book, table: str, day: date) -> ir.Table:
    rows = owner(book, book[table])
    begin, end = ("from", "to") if table == "contacts" else ("starts_on", "ends_on")
    return rows.filter(
        rows[begin].isnull() | (rows[begin] <= ibis.date(day)),
        rows[end].isnull() | (rows[end] >= ibis.date(day)),
    )


def history_facts(book: Book, ledger: Ledger, records: Window, *, top_share: float) -> ir.Table:
    """Return how much of twelve months' revenue rested on how few, at every evaluation date.

    Returns
    -------
    Table
        One row per date: `evaluated_on`; over accounts with revenue above zero in the twelve months:
        `n_accounts`, `herfindahl`, `largest_share`, `top_share_revenue` (at the boundary an account
        counts in proportion); over the managers who held them on that date: `n_managers`,
        `herfindahl_managers`, `largest_manager_share`, and `share_unassigned` of revenue (null
        where the unit has no assignments).
    """
    dates = evaluation_dates(records.start, book.as_of) or [book.as_of]
    rows = ledger.table
    back = ibis.window(group_by="account_id", order_by="month", preceding=WINDOW_MONTHS - 1,
                       following=0)  # fmt: skip
    rows = rows.mutate(total=rows.revenue.sum().over(back))
    months = [day.replace(day=1) for day in dates]
    rows = rows.filter(rows.month.isin([ibis.date(month) for month in months]), rows.total > 0)
    end = (rows.month + ibis.interval(months=1)).cast("date") - ibis.interval(days=1)
    rows = rows.select("account_id", "total", evaluated_on=end.cast("date"))
    by_date = ibis.window(group_by="evaluated_on")
    ordered = ibis.window(group_by="evaluated_on", order_by=[ibis.desc("total"), "account_id"])
    ranked = rows.mutate(
        share=rows.total / rows.total.sum().over(by_date), place=ibis.row_number().over(ordered),
        n=rows.count().over(by_date),
    )  # fmt: skip
    part = ranked.n * top_share - ranked.place
    ranked = ranked.mutate(part=ibis.greatest(ibis.least(part, 1.0), 0.0))
    over_accounts = ranked.group_by("evaluated_on").agg(
        n_accounts=ranked.count(), herfindahl=(ranked.share * ranked.share).sum(),
        largest_share=ranked.share.max(), top_share_revenue=(ranked.part * ranked.share).sum(),
    )  # fmt: skip
    over_managers = _managers(book, ranked.select("account_id", "evaluated_on", "share"))
    out = over_accounts.left_join(over_managers, "evaluated_on").drop("evaluated_on_right")
    if not book.has("assignments"):
        return out.mutate(share_unassigned=ibis.null("float64"))
    return out.mutate(
        share_unassigned=1 - out.share_held.fill_null(0.0), n_managers=out.n_managers.fill_null(0)
    ).drop("share_held")


def _managers(book: Book, shares: ir.Table) -> ir.Table:
    """Return the index over managers, as held on each date, of the revenue that they hold."""
    held = book["assignments"]
    held = held.filter(held.part.fill_null("account_manager") == "account_manager")
    held = held.select(holder_of=held.account_id, manager_id=held.manager_id,
                       starts_on=held.starts_on, ends_on=held.ends_on)  # fmt: skip
    both = shares.join(
        held,
        [
            shares.account_id == held.holder_of,
            held.starts_on <= shares.evaluated_on,
            held.ends_on.isnull() | (held.ends_on >= shares.evaluated_on),
        ],
    )
    one = latest(both, ["account_id", "evaluated_on"], [ibis.desc("starts_on"), "manager_id"])
    sums = one.group_by("evaluated_on", "manager_id").agg(part=one.share.sum())
    whole = ibis.window(group_by="evaluated_on")
    sums = sums.mutate(all_parts=sums.part.sum().over(whole))
    sums = sums.mutate(held=sums.part / sums.all_parts)
    return sums.group_by("evaluated_on").agg(
        n_managers=sums.count(), herfindahl_managers=(sums.held * sums.held).sum(),
        largest_manager_share=sums.held.max(), share_held=sums.part.sum(),
    )  # fmt: skip
