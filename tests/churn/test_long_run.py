"""Beyond the records: three forms, a cap, and how far they disagree."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from kamlib.churn.long_run import long_run, observed_spells
from kamlib.glossary import Style, columns, say
from kamlib.params import ChurnParams

RULES = ChurnParams(draws=200)


def drawn(n: int, rate: float, seed: int = 1) -> pd.DataFrame:
    """Exponential lives, of which the records see five years; a third began up to ten years before."""
    rng = np.random.default_rng(seed)
    began = np.where(rng.random(n) < 1 / 3, -10 * rng.random(n), 5 * rng.random(n))
    ends = began + rng.exponential(1 / rate, n)
    seen = ends > np.maximum(began, 0)
    entry = np.maximum(-began, 0)[seen]
    exit_ = (np.minimum(ends, 5) - began)[seen]
    return pd.DataFrame({"entry_years": entry, "exit_years": exit_, "event": (ends <= 5)[seen] * 1})


def test_exponential_lives_with_late_entry():
    found = long_run(drawn(1500, 0.2), RULES, np.random.default_rng(1))
    assert set(found.frame.columns) <= set(columns())
    assert set(found.frame["curve_form"]) == {"weibull", "log_normal", "log_logistic"}
    weibull = found.frame.set_index("curve_form").loc["weibull"]
    # ∫ exp(−t / 5) over ten years = 5 (1 − exp(−2)) = 4.32; still there exp(−2) = 13.5 %
    assert weibull["years_low"] < 5 * (1 - np.exp(-2)) < weibull["years_high"]
    assert weibull["share_at_cap"] == pytest.approx(np.exp(-2), abs=0.05)
    assert found.frame["aic"].is_monotonic_increasing


def test_nothing_is_read_beyond_the_cap():
    rows = drawn(600, 0.02, seed=2)
    found = long_run(rows, ChurnParams(long_run_years=3.0), np.random.default_rng(1))
    assert (found.frame["years_capped"] <= 3).all()
    assert "of the next 3" in say(found.note)


def test_forms_that_part_ways_are_called_so():
    # few losses early, and nobody seen for longer: the forms differ beyond
    rng = np.random.default_rng(3)
    n = 400
    lives = rng.lognormal(3.0, 1.6, n)
    rows = pd.DataFrame({"entry_years": 0.0, "exit_years": np.minimum(lives, 2.0),
                         "event": (lives <= 2.0) * 1})  # fmt: skip
    found = long_run(rows, ChurnParams(long_run_years=30.0), np.random.default_rng(1))
    check = found.checks[0]
    spread = found.frame["years_capped"].max() - found.frame["years_capped"].min()
    assert (check.passed is False) == (spread > 3.0)
    assert say(check.note, Style("zh"))


def test_few_losses_are_refused():
    rows = drawn(500, 0.2).assign(event=0)
    found = long_run(rows, RULES, np.random.default_rng(1))
    assert found.note.key == "drivers.long_run_few"
    assert long_run(rows.iloc[:0], RULES, np.random.default_rng(1)).refused


def test_spells_of_a_book(study):
    one = study("telecom_lines", 0.25, due_months=1)
    rows = observed_spells(one.book, one.spells)
    assert (rows["exit_years"] > rows["entry_years"]).all()
    assert rows["exit_years"].max() > 10  # ten years before the records began
    assert rows.loc[rows["entry_years"] > 0, "entry_years"].max() > 5
    assert rows["event"].sum() > 50
