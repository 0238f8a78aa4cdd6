"""Customer value: who brings what, and on how few it rests."""
