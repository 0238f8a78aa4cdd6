"""A record without dates: who enters when, what it cannot carry, and the record itself."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from kamlib.churn.curves import survival
from kamlib.churn.snapshot import (
    TELCO,
    Snapshot,
    beyond_snapshot,
    covariates,
    snapshot_rows,
    window_check,
)
from kamlib.churn.stretch import MONTH_DAYS
from kamlib.errors import FitError
from kamlib.glossary import LANGUAGES, Style, say
from kamlib.stats.cox import fit_cox
from kamlib.stats.cox_data import cox_data
from kamlib.stats.preflight import preflight

LAYOUT = Snapshot("id", "age", "gone", "Yes", {"plan": "plan", "fee": "fee", "paper": "paper"})
RECORD = pd.DataFrame(
    {
        "id": [1, 2, 3, 4], "age": ["0", "1", "2", "12"], "gone": ["No", "Yes", "No", "Yes"],
        "plan": ["month", "year", "day", "month"], "fee": [1, 2, 3, 4],
        "paper": ["Yes", "No", "No", "Yes"],
    }
)  # fmt: skip


def test_every_customer_is_seen_in_his_last_month_only():
    rows = snapshot_rows(RECORD, LAYOUT)
    # who began this month has not been at risk
    assert rows["account_id"].tolist() == ["2", "3", "4"]
    assert (rows["entry_days"] / MONTH_DAYS).tolist() == pytest.approx([0, 1, 11])
    assert (rows["duration_days"] / MONTH_DAYS).tolist() == pytest.approx([1, 2, 12])
    assert rows["event"].tolist() == [1, 0, 1]
    assert rows["event_type"].tolist() == ["churn", None, "churn"]
    quarter = snapshot_rows(RECORD, LAYOUT, window_months=3)
    assert (quarter["entry_days"] / MONTH_DAYS).tolist() == pytest.approx([0, 0, 9])


def test_covariates_are_numbers():
    x = covariates(snapshot_rows(RECORD, LAYOUT), LAYOUT)
    assert x.columns.tolist() == ["plan: month", "plan: year", "fee", "paper"]
    assert x.to_numpy().tolist() == [[0, 1, 2, 0], [0, 0, 3, 0], [1, 0, 4, 1]]


def test_all_faults_are_told():
    with pytest.raises(FitError, match=r"no column fee \(columns found: id, age"):
        snapshot_rows(RECORD.drop(columns="fee"), LAYOUT)
    wrong = RECORD.assign(id=[1, 1, 3, 4], age=["x", "-1", "2", "3"])
    with pytest.raises(FitError) as fault:
        snapshot_rows(wrong, LAYOUT, window_months=0)
    assert len(fault.value.faults) == 3
    assert "2 ages are no numbers from 0 on (first: x)" in str(fault.value)


def test_what_it_cannot_carry_has_a_reason_and_a_remedy():
    refused = beyond_snapshot()
    assert [one.name for one in refused] == [
        "calendar",
        "value_over_time",
        "out_of_time",
        "reasons",
        "winback",
    ]
    for one in refused:
        assert one.refused
        assert all(say(one.note, Style(language)) for language in LANGUAGES)
    assert "Dated" in str(refused[2].note)


def snapshot_of(hazard, months, rng):
    """Return a record of one day: as many begin every month, and each leaves at a monthly hazard."""
    age = np.repeat(np.arange(1, 61), 400)
    before = rng.random(age.size) < (1 - hazard) ** (age - 1)  # still there when the window began
    left = rng.random(age.size) < 1 - (1 - hazard) ** months
    rows = pd.DataFrame(
        {"id": np.arange(age.size), "age": age, "left": np.where(left, "Yes", "No")}
    )
    return rows[before]


PLAIN = Snapshot("id", "age", "left", "Yes", {})


def test_late_entry_finds_what_following_from_the_start_misses():
    rows = snapshot_rows(snapshot_of(0.05, 1, np.random.default_rng(2)), PLAIN)
    right = survival(rows, horizon=24)
    # (1 - 0.05) to the power of 24
    assert right["remaining_low"] < 0.95**24 < right["remaining_high"]
    naive = survival(rows.assign(entry_days=0.0), horizon=24)
    assert naive["remaining_low"] > 0.5
    assert window_check(rows, right.frame).passed is True


def test_a_window_that_is_longer_than_stated_is_noticed():
    record = snapshot_of(0.05, 12, np.random.default_rng(2))
    rows = snapshot_rows(record, PLAIN)
    check = window_check(rows, survival(rows, horizon=24).frame)
    assert check.passed is False
    assert check.note.key == "snapshot.window_odd"


def test_the_record_of_a_telephone_company(data_folder):
    record = pd.read_parquet(data_folder / "telco" / "telco_churn_v1.parquet")
    rows = snapshot_rows(record)
    # 7,043 customers, 11 of whom began in the month; 1,869 left
    assert (len(rows), rows["event"].sum()) == (7032, 1869)
    assert (rows["duration_days"] - rows["entry_days"]).to_numpy() == pytest.approx(MONTH_DAYS)
    curve = survival(rows, horizon=24)
    # of 613 in their first month 380 left, of 238 in their second 123
    assert curve.frame["estimate"].tolist()[1:3] == pytest.approx(
        [233 / 613, 233 / 613 * 115 / 238]
    )
    # so many leave by this reading that nobody could be old; the check says so
    assert window_check(rows, curve.frame).passed is False
    x = covariates(rows, TELCO)
    data = cox_data(x, rows["duration_days"], rows["event"], names=list(x.columns),
                    entry=rows["entry_days"])  # fmt: skip
    fit = fit_cox(preflight(data).data)
    by_name = dict(zip(fit.names, fit.coefficients, strict=True))
    assert by_name["contract: Two year"] < by_name["contract: One year"] < 0
