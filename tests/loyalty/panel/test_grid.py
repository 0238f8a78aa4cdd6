from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from kamlib.errors import FitError
from kamlib.loyalty.panel.grid import panel_of


def rows(**change):
    """Four units × three periods, two of which start in period 2."""
    frame = pd.DataFrame(
        [
            (u, p, 2.0 if u < "c" else np.nan, float(p), 1.0, "g" + u)
            for u in "abcd"
            for p in (1, 2, 3)
        ],
        columns=["unit", "period", "cohort", "outcome", "size", "parent"],
    )
    return frame.assign(**change)


def test_a_grid_holds_what_the_rows_say_in_any_order():
    panel = panel_of(rows().sample(frac=1, random_state=1), weight="size", cluster="parent")
    assert panel.units.tolist() == list("abcd")
    assert panel.start.tolist() == [1, 1, 3, 3]
    assert panel.outcome.tolist() == [[1, 2, 3]] * 4
    assert panel.after[0].tolist() == [False, True, True]
    assert panel.n_treated_clusters == 2
    assert panel.n_always == 0


def test_a_missing_row_and_a_missing_value_are_the_same_gap():
    whole = rows()
    whole.loc[4, "outcome"] = np.nan
    one, other = panel_of(whole), panel_of(rows().drop(index=4))
    assert np.array_equal(one.outcome, other.outcome, equal_nan=True)
    assert int((~one.seen).sum()) == 1


def test_a_cohort_after_the_last_period_is_not_treated_within_the_panel():
    frame = rows()
    frame.loc[frame["unit"] == "c", "cohort"] = 9
    assert panel_of(frame).treated.tolist() == [True, True, False, False]


def test_those_without_a_before_are_left_out_and_counted():
    frame = rows()
    frame.loc[frame["unit"] == "d", "cohort"] = 1
    panel = panel_of(frame)
    assert panel.units.tolist() == ["a", "b", "c"]
    assert panel.n_always == 1


def test_who_has_no_parent_is_a_cluster_of_its_own():
    frame = rows()
    frame.loc[frame["unit"].isin(["b", "c"]), "parent"] = None
    frame.loc[frame["unit"] == "d", "parent"] = "ga"
    cluster = panel_of(frame, cluster="parent").cluster
    assert cluster[0] == cluster[3]
    assert len(set(cluster)) == 3


def test_weights_have_the_mean_one():
    frame = rows(size=np.repeat([1.0, 2.0, 3.0, 4.0], 3))
    assert panel_of(frame, weight="size").weight.tolist() == [0.4, 0.8, 1.2, 1.6]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"cohort": np.nan}, "nobody in the panel is treated"),
        ({"cohort": 1.0}, "from their first period on"),
        ({"cohort": [2.0] * 3 + [np.nan] * 9}, "only one unit is treated"),
        ({"cohort": [2.0, 3.0] * 6}, "cohort: .* changes within 4 units"),
        ({"cohort": [2.0, np.nan, 2.0] + [np.nan] * 9}, "cohort: .* changes within 1 units"),
        ({"cohort": [2.5] * 6 + [np.nan] * 6}, "cohorts must be whole numbers"),
        ({"size": range(12)}, "size: a fixed value changes within 4 units"),
        ({"size": 0.0}, "weights must be above zero"),
        ({"period": [1, 1, 2] * 4}, "4 rows repeat a unit and period"),
        ({"period": [1, 2, 4] * 4}, r"no unit has a value in 1 of the periods .* \(first: 3\)"),
        ({"period": [1, 1.5, 2] * 4}, "periods must be whole numbers"),
        ({"outcome": [-np.inf] + [1.0] * 11}, "outcomes must be finite"),
        ({"unit": [None] * 3 + list("bbbcccddd")}, "3 rows have no unit"),
    ],
)
def test_what_is_wrong_is_said(change, told):
    with pytest.raises(FitError, match=told):
        panel_of(rows(**change), weight="size")


def test_all_faults_are_told_at_once():
    frame = rows(period=[1, 1, 2] * 4, size=range(12), outcome=np.inf)
    with pytest.raises(FitError) as caught:
        panel_of(frame, covariates=["size"])
    assert len(caught.value.faults) == 3


def test_what_is_no_number_is_said():
    frame = rows(outcome=["12", "n/a", "3"] * 4, size="large")
    with pytest.raises(FitError) as caught:
        panel_of(frame, weight="size")
    assert caught.value.faults == (
        "outcome: 4 rows hold no number (first: 'n/a')",
        "size: 12 rows hold no number (first: 'large')",
    )


def test_numbers_of_any_kind_are_read():
    frame = rows().astype({"cohort": "Int64", "outcome": "Float64", "period": "Int64"})
    frame.loc[1, "outcome"] = pd.NA
    panel = panel_of(frame)
    assert np.isnan(panel.outcome[0, 1])
    assert panel.start.tolist() == [1, 1, 3, 3]
    assert panel_of(rows(outcome=["1", "2", "3"] * 4)).outcome.tolist() == [[1, 2, 3]] * 4


def test_a_covariate_must_be_known_for_every_unit():
    with pytest.raises(FitError, match="size: 4 of 4 units have no value"):
        panel_of(rows(size=np.nan), covariates=["size"])


def test_missing_columns_and_no_rows():
    with pytest.raises(FitError, match="lacks the columns cohort, size"):
        panel_of(rows().drop(columns=["cohort", "size"]), weight="size")
    with pytest.raises(FitError, match="no rows"):
        panel_of(rows().head(0))


def test_the_rows_are_not_changed():
    frame = rows()
    before = frame.copy()
    panel_of(frame, covariates=["size"], cluster="parent")
    pd.testing.assert_frame_equal(frame, before)
