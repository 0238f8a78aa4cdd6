"""Lists of the k accounts at highest risk: by hand, ties, draws by account, and edges."""

from __future__ import annotations

import numpy as np
import pytest

from kamlib import glossary
from kamlib.errors import FitError
from kamlib.stats.top_list import TERMS, top_list

# six accounts; a, c and e leave within the horizon
EXIT, EVENT = [1, 3, 2, 3, 1, 3], [1, 0, 1, 0, 1, 0]
VALUE = [10.0, 50.0, 20.0, 5.0, 30.0, 40.0]
RISK = [6, 5, 4, 3, 2, 1]


def figures(rankings=None, listed=(2,), seed=1, draws=200, **more):
    rankings = {"risk": RISK} if rankings is None else rankings
    given = {"exit_": EXIT, "event": EVENT, "value": VALUE} | more
    return top_list(
        rankings, **given, horizon=2, listed=listed, draws=draws, rng=np.random.default_rng(seed)
    )


def read(found, ranking="risk", listed=2, against=None):
    rows = found[(found["ranking"] == ranking) & (found["listed"] == listed)]
    rows = rows[rows["against"].isna() if against is None else rows["against"] == against]
    return dict(zip(rows["term"], rows["estimate"], strict=True))


def test_by_hand():
    found = figures(listed=[2, 3])
    # of the first two a leaves: 1/2, as of all; 10 of 60
    assert read(found) == pytest.approx({"precision": 0.5, "lift": 1.0, "value_captured": 1 / 6})
    # with c: 2/3, 30 of 60
    assert read(found, listed=3) == pytest.approx(
        {"precision": 2 / 3, "lift": 4 / 3, "value_captured": 0.5}
    )


def test_against_a_baseline_in_the_same_draws():
    found = figures({"risk": RISK, "value": VALUE}, against=["value"])
    # by value: b and f stay, nothing is found
    assert read(found, "value") == {"precision": 0.0, "lift": 0.0, "value_captured": 0.0}
    assert read(found, "risk", against="value") == pytest.approx(read(found, "risk"))
    # nothing is compared with itself
    assert set(found.loc[found["ranking"] == "value", "against"]) == {None}
    # the same ranking under two names: no difference in any draw
    twice = figures({"risk": RISK, "again": RISK}, against=["again"])
    same = twice[twice["against"] == "again"]
    assert same["estimate"].tolist() == [0.0, 0.0, 0.0]
    assert same["conf_low"].isna().all()


def test_equal_scores_share_the_places_whatever_the_order_of_rows():
    tied = {"rule": [1, 1, 1, 0, 0, 0]}
    found = read(figures(tied), "rule")
    # two places for a, b, c: 2/3 of each
    assert found["precision"] == pytest.approx(2 / 3)
    assert found["value_captured"] == pytest.approx(2 / 3 * 30 / 60)
    order = [2, 1, 0, 5, 4, 3]
    turned = figures(
        {"rule": [1, 1, 1, 0, 0, 0]}, exit_=np.array(EXIT)[order], event=np.array(EVENT)[order],
        value=np.array(VALUE)[order],
    )  # fmt: skip
    assert read(turned, "rule") == pytest.approx(found)


def test_a_list_longer_than_the_book_is_the_book():
    assert read(figures(listed=[99]), listed=99) == pytest.approx(
        {"precision": 0.5, "lift": 1.0, "value_captured": 1.0}
    )


def test_censored_accounts_are_stood_in_for():
    # d is censored at 1: of five known, those still there at 1 stand for it
    exit_, event = [1, 3, 2, 1, 1, 3], [1, 0, 1, 0, 1, 0]
    found = read(figures(listed=[6], exit_=exit_, event=event), listed=6)
    # Kaplan–Meier: 4/6 after 1, then 2 of 3 of them after 2
    assert found["precision"] == pytest.approx(1 - 4 / 6 * 2 / 3)
    assert found["value_captured"] == pytest.approx(1.0)


def test_intervals_hold_the_estimate_and_narrow_with_n():
    rng = np.random.default_rng(0)

    def width(n):
        chance = rng.beta(2, 5, n)
        value = rng.lognormal(3, 1, n)
        event = (rng.random(n) < chance).astype(int)
        found = top_list({"p": chance}, np.where(event, 1, 2), event, value, horizon=1,
                         listed=[n // 10], draws=200, rng=rng)  # fmt: skip
        assert (
            (found["conf_low"] < found["estimate"]) & (found["estimate"] < found["conf_high"])
        ).all()
        return (found["conf_high"] - found["conf_low"]).to_numpy()

    assert (width(4000) < width(250)).all()


def test_all_of_a_list_and_none_of_it():
    rows = figures({"all": [9, 0, 8, 0, 7, 0], "none": [0, 9, 0, 8, 0, 7]}, listed=[3])
    found = rows.set_index(["ranking", "term"])
    # every draw says 1: Wilson's interval of 3 of 3 goes down to 0.4385, lift is twice that
    assert found.loc[("all", "precision"), "conf_low"] == pytest.approx(0.4385, abs=5e-5)
    assert found.loc[("all", "lift"), "conf_low"] == pytest.approx(0.877, abs=1e-4)
    assert found.loc[("none", "precision"), "conf_high"] == pytest.approx(0.5615, abs=5e-5)


def test_rows_of_one_account_are_drawn_whole():
    """Each account stands four times, on four days: that is no more to go by than once."""
    rng = np.random.default_rng(2)
    chance, value = rng.beta(2, 5, 300), rng.lognormal(3, 1, 300)
    event = (rng.random(300) < chance).astype(int)
    given = [np.repeat(v, 4) for v in (chance, np.where(event, 1, 2), event, value)]

    def width(account):
        found = top_list({"p": given[0]}, *given[1:], horizon=1, listed=[120], draws=400,
                         rng=np.random.default_rng(0), account=account)  # fmt: skip
        return (found["conf_high"] - found["conf_low"]).iloc[0]

    # half as wide, were the rows taken for so many accounts
    assert width(np.repeat(np.arange(300), 4)) / width(None) == pytest.approx(2, abs=0.4)


def test_the_same_draws_give_the_same_limits():
    assert figures(seed=3).equals(figures(seed=3))


def test_a_draw_may_leave_out_many_of_the_first():
    """More equal accounts than are looked at first, and a list as long as the book."""
    n = 400
    event = np.arange(n) % 2
    found = top_list({"p": np.arange(n)}, np.where(event, 1, 2), event, np.ones(n), horizon=1,
                     listed=[1, n], draws=200, rng=np.random.default_rng(0))  # fmt: skip
    assert read(found, "p", n)["value_captured"] == 1.0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"value": [-1.0, *VALUE[1:]]}, "whose value is below zero \\(row 0"),
        ({"value": [np.nan, *VALUE[1:]]}, "whose value is unknown"),
        ({"rankings": {"risk": [np.inf, *RISK[1:]]}}, "whose score risk is unknown"),
        ({"rankings": {"risk": RISK[1:]}}, "one value per row was expected"),
        ({"rankings": {}}, "there is no ranking; expected at least one"),
        ({"listed": []}, "no length is given"),
        ({"account": ["a", None, "b", "c", "d", "e"]}, "5 of 6 rows have an account"),
        ({"listed": [0]}, "its length is 0; expected 1 or more"),
        ({"against": ["rsik"]}, "'rsik' is no ranking – did you mean 'risk'"),
        ({"event": [0] * 6}, "nobody is known to have left within 2"),
        (
            {"exit_": [*EXIT, 1], "event": [*EVENT, 0]},
            "7 accounts are followed, and 6 have a value",
        ),
        ({"exit_": [1] * 6}, "horizon: 2 cannot be judged"),
    ],
)
def test_refused(change, message):
    with pytest.raises(FitError, match=message):
        figures(**change)


def test_columns_are_in_the_glossary():
    assert {*figures(), *TERMS} <= set(glossary.columns())


@pytest.mark.slow
def test_intervals_hold_the_truth():
    rng = np.random.default_rng(7)
    big = rng.beta(2, 5, 2_000_000)
    # the expected share of lost value in the first tenth, values apart from risks
    cut = np.quantile(big, 0.9)
    truth = (big * (big >= cut)).sum() / big.sum()
    hits = 0
    for _ in range(300):
        chance, value = rng.beta(2, 5, 800), rng.lognormal(3, 0.7, 800)
        event = (rng.random(800) < chance).astype(int)
        found = top_list({"p": chance}, np.where(event, 1, 2), event, value, horizon=1, listed=[80],
                         draws=300, rng=rng).set_index("term")  # fmt: skip
        row = found.loc["value_captured"]
        hits += row["conf_low"] <= truth <= row["conf_high"]
    assert 0.90 <= hits / 300 <= 0.98
