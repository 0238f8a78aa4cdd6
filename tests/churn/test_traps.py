"""Four traps of time: each is shown wrong where it is stepped into, and right as it is built here."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from kamlib.book.simulate import simulate
from kamlib.churn.covariates import MONTH
from kamlib.churn.curves import survival
from kamlib.churn.driver_rows import driver_rows
from kamlib.churn.drivers import drivers
from kamlib.churn.engine import collect
from kamlib.churn.episodes import episodes
from kamlib.churn.factors import FORETELLING
from kamlib.churn.landmarks import landmarks
from kamlib.churn.spells import spells
from kamlib.churn.stretch import MONTH_DAYS
from kamlib.params import ChurnParams
from kamlib.stats.concordance import auc_at
from kamlib.stats.cox import fit_cox
from kamlib.stats.cox_data import cox_data

RULES = ChurnParams()


def effect(found, term: str = "open_complaints") -> pd.Series:
    return found.frame[found.frame["term"] == term].iloc[0]


def on_declaration(months: Any) -> pd.DataFrame:
    """Account-months as they are, a loss standing where it is declared: the naive way."""
    rows = collect(months.table)
    began = rows["ends_on"] - pd.to_timedelta(rows["duration_days"] - 1, "D")
    entry, at = (d.dt.year * 12.0 + d.dt.month for d in (began, rows["month"]))
    return rows.assign(
        entry_months=at - entry, exit_months=at - entry + 1, cluster=rows["account_id"]
    )


# Late entry


@pytest.fixture(scope="module")
def twelve_years() -> pd.DataFrame:
    """Lives that began within twelve years, of which the records hold the last four.

    Months follow a Weibull distribution: still there after t months exp(−(t ÷ 53)^0.85), which is
    60 % after 24 months and 33 % after 60.
    """
    rng = np.random.default_rng(1)
    n = 8000
    began = 144 * rng.random(n)
    ends = began + 53 * rng.weibull(0.85, n)
    rows = pd.DataFrame(
        {
            "account_id": [f"a{i}" for i in range(n)],
            "spell_no": 1,
            "entry_days": np.maximum(96 - began, 0) * MONTH_DAYS,
            "duration_days": (np.minimum(ends, 144) - began) * MONTH_DAYS,
            "event_type": np.where(ends < 144, "churn", None),
        }
    )
    return rows[ends > np.maximum(96, began)]


@pytest.mark.parametrize("months", [24, 60])
def test_survivors_alone_seem_to_stay(twelve_years, months):
    truth = np.exp(-((months / 53) ** 0.85))
    naive = survival(twelve_years.assign(entry_days=0.0), horizon=months)
    assert naive["remaining_low"] > truth + 0.1  # who left before the records is not in them
    right = survival(twelve_years, horizon=months)
    assert right["start"] < 0.5
    # the few that are at risk in the first months, before which the curve does not begin
    still = np.exp(-((right["start"] / 53) ** 0.85))
    later = np.exp(-(((right["start"] + months) / 53) ** 0.85))
    assert right["remaining_low"] < later / still < right["remaining_high"]


# Immortal time


@pytest.fixture(scope="module")
def complaints() -> pd.DataFrame:
    """Account-months whose rate is exp(0.7) times as high for three months after a complaint."""
    rng = np.random.default_rng(3)
    n, months = 1500, 36
    complained = rng.random((n, months)) < 0.06
    recent = np.zeros((n, months), dtype=bool)
    for ago in (1, 2, 3):
        recent[:, ago:] |= complained[:, :-ago]
    leaves = rng.random((n, months)) < -np.expm1(-np.exp(-3.7 + 0.7 * recent))
    last = np.where(leaves.any(axis=1), leaves.argmax(axis=1), months - 1)
    who, month = np.nonzero(np.arange(months) <= last[:, None])
    return pd.DataFrame(
        {
            "account_id": who,
            "entry_months": month.astype(float),
            "exit_months": month + 1.0,
            "event": leaves[who, month].astype(int),
            "open_complaints": recent[who, month].astype(float),
            "complained": complained[who, month].astype(float),
            "cluster": who,
        }
    )


@pytest.mark.parametrize("how", ["max", "sum"])
def test_who_ever_complained_had_to_stay_long_enough_to_do_so(complaints, how):
    lives = complaints.groupby("account_id").agg(
        end=("exit_months", "max"), event=("event", "max"), complained=("complained", how)
    )
    naive = fit_cox(cox_data(lives[["complained"]], lives["end"], lives["event"], names=["x"]))
    # complaints seem to keep accounts: the whole interval has the wrong sign
    assert naive.interval(0.95)[1][0] < 0
    right = effect(drivers(complaints.astype({"account_id": str}), "contracts", RULES))
    assert 1 < right["ratio_low"] < np.exp(0.7) < right["ratio_high"]


# Silence that is declared long after it began


@pytest.fixture(scope="module")
def silent(small) -> SimpleNamespace:
    """Accounts that order up to twice a month, and leave e times as often while a complaint is open.

    Who leaves in a month places one more order early in it; nobody complains after that, but a
    complaint may stay open. After three months without an order the loss is declared.
    """
    rng = np.random.default_rng(5)
    months = pd.date_range("2021-01-01", "2024-12-01", freq="MS")
    lines, cases = [], []
    for number in range(500):
        account, until = f"a{number}", pd.Timestamp("2020-01-01")
        for month in months:
            leaves = rng.random() < -np.expm1(-np.exp(-4.2 + 1.0 * (until >= month)))
            days = rng.integers((1, 15), (14, 29))[: 1 if leaves else 2]
            lines += [(account, month.replace(day=d)) for d in days if leaves or rng.random() < 0.7]
            if rng.random() < 0.08:
                opened = month + pd.Timedelta(days=int(rng.integers(0, 4 if leaves else 28)))
                resolved = opened + pd.Timedelta(days=int(rng.integers(20, 120)))
                cases.append((f"e{len(cases)}", account, opened, resolved))
                until = max(until, resolved)
            if leaves:
                break
    tables = {
        "transactions": pd.DataFrame(lines, columns=["account_id", "date"]).assign(amount=1.0),
        "service_events": pd.DataFrame(
            cases, columns=["event_id", "account_id", "opened_at", "resolved_at"]
        ).assign(kind="complaint", stage="in_sale"),
    }
    book = small.open(tables, kind="parquet", as_of="2024-12-31")
    rules = ChurnParams(definition="fixed_months", silent_months=3)
    found = spells(book, rules)
    return SimpleNamespace(
        book=book, rules=rules, spells=found, months=episodes(book, rules, found)
    )


def test_before_a_silence_is_declared_complaints_seem_to_keep_accounts(silent):
    """Dated to the declaration, a loss comes when nobody complains any more."""
    naive = drivers(on_declaration(silent.months), "fixed_months", silent.rules)
    assert effect(naive)["ratio_high"] < 1
    rows = driver_rows(silent.book, silent.rules, silent.spells, silent.months)
    right = drivers(rows, "fixed_months", silent.rules)
    assert 1 < effect(right)["ratio_low"] < np.exp(1.0) < effect(right)["ratio_high"]
    assert "drivers_dated_back" in {check.name for check in right.checks}
    assert not {"partial_loss", "revenue_trend", "days_since_last"} & set(right.frame["term"])


def test_months_in_which_no_loss_can_be_declared_leave_the_fit(silent):
    table = collect(silent.spells.table)
    # three whole months without an order come first
    earliest = table["started_on"] + pd.offsets.MonthEnd(0) + pd.offsets.MonthEnd(3)
    assert (table["at_risk_from"] == earliest).all()
    lost = table[table["event_type"] == "churn"]
    assert len(lost) > 100
    # counted from the first order on, these months would seem to be without any risk
    assert (lost["ended_on"] >= lost["at_risk_from"]).all()
    rows = collect(silent.months.table).merge(
        table[["account_id", "spell_no", "started_on", "at_risk_from"]]
    )
    begins = rows["started_on"] + pd.to_timedelta(rows["entry_days"], "D")
    assert (begins >= rows["at_risk_from"]).all()
    assert rows.groupby(["account_id", "spell_no"])["entry_days"].min().gt(89).all()


# A contract that ran out, and is declared lost after the grace


def test_before_a_lapsed_contract_is_declared_nothing_is_due(small):
    """Without reasons on record the grace is waited for, and then no contract is in force."""
    made = simulate("telecom_lines", seed=1, size=0.1)
    keep = ("accounts", "transactions", "contracts", "service_events")
    tables = {name: made.tables[name] for name in keep}
    tables["contracts"] = tables["contracts"].drop(columns=["end_reason", "notice_on"])
    book = small.open(tables, kind="parquet", as_of="2025-12-31")
    rules = ChurnParams(due_months=1)
    found = spells(book, rules)
    months = episodes(book, rules, found)
    naive = drivers(on_declaration(months), "contracts", rules)
    right = drivers(driver_rows(book, rules, found, months), "contracts", rules)
    truth = made.truth["retention"]["contract_due"]  # 2.2
    assert effect(naive, "contract_due")["ratio_high"] < 1
    low, high = effect(right, "contract_due")[["ratio_low", "ratio_high"]]
    assert low < np.exp(truth) < high


# Recency, where a loss is inactivity


def test_recency_foretells_only_the_losses_that_are_past(silent):
    """How long an account has been silent says who is lost next, since silence is the loss."""
    rows = landmarks(silent.book, silent.rules, silent.spells, silent.months).rows
    # the month in which an account leaves counts
    rows = rows.assign(until=rows["followed"] + (rows["event"] > 0)).query("until > 0")

    def area(some: pd.DataFrame, months: int) -> float:
        found = auc_at(some["days_since_last"], some["until"], some["event"], [months])
        return float(found["estimate"].iloc[0])

    # nothing in these books but complaints tells who will leave, and yet
    assert area(rows, 3) > 0.9
    soon = rows[(rows["event"] == 1) & (rows["until"] <= 3)]
    went = soon.merge(collect(silent.spells.table), on=["account_id", "spell_no"])
    went = went["silent_since"].dt.year * 12 + went["silent_since"].dt.month - 1
    # every one of them had placed its last order before the landmark
    assert len(went) > 50
    assert (went.to_numpy() < soon[MONTH].to_numpy()).all()
    # over a year, and without those who show it already, recency is worth little; no forecast reads it
    assert 0.5 < area(rows[rows["is_apart"] == 0], 12) < 0.65
    assert "days_since_last" not in {factor.name for factor in FORETELLING}
