"""What comes back on what is spent on an account."""

from __future__ import annotations

import numpy as np
import pandas as pd

from kamlib.accounts import Ledger
from kamlib.glossary import Sentence
from kamlib.results import Check, Estimate, one_row, refusal

LONGEST_LIFE = 20.0
_SPENDING = ("cost_to_serve", "programme_cost", "acquisition_cost")


def expected_life(facts: pd.DataFrame, *, stated: float | None) -> tuple[float, Sentence]:
    """Return the years that an account is expected to stay, and where the figure comes from.

    Without a stated figure it is 1 ÷ the share of last year's buyers that bought nothing this year,
    at the most 20; NaN where there is no year before.

    Examples
    --------
    >>> table = pd.DataFrame({"revenue_before": [5.0] * 4, "revenue": [5.0, 5.0, 5.0, 0.0]})
    >>> expected_life(table, stated=None)[0]
    4.0
    """
    if stated is not None:
        return stated, Sentence("returns.life_stated", {"years": stated})
    bought = facts["revenue_before"].fillna(0.0) > 0
    if not bought.any():
        return float("nan"), Sentence("returns.life_unknown")
    lost = float((facts.loc[bought, "revenue"] <= 0).mean())
    years = min(1 / lost, LONGEST_LIFE) if lost else LONGEST_LIFE
    values = {"years": years, "lost": lost, "n": int(bought.sum())}
    return years, Sentence("returns.life_found", values)


def customer_return(
    facts: pd.DataFrame,
    programme: pd.DataFrame | None,
    acquisition: pd.DataFrame | None,
    ledger: Ledger,
    *,
    life: tuple[float, Sentence],
) -> Estimate:
    """Customer return (margin - C) ÷ C of each account and of the unit.

    C = cost to serve + programme cost + acquisition cost spread evenly over the expected life.

    Parameters
    ----------
    facts
        One row per account: `account_id`, `name`, `revenue`, `margin`, `cost_to_serve`.
    programme, acquisition
        One row per account with such a cost (`profit_facts`); None where the unit has no such table.
    ledger
        Says what is known.
    life
        Expected life in years and where it comes from, see `expected_life`.

    Returns
    -------
    Estimate
        Frame: one row per account with revenue whose margin is known, most spent first:
        `account_id`, `name`, `margin`, `cost_to_serve`, `programme_cost`, `acquisition_cost`,
        `spent` = C, `customer_return` (null where C is not positive). An acquisition that is in no record is
        unknown: it is left out of C and a check counts the accounts. Summary: `customer_return` of the
        unit, `spent`, `n_no_cost` (accounts without positive C). A full count: no sampling error.
    """
    if not ledger.has_contribution:
        return refusal("customer_return", "returns.unknown")
    known = facts["margin"].notna() & facts["revenue"].ne(0) & facts["cost_to_serve"].notna()
    rows = facts.loc[known, ["account_id", "name", "margin", "cost_to_serve"]]
    if rows.empty:
        return refusal("customer_return", "returns.unknown")
    rows = _with(rows, programme, "programme_cost")
    # who is in no list of members cost the programme nothing
    if programme is not None:
        rows["programme_cost"] = rows["programme_cost"].fillna(0.0)
    rows = _with(rows, acquisition, "acquisition_cost")
    rows["spent"] = rows[list(_SPENDING)].sum(axis=1)
    rows["customer_return"] = (rows["margin"] - rows["spent"]) / rows["spent"].where(
        rows["spent"] > 0
    )
    frame = rows.sort_values(["spent", "account_id"], ascending=[False, True], kind="stable")
    spent, margin = float(rows["spent"].sum()), float(rows["margin"].sum())
    total = (margin - spent) / spent if spent > 0 else float("nan")
    n_free = int((rows["spent"] <= 0).sum())
    unwon = int(rows["acquisition_cost"].isna().sum())
    values = {"total": total, "spent": spent, "n": len(rows), "free": n_free,
              "below": int((rows["customer_return"] < 0).sum())}  # fmt: skip
    checks = [
        Check("expected_life", None if np.isnan(life[0]) else True, life[1]),
        Check("acquisition_known", unwon == 0, Sentence("returns.acquired", {"n": unwon})),
    ]
    if programme is None:
        checks.append(Check("programme_known", None, Sentence("returns.no_programme")))
    summary = one_row(
        len(rows), "full count", customer_return=total, spent=spent, n_no_cost=n_free,
        expected_life=life[0],
    )  # fmt: skip
    note = Sentence("returns.note", values)
    return Estimate("customer_return", frame.reset_index(drop=True), summary, note, tuple(checks))


def _with(rows: pd.DataFrame, costs: pd.DataFrame | None, column: str) -> pd.DataFrame:
    if costs is None:
        return rows.assign(**{column: np.nan})
    return rows.merge(costs[["account_id", column]], on="account_id", how="left")


def return_on_customer(facts: pd.DataFrame, opening: Estimate, closing: Estimate) -> Estimate:
    """Return on Customer: (contribution of the period + change in CLV) ÷ opening CLV.

    Parameters
    ----------
    facts
        One row per account: `account_id`, `name`, `contribution` of the period.
    opening, closing
        Results of `account_values` as of the eve of the period and of its last day. An account that
        only one of them holds had, or has, no value.

    Returns
    -------
    Estimate
        Frame: one row per account of either frame with a known contribution: `account_id`, `name`,
        `contribution`, `clv_opening`, `clv_closing`, `return_on_customer` (null where the opening
        value is not positive). Summary: `return_on_customer` of the unit.

    References
    ----------
    Peppers, D. and Rogers, M. (2005). Return on Customer. Currency/Doubleday, chapter 1.

    Examples
    --------
    >>> table = pd.DataFrame({"account_id": ["a"], "name": ["A"], "contribution": [10.0]})
    >>> def value(clv):
    ...     frame = pd.DataFrame({"account_id": ["a"], "clv": [clv]})
    ...     return Estimate("account_values", frame, one_row(1, "stated"), Sentence("returns.no_clv"))
    >>> float(return_on_customer(table, value(100.0), value(95.0))["return_on_customer"])
    0.05
    """
    if facts["contribution"].isna().all():
        return refusal("return_on_customer", "returns.unknown")
    if opening.refused or closing.refused:
        return refusal("return_on_customer", "returns.no_clv")
    values = opening.frame[["account_id", "clv"]].merge(
        closing.frame[["account_id", "clv"]], on="account_id", how="outer",
        suffixes=("_opening", "_closing"),
    )  # fmt: skip
    values = values.fillna({"clv_opening": 0.0, "clv_closing": 0.0})
    earned = facts[["account_id", "name", "contribution"]]
    rows = earned.merge(values, on="account_id", how="inner")
    rows = rows[rows["contribution"].notna()]
    start = float(rows["clv_opening"].sum())
    if not start > 0:
        return refusal("return_on_customer", "returns.no_clv")
    gain = rows["contribution"] + rows["clv_closing"] - rows["clv_opening"]
    rows["return_on_customer"] = gain / rows["clv_opening"].where(rows["clv_opening"] > 0)
    rows = rows.sort_values(["clv_opening", "account_id"], ascending=[False, True], kind="stable")
    total = float(gain.sum()) / start
    note = Sentence("returns.on_customer", {"total": total, "opening": start, "n": len(rows)})
    summary = one_row(len(rows), "full count", return_on_customer=total)
    return Estimate("return_on_customer", rows.reset_index(drop=True), summary, note)
