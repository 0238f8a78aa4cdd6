"""What a business unit gave us, made safe: opened, checked, cut at `as_of`."""

from kamlib.book.book import Book, open_book

__all__ = ["Book", "open_book"]
