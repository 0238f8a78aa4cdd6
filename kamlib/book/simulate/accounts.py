"""Accounts and their lasting traits; what is known of them, and what was known when."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from kamlib.book.simulate import names
from kamlib.book.simulate.clock import LAST_DAY, MONTHS, Days, month_of, month_start
from kamlib.book.simulate.columns import frame, pick, serials
from kamlib.book.simulate.model import UnitModel

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Accounts:
    """Traits, one entry per account; -1 means none where an index is meant."""

    ids: pa.Array
    names: list[str]
    segment: Days
    region: Days
    intermediary: NDArray[np.bool_]
    head: Days  # account that heads the group, -1: in no group, itself: the head
    dealer: Days  # intermediary that serves the account
    onboarded: Days  # day
    size: Floats  # z
    attitude: Floats
    quality: Floats
    late_payer: Floats
    costly: NDArray[np.bool_]
    drift: Floats  # per year
    credit: Floats  # score in January 2021
    wallet: Floats  # share of the account's need that the firm serves

    def __len__(self) -> int:
        return len(self.size)


def draw(model: UnitModel, count: int, rng: np.random.Generator) -> Accounts:
    """Draw the accounts of a unit; see the package's docstring for the distributions."""
    p = model.population
    intermediary = rng.random(count) < p.intermediary_share
    intermediary[0] = True  # a unit without one could not show what intermediaries do
    size = rng.standard_normal(count) + p.intermediary_size * intermediary
    attitude = 0.2 * size + np.sqrt(0.96) * rng.standard_normal(count)
    late_payer = rng.standard_normal(count)
    middling = np.flatnonzero((size > -0.3) & (size < 1.7) & ~intermediary)
    costly = np.zeros(count, dtype=bool)
    wanted = min(len(middling), max(1, round(p.costly_share * count)))
    costly[rng.choice(middling, wanted, replace=False)] = True
    return Accounts(
        ids=serials(p.prefix, np.arange(1, count + 1)),
        names=names.draw(model.unit, count, rng),
        segment=rng.integers(len(p.segments), size=count),
        region=rng.integers(len(p.regions), size=count),
        intermediary=intermediary,
        head=_heads(p.parent_share, size, rng),
        dealer=np.where(
            ~intermediary & (rng.random(count) < p.served_share),
            rng.choice(np.flatnonzero(intermediary), count),
            -1,
        ),
        onboarded=_onboarding(p.onboarded_before, count, rng),
        size=size,
        attitude=attitude,
        quality=rng.standard_normal(count),
        late_payer=late_payer,
        costly=costly,
        drift=model.spending.drift_mean + model.spending.drift_sd * rng.standard_normal(count),
        credit=70.0 - 12.0 * late_payer + 4.0 * size + 5.0 * rng.standard_normal(count),
        wallet=rng.beta(4.0, 4.0, count),
    )


def _onboarding(before: float, count: int, rng: np.random.Generator) -> Days:
    old = rng.random(count) < before
    years = 10.0 * rng.random(count) ** 1.3  # recent years weigh more: some have left by now
    month = np.where(old, -1 - np.floor(years * 12), rng.integers(0, MONTHS - 3, count))
    return month_start(month) + rng.integers(0, 28, count)


def _heads(share: float, size: Floats, rng: np.random.Generator) -> Days:
    members = np.flatnonzero(rng.random(len(size)) < share)
    rng.shuffle(members)
    group = np.repeat(np.arange(len(members)), rng.integers(2, 6, len(members)))[: len(members)]
    head = np.full(len(size), -1, dtype=np.int64)
    for number in range(int(group[-1]) + 1 if len(group) else 0):
        siblings = members[group == number]
        if len(siblings) > 1:
            head[siblings] = siblings[np.argmax(size[siblings])]
    return head


def yearly_need(model: UnitModel, people: Accounts, month: NDArray[np.int64]) -> Floats:
    """Return what the accounts buy from anybody, per year, as seen in a month of each."""
    bought = model.spending.base * np.exp(
        model.spending.size_sd * people.size + people.drift * (month - 30) / 12
    )
    need: Floats = np.round(12 * bought / people.wallet, -2)
    return need


def _credit_in(people: Accounts, year: int) -> Floats:
    # drifts by the trait, so that a late reading is no proxy for an early one
    return np.clip(np.round(people.credit - 1.2 * people.late_payer * year), 0, 100)


def table(model: UnitModel, people: Accounts) -> pd.DataFrame:
    """Return `accounts`: one row per account, attributes as of the last day."""
    p = model.population
    heads = np.where(people.head == np.arange(len(people)), -1, people.head)
    return frame(
        "accounts",
        {
            "account_id": people.ids,
            "name": people.names,
            "segment": pick(p.segments, people.segment),
            "region": pick(p.regions, people.region),
            "role": pick(("end_customer", "intermediary"), people.intermediary.astype(np.int8)),
            "parent_id": pick(people.ids, heads),
            "served_by": pick(people.ids, people.dealer),
            "onboarded_on": people.onboarded,
            "credit_score": _credit_in(people, 4),
            "potential_per_year": yearly_need(model, people, np.full(len(people), 48)),
        },
    )


def history(model: UnitModel, people: Accounts, rng: np.random.Generator) -> pd.DataFrame:
    """Return `account_history`: one row per account, attribute and day on which it changed.

    Credit score, credit limit and potential are read every January (and at the start), segment
    and region at the start and, for some segments, once more; the last value of an attribute is
    the one that `accounts` shows.
    """
    p = model.population
    everyone = np.arange(len(people))
    start = np.maximum(people.onboarded, 0)
    parts: list[tuple[Days, Days, str, list[str]]] = []
    for year in range(5):
        january = int(month_start(12 * year))
        who = everyone[(month_of(start) // 12 == year) | (start < january)]
        day = np.maximum(start[who], january)
        credit = _credit_in(people, year)[who].astype(int)
        need = yearly_need(model, people, np.full(len(people), 12 * year))[who]
        limit = np.round(need * people.wallet[who] * (0.05 + credit / 500), -2)
        parts += [
            (who, day, "credit_score", [str(v) for v in credit.tolist()]),
            (who, day, "credit_limit", [f"{v:.0f}" for v in limit.tolist()]),
            (who, day, "potential_per_year", [f"{v:.0f}" for v in need.tolist()]),
        ]
    moved = everyone[(rng.random(len(people)) < 0.03) & (start < LAST_DAY - 200)]
    former = people.segment.copy()
    former[moved] = (former[moved] + 1) % len(p.segments)
    stage = np.where(people.onboarded < -3 * 365, "mature", np.where(people.onboarded < 0,
                     "established", "new"))  # fmt: skip
    grown = everyone[start + 540 <= LAST_DAY]
    parts += [
        (everyone, start, "segment", [p.segments[k] for k in former.tolist()]),
        (moved, start[moved] + 150, "segment", [p.segments[k] for k in people.segment[moved]]),
        (everyone, start, "region", [p.regions[k] for k in people.region.tolist()]),
        (everyone, start, "role", np.where(people.intermediary, "intermediary",
                                           "end_customer").tolist()),
        (everyone, start, "relationship_stage", stage.tolist()),
        (grown, start[grown] + 540, "relationship_stage",
         np.where(people.drift[grown] < -0.08, "declining", "mature").tolist()),
    ]  # fmt: skip
    who = np.concatenate([part[0] for part in parts])
    day = np.concatenate([part[1] for part in parts])
    attribute = np.repeat([part[2] for part in parts], [len(part[0]) for part in parts])
    value = np.array([v for part in parts for v in part[3]], dtype=object)
    order = np.lexsort((attribute, who, day))
    return frame(
        "account_history",
        {
            "account_id": pick(people.ids, who[order]),
            "valid_from": day[order],
            "attribute": attribute[order],
            "value": value[order],
        },
    )
