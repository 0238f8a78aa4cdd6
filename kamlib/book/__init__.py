"""What a business unit gave us, made safe: opened, checked, cut at `as_of`."""

from kamlib.book.book import Book, open_book
from kamlib.book.listing import Listing
from kamlib.book.snapshot import Snapshot, open_snapshot
from kamlib.book.trial import Trial, open_trial
from kamlib.params import Unit

__all__ = [
    "Book", "Listing", "Snapshot", "Trial", "open_book", "open_records", "open_snapshot", "open_trial",
]  # fmt: skip


def open_records(unit: Unit) -> Book | Listing:
    """Open and check what a unit has: tables, a record of one day, or one of a trial."""
    if unit.book.gives == "snapshot":
        return open_snapshot(unit)
    return open_trial(unit) if unit.book.gives == "trial" else open_book(unit)
