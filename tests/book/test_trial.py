"""The record of a trial: every row is kept or set aside with its reason, and the public one is imported."""

from __future__ import annotations

from datetime import date

import pandas as pd
import pytest
import yaml

from kamlib.book import Listing, open_book, open_records, open_trial
from kamlib.book.adapters import import_record
from kamlib.book.layouts import HILLSTROM, LAYOUTS, TRIAL_LAYOUTS
from kamlib.errors import BookError, ParamError
from kamlib.params import SNAPSHOTS, TRIALS, load_unit, unit_from

LINE = {
    "recency": "6", "history_segment": "3) $200 - $350", "history": "329.08", "mens": "1",
    "womens": "0", "zip_code": "Rural", "newbie": "1", "channel": "Web", "segment": "No E-Mail",
    "visit": "0", "conversion": "0", "spend": "0.0",
}  # fmt: skip


def record(*rows):
    """Return lines that are alike in all but what is given."""
    return pd.DataFrame([LINE | row for row in rows], columns=list(LINE))


def opened(frame, folder, kind="csv"):
    path = folder / f"mails.{kind}"
    frame.to_csv(path, index=False) if kind == "csv" else frame.to_parquet(path, index=False)
    raw = {"as_of": "2025-06-30", "book": {"adapter": "hillstrom", "file": path.name}}
    return open_trial(unit_from(raw, name="mails", folder=folder))


def test_the_names_of_trials_are_those_of_their_layouts():
    assert set(TRIALS) == set(TRIAL_LAYOUTS)
    assert not set(TRIALS) & set(SNAPSHOTS)
    assert not set(TRIAL_LAYOUTS) & set(LAYOUTS)
    for layout in TRIAL_LAYOUTS.values():
        known = set(layout.covariates.values())
        assert {layout.past, *layout.groups, *layout.by} <= known
        assert not known & set(layout.outcomes.values())


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_rows_are_customers_by_our_names(tmp_path, kind):
    rows = [{}, {"segment": "mens e-mail", "visit": "Yes", "spend": "29.99", "history": ""}]
    trial = opened(record(*rows), tmp_path, kind)
    assert trial.as_of == date(2025, 6, 30)
    assert trial.counts.iloc[0].tolist() == ["customers", 2, 2, 0, 0]
    one, other = trial.customers.to_dict("records")
    # whatever the case, an arm has the name of the layout, and nothing sent is "control"
    assert (one["arm"], other["arm"]) == ("control", "Mens E-Mail")
    assert (one["visited"], other["visited"]) == (0, 1)
    assert (one["revenue_after"], other["revenue_after"]) == (0, 29.99)
    assert (one["revenue_before"], one["months_since_order"]) == (329.08, 6)
    assert pd.isna(other["revenue_before"])
    assert (one["bought_mens"], one["area"], one["channel"]) == (1, "Rural", "Web")
    # the record names no customers: their rows do
    assert trial.customers["account_id"].is_unique
    assert trial.write_rejected(tmp_path / "rejected") == []
    assert [check.passed for check in trial.checks] == [True]


def test_rows_that_break_a_rule_are_set_aside_with_the_reason(tmp_path):
    rows = [
        {}, {"segment": ""}, {"segment": "Childrens E-Mail"}, {"spend": ""}, {"spend": "much"},
        {"spend": "-5"}, {"visit": "2"}, {"conversion": ""}, {"recency": "long"}, {"spend": "inf"},
    ]  # fmt: skip
    trial = opened(record(*rows), tmp_path)
    assert len(trial.customers) == 1
    found = {(f.column, f.rule): f.n_rows for f in trial.faults.itertuples()}
    assert found == {
        ("segment", "missing"): 1, ("segment", "not_allowed"): 1, ("spend", "missing"): 1,
        ("spend", "not_a_number"): 2, ("spend", "too_small"): 1, ("visit", "not_yes_or_no"): 1,
        ("conversion", "missing"): 1, ("recency", "not_a_number"): 1,
    }  # fmt: skip
    (path,) = trial.write_rejected(tmp_path / "rejected")
    assert "Childrens E-Mail" in pd.read_csv(path, dtype=str)["value"].tolist()
    assert [check.passed for check in trial.checks] == [False]


def test_what_cannot_be_opened(tmp_path, small):
    for column in ("segment", "spend"):
        with pytest.raises(BookError, match=rf"mails\.csv is not the Hillstrom record: no column {column}"):  # fmt: skip
            opened(record({}).drop(columns=column), tmp_path)
    with pytest.raises(BookError, match="no usable line among 1"):
        opened(record({"spend": "-1"}), tmp_path)
    raw = {"book": {"adapter": "hillstrom", "file": "mails.csv"}}
    with pytest.raises(BookError, match="as_of: the record has no dates"):
        open_trial(unit_from(raw, name="mails", folder=tmp_path))
    with pytest.raises(BookError, match="hillstrom is a record of one trial without tables"):
        open_book(unit_from(raw, name="mails", folder=tmp_path))
    with pytest.raises(BookError, match="no record of a trial"):
        open_trial(small.unit({"transactions": [{"account_id": "a"}]}))


def test_the_demo_is_made_on_first_use_and_names_its_customers(root):
    text = "as_of: 2025-12-31\nbook:\n  demo: mail_trial\n"
    (root / "params" / "trial.yaml").write_text(text)
    trial = open_records(load_unit("trial"))
    assert isinstance(trial, Listing)
    assert (root / "outputs" / "_demo" / "mail_trial" / "customers.parquet").is_file()
    assert trial.counts.iloc[0].tolist() == ["customers", 12_000, 12_000, 0, 0]
    assert trial.customers["account_id"].iloc[0] == "C00001"
    assert set(trial.customers["arm"]) == {"control", "catalogue", "catalogue and call"}


def test_a_customer_that_stands_twice_is_set_aside(tmp_path, root, monkeypatch):
    from kamlib.book.simulate import mailing

    frame = mailing.simulate_mailing(n=9)
    again = frame.head(2).assign(revenue_8_weeks=lambda f: f["revenue_8_weeks"] + [0.0, 1.0])

    def demo(folder):
        path = folder / "customers.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        pd.concat([frame, again]).to_parquet(path, index=False)
        return path

    monkeypatch.setattr(mailing, "write_mailing", demo)
    raw = {"as_of": "2025-06-30", "book": {"demo": "mail_trial"}}
    trial = open_trial(unit_from(raw, name="trial", folder=tmp_path))
    # the first stands twice alike, one of them is kept; the second contradicts itself, none is
    assert trial.customers["account_id"].tolist() == frame["customer"].drop(1).tolist()


def test_the_public_record_is_imported(root):
    record({}, {"segment": "Womens E-Mail"}).to_csv(root / "mails.csv", index=False)
    (written,) = import_record("hillstrom", root / "mails.csv", root / "params")
    assert written.name == "hillstrom.yaml"
    told = yaml.safe_load(written.read_text("utf-8"))
    assert told["book"] == {"adapter": "hillstrom", "file": "../mails.csv"}
    assert "are assumptions: the record has neither" in written.read_text("utf-8")
    unit = load_unit("hillstrom")
    assert (unit.loyalty_trial.margin, unit.loyalty_trial.cost_per_contact) == (0.3, 0.1)
    assert (unit.as_of, unit.currency) == (date.today(), "USD")
    assert len(open_trial(unit).customers) == 2
    (root / "other.csv").write_text("segment,visit\nNo E-Mail,1\n")
    with pytest.raises(BookError, match=r"other\.csv is not the Hillstrom record: no column spend"):
        import_record("hillstrom", root / "other.csv", root / "params")
    with pytest.raises(ParamError, match="did you mean 'hillstrom'"):
        import_record("hilstrom", root / "mails.csv", root / "params")


def test_the_record_of_the_e_mail_test_is_whole(data_folder, root):
    import_record("hillstrom", data_folder / "hillstrom" / "hillstrom.parquet", root / "params")
    customers = open_trial(load_unit("hillstrom")).customers
    assert customers["arm"].value_counts().to_dict() == {
        "Womens E-Mail": 21_387, "Mens E-Mail": 21_307, "control": 21_306
    }  # fmt: skip
    assert customers.notna().all(axis=None)
    assert set(HILLSTROM.outcomes.values()) < set(customers)
