"""Whatever is known or refused, there is one row per account with the same columns."""

from __future__ import annotations

import pandas as pd

from kamlib.glossary import Sentence, columns
from kamlib.results import Estimate, one_row, refusal
from kamlib.value.account_table import account_table

NAMES = ("values", "rising", "losing", "exposed", "met")
TIERS = pd.DataFrame(
    {"account_id": ["a", "a", "b"], "tier": ["gold", "iron", None], "score": [60.0, 40.0, 10.0],
     "evaluated_on": pd.to_datetime(["2023-12-31", "2024-12-31", "2024-12-31"])}
)  # fmt: skip
DECIDED = pd.DataFrame({"account_id": ["a"], "tier": ["platinum"]})


def test_refused_findings_leave_their_columns_empty(facts):
    nothing = {name: refusal(name, "action.none") for name in NAMES}
    empty = TIERS.head(0)
    found = account_table(facts, empty, DECIDED.head(0), **nothing)
    assert found["account_id"].tolist() == list("abcde")
    assert found[["clv", "chance", "verdict", "over_90", "is_single", "tier"]].isna().all(axis=None)
    assert set(found.columns) <= set(columns())


def test_findings_stand_beside_the_account_they_are_about(facts):
    nothing = {name: refusal(name, "action.none") for name in NAMES}
    frame = pd.DataFrame({"account_id": ["b", "z"], "clv": [5.0, 7.0]})
    values = Estimate("account_values", frame, one_row(2, "x"), Sentence("action.none"))
    found = account_table(facts, TIERS, DECIDED, **(nothing | {"values": values}))
    by_id = found.set_index("account_id")
    assert by_id.loc["a", ["tier", "score", "tier_in_force"]].tolist() == ["iron", 40, "platinum"]
    assert by_id["clv"].to_dict()["b"] == 5
    # under contract, but without a record in the window: it is not lost on the way
    assert found["account_id"].tolist() == ["a", "b", "c", "d", "e", "z"]
    assert list(found.columns) == list(account_table(facts, TIERS, DECIDED, **nothing).columns)
