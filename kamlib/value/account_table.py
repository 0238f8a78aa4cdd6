"""One row per account with what the study found out about it, for whoever reads on."""

from __future__ import annotations

import pandas as pd

from kamlib.results import Estimate
from kamlib.value.standard.pyramid import today

_VALUE = (
    "activity_class", "p_alive", "p_order", "p_stay", "expected_purchases", "expected_revenue", "clv",
    "clv_low", "clv_high", "conf_level", "p_negative",
)  # fmt: skip
_CONTACT = ("n_contacts", "n_deciders", "is_single", "is_decider_met")
_OWED = ("open_balance", "overdue_balance", "over_90")


def account_table(
    facts: pd.DataFrame,
    tiers: pd.DataFrame,
    decided: pd.DataFrame,
    *,
    values: Estimate,
    rising: Estimate,
    losing: Estimate,
    exposed: Estimate,
    met: Estimate,
) -> pd.DataFrame:
    """All accounts of a unit with their figures side by side.

    Parameters
    ----------
    facts
        One row per account, see `facts.account_facts`.
    tiers
        Computed tiers, see `standard.scorecard.computed_tiers`.
    decided
        One row per account with a tier in force: `account_id`, `tier`.
    values, rising, losing, exposed, met
        Results of `account_values`, `potential`, `loss_makers`, `exposure` and `contact_coverage`;
        of a refused one all columns are null.

    Returns
    -------
    DataFrame
        One row per account that any of them names: the columns of `facts`; `tier`, `score`,
        `tier_in_force`; `chance` (to become key within a year); `activity_class`, `p_alive`,
        `p_order`, `p_stay`, `expected_purchases`, `expected_revenue`, `clv`, `clv_low`, `clv_high`,
        `conf_level`, `p_negative`; `verdict` (whether it costs more than it brings); `open_balance`,
        `overdue_balance`, `over_90`; `n_contacts`, `n_deciders`, `is_single`, `is_decider_met`.
        The same columns whatever is known, so that readers need not ask.
    """
    now = today(tiers) if len(tiers) else pd.DataFrame(columns=["account_id", "tier", "score"])
    parts = [
        now[["account_id", "tier", "score"]],
        decided.rename(columns={"tier": "tier_in_force"})[["account_id", "tier_in_force"]],
        _columns(rising, ("chance",)),
        _columns(values, _VALUE),
        _columns(losing, ("verdict",)),
        _columns(exposed, _OWED),
        _columns(met, _CONTACT),
    ]
    table = facts
    for part in parts:
        table = table.merge(part, on="account_id", how="outer", validate="one_to_one")
    order = ["revenue", "account_id"]
    return table.sort_values(order, ascending=[False, True], ignore_index=True)


def _columns(estimate: Estimate, names: tuple[str, ...]) -> pd.DataFrame:
    """Return some columns of an estimate's frame by account, null where it has none."""
    frame = estimate.frame if "account_id" in estimate.frame else pd.DataFrame({"account_id": []})
    known = frame.astype({"account_id": object})
    return known.reindex(columns=["account_id", *names])
