"""What the reader does now: one sentence per finding that asks for something."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from kamlib.glossary import Sentence
from kamlib.results import Estimate
from kamlib.value.profit.loss_makers import LOSES
from kamlib.value.standard.migration import NO_LONGER_KEY

LARGE_HOLDER = 0.20
LIKELY = 0.5
APART = 2  # tiers
MOST = 8  # more than that nobody does


def next_actions(*findings: Estimate) -> list[Sentence]:
    """What follows from the findings of a unit, most urgent first, at most eight steps.

    Parameters
    ----------
    findings
        Any results of the study, in any order; the rules below know them by name. What was refused
        asks for the records that would bring it, where a rule says so.
    """
    by_name = {finding.name: finding for finding in findings}
    found = [
        step
        for name, rule in _RULES
        if name in by_name
        for step in [rule(by_name[name])]
        if step is not None
    ]
    return found[:MOST] or [Sentence("action.none")]


def _see_silent(silent: Estimate) -> Sentence | None:
    if silent.refused:
        return None
    return _named("action.see_silent", silent.frame, n=int(silent["n_obs"]))


def _keep_key(moved: Estimate) -> Sentence | None:
    if moved.refused:
        return None
    return _named("action.keep_key", moved.frame[moved.frame["key_change"] == NO_LONGER_KEY])


def _ask_fallen(moved: Estimate) -> Sentence | None:
    if moved.refused:
        return Sentence("action.bring_years") if moved.note.key == "movers.no_before" else None
    return _named("action.ask_fallen", moved.frame[moved.frame["change"] < 0])


def _collect(owing: Estimate) -> Sentence | None:
    if owing.refused:
        return None
    late = owing.frame[owing.frame["over_90"] > 0]
    late = late.sort_values("over_90", ascending=False, kind="stable")
    return _named("action.collect", late, owed=float(late["over_90"].sum()))


def _reprice(losing: Estimate) -> Sentence | None:
    if losing.refused:
        return None
    sure = losing.frame[losing.frame["verdict"] == LOSES]
    return _named("action.reprice", sure, lost=-float(sure["contribution"].sum()))


def _take_back(conceded: Estimate) -> Sentence | None:
    return _named("action.take_back", conceded.frame)


def _promote(rising: Estimate) -> Sentence | None:
    if rising.refused:
        return None
    return _named("action.promote", rising.frame[rising.frame["chance"] >= LIKELY], likely=LIKELY)


def _meet(met: Estimate) -> Sentence | None:
    if met.refused or "is_decider_met" not in met.frame:
        return None
    top = met.frame.head(20)
    return _named("action.meet", top[~top["is_decider_met"].astype(bool)], of=len(top))


def _review(agreed: Estimate) -> Sentence | None:
    if agreed.refused:
        return None
    return _named("action.review", agreed.frame[agreed.frame["steps"].abs() >= APART])


def _spread_account(held: Estimate) -> Sentence | None:
    if held.refused or held.frame["share_revenue"].iloc[0] <= LARGE_HOLDER:
        return None
    first = held.frame.iloc[0]
    values = {"who": _called(first), "share": float(first["share_revenue"])}
    return Sentence("action.spread_account_id", values)


def _spread_manager(held: Estimate) -> Sentence | None:
    if held.refused or held.frame["share_revenue"].iloc[0] <= LARGE_HOLDER:
        return None
    first = held.frame.iloc[0]
    values = {"who": first["manager_id"], "share": float(first["share_revenue"])}
    return Sentence("action.spread_manager_id", values)


def _bring_costs(curve: Estimate) -> Sentence | None:
    return Sentence("action.bring_costs") if curve.refused else None


_RULES: tuple[tuple[str, Callable[[Estimate], Sentence | None]], ...] = (
    ("silent_large", _see_silent),
    ("tier_moves", _keep_key),
    ("movers", _ask_fallen),
    ("exposure", _collect),
    ("loss_makers", _reprice),
    ("concessions", _take_back),
    ("potential", _promote),
    ("contact_coverage", _meet),
    ("herfindahl_account_id", _spread_account),
    ("herfindahl_manager_id", _spread_manager),
    ("tiers_differ", _review),
    ("whale_curve", _bring_costs),
)


def _named(key: str, accounts: pd.DataFrame, **values: object) -> Sentence | None:
    """Return a step for these accounts that names the first of them; None where there is none."""
    if accounts.empty:
        return None
    return Sentence(key, {"n": len(accounts), "first": _called(accounts.iloc[0])} | values)


def _called(account: pd.Series) -> str:
    """Return the name of an account, or its id where it has none."""
    return str(account["name"] if pd.notna(account["name"]) else account["account_id"])
