"""Effects from panels: accounts that join a programme in different months, and those that do not (yet)."""
