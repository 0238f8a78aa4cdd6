"""What is drawn is what the frame says, under its grade; the theme stays."""

from __future__ import annotations

from collections.abc import Iterator

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from kamlib.glossary import Style
from kamlib.loyalty.ladder.figures import plot_finding

FRAME = pd.DataFrame(
    {"evidence_grade": ["C", "D"], "term": "att_log", "conf_level": 0.95, "n_treated": 40,
     "estimator": ["Likeness in all that was known", "Members against others (naive)"],
     "estimate": np.log([1.1, 1.6]), "conf_low": np.log([1.0, 1.4]),
     "conf_high": np.log([1.2, 1.8])}
)  # fmt: skip


@pytest.fixture(autouse=True)
def _leave_the_theme_alone() -> Iterator[None]:
    before = dict(mpl.rcParams)
    yield
    plt.close("all")
    assert dict(mpl.rcParams) == before


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_grade_is_the_title_and_stands_on_every_row(language):
    before, ax = FRAME.copy(), plt.subplots()[1]
    assert plot_finding(FRAME, "C", ax=ax, style=Style(language)) is ax
    assert ax.get_title(loc="left").startswith("C")
    assert [tick.get_text()[0] for tick in ax.get_yticklabels()] == ["C", "D"]
    assert ax.get_xlabel()
    pd.testing.assert_frame_equal(FRAME, before)


def test_changes_of_logarithms_are_drawn_in_percent():
    ax = plot_finding(FRAME, "C")
    marks = [line.get_xdata() for line in ax.lines if line.get_marker() == "o"]
    assert marks[0] == pytest.approx([0.1])
    assert marks[1] == pytest.approx([0.6])
    ends = [path.vertices[:, 0] for group in ax.collections for path in group.get_paths()]
    assert ends[0] == pytest.approx([0.0, 0.2])


def test_the_naive_is_never_drawn_like_an_answer():
    ax = plot_finding(FRAME.assign(evidence_grade="D"), "D")
    drawn = [line for line in ax.lines if line.get_marker() == "o"]
    assert len(drawn[0].get_xdata()) == 1
    assert drawn[0].get_color() != drawn[1].get_color()
