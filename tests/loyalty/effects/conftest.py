"""Accounts that several tests of effects stand on."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from kamlib.loyalty.effects.sample import Sample, sample

_SIZES = ["recency", "history", "mens", "womens", "newbie"]
_KINDS = ["zip_code", "channel", "history_segment"]


@pytest.fixture(scope="session")
def reference() -> dict[str, Any]:
    path = Path(__file__).with_name("effects_reference.json")
    return json.loads(path.read_text("utf-8"))


@pytest.fixture(scope="session")
def printed() -> Callable[..., Any]:
    """What rounds to the six digits that are printed: half of the last, and a hair for a tie."""
    return lambda values: pytest.approx(np.array(values), abs=5.1e-7)


@pytest.fixture(scope="session")
def cross_section() -> Sample:
    """Sixty accounts without a random number; the programme is worth 8 to each."""
    i = np.arange(60)
    first, second = np.sin(1.3 * i) + 0.02 * i, np.cos(0.7 * i)
    member = np.sin(2.1 * i) + 0.8 * first > 0.4
    margin = 100 + 10 * first - 5 * second + 8 * member
    margin = margin + 4 * np.sin(3.3 * i) + 3 * np.cos(5.1 * i)
    rows = {"margin": margin.round(6), "member": member, "x1": first.round(6),
            "x2": second.round(6)}  # fmt: skip
    return sample(pd.DataFrame(rows), "margin", "member", ["x1", "x2"])


@pytest.fixture(scope="session")
def hillstrom(data_folder, require) -> Callable[..., Sample]:
    """Reads an arm of the e-mail test against no e-mail."""
    path = data_folder / "hillstrom" / "hillstrom.parquet"
    require("data", path.is_file() and path, "no Hillstrom records here")
    everyone = pd.read_parquet(path)
    assert everyone.shape == (64_000, 12)
    dummies = pd.get_dummies(everyone[_KINDS], drop_first=True, dtype=float)
    everyone = pd.concat([everyone, dummies], axis=1)

    def read(arm: str, outcome: str, covariates: str = "none", chosen: str = "") -> Sample:
        rows = everyone.query(chosen) if chosen else everyone
        if arm != "any":
            rows = rows[rows["segment"].isin([f"{arm} E-Mail", "No E-Mail"])]
        rows = rows.assign(mailed=rows["segment"] != "No E-Mail")
        held = {"none": [], "history": ["history"], "all": [*_SIZES, *dummies.columns]}[covariates]
        return sample(rows, outcome, "mailed", held)

    read.arms = everyone["segment"].value_counts  # type: ignore[attr-defined]
    return read


@pytest.fixture(scope="session")
def chosen_accounts() -> Callable[..., Sample]:
    """Makes accounts that join by their size and trend; the programme is worth 1 to each."""

    def make(n: int, seed: int, *, strength: float = 1.0, per_group: int = 0) -> Sample:
        rng = np.random.default_rng(seed)
        x = rng.normal(size=(n, 3))
        odds = strength * (0.6 * x[:, 0] - 0.5 * x[:, 1] + 0.3 * x[:, 2]) - 0.3
        member = rng.random(n) < 1 / (1 + np.exp(-odds))
        margin = 2 + x @ [1.0, 0.5, -0.5] + member + rng.normal(size=n)
        rows = pd.DataFrame(x, columns=["size", "trend", "age"])
        rows = rows.assign(margin=margin, member=member, parent=np.arange(n) // max(per_group, 1))
        cluster = "parent" if per_group else None
        return sample(rows, "margin", "member", ["size", "trend", "age"], cluster=cluster)

    return make
