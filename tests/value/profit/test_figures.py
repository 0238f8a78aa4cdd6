"""What is drawn is what the frame says; the axes given are those drawn on; the theme stays."""

from __future__ import annotations

from collections.abc import Iterator

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from kamlib.glossary import Style, columns
from kamlib.value.collection import figures as collection_figures
from kamlib.value.dependence import figures as dependence_figures
from kamlib.value.profit import figures
from kamlib.value.profit.loss_makers import LOSES, MAY_LOSE

STYLE = Style("en", "EUR")


@pytest.fixture(autouse=True)
def _leave_the_theme_alone() -> Iterator[None]:
    before = dict(mpl.rcParams)
    yield
    plt.close("all")
    assert dict(mpl.rcParams) == before


BRIDGE = pd.DataFrame(
    {"term": ["the year before", "volume_effect", "mix_effect", "price_effect", "this year"],
     "bridge_revenue": [100.0, 30.0, 0.0, -10.0, 120.0]}
)  # fmt: skip
LOSSES = pd.DataFrame(
    {"account_id": ["a", "b"], "name": [None, "<b>$x$"], "verdict": [LOSES, MAY_LOSE],
     "contribution": [-9.0, -2.0], "contribution_low": [-12.0, np.nan],
     "contribution_high": [-6.0, np.nan], "conf_level": 0.9}
)  # fmt: skip
TENURE = pd.DataFrame(
    {"tenure_years": [0, 1, 2], "n_accounts": [30, 20, 10], "pooled_rate": [0.05, 0.06, 0.07],
     "within_rate": [0.06, 0.05, 0.04], "rate_low": 0.03, "rate_high": 0.08, "conf_level": 0.95}
)  # fmt: skip
AGES = pd.DataFrame(
    {"bucket": ["not_due", "days_1_30"], "open_balance": [70.0, 30.0], "share_open": [0.7, 0.3],
     "n_accounts": [4, 2]}
)  # fmt: skip
LATE = pd.DataFrame(
    {"is_disputed": [False, False, True], "days_overdue": [-2, 5, 40],
     "share_unpaid": [0.5, 0.1, 0.0], "unpaid_low": 0.0, "unpaid_high": 0.6, "conf_level": 0.95,
     "n_risk": [20, 10, 7], "n_event": 1, "n_censor": 0}
)  # fmt: skip
RATES = pd.DataFrame(
    {"evaluated_on": pd.date_range("2024-03-31", periods=3, freq="QE"),
     "cash_rate": [0.9, 1.1, 1.0], "due_rate": [0.8, 0.9, 0.95]}
)  # fmt: skip
HISTORY = pd.DataFrame(
    {"evaluated_on": RATES["evaluated_on"], "n_accounts": [5, 6, 7], "largest_share": 0.3,
     "top_share_revenue": [0.6, 0.7, 0.8], "largest_manager_share": np.nan}
)  # fmt: skip
ALL = [
    (figures.plot_bridge, BRIDGE), (figures.plot_loss_makers, LOSSES),
    (figures.plot_cost_by_tenure, TENURE), (collection_figures.plot_ageing, AGES),
    (collection_figures.plot_days_overdue, LATE), (collection_figures.plot_collection, RATES),
    (dependence_figures.plot_history, HISTORY),
]  # fmt: skip


@pytest.mark.parametrize(("plot", "frame"), ALL)
@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_plot_draws_on_the_axes_it_is_given(plot, frame, language):
    before = frame.copy()
    ax = plt.subplots()[1]
    assert plot(frame, ax=ax, style=Style(language, "EUR")) is ax
    assert ax.get_xlabel() or ax.get_ylabel() or ax.get_legend()
    pd.testing.assert_frame_equal(frame, before)


@pytest.mark.parametrize(("plot", "frame"), ALL)
def test_frames_hold_glossary_columns_only(plot, frame):
    assert set(frame.columns) <= set(columns())


def test_bridge_is_a_staircase_without_empty_steps():
    ax = figures.plot_bridge(BRIDGE, style=STYLE)
    bars = [(bar.get_x(), bar.get_width()) for bar in ax.patches]
    assert bars == [(0, 100), (100, 30), (130, -10), (0, 120)]
    assert [t.get_text() for t in ax.get_yticklabels()] == [
        "the year before", "Volume", "Price", "this year"
    ]  # fmt: skip


def test_sure_losses_have_their_colour_whoever_is_there():
    ax = figures.plot_loss_makers(LOSSES.tail(1), style=STYLE)
    [line] = [line for line in ax.lines if line.get_marker() == "o"]
    assert line.get_color() == figures.MUTED
    ax = figures.plot_loss_makers(LOSSES, style=STYLE)
    assert ax.lines[0].get_color() == figures.LOSS
    assert [t.get_text() for t in ax.get_yticklabels()] == ["a", "<b>$x$"]
    assert "90" in ax.get_xlabel()


def test_lines_are_the_frames():
    ax = figures.plot_cost_by_tenure(TENURE, style=STYLE)
    assert ax.lines[0].get_ydata().tolist() == [0.06, 0.05, 0.04]
    assert "n = 10–30" in ax.get_xlabel()
    ax = collection_figures.plot_days_overdue(LATE, style=STYLE)
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert labels == ["not disputed (n = 20)", "disputed (n = 7)"]
    ax = dependence_figures.plot_history(HISTORY, style=STYLE)
    assert len(ax.lines) == 2  # nobody knows the managers
    ax = collection_figures.plot_collection(RATES, style=STYLE)
    assert ax.lines[0].get_ydata().tolist() == [0.9, 1.1, 1.0]


def test_ages_are_bars_with_shares():
    ax = collection_figures.plot_ageing(AGES, style=STYLE)
    assert [bar.get_height() for bar in ax.patches] == [70, 30]
    assert ax.texts[0].get_text().replace("\u00a0", " ") == "70.0 %\nn = 4"
