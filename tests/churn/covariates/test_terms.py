"""Contracts in force as they stood before each month: see RICH in conftest."""

from __future__ import annotations

import numpy as np

from kamlib.churn.engine import collect


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


def test_a_contract_that_ends_later_in_the_month_of_today_is_in_force(small, monthly, built):
    contract = {"contract_id": "1", "account_id": "a", "starts_on": "2022-01-01",
                "ends_on": "2023-12-20", "value_per_year": 12}  # fmt: skip
    tables = {"transactions": monthly("a", "2022-01-10", 24, amount=1), "contracts": [contract]}
    rules = {"definition": "contracts"}
    for as_of, days in (("2023-12-15", 4.0), ("2023-11-30", 19.0)):
        book = small.open(tables, as_of=as_of, churn_survival=rules)
        (living,) = collect(built(book).living).to_dict("records")
        # from the morning after as_of to the last day in force
        assert (living["days_to_due"], living["contract_due"]) == (days, 1)
    # on the day of the end itself nothing is in force on the next morning
    book = small.open(tables, as_of="2023-12-20", churn_survival=rules)
    (living,) = collect(built(book).living).to_dict("records")
    assert np.isnan(living["days_to_due"])
