"""What is drawn is what the frame says; the axes given are those drawn on; the theme stays."""

from __future__ import annotations

from collections.abc import Iterator

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from kamlib.glossary import Style, columns
from kamlib.loyalty import economics_figures as figures

ENDS = pd.to_datetime(["2023-12-31", "2024-12-31"])
WIN = pd.DataFrame(
    {"year_ends_on": ENDS, "n_won": [5, 1], "acquisition_total": [500.0, 90.0],
     "cost_to_win": [100.0, 90.0], "win_low": [80.0, np.nan], "win_high": [130.0, np.nan],
     "conf_level": 0.95}
)  # fmt: skip
KEEP = pd.DataFrame(
    {"year_ends_on": ENDS, "n_bought": [20, 30], "cost_to_keep": [40.0, 50.0],
     "keep_low": [30.0, 45.0], "keep_high": [50.0, 55.0], "conf_level": 0.95}
)  # fmt: skip
RETENTION = pd.DataFrame(
    {"year_ends_on": ENDS, "n_bought": [20, 30], "n_bought_again": [18, 24],
     "retention_rate": [0.9, 0.8], "rate_low": [0.7, 0.6], "rate_high": [0.97, 0.9],
     "conf_level": 0.95}
)  # fmt: skip
FIRST = pd.DataFrame(
    {"came_by": ["referred", "not referred"], "n_first_year": [6, 30],
     "contribution_first_year": [120.0, 90.0], "contribution_low": [60.0, 80.0],
     "contribution_high": [180.0, 100.0], "conf_level": 0.95}
)  # fmt: skip
CELLS = {"tier": ["gold", "iron"], "programme_level": [2, 1], "n_accounts": [40, 60]}
MARGINAL = pd.DataFrame(
    CELLS | {"marginal_gain": [2.5, 0.4], "marginal_low": [1.5, -0.2], "marginal_high": [3.5, 1.0],
             "conf_level": 0.95}
)  # fmt: skip
SPLIT = pd.DataFrame(CELLS | {"spend_now": [100.0, 300.0], "spend": [250.0, 150.0]})
ALL = [
    (figures.plot_win_and_keep, (WIN, KEEP)),
    (figures.plot_retention, (RETENTION,)),
    (figures.plot_first_year, (FIRST,)),
    (figures.plot_marginal_return, (MARGINAL,)),
    (figures.plot_allocation, (SPLIT,)),
]


@pytest.fixture(autouse=True)
def _leave_the_theme_alone() -> Iterator[None]:
    before = dict(mpl.rcParams)
    yield
    plt.close("all")
    assert dict(mpl.rcParams) == before


@pytest.mark.parametrize(("plot", "frames"), ALL)
@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_plot_draws_on_the_axes_it_is_given(plot, frames, language):
    before = [frame.copy() for frame in frames]
    ax = plt.subplots()[1]
    assert plot(*frames, ax=ax, style=Style(language, "EUR")) is ax
    assert ax.get_xlabel()
    assert ax.get_legend() is not None
    for frame, copy in zip(frames, before, strict=True):
        assert set(frame.columns) <= set(columns())
        pd.testing.assert_frame_equal(frame, copy)


def bars(ax):
    """Return the ends of the error bars of each series, in the direction in which they go."""
    return [
        [sorted({tuple(point) for point in segment}) for segment in box[2][0].get_segments()]
        for box in ax.containers
    ]


def test_costs_with_their_intervals():
    ax = figures.plot_win_and_keep(WIN, KEEP, style=Style("en", "EUR"))
    lines = [line.get_ydata().tolist() for line in ax.get_lines() if len(line.get_xdata()) == 2]
    assert [100.0, 90.0] in lines
    assert [40.0, 50.0] in lines
    ends = [[y for _, y in segment] for series in bars(ax) for segment in series]
    # a year without an interval has none drawn
    assert ends == [[80.0, 130.0], [90.0], [30.0, 50.0], [45.0, 55.0]]
    legend = [text.get_text() for text in ax.get_legend().get_texts()]
    assert legend == ["Cost to win an account (n = 6)", "Cost to keep an account a year (n = 50)"]
    assert ax.get_legend().get_title().get_text().endswith("95\u00a0%")
    assert ax.get_ylim()[0] == 0


def test_retention_with_its_interval():
    ax = figures.plot_retention(RETENTION)
    ends = [[y for _, y in segment] for segment in bars(ax)[0]]
    assert np.allclose(ends, [[0.7, 0.97], [0.6, 0.9]])
    assert ax.get_ylim()[1] == 1.0
    assert ax.get_legend().get_texts()[0].get_text().endswith("(n = 50)")


def test_marginal_return_against_money_back():
    ax = figures.plot_marginal_return(MARGINAL)
    ends = [[x for x, _ in segment] for segment in bars(ax)[0]]
    assert np.allclose(ends, [[1.5, 3.5], [-0.2, 1.0]])
    names = [text.get_text() for text in ax.get_yticklabels()]
    assert names == ["gold · Programme level 2 (n = 40)", "iron · Programme level 1 (n = 60)"]
    assert any(set(line.get_xdata()) == {1.0} for line in ax.get_lines())


def test_first_year_of_those_that_were_sent():
    ax = figures.plot_first_year(FIRST)
    names = [text.get_text() for text in ax.get_yticklabels()]
    assert names == ["referred (n = 6)", "not referred (n = 30)"]
    assert np.allclose([[x for x, _ in s] for s in bars(ax)[0]], [[60, 180], [80, 100]])


def test_now_and_proposed():
    ax = figures.plot_allocation(SPLIT)
    widths = {box.get_label(): [bar.get_width() for bar in box] for box in ax.containers}
    assert widths == {"spent now": [100.0, 300.0], "proposed": [250.0, 150.0]}
