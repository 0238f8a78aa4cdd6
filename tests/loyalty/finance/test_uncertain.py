from __future__ import annotations

import numpy as np
import pytest

from kamlib.errors import FitError
from kamlib.loyalty.finance.uncertain import Uncertain, draw


@pytest.mark.parametrize(
    "figure",
    [Uncertain(2.0, 0.5), Uncertain(0.3, 0.05, "share"), Uncertain(50.0, 20.0, "amount")],
)
def test_draws_have_the_mean_and_the_error(figure):
    values = draw({"a": figure}, draws=40_000, rng=np.random.default_rng(1))["a"]
    assert values.mean() == pytest.approx(figure.value, abs=4 * figure.error / 200)
    assert values.std() == pytest.approx(figure.error, rel=0.03)
    if figure.law == "share":
        assert 0 < values.min() < values.max() < 1


def test_draws_hang_together_as_told():
    figures = {"a": Uncertain(0, 1), "b": Uncertain(5, 2), "c": Uncertain(0, 1)}
    drawn = draw(figures, draws=20_000, rng=np.random.default_rng(2), correlation={("a", "b"): 0.6})
    found = np.corrcoef([drawn[name] for name in "abc"])
    assert found[0, 1] == pytest.approx(0.6, abs=0.02)
    assert np.abs(found[2, :2]).max() < 0.03


def test_what_is_known_for_sure_does_not_move():
    drawn = draw({"a": Uncertain(3.0)}, draws=5, rng=np.random.default_rng(1))
    assert drawn["a"].tolist() == [3.0] * 5


@pytest.mark.parametrize(
    ("figure", "told"),
    [
        (Uncertain(1.2, 0.1, "share"), "is no share"),
        (Uncertain(0.5, 0.6, "share"), "is no share"),
        (Uncertain(-1.0, 0.1, "amount"), "must be above zero"),
        (Uncertain(1.0, -0.1), "must not be below zero"),
    ],
)
def test_figures_outside_their_law(figure, told):
    with pytest.raises(FitError, match=told):
        draw({"a": figure}, draws=5, rng=np.random.default_rng(1))


def test_correlations_that_cannot_be():
    figures = {name: Uncertain(0, 1) for name in "abc"}
    pairs = {("a", "b"): 0.9, ("b", "c"): 0.9, ("a", "c"): -0.9}
    with pytest.raises(FitError, match="contradict one another"):
        draw(figures, draws=5, rng=np.random.default_rng(1), correlation=pairs)
    with pytest.raises(FitError, match="no figure 'd'"):
        draw(figures, draws=5, rng=np.random.default_rng(1), correlation={("a", "d"): 0.1})
