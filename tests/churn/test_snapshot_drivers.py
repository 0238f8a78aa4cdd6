"""Hazard ratios of a record of one day: what was planted is found, and what a reader is told."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from kamlib.book import open_snapshot
from kamlib.book.adapters import import_record
from kamlib.book.layouts import LAYOUTS
from kamlib.book.simulate.subscribers import TRUTH
from kamlib.churn.factors import ON_ONE_DAY
from kamlib.churn.snapshot import snapshot_rows
from kamlib.churn.snapshot_curves import at_ages, beside_usual, levels_hold
from kamlib.churn.snapshot_drivers import snapshot_drivers
from kamlib.churn.snapshot_groups import compare
from kamlib.glossary import LANGUAGES, Style, say
from kamlib.params import load_unit

# the most frequent value is what others are compared with: the loyal ones are more
PLANTED = {
    ("contract", "Month-to-month"): 1 / TRUTH["contract"],
    ("internet", "Fiber optic"): 1 / TRUTH["internet"],
    ("tech_support", None): TRUTH["support"], ("paperless", None): TRUTH["paperless"],
}  # fmt: skip


def by_effect(found):
    """Return the rows of the frame by characteristic and value."""
    return {
        (row["term"], row["category"] if isinstance(row["category"], str) else None): row
        for _, row in found.frame.iterrows()
    }


def test_planted_hazard_ratios_lie_in_their_intervals(subscribers):
    found = snapshot_drivers(snapshot_rows(subscribers), fits=True)
    effects = by_effect(found)
    assert set(effects) == set(PLANTED)
    for key, truth in PLANTED.items():
        assert effects[key]["ratio_low"] < truth < effects[key]["ratio_high"], key
    # what matters is told from what does not
    assert effects["contract", "Month-to-month"]["ratio_low"] > 1
    assert effects["paperless", None]["ratio_low"] < 1 < effects["paperless", None]["ratio_high"]
    checks = {check.name: check.passed for check in found.checks}
    assert checks["cox_second_opinion"] is True
    assert checks["drivers_proportional"] is True


def test_ages_are_compared_with_their_own(subscribers):
    """Without late entry the loyal look more loyal still: the ratio is too far from one."""
    rows = snapshot_rows(subscribers)
    right = by_effect(snapshot_drivers(rows, fits=True))["contract", "Month-to-month"]
    usual = by_effect(snapshot_drivers(rows.assign(entry_days=0.0), fits=True))
    assert usual["contract", "Month-to-month"]["hazard_ratio"] > right["hazard_ratio"] * 1.2


def test_the_note_doubts_what_the_window_leaves_in_doubt(subscribers):
    rows = snapshot_rows(subscribers)
    for fits in (True, False):
        note = snapshot_drivers(rows, fits=fits).note
        assert note.key == "snapshot.drivers"
        assert ("can be relied on" in str(note)) is not fits
        assert all(say(note, Style(language)) for language in LANGUAGES)
    rng = np.random.default_rng(1)
    chance = rows.assign(event=(rng.random(len(rows)) < 0.05).astype(int))
    told = snapshot_drivers(chance, fits=True).note
    assert told.key in ("snapshot.drivers", "snapshot.no_driver")
    assert snapshot_drivers(rows.assign(event=0), fits=True).refused
    assert snapshot_drivers(rows.head(0), fits=True).refused


def test_every_covariate_of_a_record_is_a_factor():
    known = {factor.name for factor in ON_ONE_DAY}
    assert {name for layout in LAYOUTS.values() for name in layout.covariates.values()} == known


@pytest.mark.slow
def test_intervals_hold_the_truth_as_often_as_they_say(drawn_subscribers):
    held = []
    for seed in range(60):
        effects = by_effect(snapshot_drivers(snapshot_rows(drawn_subscribers(seed)), fits=True))
        held += [
            effects[key]["ratio_low"] < truth < effects[key]["ratio_high"]
            for key, truth in PLANTED.items()
            if key in effects
        ]
    # four standard errors of 240 intervals are 5.6 points
    assert np.mean(held) == pytest.approx(0.95, abs=0.056)


def test_the_record_of_a_telephone_company(data_folder, root):
    import_record("telco", data_folder / "telco" / "telco_churn_v1.parquet", root / "params")
    customers = open_snapshot(load_unit("telco")).customers
    rows = snapshot_rows(customers)
    # 7,043 customers, 11 of whom began in the month; 1,869 left
    assert (len(rows), rows["event"].sum()) == (7032, 1869)
    beside = beside_usual(rows, window_months=1, horizon=24)
    table = at_ages(beside, rows, (1, 2, 12, 24, 60))
    # of 613 in their first month 380 left, of 238 in their second 123
    assert table["remaining"].tolist()[:2] == pytest.approx([233 / 613, 233 / 613 * 115 / 238])
    # as a count without late entry gives them; lifelines draws the same
    assert table["remaining_usual"].tolist()[2:] == pytest.approx(
        [0.8432, 0.7887, 0.6644], abs=1e-4
    )
    # so many leave by this reading that nobody could be old; the check says so
    assert not levels_hold(beside)
    tested = compare(rows, "contract", horizon=24)
    assert tested.frame.set_index("group")["n_event"].to_dict() == {
        "Month-to-month": 1655, "One year": 166, "Two year": 48
    }  # fmt: skip
    effects = by_effect(snapshot_drivers(rows, fits=False))
    two, one = (effects["contract", f"{n} year"]["hazard_ratio"] for n in ("Two", "One"))
    assert two < one < 1
    assert pd.isna(effects["contract", "Two year"]["months_from"])
