"""What is drawn is what the frame says; the axes given are those drawn on; the theme stays."""

from __future__ import annotations

from collections.abc import Iterator

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from kamlib.churn import driver_figures as figures
from kamlib.glossary import Style

ZH = Style("zh", "CNY")


@pytest.fixture(autouse=True)
def _leave_the_theme_alone() -> Iterator[None]:
    before = dict(mpl.rcParams)
    yield
    plt.close("all")
    assert dict(mpl.rcParams) == before


def effects() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "term": ["open_complaints", "tier_in_force", "satisfaction", "complaints_3m"],
            "category": [None, "gold", "unknown", None],
            "base_category": [None, "iron", None, None],
            "months_from": [np.nan, np.nan, np.nan, 12.0],
            "months_to": np.nan,
            "hazard_ratio": [2.0, 0.7, 1.1, 40.0],
            "ratio_low": [1.5, 0.4, 0.9, 1.1],
            "ratio_high": [2.7, 1.2, 1.3, 900.0],
            "n_event": [20, 40, 90, 90],
            "conf_level": 0.95,
        }
    )


def lists() -> pd.DataFrame:
    rows = [
        (ranking, k, "value_captured", None, share, share - 0.1, share + 0.1, 0.95)
        for k, part in ((20, 1.0), (60, 1.5))
        for ranking, share in (("chance × value", 0.3 * part), ("chance", 0.1 * part),
                               ("revenue", 0.25 * part), ("drop of revenue", 0.2 * part))
    ]  # fmt: skip
    rows += [("chance", 20, "precision", None, 0.5, 0.4, 0.6, 0.95),
             ("chance", 20, "value_captured", "revenue", 0.1, 0.0, 0.2, 0.95)]  # fmt: skip
    columns = ["ranking", "listed", "term", "against", "estimate", "conf_low", "conf_high",
               "conf_level"]  # fmt: skip
    return pd.DataFrame(rows, columns=columns)


def tiers() -> pd.DataFrame:
    return pd.DataFrame({"group": ["all accounts", "gold", "iron"], "n_obs": [30, 10, 20],
                         "expected": [0.2, 0.1, 0.25], "observed": [0.25, np.nan, 0.3],
                         "observed_low": [0.1, np.nan, 0.2], "observed_high": [0.4, np.nan, 0.5],
                         "conf_level": 0.9})  # fmt: skip


def watched() -> pd.DataFrame:
    return pd.DataFrame({"account_id": ["a", "b", "c"], "name": ["$Alpha$", None, "丙公司"],
                         "tier_in_force": ["platinum", None, "iron"], "p_leave": [0.1, 0.5, 0.02],
                         "expected_loss": [1e6, 2e5, -1e3]})  # fmt: skip


@pytest.mark.parametrize(
    ("plot", "frame"),
    [
        (figures.plot_forest, effects()),
        (figures.plot_captured, lists()),
        (figures.plot_calibration_by_tier, tiers()),
        (figures.plot_watchlist, watched()),
    ],
)
def test_every_plot_draws_on_the_axes_it_is_given(plot, frame):
    _, ax = plt.subplots()
    before = frame.copy()
    assert plot(frame, ax=ax, style=ZH) is ax
    assert ax.has_data()
    pd.testing.assert_frame_equal(frame, before)
    assert plot(frame).figure is not ax.figure


def test_calibration_draws_expected_beside_observed():
    ax = figures.plot_calibration_by_tier(tiers())
    diamonds = next(line for line in ax.lines if line.get_marker() == "D")
    assert list(diamonds.get_xdata()) == [0.2, 0.1, 0.25]
    assert [bar.get_width() for bar in ax.patches][::2] == [0.25, 0.3]
    assert "gold (n = 10)" in [text.get_text() for text in ax.get_yticklabels()]
