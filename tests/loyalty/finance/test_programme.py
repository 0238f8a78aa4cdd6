from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from kamlib.errors import FitError
from kamlib.loyalty.finance.flows import present_value
from kamlib.loyalty.finance.programme import break_even_effect, course


def test_a_course_by_hand(shop):
    """Gain 100 · 0.3 · 10 = 300 a month; cost 1,000 now, then 50 + 100 · 0.75 = 125 a month."""
    found = course(shop)
    assert found.gain[0].tolist() == [0.0] + [300.0] * 12
    assert found.cost[0].tolist() == [1_000.0] + [125.0] * 12
    assert found.net[0] == pytest.approx(12 * 175 - 1_000)
    assert found.roi[0] == pytest.approx(1_100 / 2_500)
    monthly = 1.1 ** (1 / 12) - 1
    assert found.npv[0] == pytest.approx(present_value([-1_000] + [175] * 12, monthly))


def test_the_effect_fades_after_what_was_seen(shop):
    """Two months seen, two more at one half and one quarter."""
    found = course(replace(shop, months=4, months_seen=2, fade=0.5))
    assert found.gain[0].tolist() == [0.0, 300.0, 300.0, 150.0, 75.0]
    needed = break_even_effect(replace(shop, months=4, months_seen=2, fade=0.5))
    # (1,000 + 4 · 125) ÷ (0.3 · 10 · 2.75)
    assert needed == pytest.approx(1_500 / 8.25)


def test_at_its_break_even_effect_a_programme_nets_nothing(shop):
    for programme in (shop, replace(shop, months=24, fade=0.03)):
        even = replace(programme, effect=break_even_effect(programme))
        assert course(even).net[0] == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"months": 25}, "25 months are valued and 12 were seen"),
        ({"margin": 0.0}, "Without a margin there is no return"),
        ({"set_up": 0, "running": 0, "rewards": 0}, "no cost of the programme"),
        ({"running": -1}, "must not be below zero"),
        ({"breakage": 1.0}, "breakage must lie"),
        ({"fade": 1.5}, "fade must lie"),
        ({"n_accounts": 0}, "one at least"),
    ],
)
def test_what_makes_no_programme(change, told, shop):
    with pytest.raises(FitError, match=told):
        course(replace(shop, **change))
    assert course(replace(shop, months=25, fade=0.0)).net[0] == pytest.approx(25 * 175 - 1_000)


def test_an_unknown_figure_names_the_nearest(shop):
    with pytest.raises(FitError, match="no figure 'efect' – did you mean 'effect'"):
        course(shop, {"efect": np.ones(3)})


def test_more_revenue_at_a_lower_margin_can_be_a_loss(shop):
    """1,000 at 0.30 become 1,060 at 0.26: revenue gains 60, contribution loses 24.40 a month."""
    by_revenue = course(replace(shop, effect=60.0, set_up=0.0, running=1.0, rewards=0.0))
    contribution = 1_060 * 0.26 - 1_000 * 0.30
    by_margin = course(
        replace(shop, effect=contribution, margin=1.0, set_up=0.0, running=1.0, rewards=0.0)
    )
    assert by_revenue.net[0] == pytest.approx(12 * (60 * 0.3 * 10 - 1))
    assert by_margin.net[0] == pytest.approx(12 * (-24.4 * 10 - 1))
