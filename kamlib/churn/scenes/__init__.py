"""The three scenes of loss, each with its size and its early sign."""

from kamlib.churn.scenes.managers import manager_event_study, manager_months
from kamlib.churn.scenes.silent import silences, silent_accounts
from kamlib.churn.scenes.sudden import large_accounts, sudden_losses

__all__ = [
    "large_accounts",
    "manager_event_study",
    "manager_months",
    "silences",
    "silent_accounts",
    "sudden_losses",
]
