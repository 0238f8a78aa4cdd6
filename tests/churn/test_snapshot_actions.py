"""What is to be done follows from the findings, the most pressing first."""

from __future__ import annotations

from kamlib.churn.snapshot import beyond_snapshot, seen_to_leave, snapshot_rows
from kamlib.churn.snapshot_actions import headline, next_steps
from kamlib.churn.snapshot_curves import beside_usual
from kamlib.churn.snapshot_groups import compare
from kamlib.glossary import LANGUAGES, Style, say
from kamlib.results import refusal

DATA = ["snapshot.do_dates", "snapshot.do_orders", "snapshot.do_reasons", "snapshot.do_managers"]


def test_the_group_that_lost_most_comes_first_and_then_data_that_lift_refusals(subscribers):
    rows = snapshot_rows(subscribers)
    beside = beside_usual(rows, window_months=1, horizon=24)
    compared = [compare(rows, by, horizon=24) for by in ("internet", "contract")]
    steps = next_steps(beside, compared, beyond_snapshot())
    assert [step.key for step in steps] == ["snapshot.do_group", *DATA]
    monthly = compared[1].frame.set_index("group").loc["Month-to-month"]
    # monthly contracts lost more beyond what would be than any kind of internet did
    assert steps[0].values["group"] == "Month-to-month"
    assert steps[0].values["there"] == monthly["n_accounts"] - monthly["n_event"]
    for language in LANGUAGES:
        assert all(say(step, Style(language)) for step in steps)


def test_groups_that_may_be_alike_ask_for_nothing(subscribers):
    rows = snapshot_rows(subscribers)
    beside = beside_usual(rows, window_months=1, horizon=24)
    alike = rows.assign(contract=["a", "b"] * (len(rows) // 2))
    compared = [compare(alike, "contract", horizon=24), refusal("none", "snapshot.nobody", n=0)]
    assert next_steps(beside, compared, ()) == []
    # where only reasons are missing, only they are asked for
    reasons = [one for one in beyond_snapshot() if one.name == "reasons"]
    assert [step.key for step in next_steps(beside, compared, reasons)] == ["snapshot.do_reasons"]


def test_every_refusal_is_lifted_by_some_data(subscribers):
    beside = refusal("beside_usual", "snapshot.nobody", n=0)
    for one in beyond_snapshot():
        assert len(next_steps(beside, (), [one])) == 1, one.name


def test_the_figures_at_the_top(subscribers):
    seen = seen_to_leave(subscribers, window_months=1)
    beside = beside_usual(snapshot_rows(subscribers), window_months=1, horizon=24)
    told = {name: value for name, (value, _) in headline(seen, beside, window_months=1).items()}
    assert told == {
        "n_accounts": 3000, "share_left": subscribers["left"].mean(),
        "remaining": beside["remaining"],
    }  # fmt: skip
