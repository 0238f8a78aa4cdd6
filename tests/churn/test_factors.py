"""How rows are read: caps, steps, unknown values, texts, and the same reading of other rows."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.testing import assert_allclose

from kamlib.churn.covariates import COVARIATES
from kamlib.churn.factors import FACTORS, FORETELLING, Factor, learn_design, usable
from kamlib.glossary import Style, say, sentences, term

CALLS = Factor("complaints_3m", "drivers.complaints_3m", most=3.0)
PRICE = Factor("price_realisation", "drivers.price_realisation", step=0.05)
TIER = Factor("tier_in_force", "drivers.category", kind="text")
YEARS = Factor("tenure_years", "drivers.tenure_years", kind="curve")


def rows(**columns) -> pd.DataFrame:
    return pd.DataFrame(columns)


def test_counts_are_capped_and_numbers_counted_in_steps():
    frame = rows(complaints_3m=[0.0, 2.0, 9.0], price_realisation=[0.8, 0.85, 0.9])
    design = learn_design(frame, [CALLS, PRICE], based=True)
    assert design.names == ("complaints_3m", "price_realisation")
    assert_allclose(design.matrix(frame), [[0, 16], [2, 17], [3, 18]])


def test_unknown_values_are_their_mean_and_say_so():
    frame = rows(price_realisation=[0.8, np.nan, 0.9])
    design = learn_design(frame, [PRICE], based=True)
    assert design.names == ("price_realisation", "price_realisation_unknown")
    assert_allclose(design.matrix(frame), [[16, 0], [17, 1], [18, 0]])
    # other rows are read by what was learnt here
    assert_allclose(design.matrix(rows(price_realisation=[np.nan])), [[17, 1]])


def test_texts_are_held_against_the_most_frequent_one():
    frame = rows(tier_in_force=["iron"] * 4 + ["gold"] * 2 + [None])
    design = learn_design(frame, [TIER], based=True)
    assert [(c.category, c.base) for c in design.columns] == [("gold", "iron"), ("unknown", "iron")]
    assert design.matrix(frame)[:, 0].tolist() == [0, 0, 0, 0, 1, 1, 0]
    # a value never seen before is none of those known
    assert design.matrix(rows(tier_in_force=["platinum"])).tolist() == [[0, 0]]
    every = learn_design(frame, [TIER], based=False)
    assert [c.category for c in every.columns] == ["gold", "iron", "unknown"]


def test_rare_texts_are_not_told_apart():
    frame = rows(tier_in_force=["iron"] * 150 + ["gold"] * 149 + ["lead"])
    design = learn_design(frame, [TIER], based=True)
    assert [c.category for c in design.columns] == ["gold"]


def test_many_rare_texts_stand_together():
    frame = rows(tier_in_force=["iron"] * 150 + ["gold"] * 50 + [f"tier {n}" for n in range(100)])
    design = learn_design(frame, [TIER], based=True)
    # a third of the rows is neither: compared with iron, and not counted as iron
    assert [(c.category, c.base) for c in design.columns] == [("gold", "iron"), ("other", "iron")]
    assert design.matrix(frame).sum(axis=0).tolist() == [50, 100]
    assert design.matrix(rows(tier_in_force=["tier of tomorrow", "iron"])).tolist() == [
        [0, 1],
        [0, 0],
    ]
    assert "其他" in say(design.columns[1].contrast, Style("zh"))
    # where no value is frequent there is nothing to compare
    nobody = rows(tier_in_force=[f"tier {n}" for n in range(200)])
    assert learn_design(nobody, [TIER], based=True).columns == ()


def test_rarely_unknown_values_have_no_column():
    frame = rows(price_realisation=[0.8] * 200 + [np.nan])
    design = learn_design(frame, [PRICE], based=True)
    assert design.names == ("price_realisation",)
    assert design.matrix(frame)[-1, 0] == 16


def test_the_curve_is_straight_at_both_ends():
    years = np.r_[0.0, 0.1, 0.2, np.expm1([4.0, 5.0, 6.0])]
    frame = rows(tenure_years=years)
    x = learn_design(frame, [YEARS], based=False).matrix(frame)
    assert_allclose(x[:, 0], np.log1p(years))
    assert_allclose(x[:3, 1], 0.0)
    assert_allclose(np.diff(x[3:, 1], 2), 0.0, atol=1e-9)


def test_what_a_loss_is_made_of_is_left_out():
    frame = pd.DataFrame({factor.name: [1.0] for factor in FACTORS})
    by_silence = {f.name for f in usable("own_rhythm", frame, FACTORS)}
    by_contract = {f.name for f in usable("contracts", frame, FACTORS)}
    assert "partial_loss" not in by_silence
    assert "partial_loss" in by_contract
    known = frame.assign(satisfaction=np.nan)
    assert "satisfaction" not in {f.name for f in usable("contracts", known, FACTORS)}


def test_no_factor_is_silence_itself_or_a_notice():
    names = {factor.name for factor in (*FACTORS, *FORETELLING)}
    assert not names & {"days_since_last", "revenue_trend", "notice_given", "days_to_due"}
    assert names - {"tenure_years"} <= {c.name for c in COVARIATES}


def test_every_factor_has_words_in_both_languages():
    for factor in FORETELLING:
        term(factor.name)
        assert factor.contrast in sentences()
    frame = rows(tier_in_force=["iron", "iron", "gold", None])
    column = learn_design(frame, [TIER], based=True).columns[0]
    assert say(column.contrast) == "Tier in force gold rather than iron"
    assert "黄金" in say(column.contrast, Style("zh"))
    role = Factor("role", "drivers.category", kind="text")
    frame = rows(role=["intermediary", "end_customer", "end_customer"])
    assert say(learn_design(frame, [role], based=True).columns[0].contrast) == (
        "Role intermediary rather than end customer"
    )
