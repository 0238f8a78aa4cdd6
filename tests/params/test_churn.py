"""Parameters of churn that contradict each other are refused."""

from pathlib import Path

import pytest

from kamlib.errors import ParamError
from kamlib.params import unit_from


def unit(**churn):
    raw = {"book": {"tables": {"transactions": "sales.csv"}}, "churn_survival": churn}
    return unit_from(raw, name="north", folder=Path("."))


def test_defaults():
    churn = unit().churn_survival
    assert (churn.definition, churn.k, churn.floor_days, churn.cap_days) == ("auto", 3, 30, 365)
    assert (churn.silent_months, churn.renewal_grace_days) == (3, 30)
    assert churn.horizons == (3, 6, 12)


@pytest.mark.parametrize(
    ("churn", "told"),
    [
        ({"floor_days": 200, "cap_days": 100}, "cap_days must not lie below floor_days"),
        ({"horizons": [6, 3]}, "one or more rising numbers"),
        ({"horizons": []}, "one or more rising numbers"),
        # a silence shorter than a month could fall within the orders of one
        ({"floor_days": 14}, "30"),
    ],
)
def test_what_cannot_be(churn, told):
    with pytest.raises(ParamError, match=told):
        unit(**churn)
