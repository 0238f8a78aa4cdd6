"""What a business unit gave us, made safe: opened, checked, cut at `as_of`."""

from kamlib.book.book import Book, open_book
from kamlib.book.snapshot import Snapshot, open_snapshot

__all__ = ["Book", "Snapshot", "open_book", "open_snapshot"]
