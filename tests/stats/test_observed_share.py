"""The observed share of a group at a horizon."""

from __future__ import annotations

import numpy as np
import pytest

from kamlib.errors import FitError
from kamlib.stats.kaplan_meier import at_times, kaplan_meier
from kamlib.stats.observed_share import observed_share


def test_one_kind_is_one_less_kaplan_meier():
    rng = np.random.default_rng(1)
    exit_, event = rng.integers(1, 13, 80), rng.integers(0, 2, 80)
    row = at_times(kaplan_meier(exit_, event, conf_level=0.9), [6]).iloc[0]
    found = observed_share(exit_, event, 6, 0.9)
    assert found.share == pytest.approx(1 - row["estimate"])
    assert found.std_error == pytest.approx(row["std_error"])
    assert [found.low, found.high] == pytest.approx([1 - row["conf_high"], 1 - row["conf_low"]])
    assert found.n_event == ((exit_ <= 6) & (event == 1)).sum()


def test_other_ends_rule_the_event_out():
    # of 4 one left, one went bankrupt: 1/4, where it would be 1/3 with the second as censored
    found = observed_share([1, 1, 3, 3], [1, 2, 0, 0], 2, 0.95)
    assert found.share == pytest.approx(0.25)


def test_none_and_all_have_wilsons_interval():
    # 0 of 20: 0 to 0.1611 (Newcombe 1998)
    none = observed_share([5] * 20, [0] * 20, 5, 0.95)
    assert [none.share, none.std_error, none.low] == [0.0, 0.0, 0.0]
    assert none.high == pytest.approx(0.1611, abs=5e-5)
    every = observed_share([5] * 20, [1] * 20, 5, 0.95)
    assert [every.share, every.high] == [1.0, 1.0]
    assert every.low == pytest.approx(1 - 0.1611, abs=5e-5)


def test_who_was_not_followed_so_far_does_not_count_towards_none():
    few = observed_share([1] * 10 + [5] * 10, [0] * 20, 5, 0.95)
    ten = observed_share([5] * 10, [0] * 10, 5, 0.95)
    assert few.high == ten.high


def test_unknown_where_nobody_was_followed_so_far():
    found = observed_share([1, 2], [1, 0], 3, 0.95)
    assert np.isnan([found.share, found.std_error, found.low, found.high]).all()
    # but known where none was left by then
    assert observed_share([1, 2], [1, 1], 3, 0.95).share == 1.0


def test_empty():
    with pytest.raises(FitError, match="there is no row"):
        observed_share([], [], 1, 0.95)
