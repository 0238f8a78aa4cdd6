"""Contracts played forward from parameters that are known."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from kamlib.value.lifetime.contract_lives import Endings, _groups, fit_endings, play
from kamlib.value.lifetime.term_model import BDW_TERMS, SBG_TERMS

DRAWS = 20_000
DAY = pd.Timestamp("2024-12-31")
MONTH = 30.4375


def chain(account="a", *, left=6.0, term=12, behind=0.0, renewals=0, value=100, state="running",
          size=0.0, kind="yearly"):  # fmt: skip
    return {
        "account_id": account, "state": state, "term_class": kind, "term_months": float(term),
        "ends_on": DAY + pd.Timedelta(days=round(left * MONTH)), "renewals": float(renewals),
        "months_behind": behind, "size": size, "value_per_year": value,
    }  # fmt: skip


def endings(*natural, model=SBG_TERMS, together=0.0, late=1.0, term=12.0):
    drawn = np.tile(np.array(natural), (DRAWS, 1))
    found = SimpleNamespace(
        classes=("yearly",), model=model, rows=SimpleNamespace(term=term),
        posterior=SimpleNamespace(natural=drawn),
    )  # fmt: skip
    return Endings((found,), np.full((DRAWS, 1), together), np.full((DRAWS, 1), late), 0)


def played(ends, *rows, seed=1):
    return play(ends, pd.DataFrame(rows), DAY, np.random.default_rng(seed))


@pytest.mark.parametrize(
    ("model", "natural"), [(SBG_TERMS, [1.5, 4.0]), (BDW_TERMS, [1.5, 4.0, 1.4])]
)
@pytest.mark.parametrize("early", [0.001, 0.4, 0.999])
def test_survival_is_that_of_the_model(model, natural, early):
    """A chain with two renewals behind it, 31 months old, 5 months before its next renewal."""
    one = chain(left=5.0, behind=31.0, renewals=2)
    lives = played(endings(*natural, early, 0.0, model=model), one)

    def age(renewals, months):
        return (1 - early) * renewals + early * months / 12

    now = model.core.log_survival(np.array(natural), [age(2, 31)])[0]
    # just before and after the renewal, in the middle of the next term, after two renewals
    due = round(5 * MONTH) / MONTH
    cases = [(due - 0.01, 2), (due + 0.01, 3), (due + 6, 3), (due + 12.01, 4), (due + 30, 5)]
    for months, renewals in cases:
        later = model.core.log_survival(np.array(natural), [age(renewals, 31 + months)])[0]
        stayed = (lives.lived[:, 0] > months * MONTH).mean()
        assert stayed == pytest.approx(np.exp(later - now), abs=0.012)


def test_renewals_are_those_lived_through():
    lives = played(endings(1.0, 1.0, 0.5, 0.0), chain(left=6.0), chain("b", left=1.0, term=1))
    lived, due = lives.lived, lives.due
    # due after 183 and 30 days: nobody lost before, or on, that day has renewed
    before = lived[:, 0] <= due[0] + 1e-6
    found = lives.renewals(1096.0)
    assert (found[before, 0] == 0).all()
    # whoever lives three years has renewed after 0.5, 1.5 and 2.5 years
    assert (found[lived[:, 0] > 1096, 0] == 3).all()
    assert (lives.renewals(182.0)[:, 0] == 0).all()
    # monthly: after 30 days, and every 30.4375 days after: the 36th after 1,095.3
    assert (found[lived[:, 1] > 1096, 1] == 36).all()
    assert found[:, 1].max() == 36


def test_e_of_zero_loses_contracts_at_renewals_only():
    lives = played(endings(1.0, 1.0, 0.0, 0.0), chain(left=6.0))
    lost = lives.lived[lives.lived < 2000][:400]
    terms = (lost - round(6 * MONTH)) / (12 * MONTH)
    np.testing.assert_allclose(terms, np.round(terms), atol=1e-6)


def test_those_that_wait_are_renewed_with_the_chance_learnt():
    waits = chain(left=-0.5, state="waiting", behind=12.0)
    lives = played(endings(1.0, 9.0, 0.5, 0.0, late=0.7), waits)
    gone = lives.lived[:, 0] == 0
    assert gone.mean() == pytest.approx(0.3, abs=0.015)
    # the late signature is a renewal, the next one is due a term from now
    assert (lives.renewals(300.0)[~gone, 0] == 1).all()
    assert (lives.renewals(300.0)[gone, 0] == 0).all()
    assert lives.renewals(366.0).max() == 2


def test_with_the_chance_learnt_chains_of_an_account_end_together():
    rows = [chain(value=100), chain(value=300), chain("b", value=50)]
    together = played(endings(1.0, 2.0, 0.5, 0.0, together=1.0), *rows).lived
    assert (together[:, 0] == together[:, 1]).all()
    assert abs(np.corrcoef(together[:, 0] < 365, together[:, 2] < 365)[0, 1]) < 0.03
    apart = played(endings(1.0, 2.0, 0.5, 0.0, together=0.0), *rows).lived
    assert abs(np.corrcoef(apart[:, 0] < 365, apart[:, 1] < 365)[0, 1]) < 0.03


def test_larger_chains_stay_longer_where_size_tells():
    lives = played(endings(1.0, 2.0, 0.5, -0.5), chain(size=-1.0), chain("b", size=1.0))
    small, large = (lives.lived > 730).mean(axis=0)
    assert large > small + 0.1


def of_classes(**lost):
    rows = [
        {"term_class": name, "lost": float(i < n)} for name, n in lost.items() for i in range(40)
    ]
    return pd.DataFrame(rows)


@pytest.mark.parametrize(
    ("lost", "groups"),
    [
        ({"monthly": 20, "yearly": 10, "longer": 30}, [("monthly",), ("yearly",), ("longer",)]),
        ({"monthly": 20, "yearly": 9, "longer": 15}, [("monthly",), ("yearly", "longer")]),
        ({"monthly": 9, "yearly": 30}, [("monthly", "yearly")]),
        ({"monthly": 4, "yearly": 3, "longer": 3}, [("monthly", "yearly", "longer")]),
        ({"monthly": 4, "yearly": 2, "longer": 3}, []),
        ({"longer": 12}, [("longer",)]),
    ],
)
def test_classes_that_are_too_small_join_a_neighbour(lost, groups):
    assert _groups(of_classes(**lost)) == groups


def test_chains_beside_a_larger_one_count_by_the_chance_of_a_fate_of_their_own():
    """Ten pairs of which nine ended together: own fate 1.5 / 11."""
    n = 30
    frame = pd.DataFrame(
        {
            "entry": 0.0,
            "entry_months": 0.0,
            "survived": 0.0,
            "months": 12.0,
            "lost": ([1.0] * 15 + [0.0] * 15) * 2,
            "ended_early": 0.0,
            "size": 0.0,
            "term_months": 12.0,
            "term_class": "yearly",
            "beside": [False] * n + [True] * n,
            "followed": [np.nan] * n + [1.0] * 9 + [0.0] + [np.nan] * 20,
        }
    )
    ends = pd.DataFrame({"waited": [True, True, False], "outcome": ["renewed", "lost", "lost"]})
    found = fit_endings(
        SimpleNamespace(frame=ends), frame, draws=4000, rng=np.random.default_rng(2)
    )
    assert found.fits[0].rows.weights.sum() == pytest.approx(n + n * 1.5 / 11)
    assert found.together.mean() == pytest.approx(9.5 / 11, abs=0.01)
    assert found.late.mean() == pytest.approx(0.5, abs=0.03)
    assert found.n_waited == 2
