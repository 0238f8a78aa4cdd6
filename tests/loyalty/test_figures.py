"""What is drawn is what the frame says; the axes given are those drawn on; the theme stays."""

from __future__ import annotations

from collections.abc import Iterator

import matplotlib as mpl
import matplotlib.pyplot as plt
import pandas as pd
import pytest

from kamlib.glossary import Style, columns
from kamlib.loyalty import figures

MONTHS = pd.date_range("2023-01-01", periods=2, freq="MS")
MEMBERS = pd.DataFrame(
    {"month": MONTHS.repeat(3), "programme_level": [1, 2, 3] * 2, "n_members": [4, 0, 0, 1, 2, 3]}
)
COSTS = pd.DataFrame(
    {"month": MONTHS[[0, 0, 1, 1]], "cost_item": ["rewards", "set_up", "communication", "rewards"],
     "cost": [6.0, 100.0, 3.0, -4.0]}
)  # fmt: skip
ALL = [(figures.plot_members, MEMBERS), (figures.plot_costs, COSTS)]


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
    assert ax.get_xlabel()
    assert ax.get_ylabel()
    assert set(frame.columns) <= set(columns())
    pd.testing.assert_frame_equal(frame, before)


def test_levels_lie_upon_one_another():
    ax = figures.plot_members(MEMBERS)
    heights = [area.get_paths()[0].vertices[:, 1].max() for area in ax.collections]
    # February: 1, then 1 + 2, then 1 + 2 + 3; January's level 1 alone reaches 4
    assert heights == [4.0, 4.0, 6.0]
    legend = [text.get_text() for text in ax.get_legend().get_texts()]
    assert legend == ["Programme level 3", "Programme level 2", "Programme level 1"]
    assert ax.get_xlabel() == "Month (n = 6)"


def test_a_level_keeps_its_colour():
    ax = figures.plot_members(MEMBERS[MEMBERS["programme_level"] > 1])
    drawn = [mpl.colors.to_hex(area.get_facecolor()[0]).upper() for area in ax.collections]
    assert drawn == [figures.LEVEL_COLOURS[2], figures.LEVEL_COLOURS[3]]


def test_costs_lie_upon_one_another_and_corrections_below():
    ax = figures.plot_costs(COSTS, style=Style("en", "EUR"))
    bars = {
        box.get_label(): [(bar.get_y(), bar.get_height()) for bar in box] for box in ax.containers
    }
    assert bars == {
        "Set-up": [(0.0, 100.0), (0.0, 0.0)],
        "Rewards": [(100.0, 6.0), (0.0, -4.0)],
        "Communication": [(106.0, 0.0), (0.0, 3.0)],
    }
    assert ax.get_ylabel() == "Cost (EUR)"
