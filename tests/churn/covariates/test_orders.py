"""What was bought in the twelve months before July 2023: see RICH in conftest."""

from __future__ import annotations

import numpy as np
import pytest


def test_a_year_and_a_quarter_of_revenue(july):
    # July 2022 to June 2023: 12 × 100 + 50 − 20; the line recorded on 1 July is not known yet
    assert july["log_revenue_12m"] == pytest.approx(np.log(1230))
    # April to June: 330, × 4 over 1230
    assert july["revenue_trend"] == pytest.approx(1320 / 1230)


def test_price_realisation_rests_on_lines_with_a_list_price(july):
    assert july["price_realisation"] == pytest.approx(0.8)


def test_the_last_order_is_no_return(july):
    assert july["days_since_last"] == 11  # 20 June


def test_product_lines_of_twelve_months(rich, july):
    assert july["breadth"] == 2
    later = rich[(rich["account_id"] == "a")].set_index("month")["breadth"]
    # the line of June 2023 comes to be known in July, and counts until a year after its date
    assert later["2023-08-01"] == 3
    assert later["2024-06-01"] == 3
    assert later["2024-07-01"] == 1


def test_late_lines_count_in_the_month_of_their_date_once_known(rich):
    rows = rich[rich["account_id"] == "a"].set_index("month")
    # August 2023: May to July hold 3 × 100 + 30 + 999
    assert np.exp(rows.loc["2023-08-01", "log_revenue_12m"]) == pytest.approx(2229)
    assert rows.loc["2023-08-01", "revenue_trend"] == pytest.approx(1329 * 4 / 2229)
    # October: July to September
    assert np.exp(rows.loc["2023-10-01", "log_revenue_12m"]) == pytest.approx(2229)
    assert rows.loc["2023-10-01", "revenue_trend"] == pytest.approx(300 * 4 / 2229)


def test_a_new_account_counts_at_the_rate_of_a_year(rich):
    rows = rich[rich["account_id"] == "b"].set_index("month")
    # three months of 10 by June 2022
    assert np.exp(rows.loc["2022-06-01", "log_revenue_12m"]) == pytest.approx(120)
    assert np.isnan(rows.loc["2022-06-01", "revenue_trend"])
    assert rows.loc["2023-03-01", "revenue_trend"] == pytest.approx(1.0)
