from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from kamlib.glossary import columns
from kamlib.loyalty.effects.effect import Effect
from kamlib.loyalty.effects.overlap import balance, effective_size, overlap, overlap_checks
from kamlib.loyalty.effects.randomised import difference_in_means
from kamlib.loyalty.effects.sample import sample
from kamlib.loyalty.effects.weighting import weighted


def test_effective_size_of_equal_weights_is_their_number():
    assert effective_size(np.full(7, 0.3)) == pytest.approx(7)
    assert effective_size(np.array([1.0, 0.0, 0.0])) == pytest.approx(1)


def test_differences_by_hand():
    rows = pd.DataFrame({"margin": 1.0, "member": [1, 1, 0, 0], "size": [4.0, 6.0, 1.0, 5.0],
                         "same": 0.1})  # fmt: skip
    rows = sample(rows, "margin", "member", ["size", "same"])
    found = balance(rows, np.array([0.5, 0.5, 0.25, 0.75]))
    # means 5 and 3, after 5 and 4; variances 1 and 4: spread √2.5
    assert found["smd_before"].tolist() == pytest.approx([2 / np.sqrt(2.5), 0])
    assert found["smd_after"].tolist() == pytest.approx([1 / np.sqrt(2.5), 0])
    assert found["mean_control"].tolist() == pytest.approx([4, 0.1])


def test_arms_without_spread_that_differ_are_infinitely_apart():
    rows = pd.DataFrame({"margin": 1.0, "member": [1, 1, 0, 0], "big": [1.0, 1.0, 0.0, 0.0]})
    rows = sample(rows, "margin", "member", ["big"])
    assert np.isinf(balance(rows, None)["smd_before"].item())


def test_what_is_told(chosen_accounts):
    rows = chosen_accounts(600, 1)
    found = overlap(rows, weighted(rows), "margin")
    assert set(found.frame) <= set(columns())
    assert found["ess_treated"] == pytest.approx(rows.n_treated)
    assert found["ess_control"] < rows.n_control
    assert [c.passed for c in found.checks] == [True, True, True]
    assert found.frame["smd_before"].abs().max() > 0.1


def test_weights_that_rest_on_few(cross_section):
    size, weight, alike = overlap_checks(cross_section, weighted(cross_section))
    # eleven accounts' worth (effects_reference.json)
    assert size.passed is False
    assert "worth only 11.4" in str(size.note)
    assert weight.passed is False
    assert alike.passed is False
    assert set(alike.frame) <= set(columns())


def test_without_weights_all_count_alike(chosen_accounts):
    rows = chosen_accounts(200, 2)
    found = overlap(rows, difference_in_means(rows), "margin")
    assert found["ess_control"] == rows.n_control
    assert found.frame["smd_after"].tolist() == found.frame["smd_before"].tolist()
    assert found["largest_weight"] == pytest.approx(1 / min(rows.n_treated, rows.n_control))


def test_no_covariate_is_nothing_to_balance(chosen_accounts):
    rows = replace(chosen_accounts(100, 3), covariates=np.empty((100, 0)), names=())
    checks = overlap_checks(rows, Effect("att", 0.0, 1.0, 9.0, ""))
    assert checks[2].passed
