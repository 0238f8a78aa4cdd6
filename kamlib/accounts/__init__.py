"""What every study stands on: windows, the account × month ledger, who an account is on a day."""

from kamlib.accounts.attributes import attributes, latest, managers
from kamlib.accounts.calendar import Period, Window, evaluation_dates, period
from kamlib.accounts.known import (
    dated_number,
    each_day,
    known_month,
    month_of,
    months_before,
    trailing,
)
from kamlib.accounts.ledger import Ledger, ledger, owner
from kamlib.accounts.tiers import (
    assign_tiers,
    contribution_standing,
    tier_in_force,
    walk_tiers,
)

__all__ = [
    "Ledger",
    "Period",
    "Window",
    "assign_tiers",
    "attributes",
    "contribution_standing",
    "dated_number",
    "each_day",
    "evaluation_dates",
    "known_month",
    "latest",
    "ledger",
    "managers",
    "month_of",
    "months_before",
    "owner",
    "period",
    "tier_in_force",
    "trailing",
    "walk_tiers",
]
