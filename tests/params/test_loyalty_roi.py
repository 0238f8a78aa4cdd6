"""Parameters of the programme's return that contradict each other are refused."""

from pathlib import Path

import pytest

from kamlib.errors import ParamError
from kamlib.params import unit_from


def unit(**loyalty):
    raw = {"book": {"tables": {"transactions": "sales.csv"}}, "loyalty_roi": loyalty}
    return unit_from(raw, name="north", folder=Path("."))


def test_nothing_is_assumed_of_points_and_margin():
    loyalty = unit().loyalty_roi
    assert (loyalty.margin, loyalty.point_cost, loyalty.breakage, loyalty.baseline_share) == (
        None,
    ) * 4
    assert (loyalty.rewards, loyalty.minutes_per_member) == ("auto", (0, 0, 0))


@pytest.mark.parametrize(
    ("loyalty", "told"),
    [
        ({"rewards": "points"}, "rewards: points needs point_cost"),
        ({"breakage": 1.0}, "breakage"),
        ({"margin": 0}, "margin"),
        ({"minutes_per_member": [10, -1, 0]}, "minutes_per_member"),
        ({"minutes_per_member": [10, 20]}, "minutes_per_member"),
        ({"point_costs": 0.2}, "point_cost"),
    ],
)
def test_what_cannot_be(loyalty, told):
    with pytest.raises(ParamError, match=told):
        unit(**loyalty)
