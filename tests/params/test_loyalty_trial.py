"""Parameters of the study of a finished trial, and which study takes its record."""

from pathlib import Path

import pytest

from kamlib.errors import ParamError
from kamlib.params import unit_from

HILLSTROM = {"adapter": "hillstrom", "file": "a.csv"}


def unit(book=HILLSTROM, **rules):
    raw = {"book": book, "loyalty_trial": rules}
    return unit_from(raw, name="north", folder=Path("."))


def test_no_margin_and_no_cost_is_made_up():
    rules = unit().loyalty_trial
    assert (rules.margin, rules.cost_per_contact, rules.arm_costs) == (None, None, {})
    rules = unit(cost_per_contact="0.1", arm_costs={"call": "5"}).loyalty_trial
    assert (rules.cost_per_contact, rules.arm_costs) == (0.1, {"call": 5.0})


@pytest.mark.parametrize(
    ("rules", "told"),
    [
        ({"margin": 1.2}, "margin: must be less than or equal to 1"),
        ({"cost_per_contact": 0}, "cost_per_contact: must be greater than 0"),
        ({"arm_costs": {"call": -1}}, "must be greater than 0"),
        ({"planned": {"control": 0.5, "call": 0.4}}, "the shares add up to 0.9"),
        ({"group_least": 3}, "group_least: must be greater than or equal to 8"),
        ({"margn": 0.3}, "did you mean 'margin'"),
    ],
)
def test_what_cannot_be_is_refused(rules, told):
    with pytest.raises(ParamError, match=told):
        unit(**rules)


@pytest.mark.parametrize("book", [HILLSTROM, {"demo": "mail_trial"}])
def test_a_trial_runs_its_study_alone(book):
    one = unit(book)
    assert one.book.gives == "trial"
    assert one.suits("loyalty_trial")
    for study in ("customer_value", "churn_survival", "churn_snapshot", "loyalty_roi"):
        assert not one.suits(study)


@pytest.mark.parametrize(
    "book", [{"demo": "telecom_lines"}, {"demo": "mobile_subscribers"}, {"adapter": "telco", "file": "a"}]
)  # fmt: skip
def test_other_records_do_not_run_it(book):
    assert not unit(book).suits("loyalty_trial")
