"""The report of a finished trial, from import to page: the demo unit and, where it is, the real one."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest

from kamlib.book.adapters import import_record
from kamlib.book.simulate.mailing import true_effect
from kamlib.run.plan import plan_jobs
from kamlib.run.runner import run_jobs

ROOT = Path(__file__).parents[2]
NOTEBOOK = "31_loyalty_trial.ipynb"


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("trial")
    for folder, name in (("notebooks", NOTEBOOK), ("params", "mail_trial.yaml")):
        (root / folder).mkdir()
        shutil.copy(ROOT / folder / name, root / folder)
    return root


def made(home, monkeypatch, unit):
    """Run the study of a unit; return its folder and what it says of itself."""
    monkeypatch.setenv("KAM_HOME", str(home))
    jobs, faults = plan_jobs([unit])
    assert (faults, [job.study for job in jobs]) == ([], ["loyalty_trial"])
    (record,) = run_jobs(jobs)
    assert record.status == "ok", record.faults
    return record.page.parent, json.loads((record.page.parent / "manifest.json").read_text("utf-8"))


def read(folder, name):
    return pd.read_parquet(folder / "tables" / f"{name}.parquet")


def test_the_demo_unit(home, monkeypatch):
    folder, manifest = made(home, monkeypatch, "mail_trial")
    effects = read(folder, "effects")
    for row in effects[effects["term"] == "revenue_after"].itertuples():
        assert row.conf_low < true_effect(row.trial_arm) < row.conf_high
    # what is at the top is what the tables say
    head = {entry["name"]: entry for entry in manifest["facts"]["headline"]}
    best = read(folder, "returns").set_index("trial_arm").loc["catalogue"]
    assert head["net_each"]["value"] == best["net_each"]
    assert head["net_each"]["text"].startswith("EUR\u00a0")
    assert head["n_accounts"]["value"] == 12_000
    assert all(check["passed"] for check in manifest["facts"]["checks"])
    page = (folder / "report.html").read_text("utf-8")
    assert "Do not send “catalogue and call” as it is" in page


def test_without_margin_or_a_fair_draw_the_report_says_why(home, monkeypatch):
    text = (home / "params" / "mail_trial.yaml").read_text("utf-8").partition("loyalty_trial")[0]
    bare = home / "params" / "bare.yaml"
    bare.write_text(text.replace("Mail trial", "Bare"), "utf-8")
    folder, manifest = made(home, monkeypatch, "bare")
    assert not (folder / "tables" / "returns.parquet").exists()
    assert [entry["name"] for entry in manifest["facts"]["headline"]] == [
        "n_accounts", "revenue_after"
    ]  # fmt: skip
    assert "Revenue is no profit." in (folder / "report.html").read_text("utf-8")
    planned = (
        "loyalty_trial:\n  planned: {control: 0.5, catalogue: 0.25, catalogue and call: 0.25}\n"
    )
    bare.write_text(bare.read_text("utf-8") + planned, "utf-8")
    folder, manifest = made(home, monkeypatch, "bare")
    names = {path.stem for path in (folder / "tables").glob("*.parquet")}
    assert names == {"arms", "balance"}
    passed = {check["name"]: check["passed"] for check in manifest["facts"]["checks"]}
    assert (passed["srm"], passed["effects"]) == (False, None)
    page = (folder / "report.html").read_text("utf-8")
    assert "Evidence D." in page
    assert "No effect and no return are told." in page


def test_the_e_mail_test(home, data_folder, monkeypatch):
    import_record("hillstrom", data_folder / "hillstrom" / "hillstrom.parquet", home / "params")
    folder, manifest = made(home, monkeypatch, "hillstrom")
    paid = read(folder, "returns").set_index("trial_arm")
    # loyalty.md 4b
    assert paid.loc["Mens E-Mail", "roi"] == pytest.approx(1.309481, abs=5.1e-7)
    assert paid.loc["Mens E-Mail", "chance_paid"] == pytest.approx(0.998673, abs=5.1e-7)
    effects = read(folder, "effects")
    plain = effects[
        (effects["estimator"] == "difference of means") & (effects["term"] == "revenue_after")
    ]
    assert plain.set_index("trial_arm")["estimate"].to_dict() == pytest.approx(
        {"Mens E-Mail": 0.769827, "Womens E-Mail": 0.424412}, abs=5.1e-7
    )
    assert manifest["facts"]["period"] is None
    head = {entry["name"]: entry["value"] for entry in manifest["facts"]["headline"]}
    assert head["roi"] == paid.loc["Mens E-Mail", "roi"]
