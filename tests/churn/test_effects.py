"""Effects that change with the length of the relation: found, parted, halved, and told in words."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from kamlib.churn.effects import Effect, contrast, handled, proportional_check, told
from kamlib.churn.factors import Column, Factor
from kamlib.glossary import LANGUAGES, Sentence, Style, say
from kamlib.stats.cox_data import cox_data
from kamlib.stats.cox_zph import ProportionalHazards

CALLS = Factor("complaints_3m", "drivers.complaints_3m", most=3.0)
TIER = Factor("tier_in_force", "drivers.category", kind="text")
OPEN = Effect("complaints_3m", Column("complaints_3m", CALLS))
GOLD = Effect("tier_in_force=gold", Column("tier_in_force=gold", TIER, "gold", "iron"))
BOTH = {effect.name: effect for effect in (OPEN, GOLD)}


def sample(n_event: int):
    """Rows of one month each: losses in months 1 to 4 and as many rows without, by turns."""
    month = np.tile([1.0, 2.0, 3.0, 4.0], n_event // 2)
    x = np.column_stack([np.arange(len(month)) % 3, np.arange(len(month)) % 2])
    event = np.arange(len(month)) < n_event
    data = cox_data(x, month, event, names=list(BOTH), entry=month - 1)
    return pd.DataFrame({"tier_in_force": np.where(x[:, 1] == 1, "gold", "iron")}), data


def test_a_number_is_halved_at_the_month_by_which_half_of_the_losses_had_come():
    rows, data = sample(40)
    strata, both, effects = handled(rows, data, BOTH, [OPEN], ())
    assert strata == ()
    assert both.names == ("complaints_3m until", "complaints_3m after", GOLD.name)
    # losses by turns in months 1 to 4: the median lies between 2 and 3
    early = data.exit <= 2
    assert both.covariates[:, 0].tolist() == np.where(early, data.covariates[:, 0], 0).tolist()
    assert both.covariates[:, 1].tolist() == np.where(early, 0, data.covariates[:, 0]).tolist()
    first, second = effects["complaints_3m until"], effects["complaints_3m after"]
    assert (first.after, first.until, second.after, second.until) == (0, 2, 2, None)
    assert say(first.contrast).endswith("(in the first 2 months)")
    assert say(second.contrast).endswith("(after 2 months)")


def test_an_attribute_parts_accounts_on_top_of_the_strata_that_are_there():
    rows, data = sample(40)
    rows["role"] = "intermediary"
    strata, both, effects = handled(rows, data, BOTH, [GOLD], ("role",))
    assert strata == ("role", "tier_in_force")
    assert both.strata == ("intermediary / gold", "intermediary / iron")
    assert list(effects) == [OPEN.name]


def test_without_ten_losses_for_another_effect_it_stays_whole():
    rows, data = sample(20)
    _, both, _ = handled(rows, data, BOTH, [OPEN], ())
    assert both.names == data.names


def result(p: tuple[float, float], overall: float) -> ProportionalHazards:
    return ProportionalHazards("km", tuple(BOTH), np.zeros(2), np.array(p), 0.0, overall, None)


@pytest.mark.parametrize(("moving", "overall", "passed", "key"), [
    ([], 0.4, True, "drivers.proportional"),
    # no single one can be shown to change, and all together do
    ([], 0.01, False, "drivers.together_not_proportional"),
    ([GOLD], 0.01, False, "drivers.not_proportional"),
])  # fmt: skip
def test_what_the_test_of_time_says(moving, overall, passed, key):
    check = proportional_check(result((0.5, 0.001), overall), moving, len(moving))
    assert (check.passed, check.note.key) == (passed, key)
    if moving:
        assert check.frame[["term", "category"]].to_numpy().tolist() == [["tier_in_force", "gold"]]
        assert check.frame["proportional_p"].tolist() == [0.001]
    for language in LANGUAGES:
        assert "{" not in say(check.note, Style(language))


def test_sentences_name_effects_as_readers_know_them():
    note = Sentence("cox.dependent", {"one": OPEN.name, "other": GOLD.name})
    text = say(told(note, BOTH))
    assert "Tier in force gold rather than iron" in text
    assert "=" not in text


def test_a_row_of_the_frame_says_what_it_compares():
    row = {"term": "tier_in_force", "category": "gold", "base_category": "iron"}
    whole = pd.Series(row | {"months_from": np.nan, "months_to": np.nan})
    assert say(contrast(whole)) == say(GOLD.contrast)
    late = contrast(pd.Series(row | {"months_from": 12.0, "months_to": np.nan}))
    assert say(late).endswith("(after 12 months)")
