from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from kamlib.loyalty.effects.randomised import difference_in_means
from kamlib.loyalty.effects.resample import redrawn
from kamlib.loyalty.effects.sample import sample

ROWS = pd.DataFrame(
    {"margin": np.arange(24.0) % 5, "member": np.arange(24) % 4 == 0, "parent": np.arange(24) // 4}
)


def test_arms_keep_their_sizes():
    rows = sample(ROWS, "margin", "member")
    sizes, failed = redrawn(rows, lambda s: float(s.n_treated), 20, np.random.default_rng(1))
    assert (set(sizes), failed) == ({6.0}, 0)


def test_groups_are_drawn_whole_and_again_as_others():
    rows = sample(ROWS, "margin", "member", cluster="parent")
    seen = []

    def note(drawn):
        seen.append(drawn)
        return 0.0

    redrawn(rows, note, 20, np.random.default_rng(1))
    for drawn in seen:
        assert drawn.n_clusters == 6
        assert np.bincount(drawn.cluster).tolist() == [4] * 6
        # each group's rows are those of one of the six
        assert all((np.diff(block) % 5 == 1).all() for block in drawn.outcome.reshape(6, 4))


def test_the_spread_of_a_mean():
    # two arms of n accounts with variance v: v (n − 1) ÷ n, as the bootstrap divides by n
    rng = np.random.default_rng(4)
    rows = pd.DataFrame({"margin": rng.normal(size=80), "member": np.arange(80) < 40})
    rows = sample(rows, "margin", "member")
    values, _ = redrawn(rows, lambda s: difference_in_means(s).value, 2000, rng)
    expected = difference_in_means(rows).std_error * np.sqrt(39 / 40)
    # 2,000 draws know an error to 1.6 %
    assert values.std() == pytest.approx(expected, rel=0.06)


def test_the_same_source_draws_the_same():
    rows = sample(ROWS, "margin", "member")
    one, two = (
        redrawn(rows, lambda s: s.outcome.mean(), 5, np.random.default_rng(9))[0] for _ in range(2)
    )
    assert one.tolist() == two.tolist()
