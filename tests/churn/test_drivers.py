"""What goes with leaving: recovery of what was planted, traps of time, refusals by name."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from kamlib.book import open_book
from kamlib.book.simulate import write_demo
from kamlib.churn.driver_rows import driver_rows
from kamlib.churn.drivers import contrast, drivers
from kamlib.churn.episodes import episodes
from kamlib.churn.spells import spells
from kamlib.glossary import Style, columns, say
from kamlib.params import ChurnParams, unit_from
from kamlib.stats.cox import fit_cox
from kamlib.stats.cox_data import cox_data

RULES = ChurnParams()
# what the simulator plants, and the effect that estimates it (partial losses, as they can be seen,
# are not those that were planted, and the level counts 1 to 3 here)
PLANTED = {
    ("open_complaints", None): "open_complaint",
    ("complaints_3m", None): "complaints_3m",
    ("late_responses_6m", None): "late_responses_6m",
    ("manager_left_6m", None): "manager_left_6m",
    ("manager_rotated_6m", None): "manager_rotated_6m",
    ("contract_due", None): "contract_due",
    ("monthly_contract", None): "monthly_contract",
    ("tier_in_force", "gold"): "gold",
    ("tier_in_force", "platinum"): "platinum",
    ("tier_in_force", "lead"): "lead",
}


def drawn(n: int, *, seed: int = 1, effect: float = 0.7, months: int = 36, rate: float = -4.0,
          after: float | None = None) -> pd.DataFrame:  # fmt: skip
    """Account-months whose rate is exp(effect) times as high while a complaint is open.

    From month `after` of the relation on, open complaints change nothing.
    """
    rng = np.random.default_rng(seed)
    rows = []
    for account in range(n):
        is_open = False
        for month in range(months):
            is_open = rng.random() < (0.6 if is_open else 0.08)
            acts = is_open and (after is None or month < after)
            leaves = rng.random() < 1 - np.exp(-np.exp(rate + effect * acts))
            rows.append((f"a{account}", month, float(is_open), int(leaves)))
            if leaves:
                break
    frame = pd.DataFrame(rows, columns=["account_id", "entry_months", "open_complaints", "event"])
    return frame.assign(exit_months=frame["entry_months"] + 1.0, cluster=frame["account_id"])


def effect_of(found, term="open_complaints") -> pd.Series:
    return found.frame[found.frame["term"] == term].iloc[0]


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    return drawn(500)


def test_frame_and_note(rows):
    found = drivers(rows, "contracts", RULES)
    assert set(found.frame.columns) <= set(columns())
    one = effect_of(found)
    assert one["ratio_low"] < np.exp(0.7) < one["ratio_high"]
    assert one["n_event"] == int(rows.loc[rows["open_complaints"] == 1, "event"].sum())
    assert found["n_obs"] == len(rows)
    assert "an open complaint leave" in say(found.note)
    assert "need not be what causes it" in say(found.note)
    assert "未结投诉" in say(found.note, Style("zh"))
    assert "drivers_are_associations" in {check.name for check in found.checks}


def test_input_is_left_alone_and_order_does_not_matter(rows):
    before = rows.copy()
    found = drivers(rows, "contracts", RULES)
    pd.testing.assert_frame_equal(rows, before)
    turned = drivers(rows.sample(frac=1, random_state=3), "contracts", RULES)
    pd.testing.assert_frame_equal(found.frame, turned.frame, rtol=1e-6)


def test_another_program_agrees(rows):
    checks = {check.name: check for check in drivers(rows, "contracts", RULES).checks}
    assert checks["cox_second_opinion"].passed is True
    assert checks["drivers_proportional"].passed is True


def test_immortal_time_ever_complained_seems_to_keep_accounts(rows):
    """Who ever complained had to stay long enough to do so: the naive ratio has the wrong sign."""
    last = rows.groupby("account_id").agg(
        exit_=("exit_months", "max"), event=("event", "max"), ever=("open_complaints", "max")
    )
    naive = fit_cox(cox_data(last[["ever"]], last["exit_"], last["event"], names=["ever"]))
    assert naive.interval(0.95)[1][0] < 0
    assert effect_of(drivers(rows, "contracts", RULES))["ratio_low"] > 1


def test_an_effect_that_fades_is_stated_early_and_late():
    found = drivers(drawn(1500, seed=2, effect=1.5, after=8), "contracts", RULES)
    checks = {check.name: check for check in found.checks}
    assert checks["drivers_proportional"].passed is False
    halves = found.frame[found.frame["term"] == "open_complaints"]
    assert halves["months_from"].notna().all()
    early, late = halves.iloc[0], halves.iloc[1]
    assert early["months_to"] == late["months_from"]
    assert early["ratio_low"] > late["ratio_high"]
    assert "in the first" in say(contrast(early))
    assert "after" in say(contrast(late))


def test_an_attribute_that_is_not_proportional_only_parts_accounts():
    one = drawn(700, seed=3).assign(segment="steady")
    other = drawn(700, seed=4, rate=-2.2, months=8)
    other = other.assign(account_id="b" + other["account_id"], segment="hasty")
    late = drawn(700, seed=5, rate=-6.5)
    late = late.assign(account_id="b" + late["account_id"], segment="hasty")
    late = late[late["entry_months"] >= 8]
    rows = pd.concat([one, other, late], ignore_index=True)
    rows = rows.assign(cluster=rows["account_id"])
    found = drivers(rows, "contracts", RULES)
    assert "segment" not in set(found.frame["term"])
    moving = next(check for check in found.checks if check.name == "drivers_proportional")
    assert moving.frame["term"].tolist() == ["segment"]
    assert effect_of(found)["ratio_low"] < np.exp(0.7) < effect_of(found)["ratio_high"]


def test_strata_are_not_estimated(rows):
    parted = rows.assign(segment=np.where(rows["account_id"].str[-1] < "5", "x", "y"))
    plain = drivers(parted, "contracts", RULES)
    asked = drivers(parted, "contracts", ChurnParams(strata=("segment",)))
    assert "segment" in set(plain.frame["term"])
    assert "segment" not in set(asked.frame["term"])


def test_clusters_widen_the_interval(rows):
    twice = pd.concat([rows, rows.assign(account_id="b" + rows["account_id"])], ignore_index=True)
    alone = drivers(twice.assign(cluster=twice["account_id"]), "contracts", RULES)
    pairs = drivers(twice, "contracts", RULES)  # the copies belong to the same cluster
    ratio = effect_of(pairs)["std_error"] / effect_of(alone)["std_error"]
    assert ratio == pytest.approx(np.sqrt(2), rel=0.02)


def test_few_losses_carry_few_factors_the_first_in_order():
    rng = np.random.default_rng(6)
    rows = drawn(60, seed=6)  # 39 losses
    for name in ("late_responses_6m", "complaints_3m", "breadth", "share_overdue"):
        rows[name] = rng.integers(0, 3, len(rows)).astype(float)
    n = int(rows["event"].sum())
    found = drivers(rows, "contracts", RULES)
    assert found.frame["term"].tolist() == [
        "open_complaints", "late_responses_6m", "complaints_3m",
    ][: n // 10]  # fmt: skip
    check = next(c for c in found.checks if c.name == "without_for_few_losses")
    assert "share_overdue" in set(check.frame["term"])
    assert f"there are {n}" in say(check.note)


def test_a_unit_of_twelve_accounts_gets_none_with_the_reason():
    found = drivers(drawn(12, seed=7, months=24), "contracts", RULES)
    assert found.refused
    assert "even a single factor needs 10" in say(found.note)


def test_refusals_by_name(rows):
    def why(frame):
        found = drivers(frame, "contracts", RULES)
        assert found.refused
        return found.note.key

    assert why(rows.iloc[:0]) == "drivers.no_rows"
    assert why(rows.drop(columns="open_complaints")) == "drivers.nothing_known"
    assert why(rows.assign(event=0)) == "preflight.no_event"
    # all are lost in their first month, together
    first = rows[rows["entry_months"] == 0]
    assert why(first.assign(event=1)) == "preflight.all_at_once"
    assert why(rows.assign(open_complaints=1.0)) == "drivers.none_left"
    # no loss on one side
    parted = rows.assign(open_complaints=(rows["event"] == 0).astype(float))
    assert why(parted) == "drivers.none_left"


def test_constant_and_repeated_factors_are_left_out_by_name(rows):
    more = rows.assign(breadth=2.0, manager_left_6m=rows["open_complaints"])
    found = drivers(more, "contracts", RULES)
    assert found.frame["term"].tolist() == ["open_complaints"]
    told = {check.name: check.note.key for check in found.checks}
    assert told["without_breadth"] == "preflight.flat"
    assert told["without_manager_left_6m"] == "preflight.collinear"


def test_no_difference_is_said_so():
    rng = np.random.default_rng(8)
    rows = drawn(300, seed=8)
    rows = rows.assign(open_complaints=rng.integers(0, 2, len(rows)).astype(float))
    found = drivers(rows, "contracts", RULES)
    assert found.note.key == "drivers.none_sure"


# On simulated books


def log_ratios(found, truth) -> list[tuple[str, bool]]:
    frame = found.frame[found.frame["months_from"].isna()]
    held = []
    for (name, category), key in PLANTED.items():
        same = frame["category"].isna() if category is None else frame["category"] == category
        row = frame[(frame["term"] == name) & same]
        if len(row):
            low, high = np.log(row.iloc[0][["ratio_low", "ratio_high"]].astype(float))
            held.append((key, bool(low <= truth[key] <= high)))
    return held


def rehearsed(unit: str, size: float, seed: int, folder: Path):
    made = write_demo(unit, folder / str(seed), seed=seed, size=size)
    tables = {path.stem: {"file": str(path)} for path in made.glob("*.parquet")}
    raw = {
        "book": {"tables": tables},
        "as_of": date(2025, 12, 31),
        "churn_survival": {"due_months": 1},
    }
    book = open_book(unit_from(raw, name=unit, folder=folder))
    found = spells(book, book.unit.churn_survival)
    rows = driver_rows(
        book, book.unit.churn_survival, found, episodes(book, book.unit.churn_survival, found)
    )
    truth = json.loads((folder / str(seed) / "_truth" / f"{unit}.json").read_text("utf-8"))
    return drivers(rows, found.definition, book.unit.churn_survival), truth["retention"]


@pytest.mark.slow
def test_planted_effects_lie_in_their_intervals_at_the_stated_rate(tmp_path):
    held = []
    for seed in range(1, 11):
        found, truth = rehearsed("telecom_lines", 0.4, seed, tmp_path)
        held += log_ratios(found, truth)
    # about 100 intervals of 95 %, a little wrong since attitude and size are not seen in full: below
    # 88 with a chance of 1 % if the rate is 94 %
    assert len(held) > 90
    assert sum(ok for _, ok in held) / len(held) > 0.88
