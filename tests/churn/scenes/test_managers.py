"""Departures of managers: months by hand, the trap of those held on the last day, the truth found again."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from kamlib.churn.engine import collect
from kamlib.churn.episodes import episodes
from kamlib.churn.scenes import manager_event_study, manager_months
from kamlib.churn.spells import spells
from kamlib.glossary import LANGUAGES, Style, columns, say


def held(account, manager, starts, ends=None, because=None, part="account_manager"):
    return {"account_id": account, "manager_id": manager, "starts_on": starts, "ends_on": ends,
            "ended_because": because, "part": part}  # fmt: skip


def months_of(account, first, n, *, loss=False, spell=1):
    """Return account-months of a spell that begins with the first of them; a loss ends the last."""
    month = pd.date_range(first, periods=n, freq="MS")
    ends = month + pd.offsets.MonthEnd(0)
    start = month[0]
    return pd.DataFrame(
        {
            "account_id": account, "spell_no": spell, "month": month, "ends_on": ends,
            "entry_days": (month - start).days, "duration_days": (ends - start).days + 1,
            "event": [0] * (n - 1) + [int(loss)], "log_revenue_12m": np.log(100.0),
        }
    )  # fmt: skip


def counted(small, frame, assignments):
    tables = {"transactions": [{"account_id": "a", "date": "2022-01-01", "amount": 1}],
              "assignments": assignments}  # fmt: skip
    book = small.open(tables, as_of="2024-12-31")
    frame = frame.assign(month=frame["month"].dt.date, ends_on=frame["ends_on"].dt.date)
    return collect(manager_months(book, book.con.create_table("given_months", frame)))


def periods(counts, kind):
    rows = counts[counts["kind"] == kind]
    return {row.month.strftime("%y-%m"): int(row.rel_period) for row in rows.itertuples()}


def test_months_around_a_departure(small):
    frame = months_of("a", "2022-01-01", 24)
    assignments = [
        held("a", "m1", "2022-01-01", "2022-09-10", "left_company"),
        held("a", "m2", "2022-11-01"),
        held("a", "m9", "2022-01-01", "2023-03-31", "left_company", part="sponsor"),
    ]
    counts = counted(small, frame, assignments)
    found = periods(counts, "left_company")
    # September is the month of the departure, whoever holds the account in October
    assert found["22-09"] == 0
    assert found["22-03"] == -6
    assert found["23-09"] == 12
    assert len(found) == 19
    stayed = counts[counts["kind"] == "stayed"]["month"].dt.strftime("%y-%m").tolist()
    assert sorted(stayed) == ["22-01", "22-02", "23-10", "23-11", "23-12"]


def test_what_is_before_a_change_hangs_on_the_manager_and_not_on_the_account(small):
    # b was lost in May, four months before the manager left; its assignment ended with it
    frame = pd.concat(
        [months_of("a", "2022-01-01", 12), months_of("b", "2022-01-01", 5, loss=True)]
    )
    assignments = [
        held("a", "m1", "2022-01-01", "2022-09-10", "left_company"),
        held("b", "m1", "2022-01-01", "2022-05-31", "other"),
    ]
    counts = counted(small, frame, assignments)
    before = counts[(counts["kind"] == "left_company") & (counts["rel_period"] == -4)].iloc[0]
    assert before["n_event"] == 1
    assert before["days_at_risk"] == 62
    assert before["revenue"] == pytest.approx(100, abs=0.01)


def test_rotations_stand_apart_and_give_way(small):
    frame = months_of("a", "2022-01-01", 30)
    assignments = [
        held("a", "m1", "2022-01-01", "2022-06-15", "rotated"),
        held("a", "m2", "2022-06-16", "2023-06-15", "left_company"),
        held("a", "m3", "2023-06-16"),
    ]
    counts = counted(small, frame, assignments)
    rotated, left = periods(counts, "rotated"), periods(counts, "left_company")
    # from January 2022, six months ahead of it, until the departure comes within six months
    assert (rotated["22-01"], rotated["22-11"]) == (-5, 5)
    assert "22-12" not in rotated
    assert left["22-12"] == -6
    assert not set(rotated) & set(left)


def test_a_change_before_the_spell_began_is_none_of_it(small):
    frame = months_of("a", "2023-01-01", 6, spell=2)
    assignments = [
        held("a", "m1", "2022-01-01", "2022-10-10", "left_company"), held("a", "m2", "2022-10-11"),
    ]  # fmt: skip
    assert set(counted(small, frame, assignments)["kind"]) == {"stayed"}


def test_months_without_a_manager_ever_are_left_out(small):
    frame = pd.concat([months_of("a", "2022-01-01", 3), months_of("b", "2022-01-01", 3)])
    counts = counted(small, frame, [held("a", "m1", "2022-01-01")])
    assert counts["days_at_risk"].sum() == 90


def cells(*rows):
    names = ["kind", "rel_period", "month", "n_event", "days_at_risk", "revenue"]
    frame = pd.DataFrame(rows, columns=names)
    return frame.assign(month=pd.to_datetime(frame["month"]))


def told(estimate):
    assert set(estimate.frame.columns) <= set(columns())
    for language in LANGUAGES:
        for note in (estimate.note, *(check.note for check in estimate.checks)):
            assert "{" not in say(note, Style(language))
    return estimate


COUNTS = cells(
    ("left_company", 1, "2023-01-01", 8, 3_000, 800.0),
    ("left_company", 2, "2023-02-01", 4, 3_000, 400.0),
    ("left_company", -1, "2022-12-01", 2, 3_000, 200.0),
    ("left_company", 7, "2023-02-01", 0, 3_000, 0.0),
    ("stayed", None, "2022-12-01", 4, 6_000, 0.0),
    ("stayed", None, "2023-01-01", 4, 3_000, 0.0),
    ("stayed", None, "2023-02-01", 2, 3_000, 0.0),
)


def test_ratios_by_hand():
    estimate = told(manager_event_study(COUNTS))
    frame = estimate.frame.set_index("rel_period")
    assert frame.index.tolist() == list(range(-6, 13))
    assert frame.loc[[1, 2, -1, 7], "rate_ratio"].tolist() == pytest.approx([2, 2, 1, 0])
    assert frame.loc[[1, -1], "n_expected"].tolist() == pytest.approx([4, 2])
    assert np.isnan(frame.loc[5, "rate_ratio"])
    # as in the docstring of rate_ratio.mantel_haenszel, in months 1 to 6
    assert estimate["rate_ratio"] == pytest.approx(2)
    assert estimate["ratio_low"] == pytest.approx(0.751, abs=1e-3)
    assert (estimate["n_event"], estimate["n_excess"], estimate["revenue"]) == (12, 6, 1200)
    assert estimate["ratio_before"] == pytest.approx(1)
    assert estimate.note.values["verdict"].key == "scenes.follow_unsure"
    assert estimate.checks[0].note.key == "scenes.before_alike"


def test_trouble_before_the_change_is_said():
    worse = COUNTS.assign(n_event=COUNTS["n_event"] * 20)
    worse.loc[worse["rel_period"] == -1, "n_event"] = 200
    estimate = told(manager_event_study(worse))
    assert estimate.note.values["verdict"].key == "scenes.follow"
    assert estimate.checks[0].passed is False
    fewer = worse.assign(n_event=np.where(worse["rel_period"] > 0, 1, worse["n_event"]))
    assert told(manager_event_study(fewer)).note.values["verdict"].key == "scenes.follow_less"


@pytest.mark.parametrize(
    ("counts", "key"),
    [(COUNTS.head(0), "scenes.no_managers"),
     (COUNTS[COUNTS["kind"] != "stayed"], "scenes.no_control"),
     (COUNTS[COUNTS["kind"] == "stayed"], "scenes.no_change")],
)  # fmt: skip
def test_nothing_to_compare(counts, key):
    estimate = told(manager_event_study(counts))
    assert estimate.refused
    assert estimate.note.key == key


def played(rng, *, managers=50, each=16, months=36, rate=0.01, factor=3.0):
    """Return account-months and assignments: in six months after a departure all leave more often."""
    start = pd.Timestamp("2022-01-01")
    frames, rows = [], []
    for manager in range(managers):
        leaves = int(rng.integers(8, 24)) if manager % 2 else None
        for place in range(each):
            account = f"a{manager:02}{place:02}"
            chance = np.full(months, rate)
            if leaves is not None:
                chance[leaves + 1 : leaves + 7] *= factor
            hits = np.flatnonzero(rng.random(months) < chance)
            lost = int(hits[0]) if hits.size else None
            n = months if lost is None else lost + 1
            frames.append(months_of(account, start, n, loss=lost is not None))
            end = start + pd.DateOffset(months=n) - pd.Timedelta(days=1)
            gone = None if leaves is None else start + pd.DateOffset(months=leaves, days=14)
            if gone is not None and gone < end:
                rows.append(
                    held(account, f"m{manager}", "2022-01-01", f"{gone:%Y-%m-%d}", "left_company")
                )
                after = f"{gone + pd.Timedelta(days=1):%Y-%m-%d}"
                rows.append(held(account, f"n{manager}", after, *_until(end, lost)))
            else:
                rows.append(held(account, f"m{manager}", "2022-01-01", *_until(end, lost)))
    return pd.concat(frames, ignore_index=True), rows


def _until(end, lost):
    return (f"{end:%Y-%m-%d}", "other") if lost is not None else (None, None)


def test_accounts_held_on_the_last_day_have_outlived_all_days_before(small):
    frame, assignments = played(np.random.default_rng(5))
    right = manager_event_study(counted(small, frame, assignments))
    assert right["ratio_low"] < 3.0 < right["ratio_high"]
    assert right["ratio_low"] > 1.5
    # nothing happens before a departure, and the estimate finds just that
    assert right["before_low"] < 1 < right["before_high"]
    assert right.checks[0].passed is True
    # naively, accounts that a departure touched, at all times: none of them can be lost before it
    touched = pd.DataFrame(assignments).query("ended_because == 'left_company'")
    gone = touched.set_index("account_id")["ends_on"]
    mine = frame[frame["account_id"].isin(gone.index)]
    day = pd.to_datetime(mine["account_id"].map(gone))
    assert mine.loc[mine["ends_on"] < day, "event"].sum() == 0
    assert mine["event"].sum() > 50


@pytest.mark.slow
def test_the_simulator_s_truth_is_found_again(demo):
    # telecom_lines: retention.manager_left_6m 0.70, manager_rotated_6m 0.00
    book = demo("telecom_lines", 1.0)
    found = episodes(book, book.unit.churn_survival, spells(book, book.unit.churn_survival))
    counts = collect(manager_months(book, found.table))
    left, rotated = (manager_event_study(counts, kind) for kind in ("left_company", "rotated"))
    assert left["ratio_low"] < np.exp(0.7) < left["ratio_high"]
    assert left["ratio_low"] > 1.5
    assert rotated["ratio_low"] < 1 < rotated["ratio_high"]
    later = manager_event_study(counts, window=(7, 12))
    assert later["ratio_low"] < 1 < later["ratio_high"]
