"""What is drawn is what the frame says; the axes given are those drawn on; the theme stays."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from kamlib.glossary import Style
from kamlib.loyalty import trial_figures as figures
from kamlib.loyalty.trial_draw import judge
from kamlib.loyalty.trial_groups import by_class
from kamlib.loyalty.trial_results import effects, on_shares
from kamlib.loyalty.trial_return import returns
from tests.loyalty.trial_rows import CALL, COSTS, LETTER, MARGIN, demo


def _frames():
    record = demo(n=3000)
    draw = judge(record)
    changed = effects(record, draw, rng=np.random.default_rng(1))
    paid = returns(changed, outcome="revenue_after", margin=MARGIN, costs=COSTS)
    return {
        "effects": (partial(figures.plot_effects, outcome="revenue_after"), changed.frame),
        "shares": (figures.plot_shares, on_shares(record, changed).frame),
        "returns": (figures.plot_returns, paid.frame),
        "classes": (figures.plot_classes, by_class(record, draw).frame),
    }


FRAMES = _frames()


@pytest.fixture(autouse=True)
def _leave_the_theme_alone() -> Iterator[None]:
    before = dict(mpl.rcParams)
    yield
    plt.close("all")
    assert dict(mpl.rcParams) == before


@pytest.mark.parametrize("name", FRAMES)
@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_plot_draws_on_the_axes_it_is_given(name, language):
    plot, frame = FRAMES[name]
    before = frame.copy()
    ax = plt.subplots()[1]
    assert plot(frame, ax=ax, style=Style(language, "EUR")) is ax
    assert "95" in ax.get_xlabel()
    assert all("n = " in tick.get_text() for tick in ax.get_yticklabels())
    pd.testing.assert_frame_equal(frame, before)


def marks(ax):
    return sorted(
        float(x) for line in ax.lines if line.get_marker() == "o" for x in line.get_xdata()
    )


def test_marks_are_the_estimates():
    plot, frame = FRAMES["effects"]
    assert marks(plot(frame)) == sorted(frame.loc[frame["term"] == "revenue_after", "estimate"])
    plot, frame = FRAMES["returns"]
    ax = plot(frame, style=Style("en", "EUR"))
    assert marks(ax) == sorted(frame["net_each"])
    assert ax.get_xlabel().startswith("Net per customer (EUR)")


def test_hollow_marks_are_those_that_chance_can_have_made():
    plot, frame = FRAMES["classes"]
    frame = frame.assign(p_holm=[0.01 if n < 2 else 0.5 for n in range(len(frame))])
    ax = plot(frame)
    hollow = [line for line in ax.lines if line.get_markerfacecolor() == "white"]
    assert sum(len(line.get_xdata()) for line in hollow) == len(frame) - 2
    legend = [text.get_text() for text in ax.get_legend().get_texts()]
    assert legend == [LETTER, CALL]
