"""Who comes back: by hand from order lines, at the edges, and by quarter."""

from __future__ import annotations

import pandas as pd
import pytest

from kamlib.accounts import ledger
from kamlib.churn.engine import collect
from kamlib.churn.spells import spells
from kamlib.churn.stretch import MONTH_DAYS
from kamlib.churn.winback import losses, quarter_buyers, repeat_rate, winback
from kamlib.glossary import LANGUAGES, Style, columns, say


def gone(*rows):
    frame = pd.DataFrame(rows, columns=["gone_days", "event"])
    frame["gone_days"] *= MONTH_DAYS
    return frame.assign(account_id=[f"a{i}" for i in range(len(rows))], spell_no=1)


def told(found):
    assert set(found.frame.columns) <= set(columns())
    for language in LANGUAGES:
        for note in (found.note, *(check.note for check in found.checks)):
            assert "{" not in say(note, Style(language))
    return found


def test_share_back_by_hand():
    # one of five back at month 2; of the three left then, one at month 9
    found = told(winback(gone((2, 1), (4, 0), (9, 1), (12, 0), (15, 0))))
    assert found.frame["estimate"].tolist()[:2] == pytest.approx([0, 0.2])
    assert found["share"] == pytest.approx(1 - 0.8 * 2 / 3)
    assert found["share_low"] < found["share"] < found["share_high"]
    assert found["share_soon"] == pytest.approx(0.2)
    assert found["waited_median"] == pytest.approx(5.5)
    assert found.checks[0].passed is True


def test_losses_that_were_none_are_said():
    found = told(winback(gone((1, 1), (1, 1), (2, 1), (3, 0), (15, 0))))
    assert found.checks[0].note.key == "winback.many_soon"
    assert found.checks[0].passed is False


def test_nobody_lost_too_few_lost_nobody_back():
    assert told(winback(gone().astype(float))).note.key == "winback.no_loss"
    assert told(winback(gone((3, 1), (0, 0)))).note.key == "winback.too_few"
    nobody = told(winback(gone(*[(8, 0)] * 5)))
    assert nobody.note.key == "winback.nobody"
    assert nobody["horizon"] == pytest.approx(8)


def test_losses_from_order_lines(small, monthly):
    lines = [
        *monthly(
            "a", "2022-01-10", 6, amount=1
        ),  # silent from 10 June: lost at the end of September
        *monthly("a", "2023-02-10", 2, amount=1),  # back, and lost again at the end of June
        *monthly("b", "2022-01-10", 24, amount=1),
    ]
    ended = [{"account_id": "c", "date": "2022-08-01", "reason": "insolvent", "extent": "whole"}]
    tables = {"transactions": lines + monthly("c", "2022-01-10", 6, amount=1), "defections": ended}
    book = small.open(tables, as_of="2023-12-31",
                      churn_survival={"definition": "fixed_months", "silent_months": 3})  # fmt: skip
    found = collect(losses(book, spells(book, book.unit.churn_survival)))
    assert found["account_id"].tolist() == ["a", "a"]
    assert found["event"].tolist() == [1, 0]
    # 30 September 2022 to 10 February 2023; 30 June to 31 December 2023
    assert found["gone_days"].tolist() == [133, 184]


def test_quarters_by_hand(small, monthly):
    lines = [
        *monthly("a", "2022-01-10", 12, amount=1),
        {"account_id": "b", "date": "2022-02-01", "amount": 1},
        {"account_id": "b", "date": "2022-08-01", "amount": 1},
        # a return alone is no purchase
        {"account_id": "c", "date": "2022-02-01", "amount": -1},
        {"account_id": "d", "date": "2022-11-01", "amount": 1},
    ]
    book = small.open({"transactions": lines}, as_of="2022-12-30")
    rows = collect(quarter_buyers(book, ledger(book))).sort_values("month")
    # the last quarter lacks a day, so that the third has no next one to look at
    assert rows["month"].dt.month.tolist() == [1, 4]
    assert rows["n_buyers"].tolist() == [2, 1]
    assert rows["n_again"].tolist() == [1, 1]
    found = told(repeat_rate(rows))
    assert found.frame["repeat_rate"].tolist() == [0.5, 1.0]
    assert found.note.key == "winback.repeat_first"
    assert told(repeat_rate(rows.head(0))).note.key == "winback.no_quarters"


def test_a_year_before_is_told():
    months = pd.date_range("2022-01-01", periods=5, freq="QS")
    quarters = pd.DataFrame({"month": months, "n_buyers": 10, "n_again": [9, 1, 2, 3, 8]})
    found = told(repeat_rate(quarters.sample(frac=1, random_state=1)))
    assert (found["repeat_rate"], found["repeat_before"]) == (0.8, 0.9)
