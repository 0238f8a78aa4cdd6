"""What the reader does now: one sentence per finding that asks for something."""

from __future__ import annotations

import pandas as pd

from kamlib.glossary import Sentence
from kamlib.results import Estimate

LARGE_HOLDER = 0.20


def next_actions(
    *,
    silent: Estimate,
    curve: Estimate,
    moved: Estimate,
    by_account: Estimate,
    by_manager: Estimate,
) -> list[Sentence]:
    """Return what follows from the findings, most urgent first; refused findings ask for data.

    Parameters
    ----------
    silent, curve, moved, by_account, by_manager
        Results of `rfm.silent_large`, `whale.whale_curve`, `totals.movers` and
        `dependence.herfindahl` over accounts and over managers.
    """
    found: list[Sentence] = []
    if not silent.refused:
        values = {"n": int(silent["n_obs"]), "first": _called(silent.frame.iloc[0])}
        found.append(Sentence("action.see_silent", values))
    if not moved.refused:
        fell = moved.frame[moved.frame["change"] < 0]
        if len(fell):
            values = {"n": len(fell), "first": _called(fell.iloc[0])}
            found.append(Sentence("action.ask_fallen", values))
    if not curve.refused and curve["n_loss"]:
        values = {"n": int(curve["n_loss"]), "lost": float(curve["lost"])}
        found.append(Sentence("action.reprice", values))
    for held, column in ((by_account, "account_id"), (by_manager, "manager_id")):
        if not held.refused and held.frame["share_revenue"].iloc[0] > LARGE_HOLDER:
            first = held.frame.iloc[0]
            who = _called(first) if column == "account_id" else first[column]
            values = {"who": who, "share": float(first["share_revenue"])}
            found.append(Sentence(f"action.spread_{column}", values))
    if curve.refused:
        found.append(Sentence("action.bring_costs"))
    if moved.refused and moved.note.key == "movers.no_before":
        found.append(Sentence("action.bring_years"))
    return found or [Sentence("action.none")]


def _called(account: pd.Series) -> str:
    """Return the name of an account, or its id where it has none."""
    return str(account["name"] if pd.notna(account["name"]) else account["account_id"])
