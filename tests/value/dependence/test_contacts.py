"""What stands on one person and whom we meet, by hand."""

from __future__ import annotations

from datetime import date
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from kamlib.value.dependence import contacts

DAY = date(2024, 12, 31)


class Tables(SimpleNamespace):
    """Says which tables and columns a unit has."""

    def has(self, table, *columns):
        return table in self.given and not {f"{table}.{c}" for c in columns} & set(self.lacks)


def unit(*given: str, lacks: tuple[str, ...] = ()) -> Tables:
    return Tables(given=given, lacks=lacks)


ALL = unit("contacts", "assignments", "visits")


@pytest.fixture
def known() -> pd.DataFrame:
    """Of a and c one contact only, of a and b one holder only; b's decider was met 90 days ago."""
    return pd.DataFrame(
        {
            "account_id": list("abc"), "n_contacts": [1, 3, 1], "n_deciders": [0, 2, 1],
            "only_contact_id": ["k1", None, "k2"], "n_holders": [1, 1, 2],
            "only_holder_id": ["m1", "m2", None],
            "decider_met_on": [None, pd.Timestamp("2024-10-02"), pd.Timestamp("2024-10-01")],
        }
    )  # fmt: skip


def test_coverage_by_hand(facts, known):
    found = contacts.contact_coverage(facts, known, ALL, DAY, decider_days=90)
    each = found.frame.set_index("account_id")
    # revenue 100, 60, 30, 10; d is in no table, e returned more than it bought
    assert each["is_single"].to_dict() == {"a": True, "b": False, "c": True, "d": True}
    assert each["is_decider_met"].to_dict() == {"a": False, "b": True, "c": False, "d": False}
    assert each["days_since_decider"]["c"] == 91
    figures = [float(found[n]) for n in ("n_single", "share_single", "n_met", "share_met")]
    assert figures == pytest.approx([3, 0.7, 1, 0.3])


def test_without_visits_nothing_is_said_of_meetings(facts, known):
    found = contacts.contact_coverage(facts, known, unit("contacts"), DAY, decider_days=90)
    assert "is_decider_met" not in found.frame
    assert np.isnan(found["n_met"])
    [check] = found.checks
    assert check.passed is None
    assert "visits.contact_id" in str(check.note)


def test_one_person_by_hand(facts, known):
    found = contacts.one_person(facts, known, ALL)
    assert found.frame["n_accounts"].tolist() == [2, 2, 3, 1]
    assert found.frame["revenue"].tolist() == [130, 160, 190, 100]
    assert found.frame["share_revenue"].tolist() == pytest.approx([0.65, 0.8, 0.95, 0.5])
    [check] = found.checks  # nobody is known of d
    assert "1 account with 5.0\u00a0% of revenue" in str(check.note)


def test_only_what_the_tables_tell(facts, known):
    bare = known.assign(n_contacts=None, only_contact_id=None)
    found = contacts.one_person(facts, bare, unit("assignments"))
    assert found.frame["side"].tolist() == [contacts.OURS]
    assert contacts.one_person(facts, known, unit()).refused
    assert contacts.contact_coverage(facts, known, unit(), DAY, decider_days=90).refused
    nothing = facts.assign(revenue=0.0)
    assert contacts.one_person(nothing, known, ALL).refused


def test_holders_by_hand(facts, known):
    held = contacts.holders(facts, known)
    assert held["manager_id"].tolist() == ["m1", "m2"]
    assert held["share_revenue"].tolist() == [0.5, 0.3]


def test_history_stands_in_order_and_needs_two_dates():
    rows = pd.DataFrame(
        {"evaluated_on": ["2024-06-30", "2024-03-31"], "n_accounts": 4, "herfindahl": [0.4, 0.3],
         "largest_share": 0.5, "top_share_revenue": [0.6, 0.5], "n_managers": np.nan,
         "herfindahl_managers": np.nan, "largest_manager_share": np.nan, "share_unassigned": np.nan}
    )  # fmt: skip
    found = contacts.concentration_history(rows, top_share=0.2)
    assert found.frame["herfindahl"].tolist() == [0.3, 0.4]
    assert found.note.key == "history.accounts"
    both = rows.assign(herfindahl_managers=0.5)
    assert contacts.concentration_history(both, top_share=0.2).note.key == "history.both"
    assert contacts.concentration_history(rows.head(1), top_share=0.2).refused
