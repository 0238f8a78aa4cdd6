"""The report of a record of one day, from import to page: the demo unit and, where it is, the real one."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest

from kamlib.book.adapters import import_record
from kamlib.book.simulate.subscribers import TRUTH, remaining
from kamlib.run.plan import plan_jobs
from kamlib.run.runner import run_jobs

ROOT = Path(__file__).parents[2]
NOTEBOOK = "21_churn_snapshot.ipynb"


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("one_day")
    for folder, name in (("notebooks", NOTEBOOK), ("params", "mobile_subscribers.yaml")):
        (root / folder).mkdir()
        shutil.copy(ROOT / folder / name, root / folder)
    return root


def made(home, monkeypatch, unit):
    """Run the study of a unit; return its folder and what it says of itself."""
    monkeypatch.setenv("KAM_HOME", str(home))
    jobs, faults = plan_jobs([unit])
    assert (faults, [job.study for job in jobs]) == ([], ["churn_snapshot"])
    (record,) = run_jobs(jobs)
    assert record.status == "ok", record.faults
    return record.page.parent, json.loads((record.page.parent / "manifest.json").read_text("utf-8"))


def test_the_demo_unit(home, monkeypatch):
    folder, manifest = made(home, monkeypatch, "mobile_subscribers")
    ages = pd.read_parquet(folder / "tables" / "both_readings.parquet").set_index("age_months")
    for age in (12, 24, 60):
        assert ages.loc[age, "share_low"] < remaining(age) < ages.loc[age, "share_high"]
    drivers = pd.read_parquet(folder / "tables" / "drivers.parquet").set_index("term")
    truth = {"contract": 1 / TRUTH["contract"], "internet": 1 / TRUTH["internet"],
             "tech_support": TRUTH["support"], "paperless": TRUTH["paperless"]}  # fmt: skip
    for term, ratio in truth.items():
        assert drivers.loc[term, "ratio_low"] < ratio < drivers.loc[term, "ratio_high"], term
    # what is at the top is what the tables say
    head = {entry["name"]: entry["value"] for entry in manifest["facts"]["headline"]}
    assert head["remaining"] == ages.loc[24, "remaining"]
    assert head["n_accounts"] == 3000
    passed = {check["name"]: check["passed"] for check in manifest["facts"]["checks"]}
    assert passed["window_fits"] is True
    assert {name for name, state in passed.items() if state is None} >= {
        "calendar", "value_over_time", "watch_list", "out_of_time", "managers", "reasons", "winback"
    }  # fmt: skip
    page = (folder / "report.html").read_text("utf-8")
    assert "which is too many: who left earlier is not in the record" in page


def test_the_record_of_a_telephone_company(home, data_folder, monkeypatch):
    import_record("telco", data_folder / "telco" / "telco_churn_v1.parquet", home / "params")
    folder, manifest = made(home, monkeypatch, "telco")
    facts = manifest["facts"]
    assert facts["period"] is None
    passed = {check["name"]: check["passed"] for check in facts["checks"]}
    assert passed["window_fits"] is False
    assert passed["cox_second_opinion"] is True
    # so nothing at the top states a level
    assert [entry["name"] for entry in facts["headline"]] == ["n_accounts", "share_left"]
    windows = pd.read_parquet(folder / "tables" / "windows.parquet").set_index("window_months")
    assert windows["fits"].to_dict() == {1: False, 3: False, 12: True, 72: True}
    assert windows["remaining"].round(3).to_dict() == {1: 0.0, 3: 0.033, 12: 0.361, 72: 0.789}
