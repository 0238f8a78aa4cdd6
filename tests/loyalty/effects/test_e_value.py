from __future__ import annotations

import numpy as np
import pytest

from kamlib.errors import FitError
from kamlib.glossary import columns
from kamlib.loyalty.effects.e_value import e_value, e_values, ratio_of_hazards, ratio_of_means


def test_published(reference, printed):
    told = reference["e_value"]
    for ratio, expected in told["ratios"]:
        assert e_value(ratio) == printed(expected)
    hazard, as_ratio, expected = told["hazard"]
    assert [ratio_of_hazards(hazard), e_value(ratio_of_hazards(hazard))] == printed(
        [as_ratio, expected]
    )
    means, as_ratio, expected = told["means"]
    assert [ratio_of_means(means), e_value(ratio_of_means(means))] == printed([as_ratio, expected])


def test_a_ratio_of_one_needs_no_cause():
    assert e_value(1.0) == 1.0
    assert e_value(1 / 1.7) == pytest.approx(e_value(1.7))
    with pytest.raises(FitError, match="above 0"):
        e_value(0.0)


@pytest.mark.parametrize(
    ("ratio", "low", "high", "limit"),
    [(1.8, 1.2, 2.7, 1.689898), (1.8, 0.9, 2.7, 1.0), (0.6, 0.45, 0.8, 1.809017),
     (0.6, 0.3, 1.1, 1.0), (1.8, 1.2, np.nan, 1.689898)],
)  # fmt: skip
def test_the_limit_next_to_one(ratio, low, high, limit):
    found = e_values("stay", ratio=ratio, low=low, high=high, n_obs=150)
    assert set(found.frame) <= set(columns())
    assert found.frame["e_value_limit"].item() == pytest.approx(limit, abs=1e-6)
    assert ("doubtful without any" in str(found.note)) == (limit == 1.0)


@pytest.mark.parametrize("ratio", [0.0, np.nan])
def test_no_ratio(ratio):
    assert e_values("stay", ratio=ratio, low=0.0, high=1.0, n_obs=20).refused
