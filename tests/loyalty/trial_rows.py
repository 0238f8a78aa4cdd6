"""Small trials, and the demo's, as estimators take them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from kamlib.book.layouts import CONTROL, MAILING, TRIAL_LAYOUTS
from kamlib.book.simulate.mailing import simulate_mailing
from kamlib.loyalty.trial_record import TrialRecord, trial_record

LETTER, CALL = MAILING.arms
COSTS = {LETTER: 0.90, CALL: 5.90}
MARGIN = 0.35


def customers(arms: Mapping[str, list[float]], **more: Any) -> pd.DataFrame:
    """Return customers of stated revenues by arm; half of them new, alike in all else."""
    arm = [name for name, values in arms.items() for _ in values]
    revenue = np.array([value for values in arms.values() for value in values], dtype=np.float64)
    n = len(revenue)
    known = {
        "revenue_before": np.linspace(10.0, 90.0, n), "months_since_order": np.arange(n) % 12 + 1.0,
        "newcomer": np.arange(n) % 2 * 1.0, "channel": np.where(np.arange(n) % 3 > 0, "web", "phone"),
    }  # fmt: skip
    frame = {"account_id": [f"c{i}" for i in range(n)], "arm": arm, "revenue_after": revenue,
             "bought": (revenue > 0) * 1.0}  # fmt: skip
    return pd.DataFrame(frame | known | more)


def small(arms: Mapping[str, list[float]], **more: Any) -> TrialRecord:
    """Return a trial of stated revenues by arm."""
    return trial_record(customers(arms, **more), MAILING)


def demo(*, n: int = 12_000, seed: int = 7) -> TrialRecord:
    """Return the simulated trial as `kamlib.book.open_trial` gives it."""
    record = simulate_mailing(n=n, seed=seed)
    names = {"customer": "account_id", **MAILING.outcomes, **MAILING.covariates}
    return trial_record(
        record.rename(columns=names).replace({"arm": {MAILING.control: CONTROL}}), MAILING
    )


def hillstrom(folder: Any) -> TrialRecord:
    """Return the e-mail test of 2008 by way of the adapter."""
    from kamlib.book import open_trial
    from kamlib.params import unit_from

    path = folder / "hillstrom" / "hillstrom.parquet"
    raw = {"as_of": "2025-06-30", "book": {"adapter": "hillstrom", "file": str(path.resolve())}}
    trial = open_trial(unit_from(raw, name="mails", folder=folder))
    return trial_record(trial.customers, TRIAL_LAYOUTS["hillstrom"])
