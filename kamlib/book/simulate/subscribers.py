"""A simulated record of one day, without dates, with known truth: subscribers of a telephone company.

As many subscribers begin on the first day of every month of six years, a constant number a month. Traits
are drawn at random and kept: `contract` ("One year" with chance 0.4, else "Month-to-month"), `internet`
("DSL" 0.5, else "Fiber optic"), `support` and `paperless` ("Yes" 0.5, else "No"). Whatever its age, a
subscriber leaves within a month with chance

    1 - exp(-h),  h = rate · exp(Σ log(hazard ratio) · [trait])

True values (`TRUTH`)::

    rate                          0.100    a month: Month-to-month, Fiber optic, no support, on paper
    contract One year             0.40     times as often as Month-to-month
    internet DSL                  0.60     times as often as Fiber optic
    support Yes                   0.70     times as often as without
    paperless Yes                 1.00     times as often as on paper: no effect

so that of all who begin, Σ P(traits) · exp(-t · h) are still there after t months (`remaining`). The
record holds those who were there when its last month began, with their age in months, counting that
month, and whether they left in it. Who left before is not in it: of those who began long ago only the
loyal ones are seen.
"""

from __future__ import annotations

import itertools
import os
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

N_SUBSCRIBERS, OLDEST = 3000, 72
SEED = 31  # a draw like most: over many draws intervals hold the truth as often as they say
UNIT = "mobile_subscribers"
TRUTH: dict[str, float] = {
    "rate": 0.100, "contract": 0.40, "internet": 0.60, "support": 0.70, "paperless": 1.00,
}  # fmt: skip
# trait -> value with the hazard ratio, the other value, chance of the first
_TRAITS = {
    "contract": ("One year", "Month-to-month", 0.4),
    "internet": ("DSL", "Fiber optic", 0.5),
    "support": ("Yes", "No", 0.5),
    "paperless": ("Yes", "No", 0.5),
}


def simulate_subscribers(*, n: int = N_SUBSCRIBERS, seed: int = SEED) -> pd.DataFrame:
    """Return the record: one row per subscriber.

    Parameters
    ----------
    n
        Subscribers in it.
    seed
        Of the random draws.

    Returns
    -------
    DataFrame
        `subscriber`, `months` (1: began this month), `contract`, `internet`, `support`, `paperless`,
        `left` ("Yes": in the last month, "No").
    """
    rng = np.random.default_rng(seed)
    drawn = 8 * n  # of all who ever began, fewer are gone than that
    months = rng.integers(1, OLDEST + 1, drawn)
    hazard = np.full(drawn, TRUTH["rate"])
    record = pd.DataFrame({"months": months})
    for trait, (value, other, chance) in _TRAITS.items():
        has = rng.random(drawn) < chance
        record[trait] = np.where(has, value, other)
        hazard *= np.where(has, TRUTH[trait], 1.0)
    there = rng.random(drawn) < np.exp(-hazard * (months - 1))
    leaves = rng.random(drawn) < -np.expm1(-hazard)
    record["left"] = np.where(leaves, "Yes", "No")
    record = record[there].head(n).reset_index(drop=True)
    record.insert(0, "subscriber", [f"MS{number:05d}" for number in range(1, n + 1)])
    return record


def remaining(months: float) -> float:
    """Return the true share of all who begin that is still there after so many months.

    >>> round(remaining(24), 4)
    0.3442
    """
    share = 0.0
    for has in itertools.product((True, False), repeat=len(_TRAITS)):
        chance, hazard = 1.0, TRUTH["rate"]
        for is_it, (trait, (_, _, often)) in zip(has, _TRAITS.items(), strict=True):
            chance *= often if is_it else 1 - often
            hazard *= TRUTH[trait] if is_it else 1.0
        share += chance * float(np.exp(-months * hazard))
    return share


def write_subscribers(folder: Path) -> Path:
    """Write the record to `folder/mobile_subscribers/customers.parquet` and return that file.

    It appears in one step, and is made anew each time, since that takes no time.
    """
    path = Path(folder) / UNIT / "customers.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".") as scratch:
        staged = Path(scratch) / path.name
        simulate_subscribers().to_parquet(staged, index=False)
        os.replace(staged, path)
    return path
