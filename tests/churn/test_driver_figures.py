"""What is drawn is what the frame says; the axes given are those drawn on; the theme stays."""

from __future__ import annotations

from collections.abc import Iterator

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes

from kamlib.churn import driver_figures as figures
from kamlib.churn.validation import CHANCE, DROP, EXPECTED_LOSS, REVENUE
from kamlib.glossary import Style, display

ZH = Style("zh", "CNY")


@pytest.fixture(autouse=True)
def _leave_the_theme_alone() -> Iterator[None]:
    before = dict(mpl.rcParams)
    yield
    plt.close("all")
    assert dict(mpl.rcParams) == before


def effects() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "term": ["open_complaints", "tier_in_force", "satisfaction", "complaints_3m"],
            "category": [None, "gold", "unknown", None],
            "base_category": [None, "iron", None, None],
            "months_from": [np.nan, np.nan, np.nan, 12.0],
            "months_to": np.nan,
            "hazard_ratio": [2.0, 0.7, 1.1, 40.0],
            "ratio_low": [1.5, 0.4, 0.9, 1.1],
            "ratio_high": [2.7, 1.2, 1.3, 900.0],
            "n_event": [20, 40, 90, 90],
            "conf_level": 0.95,
        }
    )


def lists() -> pd.DataFrame:
    rows = [
        (ranking, k, "value_captured", None, share, share - 0.1, share + 0.1, 0.95)
        for k, part in ((20, 1.0), (60, 1.5))
        for ranking, share in (("chance × value", 0.3 * part), ("chance to leave", 0.1 * part),
                               ("revenue", 0.25 * part), ("drop of revenue", 0.2 * part))
    ]  # fmt: skip
    rows += [("chance to leave", 20, "precision", None, 0.5, 0.4, 0.6, 0.95),
             ("chance to leave", 20, "value_captured", "revenue", 0.1, 0.0, 0.2, 0.95)]  # fmt: skip
    columns = ["ranking", "listed", "term", "against", "estimate", "conf_low", "conf_high",
               "conf_level"]  # fmt: skip
    return pd.DataFrame(rows, columns=columns)


def tiers() -> pd.DataFrame:
    return pd.DataFrame({"group": ["all accounts", "gold", "iron"], "n_obs": [30, 10, 20],
                         "expected": [0.2, 0.1, 0.25], "observed": [0.25, np.nan, 0.3],
                         "observed_low": [0.1, np.nan, 0.2], "observed_high": [0.4, np.nan, 0.5],
                         "conf_level": 0.9})  # fmt: skip


def watched() -> pd.DataFrame:
    return pd.DataFrame({"account_id": ["a", "b", "c"], "name": ["$Alpha$", None, "丙公司"],
                         "tier_in_force": ["platinum", None, "iron"], "p_leave": [0.1, 0.5, 0.02],
                         "expected_loss": [1e6, 2e5, -1e3]})  # fmt: skip


@pytest.mark.parametrize(
    ("plot", "frame"),
    [
        (figures.plot_forest, effects()),
        (figures.plot_captured, lists()),
        (figures.plot_calibration_by_tier, tiers()),
        (figures.plot_watchlist, watched()),
    ],
)
def test_every_plot_draws_on_the_axes_it_is_given(plot, frame):
    _, ax = plt.subplots()
    before = frame.copy()
    assert plot(frame, ax=ax, style=ZH) is ax
    assert ax.has_data()
    pd.testing.assert_frame_equal(frame, before)
    assert plot(frame).figure is not ax.figure


def dots(ax: Axes, marker: str = "o") -> dict[float, float]:
    """Return place and ratio of every dot."""
    return {
        float(y): float(x)
        for line in ax.lines if line.get_marker() == marker
        for x, y in zip(line.get_xdata(), line.get_ydata(), strict=True)
    }  # fmt: skip


def test_a_forest_holds_ratios_and_intervals_of_what_is_known():
    ax = figures.plot_forest(effects())
    # the effect of an unknown satisfaction is no finding; the last is cut at 20 times
    assert dots(ax) == {0: 2.0, 1: 0.7}
    assert dots(ax, ">") == {2: 20.0}
    segments = {
        float(line[0][1]): (round(float(line[0][0]), 6), round(float(line[1][0]), 6))
        for drawn in ax.collections for line in drawn.get_segments()
    }  # fmt: skip
    assert segments == {0: (1.5, 2.7), 1: (0.4, 1.2), 2: (1.1, 20.0)}
    assert ax.get_xscale() == "log"
    # the first row on top
    assert ax.get_ylim()[0] > ax.get_ylim()[1]
    # no difference is drawn as a line of its own
    assert any(list(line.get_xdata()) == [1.0, 1.0] for line in ax.lines)


def test_what_excludes_no_difference_has_a_colour_of_its_own():
    ax = figures.plot_forest(effects())
    colours = {}
    for line in ax.lines:
        if line.get_marker() in "o>" and len(line.get_ydata()):
            colours |= {float(y): line.get_color() for y in line.get_ydata()}
    assert colours[0] == colours[2] == figures.MAIN
    assert colours[1] == figures.MUTED


@pytest.mark.parametrize(("style", "first", "later", "level"), [
    (Style(), "An open complaint", "after 12 months", "95"), (ZH, "有未结投诉", "12 个月之后", "95"),
])  # fmt: skip
def test_a_forest_says_what_is_compared_with_level_and_losses(style, first, later, level):
    ax = figures.plot_forest(effects(), style=style)
    names = [text.get_text().replace("\n", " ") for text in ax.get_yticklabels()]
    assert names[0] == first
    assert later in names[2]
    assert len(names) == 3
    assert level in ax.get_xlabel()
    assert "90" in ax.get_xlabel()  # the most losses behind an effect
    assert "1234" in figures.plot_forest(effects(), n_event=1234).get_xlabel().replace(",", "")


def test_captured_draws_a_bar_per_ranking_and_length():
    frame = lists()
    ax = figures.plot_captured(frame)
    rows = frame[(frame["term"] == "value_captured") & frame["against"].isna()]
    drawn = {
        text.get_text(): [round(bar.get_height(), 6) for bar in bars]
        for text, bars in zip(ax.get_legend().get_texts(), ax.containers[::2], strict=True)
    }
    rankings = [EXPECTED_LOSS, CHANCE, REVENUE, DROP]
    assert list(drawn) == [display(ranking, "term", Style()) for ranking in rankings]
    for ranking, heights in zip(rankings, drawn.values(), strict=True):
        assert heights == pytest.approx(rows.loc[rows["ranking"] == ranking, "estimate"].tolist())
    # all intervals, and nothing of precision or of differences
    ends = sorted(
        (round(float(line[0][1]), 6), round(float(line[1][1]), 6))
        for drawn_lines in ax.collections for line in drawn_lines.get_segments()
    )  # fmt: skip
    limits = rows[["conf_low", "conf_high"]].round(6)
    assert ends == sorted(limits.itertuples(index=False, name=None))
    assert [text.get_text() for text in ax.get_xticklabels()] == ["20", "60"]
    assert "95" in ax.get_ylabel()
    # bars of one length stand side by side
    lefts = sorted(bar.get_x() for bars in ax.containers[::2] for bar in bars)
    assert (np.diff(lefts) > 0.15).all()


def test_a_ranking_that_could_not_be_judged_is_not_drawn():
    frame = lists()
    ax = figures.plot_captured(frame[frame["ranking"] != REVENUE], style=ZH)
    assert len(ax.get_legend().get_texts()) == 3


def test_the_watch_list_draws_losses_with_their_chance():
    ax = figures.plot_watchlist(watched())
    bars = [bar for bar in ax.patches if bar.get_height() > 0]
    assert [bar.get_width() for bar in bars[:3]] == [1e6, 2e5, -1e3]
    said = [(text.get_text().replace("\xa0", " "), text.xy) for text in ax.texts]
    # what is written of a loss below zero stands at zero
    assert said == [("10.0 %", (1e6, 0)), ("50.0 %", (2e5, 1)), ("2.0 %", (0.0, 2))]
    names = [text.get_text() for text in ax.get_yticklabels()]
    assert names[:2] == ["$Alpha$", "b"]  # without a name the account stands for it
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["platinum", "iron"]
    assert bars[0].get_facecolor() != bars[1].get_facecolor()
    assert "n = 3" in ax.get_xlabel()
    assert ax.get_ylim()[0] > ax.get_ylim()[1]


def test_only_the_top_of_the_watch_list_is_drawn():
    many = pd.concat([watched()] * 10, ignore_index=True)
    ax = figures.plot_watchlist(many.assign(tier_in_force=None))
    assert len(ax.texts) == len(ax.get_yticklabels()) == 20
    assert "n = 30" in ax.get_xlabel()
    assert ax.get_legend() is None


def test_calibration_draws_expected_beside_observed():
    ax = figures.plot_calibration_by_tier(tiers())
    diamonds = next(line for line in ax.lines if line.get_marker() == "D")
    assert list(diamonds.get_xdata()) == [0.2, 0.1, 0.25]
    assert [bar.get_width() for bar in ax.patches][::2] == [0.25, 0.3]
    assert "gold (n = 10)" in [text.get_text() for text in ax.get_yticklabels()]


def test_a_long_comparison_takes_two_lines_and_all_losses_are_named():
    frame = effects().assign(
        term=["contract", "internet", "payment", "senior"],
        category=["Two year", "no internet", "Mailed check", None],
        base_category=["Month-to-month", "Fiber optic", "Bank transfer (automatic)", None],
    )
    ax = figures.plot_forest(frame, n_event=1869)
    labels = [text.get_text() for text in ax.get_yticklabels()]
    assert labels[0] == "Contract Two year rather than Month-to-month"
    assert labels[2] == "Payment Mailed check rather than Bank transfer\n(automatic)"
    assert ax.get_xlabel().endswith("(Events: 1,869)")
    assert figures.plot_forest(frame).get_xlabel().endswith("(Events: 90)")
    # the first row is on top, and all lie within the axes
    assert ax.get_ylim() == (3.5, -0.5)
