"""A record of one day: every row is kept or set aside with its reason, and public ones are imported."""

from __future__ import annotations

from datetime import date

import pandas as pd
import pytest
import yaml

from kamlib.book import open_book, open_snapshot
from kamlib.book.adapters import import_record
from kamlib.book.layouts import LAYOUTS, TELCO
from kamlib.errors import BookError, ParamError
from kamlib.params import SNAPSHOTS, load_unit, unit_from

COLUMNS = ["customerID", "tenure", "Churn", *TELCO.covariates]
LINE = {
    "Contract": "One year", "InternetService": "DSL", "PaymentMethod": "Mailed check",
    "OnlineSecurity": "Yes", "TechSupport": "No internet service", "PaperlessBilling": "No",
    "MonthlyCharges": "29.85", "SeniorCitizen": "0", "Dependents": "No", "Partner": "Yes",
}  # fmt: skip


def record(*rows):
    """Return lines of a customer, an age and whether it left, alike in all else but what is given."""
    whole = [
        dict(zip(COLUMNS[:3], row, strict=False)) | LINE | (row[3] if len(row) > 3 else {})
        for row in rows
    ]
    return pd.DataFrame(whole, columns=COLUMNS)


def opened(frame, folder, kind="csv"):
    path = folder / f"telco.{kind}"
    frame.to_csv(path, index=False) if kind == "csv" else frame.to_parquet(path, index=False)
    raw = {"as_of": "2025-06-30", "book": {"adapter": "telco", "file": path.name}}
    return open_snapshot(unit_from(raw, name="telco", folder=folder))


def test_the_names_of_snapshots_are_those_of_their_layouts():
    assert set(SNAPSHOTS) == set(LAYOUTS)
    for layout in LAYOUTS.values():
        assert set(layout.groups) <= set(layout.covariates.values())


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_rows_are_customers_by_our_names(tmp_path, kind):
    rows = [("a", "0", "No"), ("b", "12", "Yes", {"InternetService": "No", "MonthlyCharges": ""})]
    snapshot = opened(record(*rows), tmp_path, kind)
    assert snapshot.as_of == date(2025, 6, 30)
    assert snapshot.counts.iloc[0].tolist() == ["customers", 2, 2, 0, 0]
    one, other = snapshot.customers.to_dict("records")
    assert (one["account_id"], one["tenure_months"], one["left"]) == ("a", 0, False)
    assert (other["tenure_months"], other["left"]) == (12, True)
    # "Yes" is 1 and any other text 0; texts of groups stay, but "No" says of what
    assert (one["online_security"], one["tech_support"], one["paperless"]) == (1, 0, 0)
    assert (one["internet"], other["internet"]) == ("DSL", "no internet")
    assert one["monthly_charges"] == 29.85
    assert pd.isna(other["monthly_charges"])
    assert snapshot.write_rejected(tmp_path / "rejected") == []
    assert [check.passed for check in snapshot.checks] == [True]


def test_rows_that_break_a_rule_are_set_aside_with_the_reason(tmp_path):
    rows = [
        ("a", "3", "Yes"), ("", "3", "No"), ("b", "soon", "No"), ("c", "-1", "No"),
        ("d", "3", "perhaps"), ("e", "", ""), ("f", "3", "No"), ("f", "3", "No"),
        ("g", "3", "No"), ("g", "4", "No"), ("h", "3", "No", {"MonthlyCharges": "much"}),
    ]  # fmt: skip
    snapshot = opened(record(*rows), tmp_path)
    assert snapshot.customers["account_id"].tolist() == ["a", "f"]
    # a customer and one of two equal rows are kept; the other nine break a rule, one of them two
    assert snapshot.counts.iloc[0].tolist() == ["customers", 11, 2, 9, 0]
    found = {(f.column, f.rule): f.n_rows for f in snapshot.faults.itertuples()}
    assert found == {
        ("customerID", "missing"): 1, ("tenure", "not_a_number"): 1, ("tenure", "too_small"): 1,
        ("Churn", "not_yes_or_no"): 1, ("tenure", "missing"): 1, ("Churn", "missing"): 1,
        ("MonthlyCharges", "not_a_number"): 1, ("customerID", "repeated"): 1, ("customerID", "contradicting"): 2,
    }  # fmt: skip
    (path,) = snapshot.write_rejected(tmp_path / "rejected")
    told = pd.read_csv(path, dtype=str)
    assert told.loc[told["rule"] == "not_a_number", "value"].tolist() == ["soon", "much"]
    assert [check.passed for check in snapshot.checks] == [False]


def test_what_cannot_be_opened(tmp_path, small):
    with pytest.raises(BookError, match=r"telco\.csv is not the Telco record: no column Partner"):
        opened(record(("a", "3", "No")).drop(columns="Partner"), tmp_path)
    with pytest.raises(BookError, match="no usable line among 1"):
        opened(record(("a", "soon", "No")), tmp_path)
    raw = {"book": {"adapter": "telco", "file": "telco.csv"}}
    with pytest.raises(BookError, match="as_of: the record has no dates"):
        open_snapshot(unit_from(raw, name="telco", folder=tmp_path))
    with pytest.raises(BookError, match="telco is a record of one day without tables"):
        open_book(unit_from(raw, name="telco", folder=tmp_path))
    with pytest.raises(BookError, match="the unit has tables"):
        open_snapshot(small.unit({"transactions": [{"account_id": "a"}]}))


def test_the_demo_is_made_on_first_use(root):
    (root / "params" / "mobile.yaml").write_text(
        "as_of: 2025-12-31\nbook:\n  demo: mobile_subscribers\n"
    )
    snapshot = open_snapshot(load_unit("mobile"))
    assert (root / "outputs" / "_demo" / "mobile_subscribers" / "customers.parquet").is_file()
    assert snapshot.counts.iloc[0].tolist() == ["customers", 3000, 3000, 0, 0]
    # made anew and read anew, it is the same
    assert open_snapshot(load_unit("mobile")).fingerprint == snapshot.fingerprint


def test_a_public_record_is_imported(root):
    record(("a", "3", "Yes"), ("b", "3", "No")).to_csv(root / "telco.csv", index=False)
    (written,) = import_record("telco", root / "telco.csv", root / "params")
    assert written.name == "telco.yaml"
    assert yaml.safe_load(written.read_text("utf-8"))["book"] == {
        "adapter": "telco", "file": "../telco.csv"
    }  # fmt: skip
    unit = load_unit("telco")
    # no date of the record's own is made up: the file says what the day is
    assert unit.as_of == date.today()
    assert "The record has no date" in written.read_text("utf-8")
    assert len(open_snapshot(unit).customers) == 2
    (root / "other.csv").write_text("customerID,tenure\na,1\n")
    with pytest.raises(BookError, match=r"other\.csv is not the Telco record: no column Churn"):
        import_record("telco", root / "other.csv", root / "params")
    with pytest.raises(ParamError, match="did you mean 'telco'"):
        import_record("telko", root / "telco.csv", root / "params")


def test_the_record_of_a_telephone_company_is_whole(data_folder, root):
    for name in ("telco_churn_v1.parquet", "WA_Fn-UseC_-Telco-Customer-Churn.csv"):
        import_record("telco", data_folder / "telco" / name, root / "params")
        customers = open_snapshot(load_unit("telco")).customers
        assert (len(customers), customers["left"].sum()) == (7043, 1869)
        assert customers.notna().all(axis=None)
        assert customers["tech_support"].sum() == 2044
