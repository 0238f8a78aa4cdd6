"""What a forecast made earlier teaches: known wander, levels and comebacks are found again."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

from kamlib.glossary import LANGUAGES, Style, say
from kamlib.value.lifetime.purchase_history import Rehearsal, rehearsal_days
from kamlib.value.lifetime.purchases.bg_nbd import MBG_NBD
from kamlib.value.lifetime.purchases.pareto_nbd import PARETO_NBD
from kamlib.value.lifetime.rehearsal import level_that_held, rehearse
from kamlib.value.lifetime.wander import STEADY

SEEN, AHEAD = 730.0, 365.0


def rehearsed(seed=1, n=400, *, wander=0.0, level=1.0, price=1.0, gone=0, back=0.0, days=AHEAD):
    """Return a rehearsal of Poisson buyers who never leave, but for the last `gone` of them.

    Rates are gamma with mean 1 in 30 days; those gone bought daily for the first 60 days. Spend per
    purchase is gamma with mean 50 about a gamma level of its own.
    """
    rng = np.random.default_rng(seed)
    rate = rng.gamma(2.0, 1 / 60, n)
    x = np.maximum(rng.poisson(rate * SEEN), 1.0)
    t_x = SEEN * rng.beta(x, 1)
    own = np.exp(wander * rng.standard_normal(n) - wander**2 / 2)
    later = rng.poisson(rate * days * own * level).astype(float)
    if gone:
        x[-gone:], t_x[-gone:] = 60, 60
        later[-gone:] = 40.0 * (rng.random(gone) < back)
    each = 50 * rng.gamma(6.0, 1 / 6, n)
    summary = pd.DataFrame(
        {"account_id": [f"a{i}" for i in range(n)], "frequency": x, "recency_days": t_x,
         "age_days": SEEN, "monetary_value": each * rng.gamma(4 * x) / (4 * x), "log_gaps": 0.0}
    )  # fmt: skip
    paid = each * rng.gamma(np.maximum(4 * later, 1e-9)) / 4 * price
    came = pd.DataFrame(
        {"account_id": summary["account_id"], "n_purchases": later, "revenue": paid}
    )
    return Rehearsal(date(2024, 12, 31), summary, (0.5, 10_000.0), came, int(days))


def learn(rehearsal, *, model=MBG_NBD, seen=SEEN, ahead=AHEAD, level=0.95):
    return rehearse(
        rehearsal, model, seen_days=seen, horizon_days=ahead, conf_level=level,
        rng=np.random.default_rng(7),
    )  # fmt: skip


@pytest.mark.parametrize("model", [PARETO_NBD, MBG_NBD], ids=lambda m: m.name)
def test_steady_accounts_teach_that_little_need_be_allowed_for(model):
    wander, checks = learn(rehearsed(), model=model)
    assert [check.passed for check in checks] == [True]
    assert wander.rate.spread < 0.1
    assert wander.spend.spread < 0.1
    assert wander.comeback == 0
    # 400 accounts of about 12 purchases: 1.4 % for the total, and 1 % for what was seen
    assert abs(wander.rate.common) < 0.05
    # limits of counts hold more than they say, so that lower ones would have done
    assert 0.85 < wander.count_level < 0.97


@pytest.mark.parametrize("planted", [0.25, 0.5])
def test_wander_is_found_again(planted):
    wander, checks = learn(rehearsed(wander=planted))
    # the variance of W, exp(s²) - 1, is what is solved for; residuals beyond three standard
    # deviations are cut, which takes a little off
    assert wander.rate.spread == pytest.approx(planted, abs=0.06)
    assert checks[0].passed is False
    for language in LANGUAGES:
        assert say(checks[0].note, Style(language))


def test_intervals_of_accounts_are_taken_where_they_would_have_held():
    found = rehearsed(wander=0.5)
    plain = learn(found)[1][0].note.values["inside"]
    assert plain < 0.9
    assert learn(found)[0].count_level == pytest.approx(0.95, abs=0.03)


def test_a_level_that_all_share_is_carried_over_once():
    wander, _ = learn(rehearsed(level=1.2, price=1.1))
    assert np.exp(wander.rate.common) == pytest.approx(1.2, abs=0.08)
    assert np.exp(wander.spend.common) == pytest.approx(1.1, abs=0.05)
    longer, _ = learn(rehearsed(level=1.2, price=1.1), ahead=3 * AHEAD)
    assert longer.rate.common == pytest.approx(wander.rate.common)


def test_a_longer_way_ahead_is_wider_by_the_root_of_its_length():
    found = rehearsed(wander=0.4)
    one, three = learn(found)[0].rate, learn(found, ahead=3 * AHEAD)[0].rate
    # (730 + 1095) / (730 + 365) = 5/3 of the variance
    assert three.spread == pytest.approx(one.spread * np.sqrt(5 / 3))
    assert three.common_sd == pytest.approx(one.common_sd * np.sqrt(5 / 3))


def test_part_of_a_year_may_be_season_and_only_widens():
    whole, part = (learn(rehearsed(level=1.3, days=days)) for days in (365, 180))
    assert whole[0].rate.common > 0.2
    assert part[0].rate.common == 0
    assert part[0].rate.common_sd > 0.2
    season = part[1][1]
    assert (season.name, season.passed) == ("season_known", False)
    assert "180 days" in str(season.note)


def test_those_who_came_back_are_counted_and_come_back_more_often_in_more_time():
    found = rehearsed(gone=100, back=0.3)
    share = float((found.came["n_purchases"][-100:] > 0).mean())
    one, two = learn(found)[0], learn(found, ahead=2 * AHEAD)[0]
    assert one.comeback == pytest.approx(share, abs=0.02)
    assert two.comeback == pytest.approx(1 - (1 - one.comeback) ** 2)
    assert learn(rehearsed(gone=5, back=1.0))[0].comeback == 0  # five are too few to tell


def test_nothing_is_made_of_too_little():
    few = rehearsed(n=19)
    broken = rehearsed(n=100)
    broken.summary["monetary_value"] = np.nan
    for found, key in (
        (None, "rehearsal.none"), (few, "rehearsal.few"), (broken, "rehearsal.trouble"),
    ):  # fmt: skip
        wander, checks = learn(found)
        assert wander == STEADY
        assert [(check.passed, check.note.key) for check in checks] == [(None, key)]


def test_a_unit_that_stopped_moves_no_level():
    stopped = rehearsed(level=0.0)
    wander, checks = learn(stopped)
    assert (wander.rate.common, wander.spend.common) == (0, 0)
    assert checks[0].passed is False


def test_input_is_left_alone():
    found = rehearsed()
    before = found.summary.copy(), found.came.copy()
    learn(found)
    pd.testing.assert_frame_equal(found.summary, before[0])
    pd.testing.assert_frame_equal(found.came, before[1])


def test_level_that_held_is_that_of_the_last_account_needed():
    """Draws 1 … 99. Came 50, 40, 30: each lies within limits of at least 0.01, 0.19, 0.39."""
    draws = np.tile(np.arange(1.0, 100.0)[:, None], 3)
    came = np.array([50.0, 40.0, 30.0])
    # 40 of 99 draws lie at or below 40: 1 - 2 · 40/99
    assert level_that_held(draws, came, 0.5) == pytest.approx(1 - 80 / 99)
    assert level_that_held(draws, came, 0.75) == pytest.approx(1 - 60 / 99)
    assert level_that_held(draws, np.array([50.0, 40.0, 1000.0]), 0.9) == 1
    # counts: what came is what nearly all draws say
    assert level_that_held(np.zeros((50, 3)), np.zeros(3), 0.95) == 0


@pytest.mark.parametrize(
    ("first", "day", "expected"),
    [
        ("2021-01-01", "2024-12-31", 365),
        ("2023-02-06", "2024-12-31", 365),  # 695 days, 2024 being a leap year
        ("2023-02-07", "2024-12-31", 231),
        ("2024-01-01", "2024-12-31", 122),
        ("2024-07-05", "2024-12-31", 60),
        ("2024-07-06", "2024-12-31", None),
    ],
)
def test_a_rehearsal_is_a_year_or_a_third_of_the_records(first, day, expected):
    assert rehearsal_days(date.fromisoformat(first), date.fromisoformat(day)) == expected
