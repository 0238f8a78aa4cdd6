"""A forecast of contracts made a year earlier says at which level limits of accounts hold."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from kamlib.glossary import LANGUAGES, Style, say
from kamlib.value.lifetime import contract_rehearsal
from kamlib.value.lifetime.contract_courses import courses
from kamlib.value.lifetime.contract_facts import contract_terms, yearly_revenue
from kamlib.value.lifetime.contract_rehearsal import rehearse_contracts

THEN, DAY = date(2023, 12, 31), date(2024, 12, 30)  # 365 days, 2024 being a leap year


@pytest.fixture(scope="module")
def then(small):
    """Return what was known of 200 accounts with yearly contracts, and what came in the year after.

    Nineteen in twenty renew each January; quarterly bills move by a fifth from one year to the next.
    """
    rng = np.random.default_rng(3)
    contracts, sales = [], []
    for i in range(200):
        level = float(rng.lognormal(4, 1))
        for year in range(2019, 2025):
            stays = year < 2024 and rng.random() < 0.95
            contracts.append(
                {"contract_id": f"{i}-{year}", "account_id": f"a{i:03}",
                 "starts_on": f"{year}-01-01", "ends_on": f"{year}-12-31",
                 "ended_on": f"{year}-12-31" if year < 2024 else None,
                 "renewed_by": f"{i}-{year + 1}" if stays else None, "value_per_year": 4 * level}
            )  # fmt: skip
            sales += [
                {"account_id": f"a{i:03}", "date": f"{year}-{month}-15", "amount": level}
                for month in ("02", "05", "08", "11")
            ]
            level *= float(np.exp(0.2 * rng.standard_normal()))
            if not stays:
                break
    book = small.open({"contracts": contracts, "transactions": sales}, as_of=DAY.isoformat())
    terms = contract_terms(book, THEN, grace_days=30)
    known = terms, courses(terms), yearly_revenue(book, THEN).execute()
    year = yearly_revenue(book, DAY).execute()
    return known, year[year["years_ago"] == 0].set_index("account_id")["revenue"]


def learn(then, *, came=None, level=0.8):
    known, truth = then
    return rehearse_contracts(
        *known, truth if came is None else came, conf_level=level, rng=np.random.default_rng(5)
    )


def test_what_holds_is_left_nearly_as_it_is(then):
    found, check = learn(then)
    values = check.note.values
    # about 160 accounts: the standard error of the share held is 0.03
    assert values["inside"] == pytest.approx(0.8, abs=0.08)
    assert 0.8 <= found < 0.9
    assert values["taken"] == found
    assert values["n"] == then[0][1]["state"].isin(("running", "waiting")).sum()


def test_a_year_that_struck_accounts_harder_widens_what_is_said_of_them(then):
    noise = np.exp(0.5 * np.random.default_rng(6).standard_normal(len(then[1])))
    found, check = learn(then, came=then[1] * noise)
    assert check.note.values["inside"] < 0.75
    assert found > 0.85
    assert check.passed is False
    for language in LANGUAGES:
        assert "{" not in say(check.note, Style(language))


def test_it_is_never_read_below_the_level_that_is_stated(then):
    """What came is what was expected: none is off, and limits of 0.1 would have done."""
    known, _ = then
    last = known[2][known[2]["years_ago"] == 0].set_index("account_id")["revenue"]
    found, check = learn(then, came=last)
    assert found == 0.8
    assert check.note.values["inside"] == 1
    assert check.passed


def test_one_that_brought_nothing_need_not_be_told(then):
    none = then[1].iloc[:0]
    whole = none.reindex(then[0][1]["account_id"].unique()).fillna(0.0)
    told, silent = learn(then, came=whole), learn(then, came=none)
    assert silent[0] == told[0]
    assert silent[1].note == told[1].note


def test_of_many_accounts_some_are_tried(then, monkeypatch):
    monkeypatch.setattr(contract_rehearsal, "_ENOUGH", 40)
    found, check = learn(then)
    assert check.note.values["n"] == 40
    assert found >= 0.8


def test_too_little_says_nothing(then):
    (terms, chains, revenue), came = then
    few = chains[chains["account_id"].isin(came.index[:19])]
    recent = revenue[revenue["years_ago"] == 0]
    held = chains[chains["state"] == "running"]
    for known in ((terms, few, revenue), (terms, chains, recent), (terms, held, revenue)):
        level, check = learn((known, came))
        assert level == 0.8
        assert (check.passed, check.note.key) == (None, "contractual.not_rehearsed")
        for language in LANGUAGES:
            assert "{" not in say(check.note, Style(language))


def test_input_is_left_alone(then):
    known, came = then
    before = [part.copy() for part in (known[1], known[2], came)]
    learn(then)
    for part, was in zip((known[1], known[2], came), before, strict=True):
        assert part.equals(was)
