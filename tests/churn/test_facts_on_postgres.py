"""The facts of curves, scenes and returns are the same from DuckDB and from PostgreSQL."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from kamlib.accounts import ledger
from kamlib.book import Book, open_book
from kamlib.book.simulate import simulate
from kamlib.churn import curve_rows, winback
from kamlib.churn.definition import definition
from kamlib.churn.driver_rows import dated_back, driver_rows
from kamlib.churn.engine import collect
from kamlib.churn.episodes import Episodes, episodes
from kamlib.churn.long_run import observed_spells
from kamlib.churn.partial_loss import partial_rows
from kamlib.churn.scenes import large_accounts, manager_months, silences
from kamlib.churn.spells import spells
from kamlib.churn.yearly import year_facts
from kamlib.params import unit_from
from tests.book.test_postgres import (  # type: ignore[import-not-found]
    PASSWORD,
    _address,
    _copy,
    server,  # noqa: F401 – a fixture
)

PARTS = ("table", "living", "partial")
UNIT, DAY = "industrial_supplies", date(2023, 6, 30)


def all_facts(book: Book, at_risk: Episodes) -> dict[str, pd.DataFrame]:
    months, rules = at_risk.table, book.unit.churn_survival
    found = spells(book, rules)
    accounts = ledger(book)
    lost, stayed = large_accounts(book, found, accounts)
    tables: dict[str, Any] = {
        "spells": curve_rows.spell_rows(book, found),
        "managers": manager_months(book, dated_back(book, rules, found, at_risk)),
        "partial losses": partial_rows(book, found, at_risk),
        "silences": silences(book, found, accounts),
        "losses": winback.losses(book, found),
        "quarters": winback.quarter_buyers(book, accounts),
        "landmark": curve_rows.landmark_rows(book, found, DAY, "programme_level"),
        "lost": lost,
        "stayed": stayed,
    }
    for by in curve_rows.AT_LANDMARK:
        tables[f"on a day: {by}"] = curve_rows.groups_at(book, DAY, by)
    for by in curve_rows.IN_TIME:
        tables[f"in time: {by}"] = curve_rows.membership_rows(months, by)
    by_manager = rules.model_copy(update={"cluster": "manager"})
    return {name: collect(table) for name, table in tables.items()} | {
        "rows of drivers": driver_rows(book, by_manager, found, at_risk),
        "stays": observed_spells(book, found),
        "years": year_facts(book, rules, found, accounts),
        "ends": definition(book, rules, found).frame,
    }


def test_both_engines_agree(server, small, monkeypatch):  # noqa: F811
    psycopg = pytest.importorskip("psycopg")
    monkeypatch.setenv("KAM_TEST_PASSWORD", PASSWORD)
    rules = {"definition": "fixed_months", "silent_months": 3}
    tables = simulate(UNIT, size=0.02).tables
    ours = small.open(tables, kind="parquet", as_of="2025-12-31", churn_survival=rules)
    # account-months as a table: how they are made is another matter
    months = episodes(ours, ours.unit.churn_survival, spells(ours, ours.unit.churn_survival))
    with psycopg.connect(**server, dbname="postgres", autocommit=True) as link:
        link.execute("create database scenes")
        link.execute("alter database scenes set jit = off")
    with psycopg.connect(**server, dbname="scenes") as link:
        for name in tables:
            _copy(link, name, ours[name].select(*ours.present[name]).to_pyarrow())
        for name in PARTS:
            _copy(link, f"months_{name}", getattr(months, name).to_pyarrow())
    raw = {
        "book": {"database": _address(server, "scenes")},
        "as_of": "2025-12-31",
        "churn_survival": rules,
    }
    theirs = open_book(unit_from(raw, name="scenes", folder=Path()))
    try:
        copied = {name: theirs.con.table(f"months_{name}") for name in PARTS}
        there = all_facts(theirs, replace(months, **copied))
    finally:
        theirs.con.disconnect()
    for name, here in all_facts(ours, months).items():
        assert len(here) > 0, name
        columns = list(here.columns)
        both = [
            frame[columns].sort_values(columns, ignore_index=True) for frame in (here, there[name])
        ]
        pd.testing.assert_frame_equal(*both, check_dtype=False, rtol=1e-9, obj=name)
