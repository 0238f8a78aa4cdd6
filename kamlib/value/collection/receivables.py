"""What of the sales comes in, what falls due and is paid, how late, and who owes how much."""

from __future__ import annotations

import numpy as np
import pandas as pd

from kamlib.book import Book
from kamlib.glossary import Sentence
from kamlib.results import Check, Estimate, none_found, one_row, refusal
from kamlib.value.collection.facts import BUCKETS

_OFF = 0.05


def missing_tables(book: Book) -> str:
    """Return the tables that collection needs and the unit lacks, "" where it has them."""
    return ", ".join(name for name in ("invoices", "payments") if not book.has(name))


def collection_rates(rates: pd.DataFrame, *, missing: str = "") -> Estimate:
    """Both collection rates of the unit at every evaluation date, over twelve months.

    Parameters
    ----------
    rates
        One row per date, as `collection_facts.rate_facts` gives it.
    missing
        Tables that the unit lacks; the estimate is then refused.

    Returns
    -------
    Estimate
        Frame: one row per `evaluated_on`, in order: `sales`, `collected`, `cash_rate` =
        collected ÷ sales of the same months (whichever sales were paid: it may exceed 1, and it
        does where invoices carry tax and sales do not); `fell_due`, `paid_due`, `due_rate` = paid by
        then ÷ fell due within the months (between 0 and 1). Null where the divisor is not positive.
        A full count: no sampling error. In the first year of the records cash for earlier invoices
        is not there.
    """
    if missing:
        return refusal("collection_rates", "collection.no_tables", tables=missing)
    frame = rates.sort_values("evaluated_on").reset_index(drop=True)
    frame["evaluated_on"] = pd.to_datetime(frame["evaluated_on"])
    frame["cash_rate"] = frame["collected"] / frame["sales"].where(frame["sales"] > 0)
    frame["due_rate"] = frame["paid_due"] / frame["fell_due"].where(frame["fell_due"] > 0)
    if frame.empty or frame[["cash_rate", "due_rate"]].iloc[-1].isna().all():
        return refusal("collection_rates", "collection.nothing_due")
    last = frame.iloc[-1]
    values = {"cash": last["cash_rate"], "due": last["due_rate"], "end": last["evaluated_on"],
              "fell_due": last["fell_due"], "sales": last["sales"]}  # fmt: skip
    key = "collection.rates"
    if len(frame) > 4:
        key, values["before"] = "collection.rates_before", frame["due_rate"].iloc[-5]
    columns = [
        "evaluated_on",
        "sales",
        "collected",
        "cash_rate",
        "fell_due",
        "paid_due",
        "due_rate",
    ]
    summary = one_row(
        len(frame), "full count", cash_rate=last["cash_rate"], due_rate=last["due_rate"]
    )
    return Estimate("collection_rates", frame[columns], summary, Sentence(key, values))


def billing_checks(accounts: pd.DataFrame) -> tuple[Check, ...]:
    """Return whether invoices tell of the same money as sales, and what stands in credit notes."""
    sales, billed = float(accounts["sales"].sum()), float(accounts["billed"].sum())
    credited = float(accounts["credited"].sum())
    ratio = (billed - credited) / sales if sales > 0 else float("nan")
    same = bool(abs(ratio - 1) <= _OFF)
    key = "collection.billed_as_sold" if same else "collection.billed_otherwise"
    notes = "collection.credit_notes" if credited > 0 else "collection.no_credit_notes"
    return (
        Check("billed_as_sold", same, Sentence(key, {"ratio": ratio})),
        Check("no_credit_notes", credited <= 0, Sentence(notes, {"amount": credited})),
    )


def ageing(accounts: pd.DataFrame, *, missing: str = "") -> Estimate:
    """Open receivables of the unit by age.

    Parameters
    ----------
    accounts
        One row per account, as `collection_facts.account_collection` gives it.
    missing
        Tables that the unit lacks; the estimate is then refused.

    Returns
    -------
    Estimate
        Frame: one row per `bucket` (not due, 1–30, 31–60, 61–90, over 90 days past due):
        `open_balance`, `share_open` of all that is open, `n_accounts` that owe in it. Summary:
        `open_balance`, `overdue_balance`, `disputed_balance`. A full count: no sampling error.
    """
    if missing:
        return refusal("ageing", "collection.no_tables", tables=missing)
    total = float(accounts["open_balance"].sum())
    if not total > 0:
        return none_found("ageing", "collection.nothing_open", n=len(accounts))
    amounts = [float(accounts[name].sum()) for name in BUCKETS]
    frame = pd.DataFrame(
        {
            "bucket": BUCKETS,
            "open_balance": amounts,
            "share_open": [amount / total for amount in amounts],
            "n_accounts": [int((accounts[name] > 0).sum()) for name in BUCKETS],
        }
    )
    overdue = float(accounts["overdue_balance"].sum())
    disputed = float(accounts["disputed_balance"].sum())
    values = {"open": total, "overdue": overdue, "share": overdue / total, "old": amounts[-1],
              "disputed": disputed, "n": int((accounts["open_balance"] > 0).sum())}  # fmt: skip
    summary = one_row(
        len(accounts), "full count", open_balance=total, overdue_balance=overdue,
        disputed_balance=disputed,
    )  # fmt: skip
    note = Sentence("collection.ageing", values)
    return Estimate("ageing", frame, summary, note, billing_checks(accounts))


def exposure(
    accounts: pd.DataFrame, facts: pd.DataFrame, *, top_share: float, missing: str = ""
) -> Estimate:
    """Who owes how much, and how much of it rests on how few.

    Parameters
    ----------
    accounts
        One row per account, as `collection_facts.account_collection` gives it.
    facts
        One row per account: `account_id`, `name`, `manager_id`.
    top_share
        Share of the owing accounts, largest first, whose part is stated; at the boundary an account
        counts in proportion.
    missing
        Tables that the unit lacks; the estimate is then refused.

    Returns
    -------
    Estimate
        Frame: one row per account that owes, largest first: `account_id`, `name`, `manager_id`,
        `open_balance`, `overdue_balance`, `over_90`, `disputed_balance`, `share_open`. Summary:
        `herfindahl`, `top_share_open`. A full count: no sampling error.
    """
    if missing:
        return refusal("exposure", "collection.no_tables", tables=missing)
    owing = accounts[accounts["open_balance"] > 0]
    if owing.empty:
        return none_found("exposure", "collection.nothing_open", n=len(accounts))
    rows = owing.merge(facts[["account_id", "name", "manager_id"]], on="account_id", how="left")
    rows = rows.sort_values(["open_balance", "account_id"], ascending=[False, True])
    share = (rows["open_balance"] / rows["open_balance"].sum()).to_numpy()
    part = np.clip(top_share * len(share) - np.arange(len(share)), 0, 1)
    held, index = float(part @ share), float(share @ share)
    columns = ["account_id", "name", "manager_id", "open_balance", "overdue_balance", "over_90",
               "disputed_balance"]  # fmt: skip
    frame = rows[columns].assign(share_open=share).reset_index(drop=True)
    values = {"n": len(frame), "top": top_share, "held": held, "largest": float(share[0]),
              "index": index}  # fmt: skip
    summary = one_row(len(frame), "full count", herfindahl=index, top_share_open=held)
    return Estimate("exposure", frame, summary, Sentence("collection.exposure", values))
