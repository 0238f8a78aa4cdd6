"""The rule of a loss in words, and what ended by it."""

from __future__ import annotations

import pytest

from kamlib.churn.definition import definition
from kamlib.churn.spells import spells
from kamlib.glossary import LANGUAGES, Style, columns, say


@pytest.fixture
def found(small, monthly):
    def call(tables=(), **rules):
        lines = [
            *monthly("a", "2022-01-10", 24, amount=1),
            *monthly("b", "2022-01-10", 6, amount=1),  # silent from June 2022 on
            *monthly("c", "2022-01-10", 6, amount=1),
        ]
        ended = [
            {"account_id": "c", "date": "2022-07-01", "reason": "insolvent", "extent": "whole"}
        ]
        book = small.open(
            {"transactions": lines, "defections": ended} | dict(tables), as_of="2023-12-31",
            churn_survival=rules,
        )  # fmt: skip
        rules = book.unit.churn_survival
        return definition(book, rules, spells(book, rules))

    return call


def test_every_spell_ends_or_stays(found):
    told = found(definition="fixed_months")
    assert set(told.frame.columns) <= set(columns())
    assert told.frame.to_dict("list") == {
        "event_type": ["churn", "insolvent", "stays"], "n_spells": [1, 1, 1], "n_accounts": [1, 1, 1]
    }  # fmt: skip
    assert (told["n_obs"], told["n_event"], told["n_living"]) == (3, 1, 1)
    assert "not ordered for 3 calendar months" in str(told.note)
    assert "3 accounts have been seen since 2022-01-10: 1 loss, 1 other end (" in str(told.note)
    assert [check.name for check in told.checks] == ["accounts_covered", "starts_known"]


def test_the_rule_is_told_with_its_parameters(found):
    contract = {"contract_id": "1", "account_id": "a", "starts_on": "2022-01-01",
                "ends_on": "2024-12-31", "value_per_year": 12}  # fmt: skip
    tables = {"contracts": [contract]}
    rhythm = str(found(definition="own_rhythm", k=4).note)
    assert "4.0 times its own usual gap" in rhythm
    assert "after 30 and no later than after 365 days" in rhythm
    at_once = str(found(tables, definition="contracts").note)
    assert "in force for 30 days, or at once where a contract ended with a reason" in at_once
    waits = str(found(tables, definition="contracts", reason_declares=False).note)
    assert "at once" not in waits
    for language in LANGUAGES:
        assert "{" not in say(found(definition="own_rhythm").note, Style(language))
