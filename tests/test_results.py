"""Estimates and checks: what they carry, and what a refusal is."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from kamlib.glossary import Sentence, Style, columns, say
from kamlib.results import Check, Estimate, none_found, one_row, refusal

NOTE = Sentence("action.none")


def test_refusal_says_why_and_holds_nothing():
    refused = refusal("lorenz", "lorenz.nothing", n=3)
    assert refused.refused
    assert refused.frame.empty
    assert (refused["n_obs"], refused["method"]) == (0, "refused")
    assert np.isnan(refused["conf_level"])
    assert "none of the 3 accounts" in str(refused.note)
    assert "3 个客户" in say(refused.note, Style("zh"))
    # neither passed nor failed: it could not be judged
    (check,) = refused.checks
    assert (check.name, check.passed, check.note) == ("lorenz", None, refused.note)


def test_an_estimate_gives_the_values_of_its_summary():
    frame = pd.DataFrame({"revenue": [1.0]})
    found = Estimate("curve", frame, one_row(7, "full count", peak=0.25), NOTE)
    assert not found.refused
    assert (found["n_obs"], found["peak"]) == (7, 0.25)
    assert found.checks == ()
    with pytest.raises(KeyError):
        found["no_such"]


def test_one_row():
    row = one_row(5, "bootstrap-t, 1000 draws", 0.95, bulk_accounts=2)
    assert row.to_dict("records") == [
        {"n_obs": 5, "method": "bootstrap-t, 1000 draws", "conf_level": 0.95, "bulk_accounts": 2}
    ]
    # a full count has no sampling error, so no level
    assert np.isnan(one_row(5, "full count")["conf_level"].iloc[0])
    assert {"n_obs", "conf_level"} <= set(columns())


@pytest.mark.parametrize("result", [Check("a", True, NOTE), refusal("a", "action.none")])
def test_results_cannot_be_changed_and_are_compared_by_identity(result):
    with pytest.raises(dataclasses.FrozenInstanceError):
        result.name = "b"
    with pytest.raises((AttributeError, TypeError)):
        result.more = 1
    # a frame inside has no single truth value, so == must not compare it
    assert result == result
    assert result != dataclasses.replace(result)
    assert len({result, result}) == 1


def test_a_check_without_rows_has_an_empty_frame_of_its_own():
    one, other = Check("a", True, NOTE), Check("b", None, NOTE)
    assert one.frame.empty
    assert one.frame is not other.frame


def test_what_was_looked_for_and_not_found_is_no_fault():
    found = none_found("concessions", "action.none")
    assert found.refused
    assert [(check.name, check.passed) for check in found.checks] == [("concessions", True)]
