"""What was overdue before July 2023: see RICH in conftest."""

from __future__ import annotations

import pytest


def test_what_is_open_and_overdue(rich, july):
    # 60 of the first invoice and 300 of the second are open; the payment of 1 July is not known yet
    assert july["share_overdue"] == pytest.approx(60 / 360, abs=1e-6)
    assert july["mean_days_overdue"] == 31  # since 31 May
    rows = rich[rich["account_id"] == "a"].set_index("month")
    assert rows.loc["2023-06-01", "share_overdue"] == 1
    assert rows.loc["2023-06-01", "mean_days_overdue"] == 1
    # the first is paid, the second fell due on 15 July
    assert rows.loc["2023-08-01", "share_overdue"] == 1
    assert rows.loc["2023-08-01", "mean_days_overdue"] == 17
    assert (rich.loc[rich["account_id"] == "b", "share_overdue"] == 0).all()
