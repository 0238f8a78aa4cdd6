"""Why revenue, margin and contribution changed: volume, mix, price, cost, new and lost business.

For account × product i, with net quantity q, unit price p and unit cost c of the year before (0) and
of this year (1), g its account × product line, Q = Σ q over g, P̄₀ and M̄₀ the average price and
unit margin of g the year before:

* price = q₁ (p₁ - p₀) and cost = -q₁ (c₁ - c₀), where i was bought in both years;
* volume = P̄₀ (Q₁ - Q₀), for margin M̄₀ (Q₁ - Q₀); products that the account took up or dropped
  within g are part of it;
* mix = what else the change of quantities brought: dearer or cheaper products, or products taken up or
  dropped that cost more or less than the line did on average;
* new and lost: accounts, and product lines of accounts that stay, that were sold in one of the two
  years only – volume throughout, shown apart;
* not split: lines without a quantity, and products of which a year has no unit price (more came back
  than was bought) – for margin also those whose cost is not known throughout.

Quantities are added up within a product line of an account only, where units are alike; where lines
name none, all of an account's products make one. Price and cost are weighed with this year's
quantities (Paasche), volume and mix with last year's prices (Laspeyres), so that nothing is left over.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from kamlib.accounts import Ledger, Period
from kamlib.glossary import Sentence
from kamlib.results import Check, Estimate, one_row, refusal

PARTS = (
    "new_accounts", "lost_accounts", "new_lines", "lost_lines", "volume_effect",
    "mix_effect", "price_effect", "cost_effect", "not_split", "serve_effect",
)  # fmt: skip
_TINY = 0.005
_FAMILY = ["account_id", "product_line"]


def effects(cells: pd.DataFrame) -> pd.DataFrame:
    """Split the change of every account × product into its parts; see the module for the formulas.

    Parameters
    ----------
    cells
        One row per account × product, as `bridge_facts.collect` returns it.

    Returns
    -------
    DataFrame
        The rows of `cells` with each of `PARTS` but `serve_effect` for revenue, the same with the
        ending `_m` for margin, and `is_priced`: whether price and volume could be told apart.

    Examples
    --------
    >>> from kamlib.value.profit.bridge_facts import MEASURES
    >>> row = {f"{m}{y}": [0.0] for m in MEASURES for y in ("", "_before")}
    >>> row |= {"account_id": ["a"], "product_line": [None], "units_before": [10.0],
    ...         "sales_before": [50.0], "revenue_before": [50.0], "units": [12.0],
    ...         "sales": [54.0], "revenue": [54.0]}
    >>> row |= {f"{n}{y}": [1] for n in ("n_lines", "n_units") for y in ("", "_before")}
    >>> split = effects(pd.DataFrame(row))
    >>> split[["volume_effect", "price_effect"]].round(9).iloc[0].tolist()
    [10.0, -6.0]
    """
    out = cells.copy()
    there, was = _sold(cells, ""), _sold(cells, "_before")
    out["is_priced"] = there & was & _has_price(cells, "") & _has_price(cells, "_before")
    usable = (there | was) & (~there | _has_price(cells, ""))
    usable &= ~was | _has_price(cells, "_before")
    costed = usable & cells["n_units"].eq(cells["n_units_costed"])
    costed &= cells["n_units_before"].eq(cells["n_units_costed_before"])
    lines = cells.groupby("account_id", sort=False)[["n_lines", "n_lines_before"]].transform("sum")
    stays = lines["n_lines"].gt(0) & lines["n_lines_before"].gt(0)
    for ending, total, part, split in (
        ("", "revenue", "sales", usable),
        ("_m", "margin", "sales_margin", costed),
    ):
        parts = _split(cells, part, split & stays, out["is_priced"])
        change = cells[total] - cells[f"{total}_before"]
        parts["new_accounts"] = change.where(lines["n_lines_before"] == 0, 0.0)
        parts["lost_accounts"] = change.where(lines["n_lines"] == 0, 0.0)
        parts["not_split"] = change - parts.sum(axis=1)
        out = out.join(parts.add_suffix(ending))
    return out


def _sold(cells: pd.DataFrame, ending: str) -> pd.Series:
    """Return whether anything with a quantity was sold; what came back in full was not."""
    nothing = cells[f"units{ending}"].abs().lt(1e-9) & cells[f"sales{ending}"].abs().lt(_TINY)
    return cells[f"n_units{ending}"].gt(0) & ~nothing


def _has_price(cells: pd.DataFrame, ending: str) -> pd.Series:
    return cells[f"units{ending}"].gt(1e-9) & cells[f"sales{ending}"].ge(0)


def _split(cells: pd.DataFrame, part: str, split: pd.Series, both: pd.Series) -> pd.DataFrame:
    """Return the parts of the change of `part` for rows that `split` chooses, zero for the others."""
    rows = cells.assign(
        now=cells["units"].where(split, 0.0), then=cells["units_before"].where(split, 0.0),
        money=cells[f"{part}_before"].where(split, 0.0),
    )  # fmt: skip
    family = rows.groupby(_FAMILY, sort=False, dropna=False)[["now", "then", "money"]]
    line = family.transform("sum")
    goes_on = line["now"].gt(0) & line["then"].gt(0)
    change = (cells[part] - cells[f"{part}_before"]).where(split, 0.0)
    # last year's price, and last year's price or unit margin, of what was bought in both years
    both = both & split
    units = cells["units_before"].where(both, 1.0)
    price = (cells["sales"] - cells["sales_before"] / units * cells["units"]).where(both, 0.0)
    moved = rows["now"] - rows["then"]
    quantity = change.where(~both, cells[f"{part}_before"] / units * moved)
    average = line["money"] / line["then"].where(goes_on, 1.0)
    volume = (average * moved).where(goes_on, 0.0)
    return pd.DataFrame(
        {
            "new_lines": change.where(~goes_on & line["then"].le(0), 0.0),
            "lost_lines": change.where(~goes_on & line["then"].gt(0), 0.0),
            "volume_effect": volume,
            "mix_effect": (quantity - volume).where(goes_on, 0.0),
            "price_effect": price,
            # of revenue there is none, and what is left over is rounding
            "cost_effect": (change - quantity - price) if part != "sales" else 0.0 * change,
        }
    )


def bridge(
    cells: pd.DataFrame, facts: pd.DataFrame, ledger: Ledger, period: Period, *, coverage: float
) -> Estimate:
    """Bridge from the year before to this year: revenue, margin and contribution of the unit.

    Parameters
    ----------
    cells
        One row per account × product, as `bridge_facts.collect` returns it.
    facts
        One row per account: `account_id`, `name`, `cost_to_serve`, `cost_to_serve_before`.
    ledger, period
        Say what is known, and of which days.
    coverage
        Share of an account's volume whose cost must be known in each year before its margin counts.

    Returns
    -------
    Estimate
        Frame: one row per `term` – the year before, each part, this year – with `bridge_revenue`,
        `bridge_margin`, `bridge_contribution` (null where unknown). The first row and the parts add
        up to the last. Margin and contribution are of the accounts whose margin is known in both
        years; a check counts the others. A full count: no sampling error.

    References
    ----------
    Horngren, C. T., Datar, S. M. and Rajan, M. V. (2015). Cost Accounting, 15th ed., Pearson,
    chapters 7 and 14 (price, quantity and mix variances).
    """
    if period.previous is None:
        return refusal("bridge", "bridge.no_before", start=period.records.start)
    accounts = by_account(cells, facts, ledger, coverage=coverage)
    frame = pd.DataFrame({"term": ["the year before", *PARTS, "this year"]})
    known = accounts["margin_known"]
    lines = {
        "bridge_revenue": ("revenue", "", accounts, True),
        "bridge_margin": ("margin", "_m", accounts[known], ledger.has_cost),
        "bridge_contribution": ("contribution", "_m", accounts[known], ledger.has_contribution),
    }
    for column, (measure, ending, rows, is_known) in lines.items():
        parts = [float(rows[_name(part, ending, measure)].sum()) for part in PARTS]
        ends = [float(rows[f"{measure}_before"].sum()), float(rows[measure].sum())]
        frame[column] = [ends[0], *parts, ends[1]] if is_known else np.nan
    # a part that nobody has, such as a cost to serve in the bridge of revenue, tells nothing
    told = frame.drop(columns="term").fillna(0).ne(0).any(axis=1) | frame["term"].str.contains(" ")
    frame = frame[told].reset_index(drop=True)
    by_term = frame.set_index("term")["bridge_revenue"].reindex(PARTS).fillna(0.0)
    new, lost = (float(by_term[[f"{w}_accounts", f"{w}_lines"]].sum()) for w in ("new", "lost"))
    change = float(by_term.sum())
    values = {
        "change": change, "volume": float(by_term["volume_effect"]), "new": new, "lost": -lost,
        "mix": float(by_term["mix_effect"]), "price": float(by_term["price_effect"]),
        "rest": float(by_term["not_split"]), "n": int(cells["account_id"].nunique()),
    }  # fmt: skip
    checks = [_split_check(cells, accounts)]
    if ledger.has_cost:
        n_out = int((~known).sum())
        key = "bridge.margin_partly" if n_out else "bridge.margin_known"
        checks.append(Check("bridge_margin_known", n_out == 0, Sentence(key, {"n": n_out})))
    summary = one_row(len(accounts), "full count", change=change)
    return Estimate("bridge", frame, summary, Sentence("bridge.note", values), tuple(checks))


def _name(part: str, ending: str, measure: str) -> str:
    if part == "serve_effect":
        return part if measure == "contribution" else "nothing"
    return f"{part}{ending}"


def _split_check(cells: pd.DataFrame, accounts: pd.DataFrame) -> Check:
    moved = float((cells["volume"] + cells["volume_before"]).sum())
    loose = cells[~_sold(cells, "") & ~_sold(cells, "_before")]
    share = float((loose["volume"] + loose["volume_before"]).sum()) / moved if moved else 1.0
    amount = float(accounts["not_split"].sum())
    key = "bridge.all_split" if share == 0 else "bridge.partly_split"
    return Check("bridge_split", share < 0.05, Sentence(key, {"share": share, "amount": amount}))


def by_account(
    cells: pd.DataFrame, facts: pd.DataFrame, ledger: Ledger, *, coverage: float
) -> pd.DataFrame:
    """Return the parts of the bridge for every account, largest change of revenue first.

    Returns
    -------
    DataFrame
        One row per account of either frame: `account_id`, `name`; `revenue`, `margin`,
        `contribution` with `_before`; `change` of revenue; each of `PARTS`, and the same with `_m`
        for margin; `margin_known`, and `nothing` (zero).
    """
    parts = effects(cells)
    columns = [f"{part}{end}" for part in PARTS if part != "serve_effect" for end in ("", "_m")]
    totals = ["revenue", "revenue_before", "margin", "margin_before", "volume", "volume_before",
              "volume_costed", "volume_costed_before"]  # fmt: skip
    out = parts.groupby("account_id", sort=True)[[*columns, *totals]].sum()
    # who bought in neither year may still cost: money tied up in what is owed
    every = out.index.union(pd.Index(facts["account_id"], name="account_id"))
    out = out.reindex(every, fill_value=0.0).reset_index()
    known = pd.Series(ledger.has_cost, index=out.index)
    for ending in ("", "_before"):
        known &= out[f"volume_costed{ending}"] >= coverage * out[f"volume{ending}"]
    served = facts.set_index("account_id").reindex(out["account_id"])
    out.insert(1, "name", served["name"].to_numpy())
    for ending in ("", "_before"):
        # no row in the ledger of that year: the account was not there, and cost nothing
        cost = served[f"cost_to_serve{ending}"].fillna(0.0).to_numpy()
        out[f"served{ending}"] = cost if ledger.has_contribution else np.nan
        out[f"contribution{ending}"] = out[f"margin{ending}"] - out[f"served{ending}"]
    out["serve_effect"] = out["served_before"] - out["served"]
    out["change"] = out["revenue"] - out["revenue_before"]
    out["nothing"] = 0.0
    out["margin_known"] = known
    order = out["change"].abs().sort_values(ascending=False, kind="stable").index
    return out.loc[order].drop(columns=["served", "served_before"]).reset_index(drop=True)
