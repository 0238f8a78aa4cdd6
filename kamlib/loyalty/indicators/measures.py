"""Seven measures, five indicators from 0 to 100 and one index: what an account shows by what it does.

An indicator says where an account stands among the accounts of a frozen reference date (`scales`); the
index is the mean of the indicators that are known of it, with equal weights.
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from kamlib.loyalty.indicators.scales import Scales, freeze, place

INDEX = "behaviour"
# indicator -> what it is measured by; of several the mean of those known counts
MEASURES = {
    "regularity": ("buying_share",),
    "breadth_score": ("breadth_share",),
    "referral": ("n_referrals",),
    "resistance": ("share_of_wallet", "business_kept", "price_held"),
    "persistence": ("kept_after_incident",),
}
INDICATORS = tuple(MEASURES)
EVERY = tuple(name for names in MEASURES.values() for name in names)
BRING = {
    "buying_share": "transactions",
    "breadth_share": "transactions.product_line",
    "n_referrals": "referrals",
    "share_of_wallet": "account_history (potential_per_year)",
    "business_kept": "transactions (two years)",
    "price_held": "transactions.list_amount (two years)",
    "kept_after_incident": "service_events",
}
MIN_KNOWN = 3


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """Accounts with their indicators, and the scales that these stand on.

    Attributes
    ----------
    rows
        One row per account and date: facts, measures, indicators, `n_indicators` and `behaviour`.
    scales
        Frozen scale of each measure.
    min_known
        Indicators that an account needs for an index.
    """

    rows: pd.DataFrame
    scales: Scales
    min_known: int


def measures(facts: pd.DataFrame, *, min_months: int = 6) -> pd.DataFrame:
    """Return facts with the seven measures behind the five indicators.

    Parameters
    ----------
    facts
        One row per account and date, as `facts.collect` returns it.
    min_months
        Months since the first order below which regularity is unknown.

    Returns
    -------
    DataFrame
        The rows with, null where unknown: `buying_share` (months with an order ÷ months seen, at most
        twelve), `breadth_share` (product lines bought ÷ sold by the unit, where it sells two or more),
        `share_of_wallet` (revenue ÷ potential, at most 1), `business_kept` (revenue ÷ revenue of the
        year before, at most 1; 0 where a partial loss is recorded), `price_held` (change of price
        realisation within a year, a rise counting as none), `kept_after_incident` (revenue after ÷
        before quality incidents, at most 1). `n_referrals` is a measure as it is.

    Examples
    --------
    >>> facts = pd.DataFrame({"months_seen": [12.0], "buying_months": [9.0], "breadth": [2.0],
    ...                       "lines_sold": [4.0], "revenue": [50.0], "revenue_before": [80.0]})
    >>> measures(facts)[["buying_share", "breadth_share", "business_kept"]].iloc[0].tolist()
    [0.75, 0.5, 0.625]
    """
    rows = facts.reindex(columns=[*facts.columns, *(c for c in _READ if c not in facts)])

    def ratio(part: str, whole: str) -> pd.Series:
        return (rows[part] / rows[whole].where(rows[whole] > 0)).clip(0.0, 1.0)

    change = rows["price_realisation"] - rows["price_realisation_before"]
    seen, sold = rows["months_seen"] >= min_months, rows["lines_sold"] >= 2
    kept = ratio("revenue", "revenue_before")
    # known of losers alone it would make a scale of losers
    lost = kept.notna() & (rows["n_partial_losses"] > 0)
    return rows.assign(
        buying_share=ratio("buying_months", "months_seen").where(seen),
        breadth_share=ratio("breadth", "lines_sold").where(sold),
        share_of_wallet=ratio("revenue", "potential_per_year"),
        business_kept=kept.where(~lost, 0.0),
        price_held=change.clip(upper=0.0),
        kept_after_incident=ratio("revenue_after_incidents", "revenue_before_incidents"),
    )


_READ = (
    "months_seen", "buying_months", "breadth", "lines_sold", "n_referrals", "revenue",
    "revenue_before", "potential_per_year", "n_partial_losses", "price_realisation",
    "price_realisation_before", "revenue_before_incidents", "revenue_after_incidents",
)  # fmt: skip


def score(
    facts: pd.DataFrame,
    *,
    scales: Scales | None = None,
    min_months: int = 6,
    min_known: int = MIN_KNOWN,
) -> Scored:
    """Score what accounts did, from 0 to 100, and average what is known.

    Parameters
    ----------
    facts
        One row per account and date, as `facts.collect` returns it.
    scales
        Frozen scales; None: frozen here, each measure on the first date that it is known on.
    min_months
        As in `measures`.
    min_known
        Indicators that must be known for an account to have an index.

    Returns
    -------
    Scored
        Its rows have the five indicators (0–100, 50 being the middle of the reference date's
        accounts), `n_indicators` (known) and `behaviour`, their mean.
    """
    rows = measures(facts, min_months=min_months)
    scales = freeze(rows, EVERY) if scales is None else scales
    standing = place(rows, EVERY, scales)
    scores = pd.DataFrame({name: standing[list(by)].mean(axis=1) for name, by in MEASURES.items()})
    n_known = scores.notna().sum(axis=1)
    index = scores.mean(axis=1).where(n_known >= min_known)
    rows = pd.concat([rows, scores], axis=1).assign(n_indicators=n_known, **{INDEX: index})
    return Scored(rows, scales, min_known)
