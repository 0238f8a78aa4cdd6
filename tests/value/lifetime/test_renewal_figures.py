"""What is drawn is what the frame says; the axes given are those drawn on; the theme stays."""

from __future__ import annotations

import matplotlib as mpl
import matplotlib.pyplot as plt
import pandas as pd
import pytest

from kamlib.glossary import Style, columns
from kamlib.value.lifetime.renewal_figures import plot_retention

FRAME = pd.DataFrame(
    {"term_class": ["monthly", "monthly", "longer"], "renewal": [1, 2, 1], "n_risk": [1200, 40, 12],
     "n_event": [12, 4, 3], "term": "share_renewed", "estimate": [0.99, 0.9, 0.75],
     "conf_low": [0.98, 0.77, 0.47], "conf_high": [0.995, 0.96, 0.91], "conf_level": 0.95}
)  # fmt: skip


@pytest.fixture(autouse=True)
def _leave_the_theme_alone():
    before = dict(mpl.rcParams)
    yield
    plt.close("all")
    assert dict(mpl.rcParams) == before


@pytest.mark.parametrize("language", ["en", "zh"])
def test_it_draws_on_the_axes_it_is_given(language):
    before = FRAME.copy()
    ax = plt.subplots()[1]
    assert plot_retention(FRAME, ax=ax, style=Style(language, "EUR")) is ax
    pd.testing.assert_frame_equal(FRAME, before)
    assert ax.get_xlabel()
    assert "95" in ax.get_ylabel()


def test_the_frame_holds_glossary_columns_only():
    assert set(FRAME.columns) <= set(columns())


def test_points_and_intervals_are_those_of_the_frame():
    ax = plot_retention(FRAME)
    assert [line.get_ydata().tolist() for line in ax.lines] == [[0.99, 0.9], [0.75]]
    # classes stand a little apart, so that no interval hides another
    monthly, longer = (line.get_xdata().tolist() for line in ax.lines)
    assert monthly == pytest.approx([0.93, 1.93])
    assert longer == pytest.approx([1.07])
    bars = [seg[:, 1].tolist() for part in ax.collections for seg in part.get_segments()]
    assert bars == [[0.98, 0.995], [0.77, 0.96], [0.47, 0.91]]
    assert ax.get_ylim()[0] < 0.47


def test_the_legend_says_how_many():
    ax = plot_retention(FRAME)
    found = [text.get_text() for text in ax.get_legend().get_texts()]
    assert found == ["monthly (n = 40–1,200)", "longer (n = 12)"]
    chinese = plot_retention(FRAME, style=Style("zh")).get_legend().get_texts()
    assert chinese[0].get_text().startswith("月度")
