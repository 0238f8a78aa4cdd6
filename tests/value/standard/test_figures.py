"""What is drawn is what the frame says; the axes given are those drawn on; the theme stays."""

from __future__ import annotations

from collections.abc import Iterator

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from kamlib.glossary import Style
from kamlib.value.standard import figures
from kamlib.value.standard.migration import migration
from kamlib.value.standard.scorecard import PARTS

ZH = Style("zh", "CNY")


@pytest.fixture(autouse=True)
def _leave_the_theme_alone() -> Iterator[None]:
    before = dict(mpl.rcParams)
    yield
    plt.close("all")
    assert dict(mpl.rcParams) == before


def parts() -> pd.DataFrame:
    frame = pd.DataFrame(
        {"account_id": ["a", "b"], "name": ["$Alpha$", None], "score": [60.0, 40.0]}
    )
    frame = frame.assign(**dict.fromkeys(PARTS, np.nan))
    return frame.assign(part_revenue=[40.0, 40.0], part_credit=[20.0, np.nan])


def moved() -> pd.DataFrame:
    days = pd.to_datetime(["2023-12-31"] * 2 + ["2024-12-31"] * 2)
    rows = pd.DataFrame({"account_id": list("abac"), "evaluated_on": days,
                         "tier": ["iron", "iron", "gold", "lead"]})  # fmt: skip
    return migration(rows, days[0]).frame


def kept() -> pd.DataFrame:
    return pd.DataFrame({"group": ["gold", "all accounts"], "n_accounts": [4, 9], "conf_level": 0.9,
                         "survival": [0.5, 0.7], "share_low": [0.25, 0.6], "share_high": [0.75, 0.8]})  # fmt: skip


def chances() -> pd.DataFrame:
    return pd.DataFrame({"group": ["1", "2"], "n_accounts": [20, 20], "chance": [0.1, 0.4],
                         "rose": [0.0, 0.5], "share_low": [0.0, 0.3], "share_high": [0.16, 0.7],
                         "conf_level": 0.95})  # fmt: skip


@pytest.mark.parametrize(
    ("plot", "frame"),
    [
        (figures.plot_parts, parts()),
        (figures.plot_migration, moved()),
        (figures.plot_survival, kept()),
        (figures.plot_calibration, chances()),
    ],
)
def test_every_plot_draws_on_the_axes_it_is_given(plot, frame):
    _, ax = plt.subplots()
    before = frame.copy()
    assert plot(frame, ax=ax, style=ZH) is ax
    assert ax.has_data()
    pd.testing.assert_frame_equal(frame, before)
    assert plot(frame).figure is not ax.figure


def test_parts_are_stacked_to_the_score():
    ax = figures.plot_parts(parts())
    assert [bar.get_width() for bar in ax.patches] == [40.0, 40.0, 20.0, 0.0]
    assert [bar.get_x() for bar in ax.patches] == [0.0, 0.0, 40.0, 40.0]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["Revenue", "Credit"]
    assert [text.get_text() for text in ax.get_yticklabels()] == ["$Alpha$", "b"]


def test_the_matrix_says_share_and_count():
    ax = figures.plot_migration(moved(), style=ZH)
    said = [text.get_text() for text in ax.texts]
    assert said.count("50.0%\nn = 1") == 2  # of two iron accounts one is gold, one is lost
    assert len(said) == 24  # nobody is new and lost
    assert [text.get_text() for text in ax.get_xticklabels()] == [
        "铂金",
        "黄金",
        "铁",
        "铅",
        "流失",
    ]


def test_calibration_points_and_intervals():
    ax = figures.plot_calibration(chances())
    points = ax.containers[0][0]
    assert points.get_xdata().tolist() == [0.1, 0.4]
    assert points.get_ydata().tolist() == [0.0, 0.5]
    low, high = (ends.get_ydata().tolist() for ends in ax.containers[0][1])
    assert low == [0.0, 0.3]
    assert high == pytest.approx([0.16, 0.7])
    assert "n = 40" in ax.get_xlabel()


def test_survival_bars_carry_their_count():
    ax = figures.plot_survival(kept())
    assert [bar.get_width() for bar in ax.patches] == [0.5, 0.7]
    assert [t.get_text() for t in ax.get_yticklabels()] == ["gold (n = 4)", "all accounts (n = 9)"]
