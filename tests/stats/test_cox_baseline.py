"""The baseline hazard against Kaplan–Meier-like counts and by its own scaling."""

from __future__ import annotations

import numpy as np
import pytest

from kamlib.stats.cox import fit_cox
from kamlib.stats.cox_baseline import baseline
from kamlib.stats.cox_data import cox_data


def test_at_no_effect_it_is_nelson_aalen_of_each_stratum():
    # stratum a: (0, 2] with the event, (1, 3] without, (0, 3] with; at 2 three at risk, at 3 two
    # stratum b: two events at 1 among three: Breslow 2 ÷ 3, Efron 1 ÷ 3 + 1 ÷ 2
    data = cox_data(
        np.empty((6, 0)), [2, 3, 3, 1, 1, 4], [1, 0, 1, 1, 1, 0], names=[],
        entry=[0, 1, 0, 0, 0, 0], strata=list("aaabbb"),
    )  # fmt: skip
    efron = baseline(data, np.empty(0))
    breslow = baseline(data, np.empty(0), ties="breslow")
    assert efron.strata == ("a", "b")
    assert efron.stratum.tolist() == [0, 0, 1]
    assert efron.time.tolist() == [2, 3, 1]
    assert efron.n_risk.tolist() == [3, 2, 3]
    assert efron.n_event.tolist() == [1, 1, 2]
    assert efron.end.tolist() == [3, 4]
    assert efron.hazard == pytest.approx([1 / 3, 1 / 2, 1 / 3 + 1 / 2])
    assert breslow.hazard == pytest.approx([1 / 3, 1 / 2, 2 / 3])
    assert efron.variance == pytest.approx([1 / 9, 1 / 4, 1 / 9 + 1 / 4])
    assert breslow.variance == pytest.approx([1 / 9, 1 / 4, 2 / 9])


def test_late_entry_is_not_ignored():
    # 0.5 among the two that are there, not 1 ÷ 4 among all who ever were
    data = cox_data(np.empty((4, 0)), [2, 9, 9, 9], [1, 0, 0, 0], names=[], entry=[0, 0, 5, 5])
    assert baseline(data, np.empty(0)).hazard.tolist() == [0.5]


def test_expected_events_are_those_seen():
    rng = np.random.default_rng(1)
    x = rng.normal(size=(200, 2)) * [1, 50] + [3, 1000]
    entry = rng.integers(0, 4, 200).astype(float)
    exit_ = entry + rng.integers(1, 9, 200)
    data = cox_data(x, exit_, rng.random(200) < 0.4, names=["a", "b"], entry=entry)
    fit = fit_cox(data, ties="breslow")
    ratio = np.exp((x - fit.baseline.centre[0]) @ fit.coefficients)
    at_risk = (entry[:, None] < fit.baseline.time) & (exit_[:, None] >= fit.baseline.time)
    assert ratio @ at_risk * fit.baseline.hazard == pytest.approx(fit.baseline.n_event)
    mean = (ratio[:, None] * (x - fit.baseline.centre[0])).T @ at_risk / (ratio @ at_risk)
    assert fit.baseline.slope == pytest.approx((mean * fit.baseline.hazard).T, abs=1e-9)


def test_a_baseline_is_of_offset_zero():
    rng = np.random.default_rng(2)
    exit_, event = rng.integers(1, 9, 100), rng.random(100) < 0.5
    plain = baseline(cox_data(np.empty((100, 0)), exit_, event, names=[]), np.empty(0))
    moved = cox_data(np.empty((100, 0)), exit_, event, names=[], offset=np.full(100, 2.0))
    found = baseline(moved, np.empty(0))
    assert found.hazard == pytest.approx(plain.hazard * np.exp(-2))
    assert found.variance == pytest.approx(plain.variance * np.exp(-4))


def test_no_event_is_no_step():
    base = baseline(cox_data(np.ones((3, 1)), [1, 2, 3], [0, 0, 0], names=["x"]), np.zeros(1))
    assert len(base.time) == len(base.hazard) == len(base.slope) == 0
    assert base.end.tolist() == [3]
