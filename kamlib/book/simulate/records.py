"""Service events and standards as the firm keeps them."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kamlib.book.simulate.accounts import Accounts
from kamlib.book.simulate.clock import LAST_DAY, month_start
from kamlib.book.simulate.columns import frame, pick, serials
from kamlib.book.simulate.lives import Lives
from kamlib.book.simulate.managers import Seats
from kamlib.book.simulate.model import UnitModel
from kamlib.book.simulate.programme import TIERS
from kamlib.book.simulate.service import (
    HOUR,
    KIND_FACTOR,
    KINDS,
    PROMISED,
    RESOLUTION_H,
    RESPONSE_H,
    TIGHTER_MONTH,
)

STAGES = ("pre_sale", "in_sale", "after_sale")
CATEGORIES = {
    "commercial_vehicles": ("breakdown", "parts_delivery", "invoice", "workshop_time", "advice"),
    "telecom_lines": ("outage", "invoice", "installation_delay", "speed", "advice"),
    "industrial_supplies": ("delivery_late", "wrong_item", "quality", "invoice", "advice"),
}
# chance of each stage by kind
_STAGE = np.array(
    [[0.05, 0.25, 0.70], [0.10, 0.35, 0.55], [0.35, 0.25, 0.40], [0.0, 0.0, 1.0],
     [0.0, 0.9, 0.1], [0.2, 0.3, 0.5]]
)  # fmt: skip
_MINUTES = np.array([110.0, 25.0, 45.0, 180.0, 300.0, 240.0])
_FIXED = np.array([1.0, 0.1, 0.2, 1.4, 2.5, 1.2])  # of cost_per_event
_BY_US = np.array([0.02, 0.0, 0.05, 0.55, 0.30, 0.60])


def events(
    model: UnitModel, people: Accounts, seats: Seats, lives: Lives, rng: np.random.Generator
) -> pd.DataFrame:
    """Return `service_events`: one row per case.

    `resolved_at` is the final resolution and lies after `reopened_at`. What is only known when a
    case is closed is missing while it is open; three costs in a hundred are missing for good.
    """
    order = np.argsort(lives.cases["opened"], kind="stable")
    case = {name: values[order] for name, values in lives.cases.items()}
    account, kind, late = case["account"], case["kind"], case["late"]
    n, s = len(account), model.service
    end_of_records = (LAST_DAY + 1) * 24 * HOUR
    answered = case["response"] < end_of_records
    closed = case["resolved"] < end_of_records

    stage = np.sum(rng.random(n)[:, None] > np.cumsum(_STAGE, axis=1)[kind], axis=1)
    severity = rng.choice(3, n, p=(0.5, 0.35, 0.15))
    minutes = np.round(_MINUTES[kind] * rng.gamma(2.0, 0.5, n) * (1 + 0.3 * severity)) + 5
    cost = s.cost_per_minute * minutes + s.cost_per_event * _FIXED[kind] * rng.gamma(2.0, 0.5, n)
    bills = (kind >= 3) & (rng.random(n) < 0.6) & ~people.costly[account]
    paid_out = (kind == 0) & (rng.random(n) < 0.20 + 0.15 * severity)
    compensation = s.compensation * np.exp(
        0.4 * model.spending.size_sd * people.size[account] - 0.3 + 0.8 * rng.standard_normal(n)
    )
    score = 7.6 + 0.7 * people.quality[account] - 2.2 * late - 1.0 * (kind == 0)
    score = np.clip(np.round(score + 1.2 * rng.standard_normal(n)), 1, 10)
    reopened = (kind == 0) & (rng.random(n) < 0.07)
    wait = case["resolved"] - case["response"]
    reopened_at = case["response"] + (wait * rng.uniform(0.3, 0.95, n)).astype(np.int64)
    categories = CATEGORIES[model.unit]
    return frame(
        "service_events",
        {
            "event_id": serials("E", np.arange(1, n + 1)),
            "account_id": pick(people.ids, account),
            "kind": pick(KINDS, kind),
            "stage": pick(STAGES, stage),
            "opened_at": case["opened"],
            "first_response_at": np.ma.masked_array(case["response"], ~answered),
            "resolved_at": np.ma.masked_array(case["resolved"], ~closed),
            "reopened_at": np.ma.masked_array(
                reopened_at, ~(reopened & (reopened_at < end_of_records))
            ),
            "severity": pick(("low", "medium", "high"), severity),
            "category": pick(
                categories,
                np.where(kind >= 3, -1, np.floor(len(categories) * rng.random(n) ** 1.6)).astype(
                    np.int64
                ),
            ),
            "initiated_by": pick(("customer", "us"), (rng.random(n) < _BY_US[kind]).astype(int)),
            "owner_id": pick(
                serials("S", np.arange(1, 4 * len(seats.left) + 1)),
                4 * seats.of_account[account] + rng.integers(0, 4, n),
            ),
            "handovers": np.ma.masked_array(rng.poisson(0.3 + 0.9 * late), ~closed),
            "end_customer_id": pick(
                people.ids, _end_customers(people, account, case["opened"], rng)
            ),
            "minutes": np.ma.masked_array(minutes, ~closed),
            "cost": np.ma.masked_array(cost, ~closed | (rng.random(n) < 0.03)),
            "billed_amount": np.ma.masked_array(np.where(bills, 1.3 * cost, 0.0), ~closed),
            "compensation": np.ma.masked_array(np.where(paid_out, compensation, 0.0), ~closed),
            "customer_score": np.ma.masked_array(score, ~closed | (rng.random(n) < 0.6)),
        },
    )


def _end_customers(
    people: Accounts,
    account: NDArray[np.int64],
    opened: NDArray[np.int64],
    rng: np.random.Generator,
) -> NDArray[np.int64]:
    """Return whose case it is where an intermediary reports it, -1: its own or not known."""
    served = np.flatnonzero(people.dealer >= 0)
    served = served[np.argsort(people.dealer[served], kind="stable")]
    many = np.bincount(people.dealer[served], minlength=len(people))
    begin = np.cumsum(many) - many
    u, v = rng.random((2, len(account)))
    which = begin[account] + np.floor(u * many[account]).astype(np.int64)
    found = np.append(served, -1)[np.where(many[account] > 0, which, -1)]
    known = (found >= 0) & (v < 0.6) & (people.onboarded[found] * 24 * HOUR <= opened)
    return np.where(known, found, -1)


def standards(model: UnitModel) -> pd.DataFrame:
    """Return `standards`: one row per day from which a promise holds, tier and kind of case.

    A last row per tier promises visits and training per year.
    """
    rows = []
    for version, month in enumerate((0, TIGHTER_MONTH)):
        for t, tier in enumerate(TIERS):
            if version and t:
                continue  # only platinum is promised more
            for k, kind in enumerate(KINDS[:PROMISED]):
                if kind != "grumble":
                    hours = KIND_FACTOR[k] * np.array([RESPONSE_H[version][t],
                                                       RESOLUTION_H[version][t]])  # fmt: skip
                    rows.append((int(month_start(month)), tier, kind, *hours.tolist(), None, None))
            if not version:
                visits = float(round(12 * model.service.visits[t]))
                rows.append((0, tier, None, None, None, visits, float(max(0, 2 - t))))
    day, tiers, kinds, response, resolution, visits_due, training = zip(*rows, strict=True)
    nothing = [None] * len(rows)
    return frame(
        "standards",
        {
            "valid_from": np.array(day),
            "tier": tiers,
            "role": nothing,
            "stage": nothing,
            "kind": kinds,
            "severity": nothing,
            "first_response_h": np.array(response, dtype=float),
            "resolution_h": np.array(resolution, dtype=float),
            "visits_per_year": np.array(visits_due, dtype=float),
            "training_per_year": np.array(training, dtype=float),
        },
    )
