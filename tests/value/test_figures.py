"""What is drawn is what the frame says; the axes given are those drawn on; the theme stays."""

from __future__ import annotations

from collections.abc import Iterator

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from kamlib.glossary import Style
from kamlib.value import figures
from kamlib.value.concentration import lorenz
from kamlib.value.dependence import figures as dependence_figures
from kamlib.value.dependence.shares import herfindahl
from kamlib.value.profit import figures as profit_figures
from kamlib.value.profit.whale import whale_curve
from kamlib.value.rfm import rfm, rfm_grid
from kamlib.value.split import split
from kamlib.value.totals import movers

STYLE = Style("en", "EUR")


@pytest.fixture(autouse=True)
def _leave_the_theme_alone() -> Iterator[None]:
    before = dict(mpl.rcParams)
    yield
    plt.close("all")
    assert dict(mpl.rcParams) == before


def months(contribution=np.nan) -> pd.DataFrame:
    days = pd.date_range("2024-01-01", periods=3, freq="MS")
    return pd.DataFrame({"month": days, "revenue": [3.0, 1.0, 2.0], "contribution": contribution})


def test_every_plot_draws_on_the_axes_it_is_given(facts, period):
    scores = pd.concat([facts.assign(n_orders=3.0, days_since_last=9)] * 2)
    for plot, frame, options in (
        (figures.plot_monthly, months(), {}),
        (figures.plot_lorenz, lorenz(facts).frame, {}),
        (profit_figures.plot_whale, whale_curve(facts).frame, {}),
        (dependence_figures.plot_holders, herfindahl(facts).frame, {"by": "account_id"}),
        (figures.plot_movers, movers(facts, period, length=9).frame, {}),
        (figures.plot_rfm, rfm_grid(rfm(scores)), {}),
        (figures.plot_split, split(facts, "role").frame, {}),
    ):
        _, ax = plt.subplots()
        before = frame.copy()
        assert plot(frame, ax=ax, style=STYLE, **options) is ax
        assert ax.has_data()
        pd.testing.assert_frame_equal(frame, before)


def test_monthly_bars_are_the_revenue():
    ax = figures.plot_monthly(months(), style=STYLE)
    assert [bar.get_height() for bar in ax.patches] == [3.0, 1.0, 2.0]
    assert ax.get_ylabel() == "Revenue (EUR)"
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["Revenue"]


def test_monthly_contribution_is_a_line_where_it_is_known():
    ax = figures.plot_monthly(months([1.0, 0.5, 0.2]), style=STYLE)
    assert ax.lines[0].get_ydata().tolist() == [1.0, 0.5, 0.2]
    assert len(ax.get_legend().get_texts()) == 2


def test_lorenz_line_is_the_frame_and_marks_the_top(facts):
    frame = lorenz(facts).frame
    ax = figures.plot_lorenz(frame, style=STYLE, top_share=0.25)
    assert ax.lines[1].get_ydata().tolist() == frame["share_revenue"].tolist()
    words = [text.get_text() for text in ax.texts]
    assert "largest 25\xa0%: 50.0\xa0%" in words
    assert "n = 4" in words


def test_whale_marks_peak_and_end(facts):
    ax = profit_figures.plot_whale(whale_curve(facts).frame, style=STYLE)
    assert ax.lines[0].get_ydata().tolist() == [0.0, 30.0, 45.0, 45.0, 43.0, 40.0]
    assert [text.get_text() for text in ax.texts] == ["peak: 45", "all accounts: 40"]
    assert "n = 5" in ax.get_xlabel()


def test_holders_without_a_name_are_called_by_their_id(facts):
    ax = dependence_figures.plot_holders(herfindahl(facts).frame, by="account_id", style=STYLE)
    labels = [label.get_text() for label in ax.get_yticklabels()]
    assert labels[:2] == ["Alpha", "b"]
    assert [bar.get_width() for bar in ax.patches] == [0.5, 0.3, 0.15, 0.05]


def test_movers_rise_in_one_colour_and_fall_in_another(facts, period):
    ax = figures.plot_movers(movers(facts, period, length=9).frame, style=STYLE)
    colours = [(bar.get_width() > 0, bar.get_facecolor()) for bar in ax.patches]
    assert len(set(colours)) == 2


def test_split_shows_contribution_only_where_it_is_known(facts):
    both = figures.plot_split(split(facts, "segment").frame, style=STYLE)
    alone = figures.plot_split(
        split(facts.assign(contribution=np.nan), "segment").frame, style=STYLE
    )
    assert (len(both.patches), len(alone.patches)) == (4, 2)


def test_unknown_group_is_called_unknown(facts):
    ax = figures.plot_split(split(facts, "role").frame, style=STYLE)
    assert "unknown" in [label.get_text() for label in ax.get_yticklabels()]


def test_labels_are_chinese_in_a_chinese_report(facts):
    ax = profit_figures.plot_whale(whale_curve(facts).frame, style=Style("zh", "CNY"))
    assert ax.get_ylabel() == "累计贡献毛利（CNY）"
