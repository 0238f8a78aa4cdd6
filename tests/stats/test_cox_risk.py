"""Sums over risk sets against the definition: stratum by stratum, moment by moment."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kamlib.stats.cox_data import cox_data
from kamlib.stats.cox_risk import grouped, risk_sets


@st.composite
def samples(draw):
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    n = draw(st.integers(1, 40))
    entry = rng.integers(0, 6, n).astype(float)
    # one moment at a time, several, or a mixture
    span = {"months": 1, "long": rng.integers(2, 7, n), "mixed": rng.integers(1, 4, n)}[
        draw(st.sampled_from(["months", "long", "mixed"]))
    ]
    more = {}
    if draw(st.booleans()):
        more["entry"] = entry
    if draw(st.booleans()):
        more["strata"] = rng.integers(0, 3, n)
    if draw(st.booleans()):
        more["weight"] = rng.integers(0, 3, n)
    return cox_data(rng.normal(size=(n, 2)), entry + span, rng.random(n) < 0.4, names=["a", "b"], **more)  # fmt: skip


@given(samples())
def test_sums_are_those_of_the_definition(data):
    sets = risk_sets(data)
    weight = np.ones(data.n_obs) if data.weight is None else data.weight
    happened = data.event & (weight > 0)
    moments = sorted(set(zip(data.stratum[happened], data.exit[happened], strict=True)))
    assert list(zip(sets.stratum, sets.time, strict=True)) == moments
    values = np.abs(data.covariates[:, 0])[sets.rows]
    columns = data.covariates[sets.rows]
    sums, tables = sets.sums(values), sets.sums(values, columns)
    for j, (stratum, time) in enumerate(moments):
        there = (data.stratum == stratum) & (data.entry < time) & (data.exit >= time) & (weight > 0)
        mine = there[sets.rows]
        assert there.sum() == mine.sum()
        assert sums[j] == pytest.approx(values[mine].sum(), abs=1e-12)
        assert tables[j] == pytest.approx(values[mine] @ columns[mine], abs=1e-12)
        assert (sets.at == j).sum() == (happened & there & (data.exit == time)).sum()


def test_account_months_are_added_and_never_subtracted():
    # a row of 1e16 beside rows of 1: a difference would lose the ones
    entry = np.repeat([0.0, 1.0, 2.0], 2)
    data = cox_data(np.empty((6, 0)), entry + 1, [1, 0] * 3, names=[], entry=entry)
    sums = risk_sets(data).sums(np.array([1.0, 2.0, 1e16, 1e16, 3.0, 4.0]))
    assert sums.tolist() == [3.0, 2e16, 7.0]


def test_times_that_differ_by_rounding_are_one():
    data = cox_data(np.empty((3, 0)), [0.1 + 0.2, 0.3, 1], [1, 1, 0], names=[], entry=[0, 0, 0.3])
    sets = risk_sets(data)
    assert len(sets.time) == 1
    # the third row enters at that time and is not at risk then
    assert sets.rows.tolist() == [0, 1]


def test_no_event_gives_no_moment():
    sets = risk_sets(cox_data(np.ones((3, 1)), [1, 2, 3], [0, 0, 0], names=["x"]))
    assert (sets.size, len(sets.rows), len(sets.event)) == (0, 0, 0)


def test_grouped_sums():
    code = np.array([1, 0, 1], dtype=np.int32)
    columns = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    values = np.array([1.0, 10.0, 100.0])
    assert grouped(code, values, None, 3).tolist() == [10.0, 101.0, 0.0]
    assert grouped(code, values, columns, 2).tolist() == [[30.0, 40.0], [501.0, 602.0]]
    only = np.array([True, True, False])
    assert grouped(code, values, columns, 2, only=only).tolist() == [[30.0, 40.0], [1.0, 2.0]]
