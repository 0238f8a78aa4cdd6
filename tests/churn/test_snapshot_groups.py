"""Groups of a record of one day: compared at every age, drawn where enough were there."""

from __future__ import annotations

import pandas as pd
import pytest

from kamlib.churn.snapshot import snapshot_rows
from kamlib.churn.snapshot_groups import compare, group_counts, group_curves
from kamlib.churn.stretch import MONTH_DAYS
from kamlib.glossary import LANGUAGES, Style, columns, say
from kamlib.stats.logrank import logrank


def test_groups_are_compared_at_every_age(subscribers):
    rows = snapshot_rows(subscribers)
    drawn = group_curves(rows, "contract")
    tested = compare(rows, "contract", drawn, horizon=24)
    test = logrank(rows["duration_days"], rows["event"], rows["contract"], entry=rows["entry_days"])
    assert tested["p_value"] == test.p_value < 0.001
    table = tested.frame.set_index("group")
    assert table["n_accounts"].sum() == len(rows)
    assert table["n_expected"].sum() == pytest.approx(rows["event"].sum())
    assert table.loc["One year", "n_event"] < table.loc["One year", "n_expected"]
    assert table.loc["One year", "remaining"] > table.loc["Month-to-month", "remaining"]
    assert (tested.note.values["least"], tested.note.values["most"]) == (
        "One year",
        "Month-to-month",
    )
    assert set(drawn.frame["group"]) == {"One year", "Month-to-month"}
    assert set(tested.frame.columns) | set(drawn.frame.columns) <= set(columns())
    counts = group_counts(rows, "contract", (0, 12))
    first = rows[rows["duration_days"] == MONTH_DAYS].groupby("contract").size()
    assert counts[counts["time"] == 0].set_index("group")["n_risk"].to_dict() == first.to_dict()


def test_by_hand():
    # at the only age there is, 4 of 20 customers of a left and 1 of 20 of b; alike it were 2.5 each
    customers = pd.DataFrame(
        {"account_id": range(40), "tenure_months": 1.0, "plan": ["a", "b"] * 20, "left": False}
    )
    customers.loc[[0, 2, 4, 6, 1], "left"] = True
    tested = compare(snapshot_rows(customers), "plan", horizon=6)
    assert tested.frame[["group", "n_event", "n_expected"]].to_numpy().tolist() == [
        ["a", 4, 2.5], ["b", 1, 2.5],
    ]  # fmt: skip
    # fewer than five expected: the chance is rough, and a check says so
    assert [check.passed for check in tested.checks] == [False]
    assert tested.note.values["verdict"].key == "curves.alike"
    assert "remaining" not in tested.frame


def test_curves_leave_out_ages_at_which_one_of_a_few_left():
    # of group b one customer of age 1 is there, and leaves: its curve would begin by falling to none
    age = [1.0] + [float(month) for month in range(1, 25) for _ in range(20)]
    customers = pd.DataFrame(
        {"account_id": range(len(age)), "tenure_months": age, "left": False, "plan": "a"}
    )
    customers.loc[customers["tenure_months"] > 1, "plan"] = ["a", "b"] * 230
    customers.loc[0, ["left", "plan"]] = [True, "b"]
    customers.loc[customers.groupby("tenure_months").head(1).index, "left"] = True
    rows = snapshot_rows(customers)
    drawn = group_curves(rows, "plan")
    assert (drawn["start"], drawn.frame["time"].min()) == (1, 1)
    # the comparison counts all ages
    assert compare(rows, "plan", drawn, horizon=12).frame["n_event"].sum() == 24


def test_what_cannot_be_compared_is_refused(subscribers):
    rows = snapshot_rows(subscribers)
    one = rows.assign(contract="One year")
    nobody = rows.assign(event=0, event_type=None)
    few = rows.groupby("contract").head(9)
    for lacking in (one, nobody, few, rows.head(0)):
        assert compare(lacking, "contract", horizon=24).refused
        assert group_curves(lacking, "contract").refused
        note = compare(lacking, "contract", horizon=24).note
        assert all(say(note, Style(language)) for language in LANGUAGES)
    assert group_counts(few, "contract", (0, 12)) is None
    # a comparison needs no curve: here somebody left wherever few were there
    some = rows.groupby("duration_days").head(6)
    some = some.assign(event=1 * (some.groupby("duration_days").cumcount() == 0))
    some["event_type"] = some["event"].map({1: "churn", 0: None})
    assert group_curves(some, "contract").refused
    assert not compare(some, "contract", horizon=24).refused
