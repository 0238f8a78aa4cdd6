"""The chance to become key: learnt from the past alone, calibrated, and refused where too few rose."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from kamlib.params import EvaluationStandardParams
from kamlib.value.standard.potential import (
    FEATURES,
    QUARTERS,
    candidates,
    features,
    learn,
    potential,
)
from kamlib.value.standard.potential_validation import validate
from kamlib.value.standard.white_space import white_space

PARAMS = EvaluationStandardParams()
DAYS = pd.date_range("2021-12-31", "2025-12-31", freq="QE")
NONE = pd.DataFrame(columns=["account_id", "n_white_space", "white_space"])


def tiers(tier_of, days=DAYS, **columns):
    """Return computed tiers: account -> one letter per date (p, g, i, l, or - for absent)."""
    words = {"p": "platinum", "g": "gold", "i": "iron", "l": "lead"}
    rows = [
        {"account_id": account, "evaluated_on": day, "tier": words[letter]}
        for account, letters in tier_of.items()
        for day, letter in zip(days, letters, strict=True)
        if letter != "-"
    ]
    known = {"score": 50.0, "standing": 50.0, "revenue": 100.0, "potential_per_year": np.nan,
             "potential_undated": np.nan} | columns  # fmt: skip
    return pd.DataFrame(rows).assign(**known)


def test_who_rose_by_hand():
    rows = candidates(tiers({"a": "iiiiig", "b": "ii-g--", "c": "gggggg"}, DAYS[:6]), PARAMS)
    told = rows.pivot(index="account_id", columns="evaluated_on", values="rose")
    # within four quarters: from the first date to the fifth; of the third on no year is known
    assert told.loc["a"].tolist()[:2] == [0.0, 1.0]
    assert told.loc["b"].tolist()[:2] == [1.0, 1.0]
    assert told.loc["a"].isna().tolist()[2:] == [True, True, True]
    assert "c" not in told.index  # key all along
    assert (
        rows["evaluated_on"].nunique() == 5
    )  # on the last date nobody is left but c and a, key both


def test_growth_and_wallet_by_hand():
    frame = tiers({"a": "iiiiiiii"}, DAYS[:8])
    frame["revenue"] = [100.0, 110, 120, 130, 150, 110, 60, 0]
    frame["potential_per_year"] = [np.nan, 200.0, 0.0, *[1000.0] * 5]
    rows = candidates(frame, PARAMS)
    assert rows["growth"].isna().tolist() == [True] * 4 + [False] * 4
    assert rows["growth"].tolist()[4:] == pytest.approx([0.5, 0.0, -0.5, -1.0])
    assert rows["share_of_wallet"].tolist()[1] == pytest.approx(0.55)
    assert np.isnan(rows["share_of_wallet"][2])
    assert np.isfinite(features(rows)).all()
    assert features(rows).shape == (8, len(FEATURES))


def world(n=400, seed=2, days=DAYS, level=-2.5):
    """Candidates whose true chance depends on the gap alone, and is known."""
    rng = np.random.default_rng(seed)
    ids = [f"{i:04d}" for i in range(n)]
    rows = []
    for day in days:
        gap = rng.normal(-10, 8, n)
        truth = expit(level + 0.15 * (gap + 10))
        rose = (rng.random(n) < truth).astype(float)
        rows.append(pd.DataFrame({
            "account_id": ids, "evaluated_on": day, "tier": "iron", "score": gap + 55, "gap": gap,
            "revenue": rng.lognormal(10, 1, n), "growth": rng.normal(0, 0.2, n), "move": 0.0,
            "share_of_wallet": 0.2, "wallet_known": 1.0,
            "potential_undated": np.nan, "truth": truth,
            "rose": rose if day + pd.DateOffset(years=1) <= days[-1] else np.nan,
        }))  # fmt: skip
    frame = pd.concat(rows, ignore_index=True)
    return frame.assign(log_revenue=np.log(frame["revenue"]))


def test_the_true_chance_is_found_again():
    rows = world()
    chance = learn(rows, DAYS[-1])
    now = rows[rows["evaluated_on"] == DAYS[-1]]
    found = chance.model.chance(features(now))
    assert np.abs(found - now["truth"]).max() < 0.05
    assert found.mean() == pytest.approx(now["truth"].mean(), abs=0.01)


def test_the_year_that_judges_is_not_learnt_from():
    rows = world()
    start = rows.loc[rows["rose"].notna(), "evaluated_on"].max()
    before = learn(rows, start)
    spoilt = rows.copy()
    # what ends after the year began must not matter, whatever it says
    late = spoilt["evaluated_on"] + pd.DateOffset(years=1) > start
    spoilt.loc[late & spoilt["rose"].notna(), "rose"] = 1.0
    assert learn(spoilt, start).model.slopes == pytest.approx(before.model.slopes)
    assert learn(rows, DAYS[0]) is None


def test_validation_by_its_own_rows():
    rows = world()
    found, calibration = validate(rows, PARAMS, top=40, conf_level=0.95)
    start = rows.loc[rows["rose"].notna(), "evaluated_on"].max()
    year = rows[rows["evaluated_on"] == start].reset_index(drop=True)
    p = learn(rows, start).model.chance(features(year))
    got = found.frame.set_index("term")["estimate"]
    assert got["brier_model"] == pytest.approx(np.mean((p - year["rose"]) ** 2))
    largest = year.sort_values("revenue", ascending=False).head(40)
    assert got["found_largest"] == pytest.approx(largest["rose"].sum() / year["rose"].sum())
    assert got["found_model"] > got["found_largest"]
    assert got["brier_model"] < got["brier_base_rate"]
    assert [check.passed for check in found.checks] == [True, True]
    assert calibration["n_accounts"].sum() == len(year)
    assert calibration["chance"].is_monotonic_increasing
    # where the chance is the truth, nearly all bins hold it
    held = calibration["chance"].between(calibration["share_low"], calibration["share_high"])
    assert held.sum() >= 4


def test_a_chance_that_finds_no_more_than_size_is_marked():
    rows = world(seed=5)
    judged = rows["evaluated_on"] == rows.loc[rows["rose"].notna(), "evaluated_on"].max()
    year = rows[judged]
    # in the year that judges, the largest rise and the near do not
    cut = year["revenue"].nlargest(40).min()
    rows.loc[judged, "rose"] = (year["revenue"] >= cut).astype(float)
    found, _ = validate(rows, PARAMS, top=40, conf_level=0.95)
    check, level = found.checks
    assert check.passed is False
    assert "did not beat the simple ways" in str(check.note)
    assert level.passed is True  # 40 rose, as about as many were expected to


def test_chances_that_add_up_to_too_few_are_marked():
    rows = world()
    judged = rows["evaluated_on"] == rows.loc[rows["rose"].notna(), "evaluated_on"].max()
    rows.loc[judged, "rose"] = 1.0
    found, _ = validate(rows, PARAMS, top=40, conf_level=0.95)
    assert found.checks[1].passed is False
    assert "but 400 rose" in str(found.checks[1].note)


def test_too_few_risers_are_refused_and_the_list_stands_by_size():
    rows = world(n=30, level=-30.0)
    assert learn(rows, DAYS[-1]) is None
    rows.loc[3, "rose"] = 1.0
    found, calibration = validate(rows, PARAMS, top=5, conf_level=0.95)
    assert found.refused
    assert calibration.empty
    assert "1 account rose before the last year, and 10 are needed" in str(found.note)
    listed = potential(rows, NONE, PARAMS)
    assert listed.frame["chance"].isna().all()
    assert listed.frame["revenue"].is_monotonic_decreasing
    assert "No chance is stated" in str(listed.note)


def test_the_list_stands_by_chance_and_an_undated_potential_is_only_shown():
    rows = world().assign(share_of_wallet=np.nan, wallet_known=0.0)
    now = rows["evaluated_on"] == DAYS[-1]
    shown = rows.assign(potential_undated=np.where(now, 2 * rows["revenue"], np.nan))
    plain, dated = potential(rows, NONE, PARAMS), potential(shown, NONE, PARAMS)
    assert plain.frame["chance"].is_monotonic_decreasing
    assert plain.frame["share_of_wallet"].isna().all()
    assert dated.frame["share_of_wallet"].to_numpy() == pytest.approx(0.5)
    assert dated.frame["chance"].tolist() == plain.frame["chance"].tolist()
    assert len(plain.frame) == 400


def test_nobody_left_to_rise():
    rows = candidates(tiers({"a": "gggggg"}, DAYS[:6]), PARAMS)
    assert rows.empty
    assert potential(rows, NONE, PARAMS).refused
    assert validate(rows, PARAMS, top=5, conf_level=0.95)[0].refused


def test_records_of_a_year_have_no_transitions():
    rows = candidates(tiers({"a": "iiii"}, DAYS[:QUARTERS]), PARAMS)
    assert rows["rose"].isna().all()
    assert learn(rows, DAYS[3]) is None


def test_white_space_by_hand():
    who = pd.DataFrame({"account_id": list("abcd"), "segment": ["s", "s", "s", None],
                        "revenue": [4.0, 3.0, 2.0, 1.0]})  # fmt: skip
    lines = pd.DataFrame({"account_id": list("aabbc"), "product_line": list("xyxyz")})
    found = white_space(lines, who).set_index("account_id")
    # half of b and c buy x, y, z: a lacks z; both others of c buy x and y; d has no one like it
    assert found["white_space"].to_dict() == {"a": "z", "b": "z", "c": "x, y", "d": ""}
    assert found["n_white_space"].tolist() == [1, 1, 2, 0]
    assert white_space(lines.head(0), who).empty
