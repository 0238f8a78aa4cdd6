"""Curves of a record of one day: the right reading beside the usual one, groups, windows, and the truth."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from kamlib.book.simulate.subscribers import remaining
from kamlib.churn import snapshot_curves as curves
from kamlib.churn.snapshot import seen_to_leave, snapshot_rows
from kamlib.churn.snapshot_actions import headline, next_steps
from kamlib.churn.snapshot_curves import (
    SEEN,
    USUAL,
    at_ages,
    beside_usual,
    by_window,
    caution,
    levels_hold,
)
from kamlib.churn.snapshot_groups import compare
from kamlib.glossary import LANGUAGES, Style, columns, say

AGES = (12.0, 24.0, 60.0)


def odd(customers):
    """Return customers of whom half of the young and none of the old left: nobody could be old."""
    half = customers.groupby("tenure_months").cumcount() % 2 == 0
    return customers.assign(left=half & (customers["tenure_months"] <= 12))


def beside(rows, **more):
    return beside_usual(rows, window_months=1, horizon=24, **more)


def test_the_truth_lies_in_the_interval_and_the_usual_reading_misses_it(subscribers):
    found = beside(snapshot_rows(subscribers))
    table = at_ages(found, snapshot_rows(subscribers), AGES)
    truth = np.array([remaining(age) for age in AGES])
    assert ((table["share_low"] < truth) & (truth < table["share_high"])).all()
    assert (table["remaining_usual"] > truth + 0.3).all()
    assert levels_hold(found)
    assert caution(found) == ""
    assert found.note.key == "snapshot.curve"
    assert found.note.values["remaining"] == table["remaining"].iloc[1] == found["remaining"]
    assert set(found.frame.columns) | set(table.columns) <= set(columns())


def test_by_hand():
    # forty of age one, half of whom left; thirty of age two, a third of whom left; ten of each age up
    # to thirteen, all of whom stay
    age = [1.0] * 40 + [2.0] * 30 + [float(month) for month in range(3, 14) for _ in range(10)]
    left = [True, False] * 20 + [True, False, False] * 10 + [False] * 110
    customers = pd.DataFrame({"account_id": range(180), "tenure_months": age, "left": left})
    rows = snapshot_rows(customers)
    found = beside(rows)
    right = found.frame[found.frame["group"] == SEEN]
    # 20 of 40 stay a month, of these 20 of 30 another
    assert right["estimate"].tolist()[:3] == pytest.approx([1, 2 / 4, 2 / 4 * 2 / 3])
    assert right["estimate"].iloc[-1] == pytest.approx(1 / 3)
    usual = found.frame[found.frame["group"] == USUAL]
    # all 180 are taken to have been there in the first month, all but the forty youngest in the second
    expected = [1, 160 / 180, 160 / 180 * 130 / 140]
    assert usual["estimate"].tolist()[:3] == pytest.approx(expected)
    counts = curves.counts_by_reading(rows, (1, 2))
    assert counts.set_index(["group", "time"])["n_risk"].to_dict() == {
        (SEEN, 1): 40, (SEEN, 2): 30, (USUAL, 1): 180, (USUAL, 2): 140,
    }  # fmt: skip


def test_a_curve_begins_where_enough_are_at_risk(subscribers):
    young = subscribers["tenure_months"] <= 6
    few = pd.concat([subscribers[young].groupby("tenure_months").head(5), subscribers[~young]])
    found = beside(snapshot_rows(few), n_risk_min=20)
    assert found["start"] == 6
    assert set(found.frame.groupby("group")["time"].min()) == {6.0}
    assert found.note.values["who"].key == "snapshot.who_later"


def test_a_curve_leaves_out_ages_that_carry_none(subscribers):
    # nobody is of age 40, and all of age 3 left: what remains is the stretch from 3 to 39
    some = subscribers[subscribers["tenure_months"] != 40]
    some = some.assign(left=some["left"] | (some["tenure_months"] == 3))
    frame = beside(snapshot_rows(some)).frame
    right = frame[frame["group"] == SEEN]
    assert (right["time"].min(), right["time"].max()) == (3, 39)


def test_a_window_that_does_not_fit_lets_no_level_be_read(subscribers):
    rows = snapshot_rows(odd(subscribers))
    found = beside(rows)
    assert found.note.key == "snapshot.curve_odd"
    assert not levels_hold(found)
    assert caution(found).key == "snapshot.order_only"
    tested = compare(rows, "contract", horizon=24)
    steps = next_steps(found, [tested], ())
    assert steps[0].key == "snapshot.do_window"
    seen = seen_to_leave(subscribers, window_months=1)
    assert set(headline(seen, found, window_months=1)) == {"n_accounts", "share_left"}


def test_what_carries_no_curve_is_refused(subscribers):
    rows = snapshot_rows(subscribers)
    few = beside(snapshot_rows(subscribers.head(60)))
    assert few.note.key == "snapshot.too_few"
    assert few.note.values["n"] == 60
    nobody = subscribers.assign(left=False)
    assert beside(snapshot_rows(nobody)).refused
    assert by_window(nobody, (1,), horizon=24).refused
    assert at_ages(beside(snapshot_rows(nobody)), rows, AGES).empty
    new = subscribers.assign(tenure_months=0.0)
    assert by_window(new, (1,), horizon=24).note.key == "snapshot.nobody"
    assert beside(snapshot_rows(new)).refused
    assert curves.counts_by_reading(snapshot_rows(new), AGES) is None
    assert headline(seen_to_leave(new, window_months=1), beside(rows), window_months=1) == {}


def test_a_longer_window_raises_the_level_up_to_the_usual_reading(subscribers):
    found = by_window(subscribers, (3.0, 1.0, 500.0), horizon=24)
    table = found.frame
    # windows rise, and none is longer than the oldest customer's time
    assert table["window_months"].tolist() == [1, 3, 72]
    assert table["remaining"].is_monotonic_increasing
    reading = beside(snapshot_rows(subscribers))
    assert table["remaining"].iloc[0] == reading["remaining"]
    assert table["remaining"].iloc[-1] == pytest.approx(reading["remaining_usual"])
    assert set(table.columns) <= set(columns())


def test_sentences_in_both_languages(subscribers):
    rows = snapshot_rows(subscribers)
    doubtful = snapshot_rows(odd(subscribers))
    told = [
        beside(rows).note, beside(doubtful).note, by_window(subscribers, (1,), horizon=24).note,
        compare(rows, "contract", horizon=24).note,
        *next_steps(beside(doubtful), [compare(rows, "contract", horizon=24)], ()),
    ]  # fmt: skip
    for language in LANGUAGES:
        assert all("{" not in say(note, Style(language)) for note in told)


@pytest.mark.slow
def test_curves_hold_the_truth_as_often_as_they_say(drawn_subscribers):
    held: list[bool] = []
    for seed in range(200):
        rows = snapshot_rows(drawn_subscribers(seed))
        # not every draw carries a curve of five years
        table = at_ages(beside(rows), rows, AGES)
        truth = table["age_months"].map(remaining)
        held += ((table["share_low"] < truth) & (truth < table["share_high"])).tolist()
    # 95 % of 200 draws at three ages that go together: four standard errors of 200 draws are 6 points
    assert np.mean(held) == pytest.approx(0.95, abs=0.06)
