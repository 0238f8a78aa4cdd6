"""Who comes back: lost accounts that return, and buyers that buy again in the next quarter."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir
import pandas as pd

from kamlib.accounts import Ledger
from kamlib.book import Book
from kamlib.churn.clock import day_count, day_number, month_count, month_number
from kamlib.churn.spells import Spells
from kamlib.churn.stretch import MONTH_DAYS
from kamlib.glossary import Sentence
from kamlib.results import Check, Estimate, none_found, one_row, refusal
from kamlib.stats.kaplan_meier import at_times, kaplan_meier
from kamlib.stats.proportions import wilson

_SOON = 6.0  # months within which a return says that the loss was called too early
_MANY = 0.25
_QUARTER = 3


def losses(book: Book, spells: Spells) -> ir.Table:
    """Return lost accounts and whether they came back.

    Returns
    -------
    Table
        One row per account and declared loss (insolvency, merger and endings by us are none):
        `account_id`, `spell_no`, `ended_on`, `gone_days` (from the loss to the start of the next spell, or to
        `as_of`), `event` (1: came back).
    """
    table = spells.table
    order = ibis.window(group_by="account_id", order_by="spell_no")
    rows = table.mutate(back_day=day_number(table.entered_on).lead().over(order))
    rows = rows.filter(rows.event_type == "churn")
    until = rows.back_day.fill_null(day_count(book.as_of))
    return rows.select(
        "account_id", "spell_no", "ended_on", gone_days=until - day_number(rows.ended_on),
        event=rows.back_day.notnull().ifelse(1, 0).cast("int64"),
    )  # fmt: skip


def winback(
    rows: pd.DataFrame, *, horizon: float = 12, n_risk_min: int = 5, conf_level: float = 0.95
) -> Estimate:
    """Share of lost accounts that return, by time since the loss.

    Parameters
    ----------
    rows
        As `losses` gives them.
    horizon
        Months after the loss for which the share is stated; shortened where nobody was followed so
        far.
    n_risk_min
        Lost accounts that are needed.
    conf_level
        Of the interval.

    Returns
    -------
    Estimate
        Frame: one less Kaplan–Meier of the time to the return, right-censored: `time` in months,
        `term` ("share_back"), `n_risk`, `n_event`, `n_censor`, `estimate`, `std_error`, `conf_low`,
        `conf_high`, `conf_level`. Summary: `n_back`, `share` back within `horizon` with `share_low`,
        `share_high`, `share_soon` (within half a year), `waited_median` (months, of those that came
        back so far). A check tells where so many return soon that the rule of loss was too impatient.
        Losses of one account are taken as independent.
    """
    if rows.empty:
        return none_found("winback", "winback.no_loss")
    followed = rows[rows["gone_days"] > 0]
    if len(followed) < n_risk_min:
        return refusal("winback", "winback.too_few", n=len(followed), need=n_risk_min)
    months = followed["gone_days"].to_numpy(dtype=float) / MONTH_DAYS
    back = followed["event"].to_numpy() == 1
    curve = kaplan_meier(months, back, conf_level=conf_level)
    frame = curve.assign(
        term="share_back", estimate=1 - curve["estimate"], conf_low=1 - curve["conf_high"],
        conf_high=1 - curve["conf_low"],
    )  # fmt: skip
    used, soon = (min(length, float(months.max())) for length in (float(horizon), _SOON))
    there = at_times(frame.assign(event_free=curve["estimate"]), [soon, used])
    last = there.iloc[1]
    waited = float(pd.Series(months[back]).median())
    values = {
        "n": len(rows), "accounts": int(rows["account_id"].nunique()), "n_back": int(back.sum()),
        "share": last["estimate"], "low": last["conf_low"], "high": last["conf_high"],
        "level": conf_level, "horizon": used, "waited": waited,
    }  # fmt: skip
    summary = one_row(
        len(rows), "Kaplan–Meier", conf_level, n_back=values["n_back"], horizon=used,
        share=last["estimate"], share_low=last["conf_low"], share_high=last["conf_high"],
        share_soon=there["estimate"].iloc[0], waited_median=waited,
    )  # fmt: skip
    share = float(there["estimate"].iloc[0])
    key = "winback.few_soon" if share <= _MANY else "winback.many_soon"
    check = Check("losses_last", share <= _MANY, Sentence(key, {"share": share, "months": soon}))
    note = Sentence("winback.share" if back.any() else "winback.nobody", values)
    return Estimate("winback", frame, summary, note, (check,))


def quarter_buyers(book: Book, ledger: Ledger) -> ir.Table:
    """Return how many bought in each quarter, and how many of them in the next.

    Returns
    -------
    Table
        One row per calendar quarter that is over, as is the next one: `month` (its first),
        `n_buyers` (accounts with an order), `n_again`.
    """
    rows = ledger.table.filter(ledger.table.n_orders > 0)
    quarter = (month_number(rows.month) / _QUARTER).floor().cast("int64")
    bought = rows.select("account_id", quarter=quarter).distinct()
    order = ibis.window(group_by="account_id", order_by="quarter")
    again = bought.quarter.lead().over(order) == bought.quarter + 1
    bought = bought.mutate(again=again.fill_null(False).ifelse(1, 0))
    whole = month_count(book.as_of) + int(pd.Timestamp(book.as_of).is_month_end)
    bought = bought.filter(bought.quarter + 1 < whole // _QUARTER)
    sums = bought.group_by("quarter").agg(n_buyers=bought.count(), n_again=bought.again.sum())
    first = sums.quarter * _QUARTER
    year = (first / 12).floor().cast("int32")
    month = ibis.date(year, (first % 12 + 1).cast("int32"), 1)
    return sums.select(month=month, n_buyers=sums.n_buyers, n_again=sums.n_again)


def repeat_rate(quarters: pd.DataFrame, *, conf_level: float = 0.95) -> Estimate:
    """Share of a quarter's buyers that buy in the next quarter.

    Parameters
    ----------
    quarters
        As `quarter_buyers` gives them.
    conf_level
        Of the intervals.

    Returns
    -------
    Estimate
        Frame: one row per quarter, in order: `month` (its first), `n_buyers`, `n_again`, `repeat_rate`
        with `share_low`, `share_high` (Wilson), `conf_level`. Summary: `repeat_rate` of the last quarter
        with its limits, `repeat_before` (four quarters earlier; NaN: not there).
    """
    if quarters.empty:
        return refusal("repeat_rate", "winback.no_quarters")
    rows = quarters.sort_values("month").reset_index(drop=True)
    rows["month"] = pd.to_datetime(rows["month"])
    low, high = wilson(rows["n_again"], rows["n_buyers"], conf_level)
    frame = rows.assign(
        repeat_rate=rows["n_again"] / rows["n_buyers"], share_low=low, share_high=high,
        conf_level=conf_level,
    )  # fmt: skip
    last = frame.iloc[-1]
    year_ago = frame.loc[frame["month"] == last["month"] - pd.DateOffset(years=1), "repeat_rate"]
    then = float(year_ago.iloc[0]) if len(year_ago) else float("nan")
    values = {"month": last["month"], "rate": last["repeat_rate"], "low": last["share_low"],
              "high": last["share_high"], "level": conf_level, "n": int(last["n_buyers"]),
              "then": then}  # fmt: skip
    summary = one_row(
        int(last["n_buyers"]), "Wilson", conf_level, repeat_rate=last["repeat_rate"],
        share_low=last["share_low"], share_high=last["share_high"], repeat_before=then,
    )  # fmt: skip
    key = "winback.repeat" if len(year_ago) else "winback.repeat_first"
    return Estimate("repeat_rate", frame, summary, Sentence(key, values))
