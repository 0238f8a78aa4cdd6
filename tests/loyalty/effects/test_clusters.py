from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from kamlib.errors import FitError
from kamlib.glossary import columns
from kamlib.loyalty.effects.clusters import design_effect, inflation, likeness
from kamlib.loyalty.effects.randomised import difference_in_means
from kamlib.loyalty.effects.sample import sample


def test_likeness_by_hand():
    # groups (1, 2) and (4, 5): between 2 · (1.5² + 1.5²) ÷ 1 = 9, within (4 · 0.25) ÷ 2 = 0.5,
    # usual size 2: (9 − 0.5) ÷ (9 + 0.5) = 0.894737
    found = likeness(np.array([1.0, 2.0, 4.0, 5.0]), np.array([7, 7, 3, 3]))
    assert found == pytest.approx(8.5 / 9.5)


@pytest.mark.parametrize(
    ("outcome", "group"),
    [([1.0, 2.0, 3.0], [0, 1, 2]), ([1.0, 2.0, 3.0], [0, 0, 0]), ([1.0, 1.0, 1.0], [0, 0, 1])],
)
def test_likeness_that_cannot_be_told(outcome, group):
    assert np.isnan(likeness(np.array(outcome), np.array(group)))


def test_inflation_of_unequal_groups():
    # Σ m² ÷ Σ m = (1 + 9) ÷ 4 = 2.5
    assert inflation(0.2, np.array([1.0, 3.0])) == pytest.approx(1 + 1.5 * 0.2)


def made(groups, per_group, icc, seed, mixed=False):
    rng = np.random.default_rng(seed)
    parent = np.repeat(np.arange(groups), per_group)
    y = np.sqrt(icc) * rng.normal(size=groups)[parent]
    y = 50 + y + np.sqrt(1 - icc) * rng.normal(size=len(parent))
    member = np.arange(len(parent)) % 2 if mixed else parent % 2
    rows = pd.DataFrame({"margin": y + 10 * member, "member": member, "parent": parent})
    return sample(rows, "margin", "member", cluster="parent")


def test_what_is_told():
    found = design_effect(made(400, 5, 0.3, 1), "groups")
    assert set(found.frame) <= set(columns())
    row = found.frame.iloc[0]
    # the programme's 10 is not taken for likeness; 400 groups know 0.3 to about 0.03
    assert row["icc"] == pytest.approx(0.3, abs=0.07)
    assert row["design_effect"] == pytest.approx(1 + 4 * row["icc"])
    assert row["n_effective"] == pytest.approx(2000 / row["design_effect"])
    assert [(c.name, c.passed) for c in found.checks] == [
        ("groups_whole", True), ("groups_enough", True),
    ]  # fmt: skip


def test_the_error_over_groups_is_raised_by_the_design_effect():
    rows = made(400, 5, 0.3, 2)
    raised = difference_in_means(rows).std_error ** 2
    plain = difference_in_means(sample_without_groups(rows)).std_error ** 2
    found = design_effect(rows, "groups").frame["design_effect"].item()
    assert raised / plain == pytest.approx(found, rel=0.05)


def sample_without_groups(rows):
    frame = pd.DataFrame({"margin": rows.outcome, "member": rows.treated})
    return sample(frame, "margin", "member")


def test_groups_in_part_and_few():
    found = design_effect(made(12, 4, 0.3, 3, mixed=True), "groups")
    assert [c.passed for c in found.checks] == [False, False]
    assert "12 of 12 groups are partly" in str(found.checks[0].note)


def test_accounts_less_alike_than_by_chance_are_worth_what_they_are():
    rows = pd.DataFrame({"margin": np.tile([1.0, 9.0], 20) + np.arange(40) / 100,
                         "member": np.arange(40) // 2 % 2, "parent": np.arange(40) // 2})  # fmt: skip
    found = design_effect(sample(rows, "margin", "member", cluster="parent"), "groups")
    assert found.frame["icc"].item() < 0
    assert found.frame["design_effect"].item() == 1.0


def test_refusals():
    rows = made(20, 1, 0.3, 4)
    assert design_effect(rows, "groups").refused
    with pytest.raises(FitError, match="names no groups"):
        design_effect(sample_without_groups(rows), "groups")
