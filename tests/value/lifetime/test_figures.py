"""What is drawn is what the frame says; the axes given are those drawn on; the theme stays."""

from __future__ import annotations

from collections.abc import Iterator

import matplotlib as mpl
import matplotlib.pyplot as plt
import pandas as pd
import pytest

from kamlib.glossary import Style, columns
from kamlib.value.lifetime import figures

STYLE = Style("en", "EUR")
VALUES = pd.DataFrame(
    {"account_id": ["a", "b"], "name": [None, "<b>$x$"], "clv": [50.0, -3.0],
     "clv_low": [10.0, -5.0], "clv_high": [90.0, 1.0], "conf_level": 0.9}
)  # fmt: skip
PATH = pd.DataFrame(
    {"month": pd.to_datetime(["2025-01-31", "2025-02-28"]), "expected_revenue": [90.0, 210.0],
     "revenue": [100.0, 200.0]}
)  # fmt: skip
CLASSES = pd.DataFrame(
    {"activity_class": ["1", "2–3"], "n_accounts": [1200, 3], "expected_mean": [0.5, 2.0],
     "actual_mean": [0.4, 2.5]}
)  # fmt: skip
ALL = [
    (figures.plot_values, VALUES), (figures.plot_holdout_path, PATH),
    (figures.plot_holdout_classes, CLASSES),
]  # fmt: skip


@pytest.fixture(autouse=True)
def _leave_the_theme_alone() -> Iterator[None]:
    before = dict(mpl.rcParams)
    yield
    plt.close("all")
    assert dict(mpl.rcParams) == before


@pytest.mark.parametrize(("plot", "frame"), ALL)
@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_plot_draws_on_the_axes_it_is_given(plot, frame, language):
    before = frame.copy()
    ax = plt.subplots()[1]
    assert plot(frame, ax=ax, style=Style(language, "EUR")) is ax
    assert ax.get_xlabel() or ax.get_ylabel()
    pd.testing.assert_frame_equal(frame, before)


@pytest.mark.parametrize(("plot", "frame"), ALL)
def test_frames_hold_glossary_columns_only(plot, frame):
    assert set(frame.columns) <= set(columns())


def test_values_are_dots_with_their_intervals_and_names_as_they_are():
    ax = figures.plot_values(VALUES, style=STYLE)
    assert ax.lines[0].get_xdata().tolist() == [50, -3]
    bars = [segment[:, 0].tolist() for segment in ax.collections[0].get_segments()]
    assert bars == [[10, 90], [-5, 1]]
    assert [t.get_text() for t in ax.get_yticklabels()] == ["a", "<b>$x$"]
    assert "90" in ax.get_xlabel()
    assert "n = 2" in ax.get_xlabel()


def test_lines_are_what_came_and_what_was_expected():
    came, expected = figures.plot_holdout_path(PATH, style=STYLE).lines[:2]
    assert came.get_ydata().tolist() == [100, 200]
    assert expected.get_ydata().tolist() == [90, 210]


def test_bars_stand_side_by_side_with_the_number_of_accounts():
    ax = figures.plot_holdout_classes(CLASSES, style=STYLE)
    assert [bar.get_height() for bar in ax.patches] == [0.4, 2.5, 0.5, 2.0]
    assert [t.get_text() for t in ax.get_xticklabels()] == ["1\nn = 1,200", "2–3\nn = 3"]
