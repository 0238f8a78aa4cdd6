"""Shares renewed, from terms put together by hand."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from kamlib.glossary import columns
from kamlib.value.lifetime.contract_facts import Terms
from kamlib.value.lifetime.retention import retention, retention_by_renewal


def terms(rows):
    """Rows of (class, renewals behind, start, planned end, end or None, outcome)."""
    names = ["term_class", "renewals", "starts_on", "ends_on", "stopped_on", "outcome"]
    frame = pd.DataFrame(rows, columns=names)
    for name in ("starts_on", "ends_on", "stopped_on"):
        frame[name] = pd.to_datetime(frame[name])
    frame["contract_id"] = [f"c{i}" for i in range(len(frame))]
    return Terms(frame, date(2024, 12, 31), 30, date(2021, 1, 1), date(2024, 11, 30))


WHOLE = ("2022-01-01", "2022-12-31")


def year(outcome, stopped="2022-12-31", behind=0, kind="yearly", whole=WHOLE):
    return (kind, float(behind), *whole, stopped, outcome)


def test_whole_terms_are_counted():
    rows = [year("renewed")] * 12 + [year("lost")] * 3 + [year("lost", "2022-05-01")] * 5
    found = retention_by_renewal(terms(rows), conf_level=0.95)
    (row,) = found.frame.to_dict("records")
    assert (row["renewal"], row["n_risk"], row["n_event"]) == (1, 20, 8)
    assert row["estimate"] == pytest.approx(12 / 20)
    assert 0.35 < row["conf_low"] < 0.6 < row["conf_high"] < 0.8
    assert found["share_early"] == pytest.approx(5 / 8)
    assert set(found.frame) <= set(columns())
    assert "60.0" in str(found.note)


def test_terms_seen_in_part_count_for_their_part():
    """Ten of which two leave in the middle, eight renewed; ten more run, seen for a quarter.

    The ten that run are at risk at first and gone from the count before the two leave: 8 / 10.
    """
    rows = [year("renewed")] * 8 + [year("lost", "2022-07-02")] * 2
    rows += [year("running", None, whole=("2024-09-01", "2025-08-31"))] * 10
    found = retention_by_renewal(terms(rows), conf_level=0.9).frame.iloc[0]
    assert found["estimate"] == pytest.approx(0.8)
    # running when the records began, with most of the term behind: at risk only from then on
    late = [year("renewed", "2021-03-31", whole=("2020-04-01", "2021-03-31"))] * 10
    found = retention_by_renewal(terms(rows + late), conf_level=0.9).frame.iloc[0]
    assert found["estimate"] == pytest.approx(0.8)
    assert found["n_risk"] == 20


def test_all_renewed_has_an_interval():
    row = retention_by_renewal(terms([year("renewed")] * 20), conf_level=0.95).frame.iloc[0]
    # Wilson's interval of none lost among 20: 0 to 0.1611
    assert (row["estimate"], row["conf_high"]) == (1, 1)
    assert row["conf_low"] == pytest.approx(1 - 0.1611, abs=1e-4)


def test_late_renewals_are_taken_together_and_classes_kept_in_order():
    rows = [year("renewed", behind=b, kind="monthly") for b in range(11, 41)]
    rows += [year("lost", behind=20, kind="monthly")] * 10
    rows = [year("renewed", kind="longer")] * 10 + rows + [year("renewed")] * 9
    frame = retention_by_renewal(terms(rows), conf_level=0.95).frame
    assert frame["term_class"].tolist() == ["monthly", "longer"]
    assert frame["renewal"].tolist() == [12, 1]
    assert frame["estimate"].tolist() == pytest.approx([0.75, 1.0])


def test_losses_within_the_grace_are_not_known_yet():
    rows = [year("renewed")] * 10
    rows += [year("lost", "2024-12-10", whole=("2023-12-11", "2024-12-10"))] * 10
    found = retention_by_renewal(terms(rows), conf_level=0.95)
    assert found.frame["n_event"].tolist() == [0]


def test_too_few():
    found = retention_by_renewal(terms([year("renewed")] * 9), conf_level=0.95)
    assert found.refused
    assert found.note.values["n"] == 9
    none = retention_by_renewal(terms([]), conf_level=0.95)
    assert none.refused


def test_share_of_a_simulated_unit():
    """Chains lost at a quarter of all renewals: the truth lies within about every interval."""
    rng = np.random.default_rng(1)
    rows = []
    for i in range(300):
        start = pd.Timestamp("2021-01-01") + pd.Timedelta(days=int(rng.integers(0, 365)))
        for renewals in range(4):
            end = start + pd.Timedelta(days=364)
            if end > pd.Timestamp("2024-11-30"):
                rows.append(("yearly", float(renewals), start, end, None, "running"))
                break
            lost = rng.random() < 0.25
            rows.append(("yearly", float(renewals), start, end, end, "lost" if lost else "renewed"))
            if lost:
                break
            start = end + pd.Timedelta(days=1)
        assert i >= 0
    frame = retention_by_renewal(terms(rows), conf_level=0.99).frame
    assert ((frame["conf_low"] < 0.75) & (frame["conf_high"] > 0.75)).all()


def test_a_book_with_contracts_and_one_without(small):
    lines = [{"account_id": "a", "date": "2022-01-10", "amount": 1.0},
             {"account_id": "a", "date": "2024-12-10", "amount": 1.0}]  # fmt: skip
    bare = small.open({"transactions": lines}, as_of="2024-12-31")
    assert retention(bare, bare.as_of, conf_level=0.95).note.key == "retention.no_contracts"
    contracts = [
        {"contract_id": f"{n}-{start}", "account_id": f"a{n}", "starts_on": f"{start}-02-01",
         "ends_on": f"{start + 1}-01-31", "value_per_year": 12}
        for n in range(12) for start in ((2022, 2023) if n < 9 else (2022,))
    ]  # fmt: skip
    book = small.open({"transactions": lines, "contracts": contracts}, as_of="2024-12-31")
    frame = retention(book, book.as_of, conf_level=0.95).frame
    # nine of twelve were renewed at the end of January 2023
    assert frame.loc[0, ["renewal", "n_risk", "n_event", "estimate"]].tolist() == [1, 12, 3, 0.75]
