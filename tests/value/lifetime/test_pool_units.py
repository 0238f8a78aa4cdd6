"""Units learn from each other: from order lines on disk to the prior that a fit uses."""

import json
from datetime import date, timedelta

import ibis
import numpy as np
import pandas as pd
import pytest

from kamlib.book import open_book
from kamlib.params import load_unit
from kamlib.run import catalogue, store
from kamlib.value.lifetime import pool_units as module
from kamlib.value.lifetime.facts import collect, occasions, purchase_summary
from kamlib.value.lifetime.pool_store import pool_files, pool_folder, read_pools
from kamlib.value.lifetime.pool_units import pool_units, told
from kamlib.value.lifetime.pooling import pool, prior_for
from kamlib.value.lifetime.purchases.bg_nbd import MBG_NBD
from kamlib.value.lifetime.purchases.fit import fit
from kamlib.value.lifetime.purchases.summary import compress

DAY = date(2025, 12, 31)
ALL = module.MODELS
SIX = ["u1", "u2", "u3", "u4", "u5", "北方"]


def orders(n, days_between, rng):
    """Return order lines of accounts that buy every so many days, and leave after one in ten."""
    lines = []
    for account in range(n):
        now, mean = rng.uniform(0, 400), days_between * rng.gamma(4, 1 / 4)
        while now <= 729:
            day = date(2024, 1, 2) + timedelta(days=int(now))
            lines.append((f"Firm {account}", day, round(rng.gamma(3, 100), 2)))
            if rng.random() < 0.1:
                break
            now += rng.exponential(mean)
    return pd.DataFrame(lines, columns=["account_id", "date", "amount"])


@pytest.fixture
def make(root):
    """Return a function that writes a unit's parameter file and order lines."""

    def write(name, lines, more="", tables=""):
        lines.to_csv(root / "params" / f"{name}.csv", index=False)
        text = f"as_of: 2025-12-31\nbook:\n  tables:\n    transactions: {name}.csv\n{tables}{more}"
        (root / "params" / f"{name}.yaml").write_text(text, "utf-8")

    return write


@pytest.fixture
def six(make):
    rng = np.random.default_rng(3)
    for name in SIX:
        make(name, orders(int(rng.integers(30, 60)), rng.uniform(30, 90), rng))
    return [load_unit(name) for name in SIX]


@pytest.fixture(autouse=True)
def one_model(monkeypatch):
    """Pool one model only, where it does not matter how many there are."""
    monkeypatch.setattr(module, "MODELS", (MBG_NBD,))


def put(found):
    for day, groups in found.items():
        store.replace_files(pool_folder(day), pool_files(day, groups))


def test_from_order_lines_to_the_prior_of_a_fit(six, root, monkeypatch):
    monkeypatch.setattr(module, "MODELS", ALL)
    found = pool_units(six)
    put(found)
    assert told(found) == ["As of 2025-12-31, 6 units learn from each other."]
    assert set(found) == {DAY}
    pools, checks = read_pools(six[0], DAY)
    assert checks == ()
    regular = {f"MBG/CNBD-{k}" for k in range(2, 7)}
    assert set(pools) == {"MBG/NBD", "BG/NBD", "Pareto/NBD"} | regular
    assert pools["MBG/NBD"].units == tuple(sorted(SIX))
    # the same from rows of accounts, one by one
    rows = {unit.business_unit: rows_of(unit) for unit in six}
    assert pools["MBG/NBD"].digest == pool(MBG_NBD, rows).digest
    prior, why = prior_for(pools["MBG/NBD"], MBG_NBD, rows["u1"])
    assert prior.digest == pools["MBG/NBD"].digest
    assert f"6 comparable units have in common (pooled prior {prior.digest[:12]})" in str(why)
    leaning, alone = fit(MBG_NBD, rows["u1"], prior=prior), fit(MBG_NBD, rows["u1"])
    assert leaning.trouble is None
    assert (leaning.std_error["r"], leaning.prior.digest) < (alone.std_error["r"], prior.digest)


def rows_of(unit):
    book = open_book(unit)
    frame = collect(purchase_summary(occasions(book, DAY), DAY))
    return compress(frame["frequency"], frame["recency_days"], frame["age_days"])


def test_no_account_is_named_and_no_amount_told(six, root):
    put(pool_units(six))
    folder = pool_folder(DAY)
    assert sorted(path.stem for path in (folder / "summaries").iterdir()) == sorted(SIX)
    for path in folder.rglob("*"):
        assert path.is_dir() or b"Firm" not in path.read_bytes()
    # nor does anything that looks for reports take it for one
    (folder / "summaries" / "manifest.json").write_text("{}")
    assert catalogue.entries() == []


def test_who_takes_no_part_and_why(six, make, root):
    rng = np.random.default_rng(4)
    one = orders(40, 60, rng)
    contract = "contract_id,account_id,starts_on,ends_on,value_per_year\nc,Firm 1,2024-01-01,2026-12-31,5\n"
    (root / "params" / "contracts.csv").write_text(contract)
    make("bound", one, "customer_value:\n  lifetime:\n    relation: contracts\n")
    make("no_numbers", one.assign(amount="much"))
    make("no_repeat", one.drop_duplicates("account_id"))
    make("asia", one, "customer_value:\n  lifetime:\n    comparable: asia\n")
    make("returns", one.assign(amount=-1.0))
    make("gone", one)
    (root / "params" / "gone.csv").unlink()
    others = ["bound", "no_numbers", "no_repeat", "asia", "returns", "gone"]
    found = pool_units([*six, *map(load_unit, others)])
    everywhere, asia = found[DAY]
    assert sorted(everywhere.units) == sorted(SIX)
    assert (list(asia.units), asia.pools) == (["asia"], {})
    why = everywhere.left_out
    assert "bound by contracts" in why["bound"]
    assert "none of the" in why["no_numbers"]
    assert "no file 'gone.csv'" in why["gone"]
    assert "bought again" in why["no_repeat"] or "repeat" in why["no_repeat"]
    assert "positive net amount" in why["returns"]
    assert told(found) == [
        "As of 2025-12-31, 6 units learn from each other "
        "(left out: bound, no_numbers, no_repeat, returns, gone)."
    ]
    put(found)
    raw = json.loads((pool_folder(DAY) / "pool.json").read_text("utf-8"))
    assert raw["groups"][0]["left_out"] == dict(why)


def test_units_of_other_days_take_no_part(six):
    later = [load_unit(name, as_of="2025-06-30") for name in SIX[:2]]
    found = pool_units([*six[2:], *later])
    assert set(found) == {DAY, date(2025, 6, 30)}
    assert told(found) == [
        "Units do not learn from each other: at the most 4 comparable have one day, and it takes 5."
    ]
    put(found)
    assert read_pools(six[0], DAY) == ({}, ())


def test_a_unit_without_a_day_has_that_of_its_records(six, root):
    path = root / "params" / "u1.yaml"
    path.write_text(path.read_text("utf-8").replace("as_of: 2025-12-31\n", ""), "utf-8")
    last = open_book(load_unit("u1")).as_of
    found = pool_units([load_unit("u1")])
    assert [list(group.units) for group in found[last]] == [["u1"]]
    # one that cannot be read has none, and is told wherever its group is
    (root / "params" / "u1.csv").unlink()
    found = pool_units([load_unit("u1"), *six[1:]])
    assert set(found) == {DAY}
    assert "u1.csv" in found[DAY][0].left_out["u1"]
    assert len(found[DAY][0].units) == 5
    assert pool_units([load_unit("u1")]) == {}


def test_a_fault_of_the_program_stops_no_other(six, monkeypatch):
    looked = module.open_book

    def broken(unit):
        if unit.business_unit == "u3":
            raise ibis.common.exceptions.IbisError("postgres://user:password@host")
        return looked(unit)

    monkeypatch.setattr(module, "open_book", broken)
    (group,) = pool_units(six)[DAY]
    assert len(group.units) == 5
    assert "(IbisError, test_pool_units.py:" in group.left_out["u3"]
    assert "password" not in group.left_out["u3"]


def test_what_becomes_known_later_is_not_learnt_from(six, make, root):
    lines = pd.read_csv(root / "params" / "u1.csv")
    end = lines["date"].max()
    recorded = lines.assign(recorded_on=lines["date"])
    recorded.loc[recorded["date"] < "2024-06-01", "recorded_on"] = "2026-01-15"
    make("u1", recorded)
    (group,) = pool_units([load_unit("u1")])[DAY]
    make("u1", lines[(lines["date"] >= "2024-06-01") & (lines["date"] <= end)])
    (without,) = pool_units([load_unit("u1")])[DAY]
    for column in ("frequency", "recency_days", "age_days", "weights"):
        a, b = (getattr(one.units["u1"], column) for one in (group, without))
        np.testing.assert_array_equal(a, b)
