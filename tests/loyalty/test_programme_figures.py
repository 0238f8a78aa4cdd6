"""What is drawn is what the frame says; the axes given are those drawn on; the theme stays."""

from __future__ import annotations

from collections.abc import Iterator

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from kamlib.glossary import Style, columns
from kamlib.loyalty import programme_figures as figures

NONE = float("nan")
EFFECTS = pd.DataFrame(
    [
        ("level 1 by lot", "contribution", "A", 0.04, 0.01, 0.07, 0.05, 120, 0.95),
        ("level 1 by lot", "revenue", "A", 0.40, 0.10, 0.70, 0.50, 120, 0.95),
        ("whole programme", "contribution", "D", NONE, NONE, NONE, 0.30, 1500, NONE),
        # neither an effect nor a naive figure
        ("level 3 over level 2", "contribution", "R", NONE, NONE, NONE, NONE, 3, NONE),
    ],
    columns=["comparison", "outcome", "evidence_grade", "effect_share", "effect_share_low",
             "effect_share_high", "naive_gap", "n_treated", "conf_level"],
)  # fmt: skip
RETURN = pd.DataFrame(
    [
        ("level 1 by lot", "A", 1500.0, 30.0, 80.0, 40.0, 120.0),
        ("whole programme", "D", 1700.0, 35.0, NONE, NONE, NONE),
        ("level 3 over level 2", "R", 0.0, NONE, NONE, NONE, NONE),
    ],
    columns=["comparison", "evidence_grade", "n_members", "cost_per_member_month",
             "gain_per_month", "gain_month_low", "gain_month_high"],
)  # fmt: skip
ALL = [(figures.plot_effects, EFFECTS), (figures.plot_return, RETURN)]


@pytest.fixture(autouse=True)
def _leave_the_theme_alone() -> Iterator[None]:
    before = dict(mpl.rcParams)
    yield
    plt.close("all")
    assert dict(mpl.rcParams) == before


def marks(ax):
    """Return the marks of each series: where it stands on either axis."""
    drawn = [line for line in ax.get_lines() if line.get_marker() in ("x", "o", "D")]
    return {
        line.get_marker(): list(zip(line.get_xdata(), line.get_ydata(), strict=True))
        for line in drawn
    }


def intervals(ax):
    return [
        sorted(x for x, _ in segment)
        for box in ax.containers
        for segment in box[2][0].get_segments()
    ]


@pytest.mark.parametrize(("plot", "frame"), ALL)
@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_plot_draws_on_the_axes_it_is_given(plot, frame, language):
    before = frame.copy()
    ax = plt.subplots()[1]
    assert plot(frame, ax=ax, style=Style(language, "EUR")) is ax
    legend = [text.get_text() for text in ax.get_legend().get_texts()]
    names = [text.get_text() for text in ax.get_yticklabels()]
    assert len(legend) == len(names) == 2
    chinese = all(any("一" <= letter <= "鿿" for letter in text) for text in [*legend, *names])
    assert chinese == (language == "zh")
    assert set(frame.columns) <= set(columns())
    pd.testing.assert_frame_equal(frame, before)


@pytest.mark.parametrize(("plot", "frame"), ALL)
def test_a_frame_without_any_figure_is_drawn_empty(plot, frame):
    numbers = frame.select_dtypes("float").columns
    ax = plot(frame.assign(**dict.fromkeys(numbers, NONE)))
    assert not ax.get_yticklabels()


def test_effects_with_their_grade_and_the_naive_difference():
    ax = figures.plot_effects(EFFECTS)
    assert marks(ax) == {"x": [(0.05, 0), (0.30, 1)], "o": [(0.04, 0)]}
    assert np.allclose(intervals(ax), [[0.01, 0.07]])
    names = [text.get_text() for text in ax.get_yticklabels()]
    assert names == ["A  level 1 by lot (n = 120)", "D  whole programme (n = 1,500)"]
    legend = [text.get_text() for text in ax.get_legend().get_texts()]
    assert "naive difference, no effect" in legend
    assert any(text.endswith("95\u00a0%") for text in legend)
    # the best stands on top, and no change is marked
    assert ax.get_ylim()[0] > ax.get_ylim()[1]
    assert any(set(line.get_xdata()) == {0} for line in ax.get_lines())


def test_another_outcome():
    ax = figures.plot_effects(EFFECTS, outcome="revenue")
    assert marks(ax) == {"x": [(0.50, 0)], "o": [(0.40, 0)]}
    assert np.allclose(intervals(ax), [[0.10, 0.70]])


def test_an_estimate_at_the_end_of_its_interval_has_no_bar_below_zero():
    ax = figures.plot_effects(EFFECTS.head(1).assign(effect_share=0.08))
    assert np.allclose(intervals(ax), [[0.01, 0.08]])


def test_gain_beside_cost():
    ax = figures.plot_return(RETURN, style=Style("en", "EUR"))
    assert marks(ax) == {"D": [(30, 0), (35, 1)], "o": [(80, 0)]}
    assert np.allclose(intervals(ax), [[40, 120]])
    names = [text.get_text() for text in ax.get_yticklabels()]
    assert names == ["A  level 1 by lot (n = 1,500)", "D  whole programme (n = 1,700)"]
