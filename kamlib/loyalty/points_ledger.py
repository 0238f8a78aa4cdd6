"""Points: given, redeemed, expired, outstanding, and what of them is still owed in money."""

from __future__ import annotations

from datetime import date

import pandas as pd

from kamlib.glossary import Sentence
from kamlib.loyalty.finance.points import Promise, liability
from kamlib.loyalty.identities import CENT, adds_up
from kamlib.loyalty.programme_facts import MOVES, PointsFacts, ProgrammeFacts
from kamlib.params import LoyaltyRoiParams
from kamlib.results import Check, Estimate, one_row, refusal

_NEARLY_ALL = 0.999
_OF_MONTH = ["points_earned", "points_used", "points_expired"]
_AT_END = ("points_outstanding", "redemption_cost", "points_liability")


def breakage(points: PointsFacts, rules: LoyaltyRoiParams) -> tuple[float, Check]:
    """Share of issued points that is never redeemed, and whether the records bear it.

    Points that expired will never be redeemed, points that were redeemed no longer can be left: so
    the share lies from expired ÷ issued to 1 − redeemed ÷ issued, whatever becomes of the rest.
    Without a stated share the lower end is taken: costs are then too high rather than too low.

    Examples
    --------
    >>> table = pd.DataFrame({"issued": [500.0], "redeemed": [70.0], "expired": [50.0]})
    >>> breakage(PointsFacts(table, table, table, True), LoyaltyRoiParams())[0]
    0.1
    """
    issued, redeemed, expired = (float(points.by_account[name].sum()) for name in MOVES)
    low = expired / issued if issued > 0 else 0.0
    high = 1 - redeemed / issued if issued > 0 else 1.0
    told = {"low": low, "high": high, "breakage": rules.breakage}
    if rules.breakage is None:
        note = Sentence("programme_ledger.breakage_least", told)
        return min(max(low, 0.0), _NEARLY_ALL), Check("breakage_known", None, note)
    fits = low <= rules.breakage <= high
    key = "programme_ledger.breakage_fits" if fits else "programme_ledger.breakage_contradicts"
    return rules.breakage, Check("breakage_known", fits, Sentence(key, told))


def points_ledger(facts: ProgrammeFacts, rules: LoyaltyRoiParams) -> Estimate:
    """Points of a programme month by month, and what is still owed for those outstanding.

    Outstanding = given − redeemed − expired since the records of points begin.

    Parameters
    ----------
    facts
        Of the unit.
    rules
        `breakage`, `point_cost`, `point_value`.

    Returns
    -------
    Estimate
        One row per month: `month`, `points_earned`, `points_used`, `points_expired` (of the month),
        `points_outstanding` (at its end), `redemption_cost` (money that redeeming what is expected
        to be redeemed of them will take; unknown without `point_cost`), `points_liability` (money:
        part of past sales that still belongs to points, all sales with points taken as one promise;
        unknown where nobody says what a point is worth, or where more was redeemed than the
        stated share allows). The summary has the three at the end, and `breakage`. A full count.

    References
    ----------
    IFRS 15 Revenue from Contracts with Customers, paragraph 4 (contracts taken together) and B39–B43.
    """
    points = facts.points
    if points is None:
        return refusal("points_ledger", "programme_ledger.no_points")
    if not float(points.by_account["issued"].sum()) > 0:
        return refusal("points_ledger", "programme_ledger.none_issued")
    share, known = breakage(points, rules)
    value = rules.point_value or rules.point_cost
    frame = _by_month(points, facts.day)
    so_far = frame[["points_earned", "points_used"]].cumsum()
    to_come = so_far["points_earned"] * (1 - share) - so_far["points_used"]
    to_come = to_come.clip(lower=0.0, upper=frame["points_outstanding"].clip(lower=0.0))
    frame["redemption_cost"] = to_come * (rules.point_cost or float("nan"))
    frame["points_liability"] = _owed(so_far, points.sales, frame["month"], value, share)
    last, accounts = frame.iloc[-1], points.by_account
    ends = {name: float(last[name]) for name in _AT_END}
    sums = {name: float(frame[name].sum()) for name in _OF_MONTH}
    told = ends | sums | {"n": len(accounts), "breakage": share, "as_of": facts.day}
    key = "programme_ledger.points" if value is not None else "programme_ledger.points_alone"
    balance = accounts["issued"] - accounts["redeemed"] - accounts["expired"]
    checks = [
        adds_up("points_add_up", ends["points_outstanding"], float(balance.sum())),
        _overdrawn(accounts, balance, rules.list_length),
        known,
    ]
    if not points.tells_expiry:
        checks.append(Check("expiry_known", None, Sentence("programme_ledger.no_expiry")))
    summary = one_row(len(accounts), "full count", breakage=share, **ends)
    return Estimate("points_ledger", frame, summary, Sentence(key, told), tuple(checks))


def _by_month(points: PointsFacts, day: date) -> pd.DataFrame:
    """Return points of every month from the first to that of the last day known."""
    sums = points.by_month.groupby("month")[list(MOVES)].sum()
    months = pd.date_range(sums.index[0], pd.Timestamp(day), freq="MS", name="month")
    rows = sums.reindex(months, fill_value=0.0).set_axis(_OF_MONTH, axis=1)
    left = rows["points_earned"] - rows["points_used"] - rows["points_expired"]
    return rows.assign(points_outstanding=left.cumsum()).reset_index()


def _owed(
    so_far: pd.DataFrame, sales: pd.DataFrame, months: pd.Series, value: float | None, share: float
) -> list[float]:
    """Return the part of all sales with points up to each month that is still owed at its end."""
    sold = sales.set_index("month")["sales"].reindex(months, fill_value=0.0).cumsum()
    owed = []
    for money, given, used in zip(
        sold, so_far["points_earned"], so_far["points_used"], strict=True
    ):
        if value is None or money <= 0 or given <= 0:
            owed.append(float("nan"))
            continue
        promise = Promise(money, money, given, value, share)
        found = liability(promise, [used], [given * (1 - share)])
        owed.append(float("nan") if found.refused else found.frame["points_liability"].iloc[0])
    return owed


def _overdrawn(balances: pd.DataFrame, balance: pd.Series, length: int) -> Check:
    below = balance < -CENT
    n = int(below.sum())
    rows = balances.loc[below, ["account_id"]].assign(points_outstanding=balance[below])
    rows = rows.sort_values(["points_outstanding", "account_id"], ignore_index=True).head(length)
    key = "programme_ledger.overdrawn" if n else "programme_ledger.none_overdrawn"
    values = {"n": n, "of": len(balances)}
    return Check("points_from_the_start", n == 0, Sentence(key, values), rows)
