"""Account-months by hand, the same past at every as_of, and the simulator's lives."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from kamlib.book.simulate import DEMO_UNITS, simulate
from kamlib.churn.engine import collect
from kamlib.churn.episodes import episodes
from kamlib.churn.spells import spells
from kamlib.churn.validate_episodes import check_episodes, check_truncation


def test_times_of_a_spell(rich):
    rows = rich[rich["account_id"] == "a"].reset_index(drop=True)
    # won on 1 July 2021, seen from the first order line on, 10 January 2022: 193 days later
    assert rows.loc[0, ["entry_days", "duration_days"]].tolist() == [193, 215]
    assert rows.loc[0, "tenure_at_entry"] == pytest.approx(193 / 365.25, abs=1e-6)
    assert (rows["entry_days"][1:].to_numpy() == rows["duration_days"][:-1].to_numpy()).all()
    last = rows.iloc[-1]
    assert (last["month"], last["ends_on"]) == (
        pd.Timestamp("2024-11-01"),
        pd.Timestamp("2024-11-30"),
    )
    assert (last["event"], last["event_type"]) == (1, "churn")
    assert rows["event"].sum() == 1
    # 1 July 2021 to 30 November 2024, both included
    assert last["duration_days"] == 1249


def test_an_account_that_lapsed_leaves_with_the_grace(rich):
    rows = rich[rich["account_id"] == "b"]
    # its last month was October 2023; 31 days later
    assert rows["ends_on"].iloc[-1] == pd.Timestamp("2023-12-01")
    assert (
        rows["duration_days"].iloc[-1]
        == (pd.Timestamp("2023-12-01") - pd.Timestamp("2022-03-01")).days + 1
    )
    assert rows["event"].iloc[-1] == 1


def test_the_month_of_the_event_may_be_cut(rich_built):
    found = rich_built("2023-07-14")
    rows = collect(found.table)
    last = rows[rows["account_id"] == "a"].iloc[-1]
    assert (last["ends_on"], last["event"]) == (pd.Timestamp("2023-07-14"), 0)
    assert set(rows["event_type"].dropna()) == set()


def test_what_is_known_of_the_living(rich_built):
    found = rich_built("2023-06-30")
    rows = collect(found.living).set_index("account_id")
    assert rows.index.tolist() == ["a", "b"]
    a = rows.loc["a"]
    # as on the morning of 1 July: see the tests of the covariates
    assert (a["complaints_3m"], a["late_responses_6m"], a["days_since_last"]) == (1, 2, 11)
    assert a["duration_days"] == 730  # 1 July 2021 to 30 June 2023
    assert a["known_on"] == pd.Timestamp("2023-06-25")  # a return; later rows were recorded in July


def test_other_ends_are_events_of_their_own_kind(small, built, monthly):
    told = [{"account_id": "a", "date": "2023-09-10", "reason": "insolvent"}]
    book = small.open(
        {"transactions": monthly("a", "2023-01-05", 12, amount=1), "defections": told},
        churn_survival={"definition": "own_rhythm"},
    )
    rows = collect(built(book).table)
    first = rows[rows["spell_no"] == 1].iloc[-1]
    assert (first["event"], first["event_type"]) == (0, "insolvent")
    assert first["ends_on"] == pd.Timestamp("2023-09-10")
    # orders went on: a spell of its own, at risk 31 days after 5 October
    again = rows[rows["spell_no"] == 2].iloc[0]
    assert (again["entry_days"], again["ends_on"]) == (31, pd.Timestamp("2023-11-30"))


DAYS = ("2022-09-12", "2023-06-30", "2023-07-14")


def test_an_earlier_as_of_gives_the_same_past(rich_built, rich):
    check_episodes(rich_built("2024-12-31").table, pd.Timestamp("2024-12-31").date())
    for day in DAYS:
        as_of = pd.Timestamp(day).date()
        earlier = rich_built(day)
        check_episodes(earlier.table, as_of)
        check_truncation(collect(earlier.table), rich, as_of)


@pytest.mark.parametrize("definition", ["own_rhythm", "fixed_months"])
def test_late_records_change_nothing_that_was_known(small, definition):
    rng = np.random.default_rng(5)
    lines = []
    for account in "abcdefgh":
        days = pd.Timestamp("2022-01-01") + pd.to_timedelta(
            np.cumsum(rng.gamma(1.0, rng.uniform(10, 60), 60)), "D"
        )
        late = days + pd.to_timedelta(rng.integers(0, 90, 60) * (rng.random(60) < 0.3), "D")
        for on, told, line in zip(days, late, rng.choice(list("xyz"), 60), strict=True):
            lines.append({"account_id": account, "date": f"{on:%Y-%m-%d}", "product_line": line,
                          "amount": int(rng.integers(-20, 200)) + 0.5, "list_amount": 200,
                          "recorded_on": f"{told:%Y-%m-%d}"})  # fmt: skip
    made = {}
    for day in ("2022-08-17", "2023-01-31", "2024-06-30"):
        book = small.open(
            {"transactions": lines}, as_of=day, churn_survival={"definition": definition, "k": 2}
        )
        found = spells(book, book.unit.churn_survival)
        rows = collect(episodes(book, book.unit.churn_survival, found).table)
        made[day] = rows, collect(found.table)
    last, last_spells = made.pop("2024-06-30")
    assert last["event"].sum() >= 5
    for day, (rows, then) in made.items():
        check_truncation(rows, last, pd.Timestamp(day).date())
        same_spells(then, last_spells, pd.Timestamp(day))


def same_spells(then, later, day):
    """Ends up to the day are the same, and what goes on has the same beginning."""
    known = later[later["entered_on"] <= day].reset_index(drop=True)
    still = known["ended_on"].isna() | (known["ended_on"] > day)
    known.loc[still, ["ended_on", "silent_since"]] = pd.NaT
    known.loc[still, ["event_type", "reason", "competitor"]] = None
    pd.testing.assert_frame_equal(then, known, check_dtype=False)


@pytest.mark.parametrize("name", ["telecom_lines", "industrial_supplies"])
def test_demo_units_have_one_past(demo, built, name):
    check_past(demo, built, name, 0.03, ("2023-05-17",))


@pytest.mark.slow
@pytest.mark.parametrize("definition", ["auto", "own_rhythm", "fixed_months"])
@pytest.mark.parametrize("name", DEMO_UNITS)
def test_demo_units_have_one_past_at_full_size(demo, built, name, definition):
    check_past(demo, built, name, 1.0, ("2022-03-31", "2023-05-17", "2024-12-31"), definition)


def check_past(demo, built, name, size, days, definition="auto"):
    def at(day):
        book = demo(name, size, day, churn_survival={"definition": definition})
        table = built(book).table
        check_episodes(table, book.as_of)
        return collect(table)

    last = at("2025-12-31")
    for day in days:
        check_truncation(at(day), last, pd.Timestamp(day).date())


COVARIATES = {
    "open_complaint": lambda t: t["open_complaints"] > 0,
    "complaints_3m": lambda t: t["complaints_3m"].clip(upper=3),
    "late_responses_6m": lambda t: t["late_responses_6m"].clip(upper=4),
    "manager_left_6m": lambda t: t["manager_left_6m"],
    "manager_rotated_6m": lambda t: t["manager_rotated_6m"],
}  # fmt: skip


def test_lives_under_contract_are_found_as_they_were(demo, built):
    """Every loss of the simulator in its month, and the covariates of its hazard."""
    truth = simulate("telecom_lines", size=0.12).risk_truth
    book = demo("telecom_lines", 0.12, churn_survival={"due_months": 1})
    rows = collect(built(book).table)
    truth = truth.astype({"account_id": object, "month": "datetime64[ns]", "end": object})
    both = truth.merge(rows, on=["account_id", "month"], suffixes=("_true", ""), how="left")
    assert both["event"].notna().all()
    assert (both["event_type"].fillna("") == both["end"]).all()
    for name, value in COVARIATES.items():
        planted = both[f"{name}_true"] if f"{name}_true" in both else both[name]
        assert (value(both).astype(float) == planted.astype(float)).all(), name
    # the simulator counts what happens on the first of a month as known; here it is not, strictly
    assert (both["programme_level"] == both["level"]).mean() > 0.99
    assert (both["tier_in_force"] == both["tier"]).mean() > 0.96
    assert both["monthly_contract_true"].eq(both["monthly_contract"] == 1).mean() > 0.99
    # rows beyond the truth are first months of a spell, cut short
    assert rows["event"].sum() == (truth["end"] == "churn").sum()
    hazard = -np.expm1(-np.exp(truth["log_hazard"]))
    assert hazard.quantile(0.05) < rows["event"].mean() < hazard.quantile(0.95)
    # the count is Poisson around the sum of the hazards, to four of its standard deviations
    assert abs(rows["event"].sum() - hazard.sum()) < 4 * np.sqrt(hazard.sum())


def test_losses_by_silence_are_found_by_a_patient_rule(demo):
    """Without contracts a loss is a silence; an impatient rule sees several times too many."""
    truth = simulate("industrial_supplies", size=0.12).risk_truth
    hazard = -np.expm1(-np.exp(truth["log_hazard"]))
    rates = {}
    book = demo("industrial_supplies", 0.12)
    for k, floor in ((3, 30), (6, 90)):
        rules = book.unit.churn_survival.model_copy(update={"k": float(k), "floor_days": floor})
        table = episodes(book, rules, spells(book, rules)).table
        rates[k] = float(table.event.mean().execute())
    assert 0.6 * hazard.mean() < rates[6] < 1.6 * hazard.mean()
    assert hazard.quantile(0.05) < rates[6] < hazard.quantile(0.95)
    assert rates[3] > 2.5 * rates[6]
