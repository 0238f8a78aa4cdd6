"""How anything looks: theme, figures, tables, CSV files, and the page of a notebook.

Nothing here computes a statistic: frames come in, pictures and tables go out.
"""

from kamlib.show.csv import safe_csv
from kamlib.show.figures import format_ticks
from kamlib.show.page import Page
from kamlib.show.theme import names_or_ranks, use_theme

__all__ = ["Page", "format_ticks", "names_or_ranks", "safe_csv", "use_theme"]
