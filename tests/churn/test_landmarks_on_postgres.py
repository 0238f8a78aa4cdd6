"""Landmarks are the same from DuckDB and from PostgreSQL."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from kamlib.book import open_book
from kamlib.book.simulate import simulate
from kamlib.churn.episodes import episodes
from kamlib.churn.landmarks import landmarks
from kamlib.churn.spells import spells
from kamlib.params import unit_from
from tests.book.test_postgres import (  # type: ignore[import-not-found]
    PASSWORD,
    _address,
    _copy,
    server,  # noqa: F401 – a fixture
)


def test_both_engines_agree(server, small, monkeypatch):  # noqa: F811
    psycopg = pytest.importorskip("psycopg")
    monkeypatch.setenv("KAM_TEST_PASSWORD", PASSWORD)
    rules = {"definition": "fixed_months", "silent_months": 3}
    tables = simulate("industrial_supplies", size=0.02).tables
    ours = small.open(tables, kind="parquet", as_of="2025-12-31", churn_survival=rules)
    known = ours.unit.churn_survival
    found = spells(ours, known)
    # account-months as a table: how they are made is another matter
    months = episodes(ours, known, found)
    with psycopg.connect(**server, dbname="postgres", autocommit=True) as link:
        link.execute("create database landmarks")
        link.execute("alter database landmarks set jit = off")
    with psycopg.connect(**server, dbname="landmarks") as link:
        for name in tables:
            _copy(link, name, ours[name].select(*ours.present[name]).to_pyarrow())
        for name in ("table", "living"):
            _copy(link, f"months_{name}", getattr(months, name).to_pyarrow())
    raw = {"book": {"database": _address(server, "landmarks")}, "as_of": "2025-12-31",
           "churn_survival": rules}  # fmt: skip
    theirs = open_book(unit_from(raw, name="landmarks", folder=Path()))
    try:
        copied = {name: theirs.con.table(f"months_{name}") for name in ("table", "living")}
        there = landmarks(theirs, known, spells(theirs, known), replace(months, **copied))
    finally:
        theirs.con.disconnect()
    here = landmarks(ours, known, found, months)
    assert len(here.rows) > 50
    assert here.rows["is_apart"].any()
    for mine, other in ((here.rows, there.rows), (here.living, there.living)):
        # a column without any known value has no kind of its own
        known_in = [name for name in mine if mine[name].notna().any()]
        assert list(mine) == list(other)
        pd.testing.assert_frame_equal(mine[known_in], other[known_in], check_dtype=False, rtol=1e-9)
        assert other.drop(columns=known_in).isna().all().all()
