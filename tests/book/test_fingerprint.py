"""What was read as one number: the same for the same records, another for others."""

import ibis
import pytest

from kamlib.book import fingerprint
from kamlib.book.engine import embedded


def test_files_count_by_their_bytes_and_order(tmp_path):
    one, two, twin = (tmp_path / name for name in ("one", "two", "twin"))
    one.write_bytes(b"1")
    two.write_bytes(b"2")
    twin.write_bytes(b"1")
    assert fingerprint.of_files([one, two]) == fingerprint.of_files([twin, two])
    assert fingerprint.of_files([one, two]) != fingerprint.of_files([two, one])
    assert len(fingerprint.of_files([])) == 64


ROWS = [("A", 1.5, "2024-01-05"), ("B", 2.0, "2024-02-05"), ("B", None, "2024-03-05")]


@pytest.mark.parametrize(
    ("rows", "same"),
    [
        (ROWS[::-1], True),
        ([("A", 1.5, "2024-01-05"), ("B", 2.0000000001, "2024-02-05"), ROWS[2]], True),
        (ROWS[:2], False),
        ([("A", 1.6, "2024-01-05"), *ROWS[1:]], False),
        ([*ROWS[:2], ("B", None, "2024-03-06")], False),
        ([("C", 1.5, "2024-01-05"), ("D", 2.0, "2024-02-05"), ROWS[2]], False),
    ],
    ids=["another order", "rounding", "a row less", "an amount", "a day", "an account more"],
)
def test_tables_count_by_what_they_hold(rows, same):
    """An engine may add up in another order: sums are compared to six digits."""
    con = embedded("UTC")

    def number(rows):
        table = ibis.memtable(rows, columns=["account_id", "amount", "date"])
        typed = table.mutate(date=table.date.cast("date"))
        return fingerprint.of_tables({"t": con.create_table("t", typed, overwrite=True)})

    assert (number(rows) == number(ROWS)) is same
