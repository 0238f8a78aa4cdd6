from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from kamlib.loyalty.effects.entropy import balancing_weights, entropy_balanced
from kamlib.loyalty.effects.overlap import balance
from kamlib.loyalty.effects.randomised import difference_in_means
from kamlib.loyalty.effects.sample import Unfit


def test_means_are_hit(chosen_accounts):
    rows = chosen_accounts(300, 1, strength=2.0)
    found = entropy_balanced(rows)
    assert balance(rows, found.weights)["smd_after"].abs().max() < 1e-9
    assert (found.weights > 0).all()


def test_weights_are_the_exponent_of_a_line(chosen_accounts):
    """The solution's form: log weight = a + b · x, for some a and b."""
    rows = chosen_accounts(80, 2)
    outside = rows.covariates[~rows.treated]
    log = np.log(balancing_weights(outside, rows.covariates[rows.treated].mean(axis=0)))
    line = np.column_stack([np.ones(len(outside)), outside])
    assert log == pytest.approx(line @ np.linalg.lstsq(line, log, rcond=None)[0], abs=1e-8)


def test_balance_that_is_there_already():
    x = np.arange(10.0)[:, None]
    assert balancing_weights(x, x.mean(axis=0)) == pytest.approx(0.1)


def test_without_covariates_it_is_the_difference_in_means(chosen_accounts):
    rows = chosen_accounts(60, 3)
    rows = replace(rows, covariates=np.empty((60, 0)), names=())
    assert entropy_balanced(rows).value == pytest.approx(difference_in_means(rows).value)


@pytest.mark.parametrize("target", [3.0001, 50.0])
def test_a_target_beyond_all_accounts(target):
    with pytest.raises(Unfit, match="No weights give the 4"):
        balancing_weights(np.arange(4.0)[:, None], np.array([target]))


def test_a_target_close_to_the_edge():
    x = np.arange(4.0)[:, None]
    weights = balancing_weights(x, np.array([2.999]))
    assert weights @ x[:, 0] == pytest.approx(2.999)
    # on the edge one account carries all, which `overlap_checks` tells
    assert balancing_weights(x, np.array([3.0]))[-1] == pytest.approx(1)


def test_degenerate_covariates(chosen_accounts):
    rows = chosen_accounts(60, 4)
    with pytest.raises(Unfit, match="“same”"):
        entropy_balanced(replace(rows, covariates=np.full((60, 1), 2.0), names=("same",)))


def test_no_search_stalls(chosen_accounts):
    """Near the solution the loss moves by less than it is rounded; this must not stop the search."""
    for seed in range(40):
        rows = chosen_accounts(150, seed)
        assert np.isfinite(entropy_balanced(rows).value)


def test_a_shift_of_those_in_it_moves_the_effect_and_not_the_error(chosen_accounts):
    rows = chosen_accounts(120, 8)
    before = entropy_balanced(rows)
    after = entropy_balanced(replace(rows, outcome=rows.outcome + 3 * rows.treated))
    assert after.value == pytest.approx(before.value + 3)
    assert after.std_error == pytest.approx(before.std_error)


def test_an_outcome_on_a_line_is_found_exactly(chosen_accounts):
    rows = chosen_accounts(90, 5)
    line = 3 + rows.covariates @ [1.0, 2.0, 3.0] + 4 * rows.treated
    assert entropy_balanced(replace(rows, outcome=line)).value == pytest.approx(4)
