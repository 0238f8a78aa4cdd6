"""Scales are frozen on the first date that can carry them, and know nothing that came later."""

from __future__ import annotations

import numpy as np
import pandas as pd

from kamlib.loyalty.indicators.scales import freeze, place

FIRST, SECOND = pd.Timestamp("2023-12-31"), pd.Timestamp("2024-12-31")


def rows(then: list[float], now: list[float]) -> pd.DataFrame:
    days = [FIRST] * len(then) + [SECOND] * len(now)
    return pd.DataFrame({"evaluated_on": days, "x": [*then, *now]})


def test_the_first_date_with_twenty_known_is_the_scale():
    few = rows([1.0] * 19 + [np.nan], list(range(20)))
    scales = freeze(few, ["x"])
    assert scales.reference_on["x"] == SECOND
    scores = place(few, ["x"], scales)["x"]
    # what was before the scale has no score; of twenty different ones the lowest scores half of 5
    assert scores[:20].isna().all()
    assert scores.iloc[20] == 2.5
    enough = rows(list(range(20)), [5.0] * 20)
    assert freeze(enough, ["x"]).reference_on["x"] == FIRST
    assert freeze(enough, ["x"], since=SECOND).reference_on["x"] == SECOND


def test_nobody_moves_because_others_did():
    one, other = (rows(list(range(20)), [10.0, *rest]) for rest in ([0.0] * 30, [99.0] * 30))
    scores = [place(r, ["x"], freeze(r, ["x"]))["x"].iloc[20] for r in (one, other)]
    # ten of twenty lie below 10, one equals it
    assert scores == [52.5, 52.5]


def test_a_measure_that_is_hardly_known_has_no_scale():
    none = rows([np.nan] * 20, [np.nan] * 20)
    scales = freeze(none, ["x"])
    assert "x" not in scales.reference
    assert place(none, ["x"], scales)["x"].isna().all()
