"""The hazards of a month: what is known when it begins, and what follows from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kamlib.book.simulate.accounts import Accounts
from kamlib.book.simulate.clock import MONTH_DAYS, Days, add_months, month_of
from kamlib.book.simulate.managers import Seats
from kamlib.book.simulate.model import UnitModel
from kamlib.book.simulate.programme import Standing
from kamlib.book.simulate.service import Ledger
from kamlib.book.simulate.spend import Path

Covariates = dict[str, NDArray[Any]]
CHURN_REASONS = ("competitor", "manager_left", "price", "service", "no_need", "other")
OTHER_ENDS = ("insolvent", "merged", "ended_by_us")
REASONS = CHURN_REASONS + OTHER_ENDS
# weight of a reason: constant, per open complaint, per complaint, per manager who left, per unit
# of attitude; drawn in proportion to max(0.02, weight)
REASON_WEIGHTS = np.array(
    [
        [1.0, 0.0, 0.0, 0.5, 0.0],
        [0.02, 0.0, 0.0, 4.0, 0.0],
        [0.8, 0.0, 0.0, 0.0, -0.1],
        [0.25, 1.5, 0.6, 0.0, -0.1],
        [0.5, 0.0, 0.0, 0.0, 0.0],
        [0.15, 0.0, 0.0, 0.0, 0.0],
    ]
)


@dataclass(slots=True)
class State:
    """Where every account stands, changed month by month."""

    start: Days  # of the spell
    end: Days  # inclusive; NEVER: lives
    spell: Days
    may_return: NDArray[np.bool_]


def covariates(
    model: UnitModel,
    people: Accounts,
    seats: Seats,
    path: Path,
    standing: Standing,
    book: Ledger,
    state: State,
    term: Days,
    level: NDArray[np.int8],
    month: int,
) -> tuple[Covariates, Days]:
    """Return the covariates of a month, and the day of it on which a long contract runs out."""
    opens, closes = int(MONTH_DAYS[month]), int(MONTH_DAYS[month + 1])
    three, six = slice(max(month - 3, 0), month), slice(max(month - 6, 0), month)
    seat = seats.of_account

    def recent(latest: Days) -> NDArray[np.bool_]:
        day = latest[seat, month]
        known: NDArray[np.bool_] = (day >= state.start) & (day >= MONTH_DAYS[max(month - 6, 0)])
        return known

    due_on = np.full(len(people), -1, dtype=np.int64)
    if term.any():
        # the last day of a contract is the day before the term's anniversary
        begun = month_of(state.start)
        for ahead in (0, 1):
            cycle = (month + ahead - begun) % np.maximum(term, 1)
            ends = add_months(state.start, month + ahead - begun) - 1
            inside = (ends >= opens) & (ends < closes) & (ends > state.start)
            due_on = np.where((cycle == 0) & (term >= 12) & inside, ends, due_on)
    tier = standing.tier[:, month]
    x: Covariates = {
        "tenure_years": np.maximum(opens - state.start, 0) / 365.25,
        "open_complaint": book.open[:, month],
        "complaints_3m": np.minimum(book.complaints[:, three].sum(axis=1), 3),
        "late_responses_6m": np.minimum(book.late[:, six].sum(axis=1), 4),
        "manager_left_6m": recent(seats.left),
        "manager_rotated_6m": recent(seats.rotated),
        "tier": tier.copy(),
        "level": level.copy(),
        "partial_loss": path.partial_before(month),
        "contract_due": due_on >= 0,
        "monthly_contract": term == 1,
    }
    return x, due_on


def log_hazards(
    model: UnitModel, people: Accounts, x: Covariates
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the log cumulative hazards of a month: of churn, and of each other end."""
    r, c = model.retention, model.competing
    churn = (
        r.intercept
        + r.duration * np.log1p(x["tenure_years"])
        + np.array([r.platinum, r.gold, 0.0, r.lead])[x["tier"]]
        + np.array([0.0, r.level_1, r.level_2, r.level_3])[x["level"]]
        + r.size * people.size
        + r.attitude * people.attitude
    )
    for name in (
        "open_complaint", "complaints_3m", "late_responses_6m", "manager_left_6m",
        "manager_rotated_6m", "partial_loss", "contract_due", "monthly_contract",
    ):  # fmt: skip
        churn = churn + getattr(r, name) * x[name]
    others = np.column_stack(
        [
            c.insolvent + c.insolvent_late_payer * people.late_payer,
            np.full(len(people), c.merged),
            c.ended_by_us
            + c.ended_by_us_costly * people.costly
            + c.ended_by_us_late_payer * people.late_payer,
        ]
    )
    return churn, others


def reason(
    x: Covariates, attitude: NDArray[np.float64], u: NDArray[np.float64]
) -> NDArray[np.int64]:
    """Return the index in `CHURN_REASONS` of why an account would leave now; u is uniform."""
    facts = np.column_stack(
        [
            np.ones(len(u)), x["open_complaint"], x["complaints_3m"], x["manager_left_6m"],
            attitude,
        ]
    )  # fmt: skip
    weight = np.cumsum(np.maximum(facts @ REASON_WEIGHTS.T, 0.02), axis=1)
    return np.asarray(np.sum(u[:, None] * weight[:, -1:] > weight, axis=1), dtype=np.int64)
