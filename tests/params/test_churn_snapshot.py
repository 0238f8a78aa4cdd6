"""Parameters of the study of one day, and which study takes which records."""

from pathlib import Path

import pytest

from kamlib.errors import ParamError
from kamlib.params import unit_from

TABLES = {"tables": {"transactions": "sales.csv"}}


def unit(book=TABLES, **rules):
    raw = {"book": book, "churn_snapshot": rules}
    return unit_from(raw, name="north", folder=Path("."))


def test_defaults():
    rules = unit().churn_snapshot
    assert (rules.window_months, rules.horizons) == (1, (12, 24, 60))
    with pytest.raises(ParamError, match="one or more rising numbers"):
        unit(horizons=[24, 12])
    with pytest.raises(ParamError, match="window_months: must be greater than 0"):
        unit(window_months=0)


@pytest.mark.parametrize(
    ("book", "gives"),
    [
        (TABLES, "tables"),
        ({"adapter": "online-retail-ii", "file": "a.csv"}, "tables"),
        ({"demo": "telecom_lines"}, "tables"),
        ({"adapter": "telco", "file": "a.csv"}, "snapshot"),
        ({"demo": "mobile_subscribers"}, "snapshot"),
    ],
)
def test_a_unit_runs_the_studies_that_take_its_records(book, gives):
    one = unit(book)
    assert one.book.gives == gives
    assert one.suits("churn_snapshot") is (gives == "snapshot")
    # most studies take tables, and so does one that nobody here knows
    for study in ("customer_value", "churn_survival", "of_our_own", "title"):
        assert one.suits(study) is (gives == "tables")
