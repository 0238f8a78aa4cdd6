"""What every study stands on: windows, the account × month ledger, who an account is on a day."""

from kamlib.accounts.attributes import attributes, managers
from kamlib.accounts.calendar import Period, Window, evaluation_dates, period
from kamlib.accounts.ledger import Ledger, ledger, owner

__all__ = [
    "Ledger",
    "Period",
    "Window",
    "attributes",
    "evaluation_dates",
    "ledger",
    "managers",
    "owner",
    "period",
]
