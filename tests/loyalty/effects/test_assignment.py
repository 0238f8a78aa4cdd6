from __future__ import annotations

import pytest
from scipy import stats

from kamlib.errors import FitError
from kamlib.glossary import columns
from kamlib.loyalty.effects.assignment import sample_ratio


def test_against_scipy():
    found = sample_ratio({"a": 120, "b": 90, "c": 95}, {"a": 0.4, "b": 0.3, "c": 0.3}, name="arms")
    other = stats.chisquare([120, 90, 95], [122, 91.5, 91.5])
    assert found["statistic"] == pytest.approx(other.statistic)
    assert found["p_value"] == pytest.approx(other.pvalue)
    assert set(found.frame) <= set(columns())
    assert found.frame["n_expected"].tolist() == pytest.approx([122, 91.5, 91.5])


def test_arms_that_are_not_as_planned():
    found = sample_ratio({"with": 600, "without": 400}, name="arms")
    assert found.checks[0].passed is False
    assert "something other than chance" in str(found.note)


@pytest.mark.parametrize(
    ("counts", "planned"),
    [({"a": 10}, None), ({"a": 0, "b": 0}, None), ({"a": 5, "b": 5}, {"a": 1.0}),
     ({"a": 5, "b": 5}, {"a": 0.5, "b": 0.6}), ({"a": 5, "b": 5}, {"a": 1.0, "b": 0.0})],
)  # fmt: skip
def test_plans_that_do_not_fit(counts, planned):
    with pytest.raises(FitError):
        sample_ratio(counts, planned, name="arms")
