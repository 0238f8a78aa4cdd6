"""The simulated record of one day: the same from the same seed, and true to what its docstring says."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from kamlib.book.simulate import subscribers
from kamlib.book.simulate.subscribers import TRUTH, remaining, simulate_subscribers


def test_the_same_seed_gives_the_same_record(tmp_path):
    record = simulate_subscribers()
    pd.testing.assert_frame_equal(record, simulate_subscribers())
    assert not record.equals(simulate_subscribers(seed=1))
    assert record["subscriber"].is_unique
    assert len(record) == subscribers.N_SUBSCRIBERS == 3000
    first = subscribers.write_subscribers(tmp_path)
    assert first == subscribers.write_subscribers(tmp_path)
    assert [path.name for path in first.parent.iterdir()] == ["customers.parquet"]
    assert pq.read_table(first).num_rows == 3000


def test_the_docstring_states_the_truth():
    for value in TRUTH.values():
        assert f"{value:.2f}" in subscribers.__doc__


def test_the_share_that_remains_is_that_of_a_mixture():
    # by hand: 0.4 · 0.5 · 0.5 of all have every trait that lowers the hazard, and so on
    by_hand = sum(
        a * b * c * np.exp(-10 * 0.1 * x * y * z)
        for a, x in ((0.4, 0.4), (0.6, 1)) for b, y in ((0.5, 0.6), (0.5, 1))
        for c, z in ((0.5, 0.7), (0.5, 1))
    )  # fmt: skip
    assert remaining(10) == pytest.approx(by_hand)


def test_the_planted_hazard_is_found_where_nothing_else_varies():
    record = simulate_subscribers(n=40_000, seed=3)
    plain = record[(record["contract"] == "Month-to-month") & (record["internet"] == "Fiber optic")
                   & (record["support"] == "No")]  # fmt: skip
    share = (plain["left"] == "Yes").mean()
    # within four standard errors of 1 - exp(-0.1) = 0.0952, whatever the age
    assert abs(share - (1 - np.exp(-TRUTH["rate"]))) < 4 * np.sqrt(0.0952 * 0.9048 / len(plain))
    # the loyal are over-represented among the old
    yearly = record["contract"].eq("One year").groupby(record["months"] > 24).mean()
    assert yearly[True] > yearly[False] + 0.1
