"""Who leaves when and why, who comes back: the monthly hazards, and service as it happens.

Everything in the hazard of a month is known before the month begins. An account is at risk from
the first full month of a spell.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kamlib.book.simulate import service
from kamlib.book.simulate.accounts import Accounts
from kamlib.book.simulate.clock import (
    MONTH_DAYS,
    MONTHS,
    NEVER,
    Days,
    month_of,
)
from kamlib.book.simulate.hazards import (
    CHURN_REASONS,
    OTHER_ENDS,
    State,
    covariates,
    log_hazards,
    reason,
)
from kamlib.book.simulate.managers import Seats
from kamlib.book.simulate.model import UnitModel
from kamlib.book.simulate.programme import Standing
from kamlib.book.simulate.spend import Path

RETURN_AFTER = 6  # months; longer than any window of the hazard, so that spells do not touch


@dataclass(frozen=True, slots=True)
class Lives:
    """What became of the accounts; `first` (inclusive) and `last` (exclusive) by month are days."""

    spells: pd.DataFrame  # account, spell, start, end (inclusive; NEVER: lives), reason, due
    first: Days  # accounts x MONTHS
    last: Days  # accounts x MONTHS; last == first: not alive in the month
    level: NDArray[np.int8]  # accounts x MONTHS: programme level in effect
    cases: dict[str, NDArray[Any]]
    book: service.Ledger
    at_risk: pd.DataFrame  # one row per account and month at risk: covariates, hazard, end
    term: Days  # contract months by account, 0: no contracts


def live(
    model: UnitModel,
    people: Accounts,
    seats: Seats,
    path: Path,
    standing: Standing,
    rng: np.random.Generator,
) -> Lives:
    """Let every account live through all months, as the package's docstring says."""
    count = len(people)
    state = State(
        people.onboarded.copy(), np.full(count, NEVER), np.ones(count, np.int64),
        np.zeros(count, bool),
    )  # fmt: skip
    term = _terms(model, count, rng)
    book = service.ledger(count)
    first = np.zeros((count, MONTHS), np.int64)
    last = np.zeros((count, MONTHS), np.int64)
    level = np.zeros((count, MONTHS), np.int8)
    ended: list[pd.DataFrame] = []
    cases: list[dict[str, NDArray[Any]]] = []
    risks: list[pd.DataFrame] = []
    for month in range(MONTHS):
        opens, closes = int(MONTH_DAYS[month]), int(MONTH_DAYS[month + 1])
        back = state.may_return & (month_of(np.minimum(state.end, closes)) <= month - RETURN_AFTER)
        back &= rng.random(count) < model.winback
        state.start[back], state.end[back] = opens, NEVER
        state.spell[back] += 1
        state.may_return &= ~back
        level[:, month] = np.where(state.spell == 1, standing.level[:, month], 0)

        living = (state.start < closes) & (state.end >= opens)
        risk = living & (state.start < opens)
        x, due_on = covariates(
            model, people, seats, path, standing, book, state, term, level[:, month], month
        )
        churn, others = log_hazards(model, people, x)
        hazard = np.exp(np.column_stack([churn, others]))
        total = hazard.sum(axis=1)
        u, v, w, day = rng.random((4, count))
        leaves = risk & (u < -np.expm1(-total))
        cause = np.sum(v[:, None] * total[:, None] > np.cumsum(hazard, axis=1), axis=1)
        why = np.where(cause == 0, reason(x, people.attitude, w), len(CHURN_REASONS) - 1 + cause)
        anywhere = opens + np.floor(day * (closes - opens)).astype(np.int64)
        on_due = (cause == 0) & (due_on >= 0)
        on = np.where(on_due, due_on, anywhere)
        if term.any():  # notice runs to the end of a month
            on = np.where((cause == 0) & ~on_due, closes - 1, on)
        gone = np.flatnonzero(leaves)
        state.end[gone] = on[gone]
        state.may_return[gone] = cause[gone] == 0
        ended.append(
            pd.DataFrame(
                {
                    "account": gone, "spell": state.spell[gone], "start": state.start[gone],
                    "end": on[gone], "reason": why[gone], "due": on_due[gone],
                }
            )
        )  # fmt: skip
        rows = np.flatnonzero(risk)
        end = np.where(leaves, np.where(cause == 0, 1, cause + 1), 0)
        risks.append(
            pd.DataFrame(
                {"account": rows, "month": month}
                | {name: values[rows] for name, values in x.items()}
                | {"log_hazard": churn[rows], "end": end[rows].astype(np.int8)}
            )
        )
        first[:, month] = np.clip(state.start, opens, closes)
        last[:, month] = np.where(living, np.clip(state.end + 1, first[:, month], closes),
                                  first[:, month])  # fmt: skip
        cases.append(
            service.draw_month(
                model, people, standing.tier[:, month], month, first[:, month], last[:, month],
                book, rng,
            )
        )  # fmt: skip
    alive = np.flatnonzero(state.end == NEVER)
    ended.append(
        pd.DataFrame(
            {
                "account": alive, "spell": state.spell[alive], "start": state.start[alive],
                "end": NEVER, "reason": -1, "due": False,
            }
        )
    )  # fmt: skip
    spells = pd.concat(ended, ignore_index=True)
    at_risk = pd.concat(risks, ignore_index=True)
    named = pd.CategoricalDtype(["", "churn", *OTHER_ENDS])
    at_risk["end"] = pd.Categorical.from_codes(at_risk["end"].tolist(), dtype=named)
    return Lives(
        spells=spells.sort_values(["account", "spell"], ignore_index=True),
        first=first, last=last, level=level,
        cases={name: np.concatenate([c[name] for c in cases]) for name in cases[0]},
        book=book, at_risk=at_risk, term=term,
    )  # fmt: skip


def _terms(model: UnitModel, count: int, rng: np.random.Generator) -> Days:
    if not model.contract_terms:
        return np.zeros(count, dtype=np.int64)
    months, shares = zip(*model.contract_terms, strict=True)
    return rng.choice(np.array(months), count, p=np.array(shares))
