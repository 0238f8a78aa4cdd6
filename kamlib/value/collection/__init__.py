"""Whether the money comes in, how late, and who owes it."""
