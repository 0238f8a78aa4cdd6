"""What is drawn is what the frame says; the axes given are those drawn on; the theme stays."""

from __future__ import annotations

from collections.abc import Iterator

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from kamlib.glossary import Style
from kamlib.loyalty.indicators import figures
from kamlib.loyalty.indicators.foretold import foretold
from kamlib.loyalty.indicators.matrix import CLASSES, matrix
from kamlib.loyalty.indicators.over_time import over_time

DAY = pd.Timestamp("2024-12-31")
ZH = Style("zh", "CNY")
PLOTS = (
    "plot_indicators",
    "plot_matrix",
    "plot_over_time",
    "plot_classes_over_time",
    "plot_foretold",
)


@pytest.fixture(autouse=True)
def _leave_the_theme_alone() -> Iterator[None]:
    before = dict(mpl.rcParams)
    yield
    plt.close("all")
    assert dict(mpl.rcParams) == before


@pytest.fixture
def frames(people) -> dict[str, pd.DataFrame]:
    rows = people(60)
    indicators = pd.DataFrame(
        {"indicator": ["regularity", "behaviour", "persistence"], "n_accounts": [9, 8, 0],
         "score_mean": [40.0, 50.0, np.nan], "score_low": [20.0, 45.0, np.nan],
         "score_high": [60.0, 55.0, np.nan]}
    )  # fmt: skip
    outcome = rows[["account_id", "evaluated_on"]].assign(
        still_buying=(np.arange(len(rows)) % 4 > 0).astype(float)
    )
    quarters = over_time(rows).frame
    found = foretold(rows, outcome, rng=np.random.default_rng(1), draws=20)
    return dict(
        zip(
            PLOTS,
            (indicators, matrix(rows, DAY).frame, quarters, quarters, found.frame),
            strict=True,
        )
    )


@pytest.mark.parametrize("name", PLOTS)
@pytest.mark.parametrize("style", [Style("en", "EUR"), ZH])
def test_draws_on_the_axes_given_with_labels_and_n(frames, name, style):
    ax = plt.subplots()[1]
    before = frames[name].copy()
    assert getattr(figures, name)(frames[name], ax=ax, style=style) is ax
    assert ax.get_xlabel()
    words = " ".join([ax.get_xlabel(), *(tick.get_text() for tick in ax.get_yticklabels())])
    assert "n = " in words
    assert ax.get_legend() is not None
    pd.testing.assert_frame_equal(frames[name], before)


def test_the_mean_is_where_the_frame_says(frames):
    ax = figures.plot_indicators(frames["plot_indicators"])
    points = next(line for line in ax.lines if line.get_marker() == "o")
    # what is unknown is not drawn
    assert points.get_xdata().tolist() == [40.0, 50.0]
    assert ax.get_yticklabels()[0].get_text() == "Regularity (n = 9)"


def test_bars_stack_to_one(frames):
    frame = frames["plot_matrix"]
    ax = figures.plot_matrix(frame)
    n = frame["group"].nunique()
    bars = ax.patches
    assert len(bars) == n * len(CLASSES)
    assert sum(bar.get_width() for bar in bars) == pytest.approx(n)
    first = frame[frame["loyalty_class"] == CLASSES[0]]["class_share"].tolist()
    assert [bar.get_width() for bar in bars[:n]] == pytest.approx(first)


def test_time_runs_along_the_dates(frames):
    frame = frames["plot_over_time"]
    ax = figures.plot_over_time(frame)
    assert ax.lines[0].get_ydata().tolist() == frame["behaviour"].tolist()
    shares = figures.plot_classes_over_time(frame).lines
    assert shares[0].get_ydata().tolist() == frame["share_true"].tolist()


def test_a_coin_is_marked(frames):
    frame = frames["plot_foretold"]
    ax = figures.plot_foretold(frame)
    assert ax.lines[0].get_xdata() == [0.5, 0.5]
    marks = next(line for line in ax.lines if line.get_marker() == "x")
    known = frame[frame["told_apart"].notna()]
    np.testing.assert_array_equal(marks.get_xdata(), known["told_before"])
