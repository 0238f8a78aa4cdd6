"""Contracts in force as they stood before each month: see RICH in conftest."""

from __future__ import annotations

import numpy as np


def test_a_contract_that_runs_out(rich, july):
    assert july["days_to_due"] == 549  # to 31 December 2024
    rows = rich[rich["account_id"] == "a"].set_index("month")
    # it ends within three months from 1 October on; that it ended in November is not known before
    assert rows["contract_due"].loc["2024-09-01":].tolist() == [0, 1, 1]
    assert rows["days_to_due"].loc["2024-10-01":].tolist() == [91, 60]


def test_notice(rich):
    rows = rich[rich["account_id"] == "a"].set_index("month")["notice_given"]
    assert rows.loc["2024-09-01":].tolist() == [0, 1, 1]  # given on 10 September
    assert (rows.loc[:"2024-08-01"] == 0).all()


def test_monthly_contracts_are_never_due(rich):
    rows = rich[rich["account_id"] == "b"].set_index("month")
    assert rows["monthly_contract"].loc["2022-04-01":"2023-11-01"].tolist() == [1] * 20
    assert (rows["contract_due"] == 0).all()
    assert rows["days_to_due"].isna().all()
    assert np.all(rich.loc[rich["account_id"] == "a", "monthly_contract"] == 0)
