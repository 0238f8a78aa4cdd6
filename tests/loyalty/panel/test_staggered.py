from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from kamlib import glossary
from kamlib.errors import FitError
from kamlib.loyalty.panel.aggregation import simple
from kamlib.loyalty.panel.event_study import event_study
from kamlib.loyalty.panel.grid import panel_of
from kamlib.loyalty.panel.group_time import group_time
from kamlib.loyalty.panel.staggered import staggered


def test_all_estimators_of_the_fixture(fixture_panel, reference, printed, checks, said):
    found = staggered(fixture_panel, outcome="revenue")
    told = reference["fixture"]
    expected = [
        told["imputation"],
        told["never"]["simple"],
        told["two_stage"],
        told["interaction_weighted"],
    ]
    assert found.frame["estimate"][:4].to_numpy() == printed([e[0] for e in expected])
    assert set(found.frame.columns) <= set(glossary.columns())
    assert found["n_obs"] == 24
    # no cohort has six periods before its start, as the test of a move just before takes
    assert checks(found) == {
        "estimators_agree": True, "recent_jump": None, "top_account": True, "joined_before": True,
    }  # fmt: skip
    assert "12 accounts that joined" in said(found)[0]
    assert "EUR" in said(found)[0]


@pytest.mark.parametrize(
    ("scale", "term", "words"),
    [("log", "att_log", "89.5 %"), ("share", "att_share", "63.9 percentage points")],
)
def test_the_scale_sets_the_words(fixture_panel, scale, term, words, said):
    """exp(0.639423) − 1 = 0.8954; 100 · 0.639423."""
    found = staggered(fixture_panel, outcome="revenue", scale=scale)
    assert set(found.frame["term"]) == {term}
    assert words in said(found)[0].replace("\u00a0", " ")


def test_few_treated_get_the_chance_of_a_permutation(fixture_panel):
    found = staggered(fixture_panel, outcome="revenue", draws=49, rng=np.random.default_rng(1))
    assert found.frame.loc[0, "p_value"] == pytest.approx(1 / 50)
    with pytest.raises(FitError, match="rng"):
        staggered(fixture_panel, outcome="revenue", draws=49)


def test_a_move_just_before_the_start_makes_the_two_disagree(fixture_panel, checks, said):
    """All who join fall by 3 in the period before: what compares with it alone gains as much."""
    fall = np.arange(8) == fixture_panel.start[:, None] - 1
    dip = replace(fixture_panel, outcome=fixture_panel.outcome - 3.0 * fall)
    found = staggered(dip, outcome="revenue")
    assert checks(found)["estimators_agree"] is False
    plain = simple(dip, group_time(dip)).estimate[0]
    assert found.frame.loc[1, "estimate"] == pytest.approx(plain)
    assert plain > 3.0
    assert all(said(found))


def test_one_cohort_and_gaps_leave_out_what_cannot_be(fixture_rows):
    rng = np.random.default_rng(3)
    rows = fixture_rows[(fixture_rows["cohort"] != 6) | (fixture_rows["unit"] < 8)]
    rows = rows[rng.random(len(rows)) > 0.1]
    found = staggered(panel_of(rows), outcome="revenue")
    assert "Saturated regression" not in set(found.frame["estimator"])
    assert "Imputation" in set(found.frame["estimator"])


def test_always_treated_are_told(fixture_rows, checks, said):
    early = fixture_rows.assign(
        cohort=fixture_rows["cohort"].where(fixture_rows["unit"] != 23, 1.0)
    )
    found = staggered(panel_of(early), outcome="revenue")
    assert checks(found)["joined_before"] is False
    assert "1 of 24 accounts had joined" in said(found)[-2]


def test_refusals(fixture_rows, said):
    few = panel_of(fixture_rows[fixture_rows["unit"] >= 7])
    assert staggered(few, outcome="revenue").refused
    parents = panel_of(fixture_rows.assign(parent=fixture_rows["unit"] // 2), cluster="parent")
    found = staggered(parents, outcome="revenue")
    assert found.refused
    assert "there are 6 in the programme and 6 outside" in said(found)[0]
    late = fixture_rows[fixture_rows["cohort"] == 4]
    more = late.assign(unit=late["unit"] + 100)
    together = panel_of(late.merge(more, how="outer", on=list(late.columns)).reset_index(drop=True))
    found = staggered(together, outcome="revenue", control="not_yet")
    assert found.refused
    assert "nobody else was left outside" in said(found)[0]
    assert event_study(together, outcome="revenue", control="not_yet").refused


def test_one_account_that_makes_the_effect(fixture_panel, checks, said):
    """One of twelve gains 20 in its five periods, 100 ÷ 48 on the mean of all cells, 0.64 before."""
    first = fixture_panel.units == 3
    one = replace(
        fixture_panel, outcome=fixture_panel.outcome + 20.0 * fixture_panel.after * first[:, None]
    )
    found = staggered(one, outcome="revenue")
    assert checks(found)["top_account"] is False
    assert any(text.endswith(": 3. Read it without that account as well.") for text in said(found))


def test_a_recovery_is_told(world, checks, said):
    """Those who join after a dip of three months recover without any programme."""
    panel, _ = world(np.random.default_rng(6), n=100, cohorts=(12,), share=0.4, effect=0.0)
    at = np.arange(24)
    dip = ((at >= 9) & (at < 12)) * panel.treated[:, None]
    found = staggered(replace(panel, outcome=panel.outcome - 0.8 * dip), outcome="revenue")
    assert checks(found)["recent_jump"] is False
    calm = staggered(panel, outcome="revenue")
    assert checks(calm)["recent_jump"] is True
    assert all(said(found) + said(calm))
