"""An account manager resigns: whether accounts follow, and how long after.

Who is looked at must not depend on how it ended. Before a departure these are the accounts that the
manager held at the start of the month, those lost before the departure included: an account that was
held on the last day has outlived all months before it, by definition. After a departure these are the
accounts that lost their manager by it.
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from kamlib.accounts import latest, owner
from kamlib.book import Book
from kamlib.churn.clock import day_number, month_number
from kamlib.churn.engine import settled
from kamlib.churn.rate_ratio import mantel_haenszel
from kamlib.glossary import Sentence
from kamlib.results import Check, Estimate, none_found, one_row, refusal

BEFORE, AFTER = 6, 12
LEFT, ROTATED, STAYED = "left_company", "rotated", "stayed"
_YEAR_DAYS = 365.25
_KEY = ("account_id", "spell_no", "month")


def manager_months(book: Book, months: ir.Table) -> ir.Table:
    """Return losses and time at risk by the time to, or since, a change of account manager.

    Parameters
    ----------
    book
        The unit's book.
    months
        Account-months at risk, as `driver_rows.dated_back` returns them: an account that is declared
        lost long after its last order has no manager any more who could have stayed.

    Returns
    -------
    Table
        One row per calendar `month`, `kind` ("left_company", "rotated", or "stayed": no change from six
        months after to twelve months before, and a manager there) and `rel_period` (months since
        the month of the change; null: stayed): `n_event` (losses), `days_at_risk`, `revenue` (of
        twelve months, of those lost). Months up to twelve after a change count as after it, whatever
        comes next; months around a departure count for no rotation. Months of accounts that have
        had no manager are in no row.
    """
    held = owner(book, book["assignments"])
    held = held.filter(held.part.fill_null("account_manager") == "account_manager")
    held = held.select("account_id", "manager_id", "starts_on", "ends_on", kind=held.ended_because,
                       changed=month_number(held.ends_on))  # fmt: skip
    rows = months.select(
        *_KEY, "event", now=month_number(months.month),
        began=day_number(months.ends_on) - months.duration_days + 1,
        days_at_risk=months.duration_days - months.entry_days,
        revenue=(months.event == 1).ifelse(months.log_revenue_12m.exp(), 0.0).fill_null(0.0),
    )  # fmt: skip
    rows = settled(book, rows, "manager_rows")
    both = rows.join(held, "account_id")
    holds = both.filter(
        both.starts_on <= both.month, both.ends_on.isnull() | (both.ends_on >= both.month)
    )
    holds = latest(holds, list(_KEY), [ibis.desc("starts_on"), "manager_id"])
    holds = settled(book, holds.select(*_KEY, "now", "manager_id"), "manager_holds")
    change = held.filter(held.kind.isin([LEFT, ROTATED]))
    leaving = change.select("manager_id", "kind", "changed").distinct()
    ahead = holds.join(leaving, "manager_id")
    ahead = ahead.filter(ahead.changed >= ahead.now, ahead.changed <= ahead.now + BEFORE)
    past = rows.join(change, "account_id")
    past = past.filter(
        past.changed < past.now, past.changed >= past.now - AFTER,
        day_number(past.ends_on) >= past.began,
    )  # fmt: skip
    marks = ahead.select(*_KEY, "kind", "changed", is_past=ibis.literal(False)).union(
        past.select(*_KEY, "kind", "changed", is_past=ibis.literal(True))
    )
    nearest = {
        f"{kind}_{when}": (marks.changed.max if when == "past" else marks.changed.min)(
            where=(marks.kind == kind) & (marks.is_past == (when == "past"))
        )
        for kind in (LEFT, ROTATED)
        for when in ("past", "ahead")
    }
    marks = marks.group_by(*_KEY).agg(**nearest)
    known = holds.select(*_KEY, has_manager=ibis.literal(True))
    for part in (known, marks):
        rows = rows.left_join(part, list(_KEY)).drop(*(f"{name}_right" for name in _KEY))
    since = {
        kind: rows.now - rows[f"{kind}_past"].fill_null(rows[f"{kind}_ahead"])
        for kind in (LEFT, ROTATED)
    }
    rows = rows.mutate(since_left=since[LEFT], since_rotated=since[ROTATED])
    rows = rows.mutate(
        kind=ibis.cases(
            (rows.since_left.notnull(), LEFT), (rows.since_rotated.notnull(), ROTATED),
            (rows.has_manager, STAYED), else_=None,
        ),
        rel_period=rows.since_left.fill_null(rows.since_rotated),
    )  # fmt: skip
    rows = rows.filter(rows.kind.notnull())
    return rows.group_by("kind", "rel_period", "month").agg(
        n_event=rows.event.sum(), days_at_risk=rows.days_at_risk.sum(), revenue=rows.revenue.sum()
    )


def manager_event_study(
    counts: pd.DataFrame,
    kind: str = LEFT,
    *,
    window: tuple[int, int] = (1, 6),
    conf_level: float = 0.95,
) -> Estimate:
    """How many times as often accounts leave around a change of manager as those whose manager stays.

    Parameters
    ----------
    counts
        As `manager_months` gives them.
    kind
        "left_company" or "rotated".
    window
        First and last month after the change that the sentence sums up.
    conf_level
        Of the intervals.

    Returns
    -------
    Estimate
        Frame: one row per month from six before to twelve after: `rel_period`, `n_event`, `n_expected`
        (losses had they left as often as accounts whose manager stayed, in the same calendar
        months), `account_years`, `rate_ratio` with `ratio_low`, `ratio_high`, `conf_level`. Summary, of
        the window: `n_event`, `n_expected`, `rate_ratio`, `ratio_low`, `ratio_high`, `n_excess` (losses
        beyond expectation), `revenue` (of twelve months, of those lost), `ratio_before` with its
        limits. Refused where endings of assignments are unknown.

    Notes
    -----
    Rates are compared within calendar months (`rate_ratio.mantel_haenszel`), so that a bad month for
    all is none of the change. Accounts of one manager are taken as independent.

    References
    ----------
    MacKinlay, A. C. (1997). Event studies in economics and finance. Journal of Economic Literature
    35, 13–39.
    """
    name = f"manager_{kind}"
    if counts.empty:
        return refusal(name, "scenes.no_managers")
    stay = counts[counts["kind"] == STAYED].set_index("month")
    if not stay["n_event"].sum() > 0:
        return refusal(name, "scenes.no_control", n=int(stay["n_event"].sum()))
    mine = counts[(counts["kind"] == kind) & counts["month"].isin(stay.index)]
    if mine.empty:
        return none_found(name, "scenes.no_change", kind=kind.replace("_", " "))
    rows = [
        {"rel_period": period} | _ratio(mine[mine["rel_period"] == period], stay, conf_level)
        for period in range(-BEFORE, AFTER + 1)
    ]
    frame = pd.DataFrame(rows).assign(conf_level=conf_level)
    in_window = mine[mine["rel_period"].between(*window)]
    then = _ratio(in_window, stay, conf_level)
    before = _ratio(mine[mine["rel_period"] < 0], stay, conf_level)
    revenue = float(in_window["revenue"].sum())
    excess = then["n_event"] - then["n_expected"]
    values = {
        "from": window[0], "to": window[1], "level": conf_level, "revenue": revenue,
        "n": int(then["n_event"]), "expected": then["n_expected"], "ratio": then["rate_ratio"],
        "low": then["ratio_low"], "high": then["ratio_high"], "before": before["rate_ratio"],
        "verdict": Sentence(_verdict(then)),
    }  # fmt: skip
    summary = one_row(
        int(then["n_event"]), "Mantel–Haenszel", conf_level, revenue=revenue, n_excess=excess,
        **then, ratio_before=before["rate_ratio"], before_low=before["ratio_low"],
        before_high=before["ratio_high"],
    )  # fmt: skip
    key = "scenes.departure" if kind == LEFT else "scenes.rotation"
    return Estimate(name, frame, summary, Sentence(key, values), (_before(before, kind),))


def _ratio(mine: pd.DataFrame, stay: pd.DataFrame, conf_level: float) -> dict[str, float]:
    """Return what happened in some months, and what would have at the rate of those who stayed."""
    sums = mine.groupby("month")[["n_event", "days_at_risk"]].sum()
    other = stay.loc[sums.index]
    days = sums["days_at_risk"]
    expected = float(np.sum(days * other["n_event"] / other["days_at_risk"]))
    ratio, low, high = mantel_haenszel(
        sums["n_event"], days, other["n_event"], other["days_at_risk"], conf_level
    )
    return {
        "n_event": float(sums["n_event"].sum()), "n_expected": expected,
        "account_years": float(days.sum()) / _YEAR_DAYS, "rate_ratio": ratio, "ratio_low": low,
        "ratio_high": high,
    }  # fmt: skip


def _verdict(then: dict[str, float]) -> str:
    if then["ratio_low"] > 1:
        return "scenes.follow"
    return "scenes.follow_less" if then["ratio_high"] < 1 else "scenes.follow_unsure"


def _before(before: dict[str, float], kind: str) -> Check:
    low, high = before["ratio_low"], before["ratio_high"]
    values = {"ratio": before["rate_ratio"], "low": low, "high": high}
    if np.isnan(low):
        return Check(f"{kind}_before", None, Sentence("scenes.before_unknown", values))
    alike = low <= 1 <= high
    key = "scenes.before_alike" if alike else "scenes.before_differs"
    return Check(f"{kind}_before", alike, Sentence(key, values))
