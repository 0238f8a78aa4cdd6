"""What is drawn is what the frame says; the axes given are those drawn on; the theme stays."""

from __future__ import annotations

import matplotlib as mpl
import matplotlib.pyplot as plt
import pandas as pd
import pytest

from kamlib.glossary import Style
from kamlib.loyalty.holdout_figures import plot_holdout

FRAME = pd.DataFrame(
    {"trial_months": [6, 12, 18, 24], "n_accounts": 117, "detectable_usual": [0.6, 0.5, 0.4, 0.35],
     "needed_usual": 0.45}
)  # fmt: skip


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_smallest_effect_by_months(language):
    theme, copy = dict(mpl.rcParams), FRAME.copy()
    ax = plt.subplots()[1]
    assert plot_holdout(FRAME, ax=ax, style=Style(language, "EUR")) is ax
    line, across = ax.get_lines()
    assert line.get_xdata().tolist() == [6, 12, 18, 24]
    assert line.get_ydata().tolist() == [0.6, 0.5, 0.4, 0.35]
    assert set(across.get_ydata()) == {0.45}
    legend = [text.get_text() for text in ax.get_legend().get_texts()]
    assert legend[0].endswith("(n = 117)")
    assert ax.get_xlabel()
    assert ax.get_ylabel()
    assert ax.get_ylim()[0] == 0
    pd.testing.assert_frame_equal(FRAME, copy)
    assert dict(mpl.rcParams) == theme
    plt.close("all")


def test_no_line_where_the_effect_that_pays_is_unknown():
    ax = plot_holdout(FRAME.drop(columns="needed_usual"))
    assert len(ax.get_lines()) == 1
    plt.close("all")
