"""What the unit earned: totals of the window beside the year before, and who moved them."""

from __future__ import annotations

import pandas as pd

from kamlib.accounts import Ledger, Period
from kamlib.glossary import Sentence
from kamlib.results import Check, Estimate, none_found, one_row, refusal

MEASURES = ("revenue", "margin", "cost_to_serve", "contribution")


def totals(facts: pd.DataFrame, ledger: Ledger, period: Period) -> Estimate:
    """Total revenue, margin, cost to serve and contribution of the unit, and their change.

    Parameters
    ----------
    facts
        One row per account, as `value.facts.collect` returns it.
    ledger, period
        Say what is known, and of which days.

    Returns
    -------
    Estimate
        Frame: one row per measure that is known: `term`, `current`, `previous`, `change`,
        `change_share` (share of the previous amount, null where that is not positive), `n_obs`
        (accounts with such an amount). A full count of the records: no sampling error.
    """
    known = {"revenue": True, "margin": ledger.has_cost, "contribution": ledger.has_contribution,
             "cost_to_serve": any(ledger.parts.values())}  # fmt: skip
    rows = []
    for measure in (m for m in MEASURES if known[m]):
        now, then = facts[measure], facts[f"{measure}_before"]
        current = float(now.sum())
        previous = float(then.sum()) if period.previous and then.notna().any() else float("nan")
        share = (current - previous) / previous if previous > 0 else float("nan")
        rows.append(
            (measure, current, previous, current - previous, share, int(now.fillna(0).ne(0).sum()))
        )
    columns = ["term", "current", "previous", "change", "change_share", "n_obs"]
    frame = pd.DataFrame(rows, columns=columns)
    revenue = frame.iloc[0]
    values = {
        "current": revenue["current"], "previous": revenue["previous"],
        "change": revenue["change_share"], "n": int((facts["revenue"] != 0).sum()),
        "start": period.current.start, "end": period.current.end,
    }  # fmt: skip
    if period.previous is None:
        key = "totals.alone"
    elif pd.isna(revenue["change_share"]):
        key = "totals.no_base"
    else:
        key = "totals.risen" if revenue["change"] >= 0 else "totals.fallen"
    checks = [*_unknown_margin(facts, ledger), *_unknown_parts(ledger)]
    summary = one_row(len(facts), "full count")
    return Estimate("totals", frame, summary, Sentence(key, values), tuple(checks))


def _unknown_margin(facts: pd.DataFrame, ledger: Ledger) -> list[Check]:
    if not ledger.has_cost:
        return [Check("cost_known", None, Sentence("totals.no_cost"))]
    unknown = facts["margin"].isna() & (facts["revenue"] != 0)
    total = float(facts["revenue"].sum())
    part = float(facts.loc[unknown, "revenue"].sum()) / total if total > 0 else float("nan")
    values = {"n": int(unknown.sum()), "share": part}
    key = "totals.cost_partly" if unknown.any() else "totals.cost_known"
    return [Check("cost_known", not unknown.any(), Sentence(key, values))]


def _unknown_parts(ledger: Ledger) -> list[Check]:
    if not ledger.missing:
        return [Check("cost_to_serve_known", True, Sentence("totals.parts_known"))]
    values = {"parts": "; ".join(ledger.missing.values())}
    key = "totals.parts_partly" if any(ledger.parts.values()) else "totals.no_parts"
    state = False if any(ledger.parts.values()) else None
    return [Check("cost_to_serve_known", state, Sentence(key, values))]


def movers(facts: pd.DataFrame, period: Period, *, length: int) -> Estimate:
    """Accounts whose revenue rose or fell most against the year before.

    Returns
    -------
    Estimate
        Frame: one row per account, `length` at the most, largest absolute change first:
        `account_id`, `name`, `manager_id`, `revenue_before`, `revenue`, `change`,
        `days_since_last`. Refused where there is no year before.
    """
    if period.previous is None:
        return refusal("movers", "movers.no_before", start=period.records.start)
    table = facts.assign(change=facts["revenue"] - facts["revenue_before"])
    table = table[table["change"] != 0]
    if table.empty:
        return none_found("movers", "movers.none")
    order = table["change"].abs().sort_values(ascending=False, kind="stable").index
    frame = table.loc[order[:length]].reset_index(drop=True)
    frame = frame[["account_id", "name", "manager_id", "revenue_before", "revenue", "change",
                   "days_since_last"]]  # fmt: skip
    lost = table.loc[table["change"] < 0, "change"].sum()
    won = table.loc[table["change"] > 0, "change"].sum()
    note = Sentence(
        "movers.note",
        {
            "fell": -float(lost), "rose": float(won), "n_fell": int((table["change"] < 0).sum()),
            "n_rose": int((table["change"] > 0).sum()),
        },
    )  # fmt: skip
    return Estimate("movers", frame, one_row(len(table), "full count"), note)


def monthly(months: pd.DataFrame) -> Estimate:
    """Revenue and contribution of the unit by month.

    Parameters
    ----------
    months
        One row per month: `month`, `revenue`, `contribution`, `n_active`, as
        `value.facts.monthly_facts` gives it.
    """
    if months.empty or not months["revenue"].ne(0).any():
        return refusal("monthly", "monthly.too_few")
    values = {
        "low": float(months["revenue"].min()), "high": float(months["revenue"].max()),
        "median": float(months["revenue"].median()), "n": len(months),
    }  # fmt: skip
    note = Sentence("monthly.note", values)
    return Estimate("monthly", months, one_row(len(months), "full count"), note)


def headline(
    earned: Estimate, concentrated: Estimate, *, top_share: float, bulk_share: float
) -> dict[str, tuple[float, Sentence | None]]:
    """Return the key figures of the study: column -> value and, where it needs one, its own label.

    What was refused or has no base is left out.
    """
    by_term = earned.frame.set_index("term")
    figures: dict[str, tuple[float, Sentence | None]] = {
        "revenue": (float(by_term["current"]["revenue"]), None)
    }
    change = float(by_term["change_share"]["revenue"])
    if change == change:  # not NaN
        figures["revenue_change"] = (change, None)
    if "contribution" in by_term.index:
        figures["contribution"] = (float(by_term["current"]["contribution"]), None)
    if not concentrated.refused:
        held = float(concentrated.frame.set_index("term")["estimate"]["top_share_revenue"])
        words = Sentence("headline.top_share", {"top": top_share})
        figures["top_share_revenue"] = (held, words)
        words = Sentence("headline.bulk", {"bulk": bulk_share})
        figures["bulk_accounts"] = (float(concentrated["bulk_accounts"]), words)
    return figures
