"""The simulated trial: the same from the same seed, and true to what its docstring says."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from kamlib.book.layouts import MAILING
from kamlib.book.simulate import mailing
from kamlib.book.simulate.mailing import ARMS, TRUTH, simulate_mailing, true_effect


def test_the_same_seed_gives_the_same_record(tmp_path):
    record = simulate_mailing()
    pd.testing.assert_frame_equal(record, simulate_mailing())
    assert not record.equals(simulate_mailing(seed=1))
    assert record["customer"].is_unique
    assert record["arm"].value_counts().to_dict() == dict.fromkeys(ARMS, 4000)
    MAILING.check(record.columns, "the demo")
    assert {MAILING.control, *MAILING.arms} == set(ARMS)
    first = mailing.write_mailing(tmp_path)
    assert first == mailing.write_mailing(tmp_path)
    assert [path.name for path in first.parent.iterdir()] == ["customers.parquet"]
    assert pq.read_table(first).num_rows == 12_000


def test_the_docstring_states_the_truth():
    for value in TRUTH.values():
        assert f"{value:.2f}" in mailing.__doc__
    for arm, way in (("catalogue", None), ("catalogue", "phone"), ("catalogue", "web"),
                     ("catalogue and call", None)):  # fmt: skip
        assert f"{true_effect(arm, way):.2f}" in mailing.__doc__


def test_the_planted_lifts_are_found_in_a_large_record():
    record = simulate_mailing(n=240_000, seed=3)
    sizes = record.groupby(["arm", "orders_by"])["ordered"].agg(["mean", "size"])
    # 0.10, and 0.10 more for one half of the months, without any offer
    base = 0.15
    for (arm, way), found in sizes.iterrows():
        lift = 0.0 if arm == "nothing" else TRUTH["call"] if arm == ARMS[2] else TRUTH[way]
        error = np.sqrt((base + lift) * (1 - base - lift) / found["size"])
        assert abs(found["mean"] - base - lift) < 4 * error, (arm, way)
    mean = record.groupby("arm")["revenue_8_weeks"].mean()
    # 80,000 customers to an arm, standard deviation about 95: an error of a difference of 0.48
    for arm in ARMS[1:]:
        assert mean[arm] - mean["nothing"] == pytest.approx(true_effect(arm), abs=4 * 0.48)
    # its past foretells what a customer brings
    assert record["revenue_8_weeks"].corr(record["revenue_last_year"]) > 0.1
