"""A small book of a programme and a trial that can be counted by hand, and records with planted effects."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import norm

from kamlib.glossary import Sentence
from kamlib.loyalty.comparisons import Comparison
from kamlib.loyalty.judged import Judged
from kamlib.loyalty.ladder.evidence import Records
from kamlib.loyalty.ladder.grades import Grade, graded
from kamlib.loyalty.ladder.ladder import Finding
from kamlib.loyalty.ladder.refusals import Code, Refusal
from kamlib.loyalty.programme_records import ProgrammeRecords
from kamlib.results import Estimate, one_row


def sale(account: str, day: str, amount: float, cost: float | None) -> Any:
    return {"account_id": account, "date": day, "amount": amount, "cost": cost}


def account(name: str, parent: str | None, since: str | None) -> Any:
    return {"account_id": name, "name": name.upper(), "parent_id": parent, "onboarded_on": since}


def member(name: str, level: int, first: str, last: str | None, told: str | None = None) -> Any:
    return {"account_id": name, "level": level, "enrolled_on": first, "left_on": last,
            "recorded_on": told}  # fmt: skip


def drawn(name: str, arm: str, cluster: str, day: str = "2023-02-01", told: Any = None) -> Any:
    return {"trial_id": "t", "account_id": name, "arm": arm, "assigned_on": day, "cluster": cluster,
            "recorded_on": told}  # fmt: skip


def visit(name: str, day: str, cost: float) -> Any:
    return {"account_id": name, "date": day, "cost": cost}


def event(number: int, name: str, day: str, kind: str) -> Any:
    return {"event_id": str(number), "account_id": name, "opened_at": f"{day} 08:00:00",
            "kind": kind, "stage": "after_sale"}  # fmt: skip


TABLES: dict[str, Any] = {
    "accounts": [
        account("a", "g", "2020-01-01"),
        account("b", "g", None),
        account("c", None, None),
        account("d", None, None),
        # won after its first order, as the record has it
        account("e", None, "2023-06-01"),
    ],
    "transactions": [
        sale("a", "2022-01-10", 100, 60),
        sale("a", "2022-01-20", 50, 30),
        # of 20, that is 17 % of the month, no cost is known
        sale("a", "2022-03-05", 100, 50),
        sale("a", "2022-03-06", 20, None),
        sale("a", "2023-12-05", 200, 120),
        sale("b", "2022-05-03", 40, 20),
        sale("b", "2023-02-02", 40, 20),
        # first in the second year
        sale("c", "2023-01-02", 70, 30),
        # a credit is no order
        sale("d", "2022-03-01", -20, -10),
        sale("d", "2023-02-01", 80, 40),
        sale("e", "2022-12-31", 60, 30),
    ],
    "visits": [visit("a", "2022-01-15", 5), visit("b", "2022-02-15", 3)],
    "service_events": [
        event(1, "a", "2022-01-16", "request"),
        event(2, "a", "2022-01-17", "complaint"),
        event(3, "a", "2022-01-18", "grumble"),
        event(4, "b", "2023-12-31", "training"),
    ],
    "programme": [
        member("a", 1, "2023-02-10", "2023-08-31"),
        member("a", 2, "2023-09-01", None),
        member("b", 1, "2023-03-01", "2023-05-15"),
        # known only in the year after
        member("e", 1, "2023-04-15", None, "2024-01-15"),
    ],
    "trials": [
        drawn("a", "1", "g"),
        drawn("b", "1", "g"),
        drawn("c", "control", "c", "2023-02-02"),
        drawn("e", "control", "e", told="2024-02-01"),
    ],
    "tier_decisions": [
        {"account_id": "a", "tier": "gold", "valid_from": "2022-06-01"},
        # after the first year
        {"account_id": "b", "tier": "platinum", "valid_from": "2023-01-01"},
    ],
}
AS_OF = "2023-12-31"
LATER: dict[str, Any] = {
    "transactions": [sale("a", "2024-01-05", 900, 100), sale("b", "2024-02-05", 900, 100)],
    "visits": [visit("a", "2024-01-15", 500)],
    "service_events": [event(9, "b", "2024-01-16", "request")],
    "programme": [member("b", 3, "2024-01-01", None)],
    "trials": [drawn("d", "2", "d", "2024-01-10")],
    "tier_decisions": [{"account_id": "e", "tier": "lead", "valid_from": "2024-01-01"}],
}


def records(
    stays: list[tuple[str, int, int, int]], names: str | list[str], *, months: int = 48,
    usual: dict[str, float] | None = None, lot: list[tuple[str, str, str, int]] | None = None,
) -> ProgrammeRecords:  # fmt: skip
    """Return records of accounts that each bring the same every month, 100 unless told.

    Parameters
    ----------
    stays
        Account, level, first month, first month after.
    lot
        Trial, account, arm, month of the draw.
    """
    at = pd.date_range("2021-01-01", periods=months, freq="MS", name="month")
    amount = dict.fromkeys(names, 100.0) | (usual or {})
    panel = pd.DataFrame(
        [(name, month, 0.4 * amount[name], amount[name], float(amount[name] > 0), 1.0)
         for name in names for month in at],
        columns=["account_id", "month", "contribution", "revenue", "n_orders", "n_interactions"],
    )  # fmt: skip
    accounts = pd.DataFrame(
        {"account_id": list(names), "name": list(names), "parent": list(names), "tier": None,
         "tenure_years": 2.0}
    )  # fmt: skip
    held = pd.DataFrame(stays, columns=["account_id", "level", "begin", "stop"])
    trials = None
    if lot is not None:
        trials = pd.DataFrame(lot, columns=["trial_id", "account_id", "arm", "assigned"])
        trials = trials.assign(cluster=None)
    return ProgrammeRecords(at, panel, accounts, held, trials)


def planted(
    seed: int, *, n: int = 240, months: int = 36, at: int = 18, effect: float = 0.10, lot: bool = True,
    taken: float = 1.0, margin: float = 0.4, zeros: bool = True,
) -> ProgrammeRecords:  # fmt: skip
    """Return records in which joining raises what an account brings by a share of its usual month.

    Half of the accounts are drawn, of which a share takes part, from month `at` on. Revenue of a month
    is usual · (1 + effect + .2 e), e standard normal; contribution is `margin` of it. With `zeros` one
    month in twelve is without an order, at random.
    """
    rng = np.random.default_rng(seed)
    usual = 1_000 * np.exp(0.8 * rng.standard_normal(n))
    chosen = np.isin(np.arange(n), rng.permutation(n)[: n // 2])
    joins = chosen & (rng.random(n) < taken)
    raised = effect * (joins[:, None] & (np.arange(months) >= at))
    noise = 0.2 * rng.standard_normal((n, months)).clip(-3, 3)
    revenue = usual[:, None] * (1 + raised + noise)
    if zeros:
        revenue = np.where(rng.random((n, months)) < 1 / 12, 0.0, revenue)
    orders = np.where(revenue > 0, 1.0 + rng.poisson(2.0, (n, months)), 0.0)
    names = [f"u{k:03d}" for k in range(n)]
    days = pd.date_range("2021-01-01", periods=months, freq="MS")
    panel = pd.DataFrame(
        {"account_id": np.repeat(names, months), "month": np.tile(days, n),
         "contribution": margin * revenue.ravel(), "revenue": revenue.ravel(),
         "n_orders": orders.ravel(), "n_interactions": rng.poisson(1.0, n * months).astype(float)}
    )  # fmt: skip
    accounts = pd.DataFrame(
        {"account_id": names, "name": names, "parent": names, "tenure_years": rng.uniform(0, 9, n),
         "tier": np.array(["gold", "iron", "lead"])[np.arange(n) % 3]}
    )  # fmt: skip
    inside = np.array(names)[joins]
    held = pd.DataFrame({"account_id": inside, "level": 1, "begin": at, "stop": months})
    trials = pd.DataFrame(
        {"trial_id": "t", "account_id": names, "arm": np.where(chosen, "1", "control"),
         "assigned": at, "cluster": None}
    )  # fmt: skip
    return ProgrammeRecords(days, panel, accounts, held, trials if lot else None)


def finding(
    grade: Grade, value: float, error: float = 0.0, *, term: str = "ate_ratio", conf_level: float = 0.95,
    outcome: str = "contribution", beside: tuple[Estimate, ...] = (), codes: tuple[Code, ...] = (),
) -> Finding:  # fmt: skip
    """Return what the ladder would have found: a value with its error at A to C, else nothing."""
    half = error * float(norm.ppf((1 + conf_level) / 2))
    row = {"term": term, "estimate": value, "conf_low": value - half, "conf_high": value + half,
           "conf_level": conf_level, "n_treated": 2, "estimator": "by hand"}  # fmt: skip
    note = graded(grade, Sentence("programme_effect.nothing"))
    told = Estimate("effect", pd.DataFrame([row]), one_row(3, "by hand", conf_level), note)
    naive = replace(told, name="naive", frame=told.frame.assign(estimate=0.5))
    answer = told if grade in ("A", "B", "C") else None
    why = tuple(Refusal(code, {"grade": grade, "n": 1, "of": 2}) for code in codes)
    return Finding(outcome, grade, answer, naive, beside, why, (), note)


def judged_by_hand(
    name: str, level: int, found: Finding | dict[str, Finding], *, assigned_on: int | None = None,
    start: int = 36, months: int = 60, joined: tuple[bool, bool, bool] = (True, True, False),
) -> Judged:  # fmt: skip
    """Return a comparison of two accounts that usually bring 800 and 1,200 with one of 500."""
    accounts = pd.DataFrame(
        {"unit": ["x", "y", "z"], "usual": [800.0, 1200.0, 500.0],
         "start": [float(start) if inside else np.nan for inside in joined]}
    )  # fmt: skip
    if assigned_on is not None:
        accounts["assigned"] = [True, True, False]
    compared = Comparison(name, level, accounts, 0, months, assigned_on, 4)
    findings = found if isinstance(found, dict) else {"contribution": found}
    none = Records(pd.DataFrame(), accounts, "contribution")
    return Judged(compared, none, findings)
