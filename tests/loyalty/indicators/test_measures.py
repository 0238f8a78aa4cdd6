"""Measures and the index by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from kamlib.loyalty.indicators.measures import EVERY, INDICATORS, measures, score

DAY = pd.Timestamp("2024-12-31")


def account(**facts: float) -> pd.Series:
    return measures(pd.DataFrame([facts])).iloc[0]


def test_regularity_waits_for_half_a_year():
    assert account(months_seen=12, buying_months=9)["buying_share"] == 0.75
    assert account(months_seen=6, buying_months=6)["buying_share"] == 1
    assert np.isnan(account(months_seen=5, buying_months=5)["buying_share"])


def test_breadth_needs_two_lines_on_sale():
    assert account(breadth=3, lines_sold=4)["breadth_share"] == 0.75
    assert np.isnan(account(breadth=1, lines_sold=1)["breadth_share"])


@pytest.mark.parametrize(
    ("facts", "kept"),
    [
        ({"revenue": 60, "revenue_before": 80}, 0.75),
        ({"revenue": 90, "revenue_before": 80}, 1),
        ({"revenue": -5, "revenue_before": 80}, 0),
        ({"revenue": 60, "revenue_before": 0}, None),
        ({"revenue": 60, "revenue_before": 80, "n_partial_losses": 0}, 0.75),
        ({"revenue": 60, "revenue_before": 80, "n_partial_losses": 2}, 0),
        # else the scale would be made of losers alone
        ({"revenue": 60, "n_partial_losses": 2}, None),
    ],
)
def test_business_kept(facts, kept):
    found = account(**facts)["business_kept"]
    assert np.isnan(found) if kept is None else found == kept


def test_price_held_knows_falls_only():
    fall = account(price_realisation=0.88, price_realisation_before=0.90)["price_held"]
    assert fall == pytest.approx(-0.02)
    assert account(price_realisation=0.95, price_realisation_before=0.90)["price_held"] == 0


def test_wallet_and_incidents_are_capped():
    row = account(revenue=300, potential_per_year=200, revenue_before_incidents=50,
                  revenue_after_incidents=20)  # fmt: skip
    assert (row["share_of_wallet"], row["kept_after_incident"]) == (1, 0.4)
    nothing = account(revenue=300, potential_per_year=0, revenue_before_incidents=0)
    assert nothing[["share_of_wallet", "kept_after_incident"]].isna().all()


def facts(n: int = 20) -> pd.DataFrame:
    """n accounts that differ in months, lines and referrals; only the first had an incident."""
    k = np.arange(n, dtype=float)
    return pd.DataFrame(
        {
            "account_id": [f"a{i}" for i in range(n)], "evaluated_on": DAY, "revenue": 10.0 + k,
            "months_seen": 12.0, "buying_months": np.minimum(k, 12), "breadth": k, "lines_sold": float(n),
            "n_referrals": (k == n - 1).astype(float),
        }
    )  # fmt: skip


def test_the_index_is_the_mean_of_what_is_known():
    rows = score(facts()).rows
    best, worst = rows.iloc[-1], rows.iloc[0]
    # months: 12 to 19 are all twelve: (12 + 8 / 2) / 20 = 80; lines: 19.5 / 20; the only referrer
    assert best[["regularity", "breadth_score", "referral"]].tolist() == [80.0, 97.5, 97.5]
    assert best["behaviour"] == pytest.approx((80 + 97.5 + 97.5) / 3)
    assert worst[["regularity", "breadth_score", "referral"]].tolist() == [2.5, 2.5, 47.5]
    assert (rows["n_indicators"] == 3).all()
    assert rows[["resistance", "persistence"]].isna().all().all()


def test_below_the_stated_minimum_there_is_no_index():
    assert score(facts(), min_known=4).rows["behaviour"].isna().all()
    few = facts().assign(lines_sold=1.0)
    assert score(few).rows["behaviour"].isna().all()
    assert score(few, min_known=2).rows["behaviour"].notna().all()


def test_an_unknown_indicator_moves_nobody_up_or_down():
    """Persistence is known of accounts with an incident only; on its own scale its mean is 50."""
    rng = np.random.default_rng(3)
    n = 400
    rows = facts(n).assign(buying_months=rng.integers(1, 13, n), breadth=rng.integers(1, 9, n),
                           lines_sold=8.0, n_referrals=0.0)  # fmt: skip
    had = np.arange(n) % 2 == 0
    # nearly all go on buying after an incident: on a plain scale those with one would look loyal
    rows["revenue_before_incidents"] = np.where(had, 100.0, np.nan)
    rows["revenue_after_incidents"] = np.where(had, rng.uniform(80, 120, n), np.nan)
    index = score(rows).rows["behaviour"]
    # the sd of an index is about 15, of a difference of two means of 200 about 1.5
    assert abs(index[had].mean() - index[~had].mean()) < 4.5
    assert np.allclose(index.mean(), 50, atol=3)


def test_inputs_are_not_changed_and_order_does_not_matter():
    rows = facts()
    before = rows.copy()
    forward = score(rows).rows.set_index("account_id")[list(INDICATORS)]
    shuffled = rows.sample(frac=1, random_state=1)
    backward = score(shuffled).rows.set_index("account_id")[list(INDICATORS)]
    pd.testing.assert_frame_equal(forward, backward.loc[forward.index])
    pd.testing.assert_frame_equal(rows, before)


def test_given_scales_are_used():
    first = score(facts())
    later = facts().assign(evaluated_on=pd.Timestamp("2025-12-31"), breadth=19.0)
    assert (score(later, scales=first.scales).rows["breadth_score"] == 97.5).all()
    assert set(first.scales.reference) < set(EVERY)
