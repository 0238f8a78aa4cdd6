"""What the reader does now about churn: one sentence per finding that asks for something."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pandas as pd

from kamlib.churn.incidence import UNKNOWN
from kamlib.churn.validation import DROP, EXPECTED_LOSS, REVENUE
from kamlib.glossary import Sentence
from kamlib.results import Estimate

MOST = 8  # more than that nobody does
_SOON = 6.0  # months within which a return says that the loss was called too early
_MANY_BACK = 0.25


def next_actions(*findings: Estimate, visits: int) -> list[Sentence]:
    """What follows from the findings of a unit, most urgent first, at most eight steps.

    Parameters
    ----------
    findings
        Any results of the study, in any order; the rules below know them by name.
    visits
        Accounts that the team can visit in a month.
    """
    by_name = {finding.name: finding for finding in findings}
    steps = [rule(by_name, visits) for rule in _RULES]
    return [step for step in steps if step is not None][:MOST] or [Sentence("churn_action.none")]


Found = Mapping[str, Estimate]


def _there(found: Found, name: str) -> Estimate | None:
    estimate = found.get(name)
    return None if estimate is None or estimate.refused else estimate


def _visit(found: Found, visits: int) -> Sentence | None:
    listed = _there(found, "watchlist")
    if listed is None:
        return None
    losses = listed.frame["expected_loss"].fillna(0.0)
    total = float(losses.sum())
    if total <= 0:
        return None
    first = listed.frame.head(visits)
    values = {"k": len(first), "first": _called(first.iloc[0]), "total": total,
              "share": float(losses.head(visits).sum()) / total}  # fmt: skip
    return Sentence("churn_action.visit", values)


def _by_revenue(found: Found, visits: int) -> Sentence | None:
    held = _there(found, "churn_captured")
    if held is None:
        return None
    frame = held.frame[held.frame["term"] == "value_captured"]
    frame = frame[frame["listed"] == frame["listed"].min()]
    against = frame[(frame["ranking"] == EXPECTED_LOSS) & frame["against"].isin([REVENUE, DROP])]
    worse = against[against["conf_high"] < 0]
    if worse.empty:
        return None
    simple = worse.loc[worse["estimate"].idxmin(), "against"]
    key = "churn_validation.revenue" if simple == REVENUE else "churn_validation.revenue_drop"
    return Sentence("churn_action.by_revenue", {"simple": Sentence(key)})


def _look_again(found: Found, visits: int) -> Sentence | None:
    level = _there(found, "churn_calibration")
    if level is None:
        return None
    whole = level.frame.iloc[0]
    if whole["observed_low"] <= whole["expected"] <= whole["observed_high"]:
        return None
    return Sentence("churn_action.look_again", {"ratio": whole["estimate"]})


def _renew(found: Found, visits: int) -> Sentence | None:
    due = _there(found, "renewals")
    if due is None:
        return None
    soon = due.frame[due.frame["months_ahead"] == due.frame["months_ahead"].iloc[0]]
    values = {"n": len(soon), "months": int(soon["months_ahead"].iloc[0]),
              "first": _called(soon.iloc[0]), "loss": float(soon["expected_loss"].sum())}  # fmt: skip
    return Sentence("churn_action.renew", values)


def _partial(found: Found, visits: int) -> Sentence | None:
    partly = _there(found, "partial_losses")
    if partly is None:
        return None
    return Sentence(
        "churn_action.partial", {"n": len(partly.frame), "first": _called(partly.frame.iloc[0])}
    )


def _hand_over(found: Found, visits: int) -> Sentence | None:
    followed = _there(found, "manager_left_company")
    if followed is None or not followed["ratio_low"] > 1:
        return None
    values = {"ratio": followed["rate_ratio"], "low": followed["ratio_low"],
              "high": followed["ratio_high"]}  # fmt: skip
    return Sentence("churn_action.hand_over", values)


def _reason(found: Found, visits: int) -> Sentence | None:
    why = found.get("incidence_by_reason")
    if why is None:
        return None
    if why.refused:
        unknown = why.note.key == "reasons.none_known"
        return Sentence("churn_action.reasons") if unknown else None
    if why["top"] in (UNKNOWN, "insolvent", "merged", "ended by us"):
        return None
    values = {"reason": why["top"], "share": why["top_share"], "months": why["horizon"]}
    return Sentence("churn_action.reason", values)


def _patience(found: Found, visits: int) -> Sentence | None:
    back = _there(found, "winback")
    if back is None or not back["share_soon"] > _MANY_BACK:
        return None
    return Sentence("churn_action.patience", {"share": back["share_soon"], "months": _SOON})


_RULES: tuple[Callable[[Found, int], Sentence | None], ...] = (
    _visit, _by_revenue, _look_again, _renew, _partial, _hand_over, _reason, _patience,
)  # fmt: skip


def _called(account: pd.Series) -> str:
    """Return the name of an account, or its id where it has none."""
    return str(account["name"] if pd.notna(account["name"]) else account["account_id"])
