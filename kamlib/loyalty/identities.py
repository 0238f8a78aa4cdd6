"""What must hold of a ledger: its parts make the whole, to the cent; and in which order it is shown."""

from __future__ import annotations

import pandas as pd

from kamlib.glossary import Sentence
from kamlib.results import Check

LEVELS = (1, 2, 3)
CENT = 0.005


def adds_up(name: str, parts: float, whole: float) -> Check:
    """Return whether parts make the whole to the cent, the two being counted apart.

    Examples
    --------
    >>> adds_up("items_add_up", 0.1 + 0.2, 0.3).passed, adds_up("items_add_up", 0.29, 0.3).passed
    (True, False)
    """
    fits = abs(parts - whole) < CENT
    key = "programme_ledger.adds_up" if fits else "programme_ledger.does_not_add_up"
    return Check(name, fits, Sentence(key, {"parts": parts, "whole": whole}))


def newest_first(frame: pd.DataFrame) -> pd.DataFrame:
    """Return rows by month, the latest first; a frame without months as it is.

    >>> newest_first(pd.DataFrame({"month": [1, 2], "cost": [5, 6]}))["cost"].tolist()
    [6, 5]
    """
    if "month" not in frame:
        return frame
    return frame.sort_values("month", ascending=False, kind="stable", ignore_index=True)
