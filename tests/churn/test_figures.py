"""What is drawn is what the frame says; the axes given are those drawn on; the theme stays."""

from __future__ import annotations

from collections.abc import Iterator

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

from kamlib.churn import figures
from kamlib.churn.curves import at_risk, survival, survival_by
from kamlib.churn.incidence import incidence
from kamlib.churn.stretch import MONTH_DAYS
from kamlib.churn.winback import winback
from kamlib.glossary import Style
from kamlib.show.theme import TIER_COLOURS

STYLE = Style("en", "EUR")


@pytest.fixture(autouse=True)
def _leave_the_theme_alone() -> Iterator[None]:
    before = dict(mpl.rcParams)
    yield
    plt.close("all")
    assert dict(mpl.rcParams) == before


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    """Twelve lives, one ending in each month, every third of them otherwise than by a loss."""
    months = np.arange(1, 13)
    kinds = np.where(months % 3 == 0, "insolvent", "churn").astype(object)
    return pd.DataFrame(
        {
            "account_id": [f"a{m}" for m in months], "spell_no": 1, "entry_days": 0.0,
            "duration_days": months * MONTH_DAYS, "event_type": kinds,
            "reason": np.where(months == 1, "price", None),
            "group": np.where(months % 2 == 0, "gold", "platinum"),
        }
    )  # fmt: skip


@pytest.fixture(scope="module")
def curve(rows) -> pd.DataFrame:
    return survival(rows, horizon=6, n_risk_min=1).frame


@pytest.fixture(scope="module")
def study() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "rel_period": [-1, 0, 1, 2], "rate_ratio": [1.0, 0.0, 3.0, np.nan],
            "ratio_low": [0.5, 0.0, 2.0, np.nan], "ratio_high": [2.0, 1.5, 40.0, np.nan],
            "n_event": [2.0, 0.0, 6.0, 0.0], "conf_level": 0.9,
        }
    )  # fmt: skip


SENSITIVITY = pd.DataFrame(
    {
        "k": [2.0, 3.0, 4.0], "churn_rate": [0.5, 0.3, 0.2], "rate_low": [0.4, 0.2, 0.1],
        "rate_high": [0.6, 0.4, 0.3], "false_alarm_share": [0.9, 0.5, np.nan],
        "share_low": [0.8, 0.4, np.nan], "share_high": [0.95, 0.6, np.nan],
        "conf_level": 0.95, "n_event": [1200, 30, 0],
    }
)  # fmt: skip


def test_every_plot_draws_on_the_axes_it_is_given(rows, curve, study):
    back = rows.assign(gone_days=rows["duration_days"], event=1)
    for plot, frame, options in (
        (figures.plot_survival, curve, {"counts": at_risk(rows.drop(columns="group"), [0, 6, 12])}),
        (figures.plot_groups, survival_by(rows, "tier", least=1, n_risk_min=1).frame, {}),
        (figures.plot_incidence, incidence(rows, horizon=6, n_risk_min=1).frame, {}),
        (
            figures.plot_incidence,
            incidence(rows, horizon=6, n_risk_min=1).frame,
            {"stacked": False},
        ),
        (figures.plot_event_study, study, {}),
        (figures.plot_winback, winback(back).frame, {}),
        (figures.plot_sensitivity, SENSITIVITY, {}),
    ):
        _, ax = plt.subplots()
        before = frame.copy()
        assert plot(frame, ax=ax, style=STYLE, **options) is ax
        assert ax.has_data()
        assert ax.get_xlabel()
        pd.testing.assert_frame_equal(frame, before)


def test_the_curve_is_the_frame_and_keeps_its_height_between_steps(curve):
    ax = figures.plot_survival(curve, style=STYLE)
    [line] = ax.lines
    assert line.get_xdata().tolist() == curve["time"].tolist()
    assert line.get_ydata().tolist() == curve["estimate"].tolist()
    assert line.get_drawstyle() == "steps-post"
    assert len(ax.collections) == 1  # the band
    assert ax.get_xlabel() == "Months, interval 95\xa0% (n = 12)"
    assert ax.get_ylabel() == "Still there"


def test_numbers_at_risk_stand_under_their_months(rows):
    counts = at_risk(rows.drop(columns="group"), [0, 6, 12])
    ax = figures.plot_survival(survival(rows, horizon=6, n_risk_min=1).frame, counts, style=STYLE)
    assert [text.get_text() for text in ax.texts] == ["At risk", "12", "7", "1"]
    assert [text.xy[0] for text in ax.texts[1:]] == [0, 6, 12]
    assert ax.get_xticks().tolist() == [0, 6, 12]


def test_a_tier_has_its_colour_and_its_counts_have_it_too(rows):
    frame = survival_by(rows, "tier", least=1, n_risk_min=1).frame
    ax = figures.plot_groups(frame, at_risk(rows, [0, 6], least=1), style=STYLE)
    colours = [to_hex(line.get_color()).upper() for line in ax.lines]
    assert colours == [TIER_COLOURS["platinum"].upper(), TIER_COLOURS["gold"].upper()]
    assert [t.get_text() for t in ax.get_legend().get_texts()] == [
        "platinum (n = 6)",
        "gold (n = 6)",
    ]
    # six of each at the start; platinum ends in odd months, so that three are left in month 6
    assert [text.get_text() for text in ax.texts[1:]] == ["6", "3", "6", "4"]
    assert to_hex(ax.texts[1].get_color()).upper() == TIER_COLOURS["platinum"].upper()


def test_stacked_shares_reach_the_share_that_left(rows):
    frame = incidence(rows, "reason", horizon=6, n_risk_min=1).frame
    ax = figures.plot_incidence(frame, style=STYLE)
    assert len(ax.collections) == 3
    highest = max(path.vertices[:, 1].max() for c in ax.collections for path in c.get_paths())
    assert highest == pytest.approx(1)
    names = [text.get_text() for text in ax.get_legend().get_texts()]
    assert names == ["insolvent", "no reason known", "price"]
    assert "(n = 12)" in ax.get_xlabel()


def test_lines_of_kinds_are_their_shares(rows):
    frame = incidence(rows, horizon=6, n_risk_min=1).frame
    ax = figures.plot_incidence(frame, stacked=False, style=STYLE)
    for line, kind in zip(ax.lines, ["churn", "insolvent"], strict=True):
        assert (
            line.get_ydata().tolist() == frame.loc[frame["event_type"] == kind, "estimate"].tolist()
        )


def test_months_without_a_loss_are_hollow_and_those_without_a_ratio_are_none(study):
    ax = figures.plot_event_study(study, style=STYLE)
    some, none = ax.lines[:2]
    assert some.get_xydata().tolist() == [[-1, 1], [1, 3]]
    assert none.get_xydata().tolist() == [[0, 0]]
    assert none.get_markerfacecolor() == "white"
    # one long interval does not hide the others
    assert ax.get_ylim() == (0, 7.5)
    assert "n = 8" in ax.get_xlabel()
    assert "interval 90\xa0%" in [text.get_text() for text in ax.get_legend().get_texts()]


def test_silent_accounts_are_drawn_by_role(rows):
    frame = survival(rows, horizon=6, n_risk_min=1).frame
    two = pd.concat([frame.assign(group="all accounts"), frame.assign(group="intermediary")])
    ax = figures.plot_winback(two, style=STYLE)
    names = [text.get_text() for text in ax.get_legend().get_texts()]
    assert names == ["all accounts (n = 12)", "intermediary (n = 12)"]
    assert ax.get_ylabel() == "Came back"


def test_sensitivity_shows_both_figures_by_k():
    ax = figures.plot_sensitivity(SENSITIVITY, style=STYLE)
    assert ax.lines[0].get_ydata().tolist() == [0.5, 0.3, 0.2]
    assert ax.lines[1].get_xydata().tolist() == [[2, 0.9], [3, 0.5]]
    assert "n = 0–1,200" in ax.get_xlabel()


def test_chinese_labels(rows):
    frame = survival_by(rows, "tier", least=1, n_risk_min=1).frame
    ax = figures.plot_groups(frame, style=Style("zh", "CNY"))
    assert ax.get_ylabel() == "仍在"
    assert ax.get_legend().get_texts()[0].get_text() == "铂金 (n = 6)"
