"""What became of prices at constant mix, and which concessions no volume followed."""

from __future__ import annotations

import pandas as pd

from kamlib.accounts import Period
from kamlib.glossary import Sentence
from kamlib.results import Check, Estimate, none_found, one_row, refusal
from kamlib.value.profit.bridge import effects


def price_erosion(cells: pd.DataFrame, period: Period) -> Estimate:
    """Change of net price, list price and price realisation at constant mix, over the unit.

    Only what the same account bought of the same product in both years counts, so that neither
    dearer products nor other accounts move the figure.

    Parameters
    ----------
    cells
        One row per account × product, as `bridge_facts.collect` returns it.
    period
        Says whether there is a year before.

    Returns
    -------
    Estimate
        Frame: one row per `term`, `estimate` a share: `net_price_change` = Σ q₁p₁ ÷ Σ q₁p₀ - 1
        (this year's basket, Paasche), `net_price_change_before` = Σ q₀p₁ ÷ Σ q₀p₀ - 1 (last year's
        basket, Laspeyres); and, over products with list amounts in both years, this year's basket:
        `list_price_change` and `realisation_change` (net price ÷ list price, relative change). `n_obs` counts
        account × product pairs. A full count: no sampling error.

    References
    ----------
    ILO, IMF, OECD et al. (2004). Producer Price Index Manual, chapter 15 (Laspeyres and Paasche).
    Marn, M. V. and Rosiello, R. L. (1992). Managing price, gaining profit. Harvard Business Review
    70(5), 84–94 (realisation: from list price to pocket price).
    """
    if period.previous is None:
        return refusal("price_erosion", "bridge.no_prices", start=period.records.start)
    priced = cells[effects(cells)["is_priced"] & (cells["sales_before"] > 0)]
    if priced.empty:
        return refusal("price_erosion", "bridge.no_quantity")
    ratio = priced["units"] / priced["units_before"]
    net = _change(priced["sales"], priced["sales_before"] * ratio)
    before = _change(priced["sales"] / ratio, priced["sales_before"])
    rows = [
        ("net_price_change", net, len(priced)),
        ("net_price_change_before", before, len(priced)),
    ]
    listed = priced[
        priced["n_listed"].eq(priced["n_units"])
        & priced["n_listed_before"].eq(priced["n_units_before"])
        & priced["list_sales"].gt(0) & priced["list_sales_before"].gt(0)
    ]  # fmt: skip
    if len(listed):
        scaled = listed["units"] / listed["units_before"]
        listing = _change(listed["list_sales"], listed["list_sales_before"] * scaled)
        paid = _change(listed["sales"], listed["sales_before"] * scaled)
        rows.append(("list_price_change", listing, len(listed)))
        rows.append(("realisation_change", (1 + paid) / (1 + listing) - 1, len(listed)))
    frame = pd.DataFrame(rows, columns=["term", "estimate", "n_obs"])
    share = float(priced["sales"].sum() / cells["revenue"].sum())
    found = frame.set_index("term")["estimate"]
    values = {"net": net, "n": len(priced), "share": share,
              "list": found.get("list_price_change"), "held": found.get("realisation_change")}  # fmt: skip
    key = "bridge.price_listed" if len(listed) else "bridge.price"
    enough = share >= 0.5
    check = Check(
        "price_basis",
        enough,
        Sentence("bridge.price_basis" if enough else "bridge.price_thin", {"share": share}),
    )
    summary = one_row(len(priced), "full count", net_price_change=net)
    return Estimate("price_erosion", frame, summary, Sentence(key, values), (check,))


def _change(now: pd.Series, then: pd.Series) -> float:
    return float(now.sum() / then.sum()) - 1


def concessions(
    cells: pd.DataFrame, facts: pd.DataFrame, period: Period, *, fall: float, length: int
) -> Estimate:
    """Accounts whose prices fell at constant mix and that bought no more for it.

    Parameters
    ----------
    cells, facts
        One row per account × product; one row per account with `name` and `manager_id`.
    period
        Says whether there is a year before.
    fall
        Smallest fall of the account's prices that counts, as a share.
    length
        Accounts listed.

    Returns
    -------
    Estimate
        Frame: one row per account, most given away first: `account_id`, `name`, `manager_id`,
        `revenue_before`, `revenue`, `price_change` (this year's basket), `volume_change` (all the
        account bought, at last year's prices where there are any, against last year), `given_away`
        = the fall in price times what was bought. A price may have fallen for other reasons, such
        as a lower list price: the list says where to ask.
    """
    if period.previous is None:
        return refusal("concessions", "bridge.no_prices", start=period.records.start)
    parts = effects(cells)
    priced = parts["is_priced"] & (cells["sales_before"] > 0)
    if not priced.any():
        return refusal("concessions", "bridge.no_quantity")
    scaled = cells["sales_before"] / cells["units_before"].where(priced, 1.0) * cells["units"]
    kept = parts.assign(
        at_old=scaled.where(priced, 0.0), at_new=cells["sales"].where(priced, 0.0)
    )  # fmt: skip
    sums = kept.groupby("account_id", sort=True)[
        ["revenue", "revenue_before", "price_effect", "at_old", "at_new"]
    ].sum()
    base = sums["at_old"].where(sums["at_old"] > 0)
    sums["price_change"] = sums["at_new"] / base - 1
    bought = sums["revenue"] - sums["price_effect"]
    sums["volume_change"] = bought / sums["revenue_before"].where(sums["revenue_before"] > 0) - 1
    sums["given_away"] = sums["at_old"] - sums["at_new"]
    # within rounding of a share: a fall of exactly the parameter counts
    chosen = sums[(sums["price_change"] <= -fall + 1e-9) & (sums["volume_change"] <= 1e-9)]
    chosen = chosen.sort_values("given_away", ascending=False, kind="stable").reset_index()
    frame = chosen.merge(facts[["account_id", "name", "manager_id"]], on="account_id", how="left")
    columns = ["account_id", "name", "manager_id", "revenue_before", "revenue", "price_change",
               "volume_change", "given_away"]  # fmt: skip
    fell = int((sums["price_change"] <= -fall + 1e-9).sum())
    values = {
        "n": len(frame),
        "fell": fell,
        "fall": fall,
        "given": float(frame["given_away"].sum()),
    }
    n_obs = int(sums["price_change"].notna().sum())
    if frame.empty:
        return none_found("concessions", "bridge.no_concessions", fall=fall, n=n_obs)
    summary = one_row(n_obs, "full count", n_conceded=len(frame), given_away=values["given"])
    note = Sentence("bridge.concessions", values | {"of": n_obs})
    return Estimate("concessions", frame[columns].head(length), summary, note)
