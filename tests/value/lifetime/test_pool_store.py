"""The file of the pooled prior: what is written is what is read, and nothing else is trusted."""

import json
from datetime import date
from io import BytesIO

import numpy as np
import pandas as pd
import pytest

from kamlib.params import unit_from
from kamlib.run import store
from kamlib.value.lifetime.pool_store import (
    Group,
    Kind,
    pool_files,
    pool_folder,
    read_pools,
    worth_pooling,
)
from kamlib.value.lifetime.pooling import Pool, prior_for
from kamlib.value.lifetime.purchases.bg_nbd import BG_NBD, MBG_NBD
from kamlib.value.lifetime.purchases.summary import compress

DAY = date(2025, 12, 31)
NAMES = ("a", "b", "c", "d", "北方")


def unit(name="a", **params):
    raw = {"book": {"tables": {"transactions": "sales.csv"}}, "as_of": "2025-12-31"} | params
    return unit_from(raw, name=name, folder=".")


def made(name="BG/NBD", shift=0.0):
    # thirds have no end in decimals: what is kept of them must not change once more when it is read
    mean = np.array([-13 / 3, 1 / 3, -2 / 3, 4 / 3]) + shift
    return Pool(name, mean, np.eye(4) / 3 + 0.1 / 7, NAMES, 12)


@pytest.fixture
def rows():
    return compress([0, 2, 0, 1], [0, 30, 0, 10], [90, 90, 90, 40])


@pytest.fixture
def kept(root, rows):
    """Pools of two groups as of one day, written as `kam pool` writes them."""
    groups = [
        Group(
            Kind("", False), dict.fromkeys(NAMES, rows), {"x": "Why."},
            {"BG/NBD": made(), "MBG/NBD": made("MBG/NBD")},
        ),
        Group(Kind("asia", False), {"y": rows}, {}, {"BG/NBD": made(shift=1.0)}),
    ]  # fmt: skip
    store.replace_files(pool_folder(DAY), pool_files(DAY, groups))
    return pool_folder(DAY) / "pool.json"


def test_what_is_written_is_what_is_read(kept, root):
    assert kept == root / "outputs" / "_pool" / "2025-12-31" / "pool.json"
    found, checks = read_pools(unit(), DAY)
    assert checks == ()
    assert set(found) == {"BG/NBD", "MBG/NBD"}
    assert found["BG/NBD"].digest == made().digest
    assert found["BG/NBD"].units == NAMES
    rows = compress([2] * 12, [30] * 12, [90] * 12)
    prior, why = prior_for(found["BG/NBD"], BG_NBD, rows)
    assert (prior.source, prior.digest) == ("pooled", made().digest)
    assert made().digest[:12] in str(why)
    # a pool of one model is none for another
    assert prior_for(found["BG/NBD"], MBG_NBD, rows)[0].source == "weak"


def test_reading_and_writing_again_changes_no_hash(kept, rows):
    found, _ = read_pools(unit(), DAY)
    again = Group(Kind("", False), {}, {}, found)
    store.replace_files(pool_folder(DAY), pool_files(DAY, [again]))
    assert read_pools(unit(), DAY)[0]["BG/NBD"].digest == made().digest


def test_each_group_has_its_own(kept):
    asia = unit("y", customer_value={"lifetime": {"comparable": "asia"}})
    assert read_pools(asia, DAY)[0]["BG/NBD"].digest == made(shift=1.0).digest
    europe = unit("z", customer_value={"lifetime": {"comparable": "europe"}})
    assert read_pools(europe, DAY) == ({}, ())
    # what is played does not learn from what is real
    assert read_pools(unit(book={"demo": "telecom_lines"}), DAY) == ({}, ())


def test_no_file_is_no_fault(root):
    assert read_pools(unit(), DAY) == ({}, ())


def test_another_day_is_not_looked_at(kept):
    assert read_pools(unit(), date(2025, 12, 30)) == ({}, ())


def changed(text, change):
    raw = json.loads(text)
    change(raw)
    return json.dumps(raw)


@pytest.mark.parametrize("damage", [
    lambda text: text[: len(text) // 2],
    lambda text: "",
    lambda text: "[]",
    lambda text: "null",
    lambda text: changed(text, lambda raw: raw.pop("groups")),
    lambda text: changed(text, lambda raw: raw.update(schema=2)),
    lambda text: changed(text, lambda raw: raw.update(as_of="2026-01-01")),
    lambda text: changed(text, lambda raw: raw.update(groups=[1])),
    lambda text: changed(text, lambda raw: raw["groups"][0]["pools"].update({"BG/NBD": None})),
    lambda text: changed(text, lambda raw: raw["groups"][0]["pools"]["BG/NBD"]["mean"].pop()),
    lambda text: text.replace("-4.333333333333", "-4.333333333334"),
    lambda text: text.replace("-4.333333333333", "NaN"),
])  # fmt: skip
def test_a_damaged_file_is_told_and_not_used(kept, damage):
    kept.write_text(damage(kept.read_text("utf-8")), "utf-8")
    found, (check,) = read_pools(unit(), DAY)
    assert found == {}
    assert check.passed is False
    assert "outputs/_pool/2025-12-31/pool.json, cannot be read" in str(check.note)


def test_a_file_that_is_no_text_is_told(kept):
    kept.write_bytes(b"\xff\xfe\x00")
    assert [check.passed for check in read_pools(unit(), DAY)[1]] == [False]


def test_a_folder_in_its_place_is_told(root):
    (pool_folder(DAY) / "pool.json").mkdir(parents=True)
    assert [check.passed for check in read_pools(unit(), DAY)[1]] == [False]


def test_what_the_file_says(kept):
    raw = json.loads(kept.read_text("utf-8"))
    first = raw["groups"][0]
    assert raw["as_of"] == "2025-12-31"
    # four accounts, two of which bought again
    assert first["units"]["北方"] == {"n_accounts": 4, "n_repeat": 2}
    assert first["left_out"] == {"x": "Why."}
    assert first["pools"]["MBG/NBD"]["digest"] == made("MBG/NBD").digest


def test_summaries_hold_courses_and_no_names(kept, rows):
    frame = pd.read_parquet(kept.parent / "summaries" / "北方.parquet")
    assert list(frame.columns) == ["frequency", "recency_days", "age_days", "n_accounts"]
    assert frame["n_accounts"].tolist() == [2, 1, 1]  # two accounts share a course
    back = compress(*(frame[c] for c in frame.columns[:3]), weights=frame["n_accounts"])
    assert (back.n_obs, back.n_repeat) == (rows.n_obs, rows.n_repeat)


def test_files_do_not_depend_on_the_order_of_accounts(rows):
    turned = compress([1, 0, 2, 0], [10, 0, 30, 0], [40, 90, 90, 90])
    one, other = (
        pool_files(DAY, [Group(Kind("", False), {"a": each}, {}, {})])["summaries/a.parquet"]
        for each in (rows, turned)
    )
    assert pd.read_parquet(BytesIO(one)).equals(pd.read_parquet(BytesIO(other)))


def test_units_that_take_no_part_any_more_leave_nothing(kept, rows):
    group = Group(Kind("", False), {"a": rows}, {}, {})
    store.replace_files(kept.parent, pool_files(DAY, [group]))
    assert [path.name for path in (kept.parent / "summaries").iterdir()] == ["a.parquet"]
    assert read_pools(unit(), DAY) == ({}, ())


def test_when_it_is_worth_to_open_records():
    five = [unit(name) for name in NAMES]
    assert worth_pooling(five)
    assert not worth_pooling(five[:4])
    other_day = replaced(five, as_of="2025-06-30")
    other_group = replaced(five, customer_value={"lifetime": {"comparable": "asia"}})
    contracts = replaced(five, customer_value={"lifetime": {"relation": "contracts"}})
    demo = replaced(five, book={"demo": "telecom_lines"})
    for odd in (other_day, other_group, contracts, demo):
        assert not worth_pooling(odd)
    # records may end on the day that the others state
    assert worth_pooling(replaced(five, as_of=""))
    assert worth_pooling([unit(name, as_of="") for name in NAMES])
    assert not worth_pooling([])


def replaced(units, **params):
    return [*units[:4], unit("e", **params)]


def test_a_pool_of_too_few_units_is_read_and_not_used(kept, rows):
    few = Pool("BG/NBD", made().mean, made().covariance, NAMES[:3], 4)
    group = Group(Kind("", False), {}, {}, {"BG/NBD": few})
    store.replace_files(kept.parent, pool_files(DAY, [group]))
    found, _ = read_pools(unit(), DAY)
    prior, why = prior_for(found["BG/NBD"], BG_NBD, rows)
    assert prior.source == "weak"
    assert "3 units and needs 5" in str(why)
