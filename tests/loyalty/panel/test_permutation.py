from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from kamlib.errors import FitError
from kamlib.loyalty.panel.grid import panel_of
from kamlib.loyalty.panel.imputation import imputation
from kamlib.loyalty.panel.permutation import permutation_p_value


def test_chance_alone_and_an_effect(fixture_panel):
    rng = np.random.default_rng(9)
    assert permutation_p_value(fixture_panel, imputation, draws=99, rng=rng) == 0.01
    nothing = replace(fixture_panel, outcome=fixture_panel.outcome - 0.6394 * fixture_panel.after)
    assert permutation_p_value(nothing, imputation, draws=99, rng=rng) > 0.3


def test_clusters_that_start_at_different_times_are_refused(fixture_rows):
    mixed = panel_of(fixture_rows.assign(parent=fixture_rows["unit"] % 6), cluster="parent")
    with pytest.raises(FitError, match="6 clusters hold units that start at different times"):
        permutation_p_value(mixed, imputation, draws=9, rng=np.random.default_rng(1))


def test_an_effect_without_error_is_refused(fixture_panel):
    flat = replace(fixture_panel, outcome=np.zeros_like(fixture_panel.outcome))
    with pytest.raises(FitError, match="no error"):
        permutation_p_value(flat, imputation, draws=9, rng=np.random.default_rng(1))
