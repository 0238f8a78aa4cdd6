"""What the simulator plants is found again, and what it does not plant is not claimed.

True in it: attitude moves survey answers and the risk to leave (retention.attitude), share of wallet and
drift are traits of an account, and what an account buys foretells nothing by itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from kamlib.accounts import evaluation_dates
from kamlib.book.simulate import simulate
from kamlib.glossary import LANGUAGES, Style, columns, say
from kamlib.loyalty.indicators.attitude import attitude, attitude_facts, with_attitude
from kamlib.loyalty.indicators.behaviour import behaviour, by_tier, measured
from kamlib.loyalty.indicators.facts import collect, loyalty_facts
from kamlib.loyalty.indicators.foretold import foretold
from kamlib.loyalty.indicators.matrix import matrix
from kamlib.loyalty.indicators.measures import score
from kamlib.loyalty.indicators.outcome import still_buying
from kamlib.loyalty.indicators.over_time import over_time

LAST = date(2025, 12, 31)
SAMPLE = {"telecom_lines": 0.4, "industrial_supplies": 0.4, "commercial_vehicles": 1.0}


def played(small: Any, name: str, size: float) -> SimpleNamespace:
    made = simulate(name, size=size)
    book = small.open(made.tables, kind="parquet", as_of=str(LAST))
    dates = evaluation_dates(date(2021, 1, 1), LAST)
    scored = score(collect(loyalty_facts(book, dates)))
    rows = with_attitude(scored.rows, collect(attitude_facts(book, dates)))
    outcomes = {n: collect(still_buying(book, dates, recent_months=n)) for n in (1, 3)}
    now = rows[rows["evaluated_on"] == pd.Timestamp(LAST)]
    traits = made.account_truth.set_index("account_id").add_prefix("true_")
    return SimpleNamespace(
        scored=scored, rows=rows, outcomes=outcomes, day=pd.Timestamp(LAST),
        now=now.join(traits, on="account_id"),
    )  # fmt: skip


@pytest.fixture(scope="module", params=list(SAMPLE))
def unit(request, small) -> Iterator[SimpleNamespace]:
    return played(small, request.param, SAMPLE[request.param])


def found(unit: SimpleNamespace, recent: int = 1) -> pd.DataFrame:
    rng = np.random.default_rng(7)
    return foretold(unit.rows, unit.outcomes[recent], rng=rng, draws=50).frame.set_index(
        "indicator"
    )


def test_traits_show_in_the_measures(unit):
    """Rank correlations of 94 to 700 accounts have a standard error of 0.04 to 0.1."""
    for measure, trait, least in (
        ("share_of_wallet", "true_share_of_wallet", 0.25),
        ("attitude", "true_attitude", 0.1),
        ("business_kept", "true_drift_per_year", 0.1),
    ):
        both = unit.now[[measure, trait]].dropna()
        assert len(both) > 60
        assert both.corr("spearman").iloc[0, 1] > least, measure


def test_every_estimate_speaks_in_both_languages(unit):
    estimates = [
        behaviour(unit.scored, unit.day), measured(unit.scored, unit.day),
        by_tier(unit.scored, unit.day), attitude(unit.rows, unit.day), matrix(unit.rows, unit.day),
        over_time(unit.rows),
        foretold(unit.rows, unit.outcomes[1], rng=np.random.default_rng(1), draws=20),
    ]  # fmt: skip
    for estimate in estimates:
        assert set(estimate.frame) <= set(columns())
        for language in LANGUAGES:
            for sentence in (estimate.note, *(check.note for check in estimate.checks)):
                assert len(say(sentence, Style(language, "EUR"))) > 10


def test_scores_lie_on_their_scale(unit):
    rows = unit.rows
    for name in ("regularity", "breadth_score", "referral", "resistance", "persistence"):
        known = rows[name].dropna()
        assert known.between(0, 100).all()
        first = rows.loc[rows[name].notna(), "evaluated_on"].min()
        assert rows.loc[rows["evaluated_on"] == first, name].mean() == pytest.approx(50, abs=1e-6)
    assert (rows["behaviour"].notna() == (rows["n_indicators"] >= 3)).all()


def test_who_has_stopped_already_is_not_foretold(small):
    """Bills come monthly: who had none for two months is gone, and regularity only says so."""
    unit = played(small, "telecom_lines", 0.4)
    naive, right = found(unit, 3), found(unit, 1)
    assert naive.loc["regularity", "told_low"] > 0.5
    # of accounts that were still buying it is a coin, as planted
    area = right.loc["regularity", "told_apart"]
    assert np.isnan(area) or abs(area - 0.5) < 0.05


@pytest.mark.slow
def test_attitude_foretells_in_a_large_unit(small):
    """With retention.attitude −0.3 the risk of one sd less is a third higher; nothing else is planted."""
    unit = played(small, "telecom_lines", 4.0)
    frame = found(unit)
    assert frame.loc["attitude", "told_low"] > 0.5
    planted_none = frame.loc[["breadth_score", "persistence"]]
    assert ((planted_none["told_apart"] - 0.5).abs() < 0.06).all()
