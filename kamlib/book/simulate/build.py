"""From a unit's true values to its book: the order in which things happen."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from kamlib.book.simulate import (
    accounts,
    cash,
    contracts,
    demand,
    lives,
    losses,
    managers,
    meetings,
    orders,
    pricing,
    programme,
    questionnaire,
    records,
    rewards,
    spend,
    surveys,
    truth,
)
from kamlib.book.simulate.columns import COLUMNS
from kamlib.book.simulate.model import UnitModel
from kamlib.book.simulate.units import DEMO_UNITS, MODELS
from kamlib.errors import ParamError, nearest

SMALLEST = 12


@dataclass(frozen=True, slots=True, eq=False)
class Simulated:
    """A simulated business unit.

    Attributes
    ----------
    unit
        Name of the unit.
    tables
        The book of business: table name -> frame with the columns of the domain.
    truth
        True values, fit for JSON; the keys are listed in the docstring of the package.
    account_truth
        One row per account: its traits (standard normal where not said otherwise), `left_on` and
        `reason` of its first spell, `spells`, `costly`, `destocked`.
    risk_truth
        One row per account and month at risk (`month` is its first day): the covariates of the
        hazard as they were known on that day, the true log cumulative hazard of churn, and `end`
        ("", churn, insolvent, merged, ended_by_us).
    """

    unit: str
    tables: dict[str, pd.DataFrame]
    truth: dict[str, Any]
    account_truth: pd.DataFrame
    risk_truth: pd.DataFrame


def simulate(unit: str, *, seed: int | None = None, size: float = 1.0) -> Simulated:
    """Simulate the book of one demo unit for the years 2021 to 2025.

    Parameters
    ----------
    unit
        One of `DEMO_UNITS`.
    seed
        Start of the random numbers, a whole number not below 0; None means the unit's own seed.
        The same seed and size give identical frames.
    size
        Factor on the unit's number of accounts (at least twelve accounts are made).

    Returns
    -------
    Simulated
        Tables, truth, and the truth by account and by month at risk.

    Raises
    ------
    ParamError
        If the unit is unknown, the seed negative or the size not a positive number.

    Examples
    --------
    >>> book = simulate("industrial_supplies", size=0.02)
    >>> len(book.tables["accounts"]), book.truth["retention"]["open_complaint"]
    (18, 0.6)
    """
    model = check(unit, seed, size)
    number = model.seed if seed is None else seed
    count = max(SMALLEST, round(size * model.population.accounts))

    def stream(topic: str) -> np.random.Generator:
        # a stream per topic: a change in one table leaves the draws of the others alone
        return np.random.default_rng([number, zlib.crc32(f"{unit}/{topic}".encode())])

    people = accounts.draw(model, count, stream("accounts"))
    seats = managers.draw(model, people, stream("managers"))
    path = spend.draw(model, people, stream("spend"))
    standing = programme.stand(model, people, path, stream("programme"))
    lived = lives.live(model, people, seats, path, standing, stream("lives"))
    wanted = demand.draw(model, people, path, lived, stream("demand"))
    goods = demand.goods(model)
    lines = orders.draw(model, people, path, lived, wanted, goods, stream("orders"))
    lines = pricing.returns(model, lines, stream("returns"))
    transactions, revenue = pricing.table(model, people, path, goods, lines)
    there = meetings.contacts(people, stream("contacts"))

    tables = {
        "accounts": accounts.table(model, people),
        "account_history": accounts.history(model, people, stream("history")),
        "transactions": transactions,
        "service_events": records.events(model, people, seats, lived, stream("records")),
        "standards": records.standards(model),
        "tier_decisions": rewards.tier_decisions(people, standing, lived),
        "visits": meetings.visits(
            model, people, seats, standing.tier, lived, there, stream("visits")
        ),
        "contacts": there.table,
        "assignments": managers.table(people, seats, standing.tier, lived.spells),
        "survey_items": questionnaire.items(),
        "programme": rewards.programme(people, standing, lived),
        "programme_costs": rewards.costs(model, people, lived, revenue),
        "points": rewards.points(people, lived, revenue),
        "referrals": losses.referrals(people, lived, stream("referrals")),
        "defections": losses.defections(model, people, path, lived, stream("defections")),
        "acquisition_costs": losses.acquisition_costs(model, people, stream("acquisition")),
    }
    tables["invoices"], tables["payments"] = cash.tables(
        model, people, lived, revenue, stream("cash")
    )
    tables["survey_frame"], tables["surveys"] = surveys.draw(
        model, people, standing.tier, lived, path.discount, there, stream("surveys")
    )
    if model.contract_terms:
        tables["contracts"] = contracts.table(model, people, lived, stream("contracts"))
    if standing.trial is not None:
        tables["trials"] = rewards.trials(people, standing.trial, lived)
    return Simulated(
        unit=unit,
        tables={name: tables[name] for name in COLUMNS if name in tables},
        truth=truth.unit(model, number, size, people, path, lived, wanted.extra_revenue),
        account_truth=truth.by_account(people, path, lived),
        risk_truth=truth.by_month_at_risk(people, lived),
    )


def check(unit: str, seed: int | None, size: float) -> UnitModel:
    """Return the model of a unit, or raise ParamError with all that is wrong."""
    faults = []
    if unit not in MODELS:
        faults.append(
            f"unit: '{unit}' is no demo unit{nearest(unit, DEMO_UNITS)}; "
            f"allowed: {', '.join(DEMO_UNITS)}"
        )
    if seed is not None and seed < 0:
        faults.append(f"seed: {seed} is negative; give a whole number from 0 on, or none")
    if not (0 < size < float("inf")):
        faults.append(f"size: {size} is not a positive number; 1 is the unit's usual size")
    if faults:
        raise ParamError(*faults)
    return MODELS[unit]
