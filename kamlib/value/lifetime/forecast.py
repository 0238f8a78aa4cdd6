"""One forecast of a unit: its records read as of a day, and the model that fits its relations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pandas as pd

from kamlib.accounts import Ledger
from kamlib.book import Book
from kamlib.results import Estimate, refusal
from kamlib.value.lifetime.account_values import account_values
from kamlib.value.lifetime.contract_courses import courses
from kamlib.value.lifetime.contract_facts import (
    YEAR_DAYS,
    Terms,
    contract_terms,
    relation_of,
    yearly_revenue,
)
from kamlib.value.lifetime.contract_rehearsal import rehearse_contracts
from kamlib.value.lifetime.contractual import contract_accounts, contractual
from kamlib.value.lifetime.economics import Economics, economics, economics_facts
from kamlib.value.lifetime.facts import purchase_counts
from kamlib.value.lifetime.noncontractual import forecast_purchases
from kamlib.value.lifetime.outlook import Outlook
from kamlib.value.lifetime.pooling import Pool
from kamlib.value.lifetime.purchase_history import purchase_history
from kamlib.value.lifetime.validation import holdout_day

__all__ = ["forecast", "forecast_until", "held_back", "relation_of", "value_at"]

_YEAR = 365.25


def forecast(
    book: Book,
    ledger: Ledger,
    relation: str,
    *,
    day: date,
    conf_level: float,
    rng: np.random.Generator,
    pools: Mapping[str, Pool] | None = None,
) -> Outlook | Estimate:
    """What each account will bring from a day on, over the horizon of the parameters.

    Parameters
    ----------
    book, ledger
        Of the same unit. What was dated or recorded after `day` is not read.
    relation
        "contracts" or "purchases", see `relation_of`.
    day
        Last day that is known to the forecast.
    conf_level, rng
        Level of the intervals; source of randomness.
    pools
        What comparable units have in common, as it was known on `day`; none is used for contracts.

    Returns
    -------
    Outlook or Estimate
        The forecast, or the refusal that says what the records lack.
    """
    horizon = book.unit.customer_value.lifetime.horizon_years * _YEAR
    return _forecast(book, ledger, relation, day, horizon, conf_level, rng, pools or {})


def forecast_until(
    book: Book,
    ledger: Ledger,
    relation: str,
    *,
    day: date,
    until: date,
    conf_level: float,
    rng: np.random.Generator,
) -> Outlook | Estimate:
    """The forecast that could have been made on an earlier day, up to a day that is known by now.

    Comparable units are not asked: what they have in common is known for today only.
    """
    horizon = float((until - day).days)
    return _forecast(book, ledger, relation, day, horizon, conf_level, rng, {})


def held_back(
    book: Book,
    ledger: Ledger,
    relation: str,
    *,
    conf_level: float,
    rng: np.random.Generator,
) -> tuple[Outlook | Estimate, pd.DataFrame]:
    """The forecast that is checked, made as of an earlier day, and what has come since.

    Returns
    -------
    tuple
        The forecast, or the refusal that says why none can be checked; and
        `facts.purchase_counts` of the days held back, without rows where there are none.
    """
    sales = book["transactions"]
    first = pd.Timestamp(sales.aggregate(first=sales.date.min()).execute()["first"].iloc[0]).date()
    day = holdout_day(first, book.as_of, book.unit.customer_value.lifetime)
    if day is None:
        came = purchase_counts(book, book.as_of, book.as_of).execute()
        return refusal("lifetime", "holdout.too_short"), came
    past = forecast_until(
        book, ledger, relation, day=day, until=book.as_of, conf_level=conf_level, rng=rng
    )
    return past, purchase_counts(book, day, book.as_of).execute()


def value_at(
    book: Book,
    ledger: Ledger,
    relation: str,
    day: date,
    *,
    facts: pd.DataFrame,
    conf_level: float,
    rng: np.random.Generator,
) -> Estimate:
    """Return `account_values` as of a day, with what was known on it."""
    outlook = forecast(book, ledger, relation, day=day, conf_level=conf_level, rng=rng)
    rate = book.unit.customer_value.lifetime.discount_rate
    return account_values(outlook, facts, discount_rate=rate)


def _forecast(
    book: Book,
    ledger: Ledger,
    relation: str,
    day: date,
    horizon_days: float,
    conf_level: float,
    rng: np.random.Generator,
    pools: Mapping[str, Pool],
) -> Outlook | Estimate:
    params = book.unit.customer_value.lifetime
    if relation == "contracts":
        terms, chains, revenue = _contracts(book, day)
        came = revenue[revenue["years_ago"] == 0].set_index("account_id")["revenue"]
        # on random numbers of its own: what the unit is expected to bring does not hang on it
        account_level, rehearsed = rehearse_contracts(
            *_contracts(book, day - timedelta(days=YEAR_DAYS)), came, conf_level=conf_level,
            rng=rng.spawn(1)[0],
        )  # fmt: skip
        found = _economics(contract_accounts(chains), ledger, day, params.draws, rng)
        made = contractual(
            terms, chains, revenue, margin_rate=found.margin_rate,
            cost_per_day=found.cost_per_day, margin_known=found.margin_known,
            horizon_days=horizon_days, discount=float(np.log1p(params.discount_rate)) / _YEAR,
            conf_level=conf_level, account_level=account_level, draws=params.draws, rng=rng,
        )  # fmt: skip
        if isinstance(made, Estimate):
            return made
        return replace(made, checks=(*made.checks, rehearsed, *found.checks))
    history = purchase_history(book, day, fit_years=params.fit_years)
    found = _economics(history.summary["account_id"], ledger, day, params.draws, rng)
    return forecast_purchases(
        history, found, params, pools=pools, horizon_days=horizon_days, conf_level=conf_level,
        rng=rng,
    )  # fmt: skip


def _contracts(book: Book, day: date) -> tuple[Terms, pd.DataFrame, pd.DataFrame]:
    """Return contracts, their courses and yearly revenue as known on a day."""
    terms = contract_terms(book, day, grace_days=book.unit.churn_survival.renewal_grace_days)
    return terms, courses(terms), yearly_revenue(book, day).execute()


def _economics(
    accounts: pd.Series, ledger: Ledger, day: date, draws: int, rng: np.random.Generator
) -> Economics:
    history = economics_facts(ledger, day).execute()
    return economics(accounts, history, ledger, draws=draws, rng=rng)
