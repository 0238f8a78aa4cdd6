from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from kamlib.loyalty.effects.imputed import doubly_robust, imputed
from kamlib.loyalty.effects.randomised import own_slopes
from kamlib.loyalty.effects.sample import Unfit, sample

BOTH = ["att", "ate"]


def test_over_all_accounts_it_is_lins(chosen_accounts):
    rows = chosen_accounts(100, 1)
    assert imputed(rows, "ate").value == pytest.approx(own_slopes(rows).value)


@pytest.mark.parametrize("estimand", BOTH)
@pytest.mark.parametrize("of", [imputed, doubly_robust])
def test_an_outcome_on_a_line_is_found_exactly(chosen_accounts, of, estimand):
    rows = chosen_accounts(90, 5)
    size = rows.covariates[:, 0]
    line = 3 + rows.covariates @ [1.0, 2.0, 3.0] + rows.treated * (4 + size)
    of_whom = rows.treated if estimand == "att" else slice(None)
    found = of(replace(rows, outcome=line), estimand)
    assert found.value == pytest.approx(4 + size[of_whom].mean())


@pytest.mark.parametrize("estimand", BOTH)
def test_the_weights_repair_a_wrong_line(estimand):
    """Strata by hand: a curve that no line follows, a logit that is right because it is saturated."""
    kind = np.repeat([0, 1, 2], 40)
    member = np.concatenate([np.arange(40) < k for k in (8, 20, 32)])
    margin = np.array([10.0, 50.0, 20.0])[kind] + 5.0 * member * (kind + 1)
    rows = pd.DataFrame({"margin": margin, "member": member, "one": kind == 1, "two": kind == 2})
    right = sample(rows, "margin", "member", ["one", "two"])
    # of those in it 8, 20 and 32 of 60 have 5, 10 and 15: 12; of all a third each: 10
    expected = {"att": (8 * 5 + 20 * 10 + 32 * 15) / 60, "ate": 10.0}[estimand]
    assert doubly_robust(right, estimand).value == pytest.approx(expected)


@pytest.mark.parametrize("estimand", BOTH)
@pytest.mark.parametrize("of", [imputed, doubly_robust])
def test_a_shift_of_those_in_it_moves_the_effect_and_not_the_error(chosen_accounts, of, estimand):
    rows = chosen_accounts(120, 8)
    before, after = (
        of(rows, estimand),
        of(replace(rows, outcome=rows.outcome + 3 * rows.treated), estimand),
    )
    assert after.value == pytest.approx(before.value + 3)
    assert after.std_error == pytest.approx(before.std_error)


@pytest.mark.parametrize("estimand", BOTH)
def test_groups_count_as_one(chosen_accounts, estimand):
    rows = chosen_accounts(120, 9)
    place = np.repeat(np.arange(120), 3)
    again = replace(rows.rows(place), cluster=place)
    one, three = doubly_robust(rows, estimand), doubly_robust(again, estimand)
    assert three.value == pytest.approx(one.value)
    assert three.std_error == pytest.approx(one.std_error)


def test_weights_sum_to_one(chosen_accounts):
    rows = chosen_accounts(120, 9)
    for estimand in BOTH:
        weights = doubly_robust(rows, estimand).weights
        for arm in (rows.treated, ~rows.treated):
            assert weights[arm].sum() == pytest.approx(1)


def test_an_arm_that_carries_no_line(chosen_accounts):
    rows = chosen_accounts(60, 2)
    only = np.where(rows.treated, np.arange(60.0), 1.0)[:, None]
    with pytest.raises(Unfit, match="“only”"):
        imputed(replace(rows, covariates=only, names=("only",)))
