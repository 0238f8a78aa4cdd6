"""Accounts that are partly lost, and what became of those that were."""

from __future__ import annotations

from datetime import date

import pandas as pd
import pytest

from kamlib.churn.engine import collect
from kamlib.churn.episodes import episodes
from kamlib.churn.partial_loss import partial_losses, partial_rows
from kamlib.churn.spells import spells
from kamlib.churn.stretch import MONTH_DAYS
from kamlib.glossary import LANGUAGES, Style, columns, say

AS_OF = date(2024, 12, 31)


def signs(*rows):
    names = ["account_id", "kind", "product_line", "months", "event_type", "partial_loss"]
    frame = pd.DataFrame(rows, columns=names)
    return frame.assign(
        spell_no=1, name=frame["account_id"].str.upper(), followed_days=frame["months"] * MONTH_DAYS,
        declared_on=pd.Timestamp(AS_OF) - pd.to_timedelta(frame["months"] * MONTH_DAYS, "D"),
    ).drop(columns="months")  # fmt: skip


WORTH = pd.DataFrame({"account_id": ["a", "b"], "revenue": [10.0, 90.0]})
NOW = signs(
    ("a", "line", "x", 3, None, 1), ("a", "line", "w", 5, None, 1), ("a", "spend", None, 3, None, 1),
    ("b", "spend", None, 2, None, 1), ("c", "spend", None, 6, None, 0), ("d", "line", "x", 30, None, 1),
)  # fmt: skip
BEFORE = signs(
    *((f"g{n}", "spend", None, 6, "churn", None) for n in range(5)),
    *((f"s{n}", "spend", None, 24, None, 0) for n in range(5)),
)


def told(rows, **more):
    found = partial_losses(rows, WORTH, AS_OF, **more)
    assert set(found.frame.columns) <= set(columns())
    for language in LANGUAGES:
        assert "{" not in say(found.note, Style(language))
    return found


def test_who_is_partly_lost_now_largest_first():
    found = told(NOW)
    assert found.frame["account_id"].tolist() == ["b", "a"]
    first, second = (found.frame.iloc[n] for n in range(2))
    assert (first["kind"], first["product_line"]) == ("spending fell", None)
    assert (second["kind"], second["product_line"]) == ("line dropped", "w, x")
    # four spells with a sign are too few for a share
    assert found.note.key == "partial.few"
    assert found.checks[0].passed is False


def test_the_share_that_is_lost_within_a_year():
    # from the first sign of each spell: five of ten lost after six months; of the signs of a, b
    # and c nobody was followed so far, and those count as seen so long
    found = told(pd.concat([NOW, BEFORE], ignore_index=True))
    assert found.note.key == "partial.note"
    # at month 6: 5 of 12 at risk (c ends its time there and counts), a and b left before
    assert found["share_gone"] == pytest.approx(5 / 12)
    assert found["share_low"] < 5 / 12 < found["share_high"]


def test_nothing_found():
    assert told(NOW.head(0)).note.key == "partial.none"
    later = told(BEFORE)
    assert (later.note.key, later.checks[0].passed) == ("partial.none_now", True)


def test_rows_of_a_book(small, monthly):
    lines = [
        *monthly("a", "2022-01-10", 24, amount=100, product_line="x"),
        *monthly("a", "2022-01-12", 12, amount=100, product_line="y"),  # dropped at the end of 2022
    ]
    book = small.open({"transactions": lines}, as_of="2023-12-31",
                      churn_survival={"definition": "fixed_months"})  # fmt: skip
    rules = book.unit.churn_survival
    lives = spells(book, rules)
    rows = collect(partial_rows(book, lives, episodes(book, rules, lives)))
    dropped = rows[rows["kind"] == "line"]
    assert dropped["product_line"].tolist() == ["y"]
    assert dropped["event_type"].isna().all()
    assert (pd.Timestamp("2023-12-31") - dropped["declared_on"].iloc[0]).days == dropped[
        "followed_days"
    ].iloc[0]
