"""Four classes by hand, their shares, and the cuts that stay."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from kamlib.errors import FitError
from kamlib.glossary import Style, columns, say
from kamlib.loyalty.indicators.behaviour import ALL
from kamlib.loyalty.indicators.matrix import CLASSES, classify, matrix

DAY = pd.Timestamp("2024-12-31")


def rows(*counts: int, tier: str | None = "gold") -> pd.DataFrame:
    """Return accounts: so many true, latent, spurious, low, and of unknown attitude."""
    points = [(60, 70), (40, 70), (60, 30), (40, 30), (60, np.nan)]
    found = [point for point, n in zip(points, counts, strict=False) for _ in range(n)]
    frame = pd.DataFrame(found, columns=["behaviour", "attitude"])
    return frame.assign(evaluated_on=DAY, tier_in_force=tier, revenue=2.0)


def test_who_is_what():
    # on the cut is high; without either there is no class
    points = pd.DataFrame({"behaviour": [50, 49.9, 50, 0, np.nan, 60],
                           "attitude": [50, 50, 49.9, 0, 60, np.nan]})  # fmt: skip
    found = classify(points)["loyalty_class"]
    assert found[:4].tolist() == list(CLASSES)
    assert found[4:].isna().all()
    assert classify(points, (70, 70))["loyalty_class"][:4].tolist() == [CLASSES[3]] * 4


def test_shares_by_tier():
    found = matrix(pd.concat([rows(6, 4, 5, 3), rows(2, 0, 0, 4, 9, tier="lead")]), DAY)
    shares = found.frame.set_index(["group", "loyalty_class"])
    assert list(dict.fromkeys(found.frame["group"])) == ["gold", "lead", ALL]
    # 6 of 18, 2 of 6, 8 of 24
    for group in ("gold", "lead", ALL):
        assert shares.loc[(group, "true loyalty"), "class_share"] == pytest.approx(1 / 3)
    assert shares["class_share"].groupby("group").sum().tolist() == pytest.approx([1, 1, 1])
    assert shares.loc[("lead", "latent loyalty"), "n_accounts"] == 0
    assert shares.loc[(ALL, "low loyalty"), "revenue"] == 14
    # Wilson, 8 of 24: (1/3 + 3.8415/48 ± 1.96 sqrt(2/9/24 + 3.8415/2304)) / (1 + 3.8415/24)
    assert shares.loc[(ALL, "true loyalty"), "share_low"] == pytest.approx(0.1797, abs=5e-5)
    assert shares.loc[(ALL, "true loyalty"), "share_high"] == pytest.approx(0.5329, abs=5e-5)
    assert (found["n_obs"], found["n_unknown"]) == (24, 9)
    assert found.checks[0].passed
    assert set(found.frame) <= set(columns())


def test_few_covered_is_said():
    found = matrix(rows(5, 5, 5, 5, 25), DAY)
    assert found.checks[0].passed is False
    assert "20 of 45" in str(found.checks[0].note)


def test_accounts_near_a_cut_are_counted():
    # all lie ten points or more from 50; of cuts at 57 and 50 those at 60 lie three points away
    assert [matrix(rows(5, 5, 5, 5), DAY, cuts=(cut, 50)).checks[1].passed for cut in (50, 57)] == [
        True, False,
    ]  # fmt: skip
    check = matrix(rows(5, 5, 5, 5), DAY, cuts=(57, 50)).checks[1]
    assert "50.0 % of the 20 accounts" in str(check.note).replace("\u00a0", " ")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_refused_below_twenty(language):
    found = matrix(rows(5, 5, 5, 4, 100), DAY)
    assert found.refused
    assert "19" in say(found.note, Style(language))


def test_a_cut_beyond_the_scale_is_refused():
    with pytest.raises(FitError, match="the cuts are 50 and 101; expected 0 to 100"):
        classify(rows(1), (50, 101))
