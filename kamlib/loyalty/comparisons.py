"""The comparisons that a programme allows: as a whole, each level against the one below, each arm of a trial."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from kamlib.loyalty.account_months import BASE, usual_month
from kamlib.loyalty.identities import LEVELS
from kamlib.loyalty.ladder.evidence import Records
from kamlib.loyalty.ladder.retained import Stays
from kamlib.loyalty.programme_records import ProgrammeRecords
from kamlib.params import LoyaltyRoiParams

WHOLE = "whole programme"
ABOVE = {1: "level 1 over none", 2: "level 2 over level 1", 3: "level 3 over level 2"}
BY_LOT = {1: "level 1 by lot", 2: "level 2 by lot", 3: "level 3 by lot"}
COVARIATES = ("size", "tenure_years", "orders")
SILENT = 6  # months without an order after which an account has left
SETTLED = 6  # months that a member must have been followed for
MONEY = ("contribution", "revenue")
_SAME = 1e-3


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """Accounts with and without something, over the same months.

    Attributes
    ----------
    name
        What is compared.
    level
        Level whose effect it is; 0: the whole programme.
    accounts
        One row per account: `unit`, `start` (place of the first month with it; missing: never), `begin`
        and `end` (places between which its months count), `parent`, `tier`, the covariates of its
        first year, `usual` (mean revenue of a month of that year) and `usual_orders`, in a trial
        `assigned`.
    first, last
        Places of the first month looked at, and of the first one no longer.
    assigned_on
        Place from which an assignment counts; None without a trial.
    n_left_out
        Accounts without a year before, not followed long enough, or that bought nothing in that year.
    """

    name: str
    level: int
    accounts: pd.DataFrame
    first: int
    last: int
    assigned_on: int | None
    n_left_out: int


def comparisons(records: ProgrammeRecords, rules: LoyaltyRoiParams) -> tuple[Comparison, ...]:
    """Return all comparisons that the records name, those of trials first.

    Parameters
    ----------
    records
        Of the unit.
    rules
        `trial_until`, the last day of a trial.

    Notes
    -----
    The usual month of an account is a quarter of that of the account in the middle at least: multiples of
    next to nothing would drown all others.
    """
    found = list(_trials(records, rules))
    if len(records.stays):
        found.append(_whole(records))
        reached = records.stays["level"].max()
        found += [_level(records, level) for level in LEVELS if level <= reached]
    return tuple(found)


def ladder_records(
    records: ProgrammeRecords, found: Comparison, outcome: str, *, margin_known: bool = True,
    needed: float = 0.0, cost_missing: float = 0.0, planned: float = 0.5,
) -> Records:  # fmt: skip
    """Return a comparison as the ladder climbs it.

    Where months of nothing, or below it, stand in the way of logarithms, contribution and revenue are
    told in percent of an account's usual revenue, orders of its usual orders, and whatever else of what
    is usual among all accounts.
    """
    panel = records.panel[records.panel["account_id"].isin(found.accounts["unit"])]
    rows = pd.DataFrame(
        {"unit": panel["account_id"].to_numpy(), "period": _places(records, panel),
         "outcome": panel[outcome].to_numpy()}
    )  # fmt: skip
    rows = rows[(rows["period"] >= found.first) & (rows["period"] < found.last)]
    limits = found.accounts.set_index("unit")[["begin", "end"]].reindex(rows["unit"]).to_numpy()
    outside = (rows["period"] < limits[:, 0]) | (rows["period"] >= limits[:, 1])
    rows["outcome"] = rows["outcome"].mask(outside)
    accounts = found.accounts
    if outcome == "n_orders":
        accounts = accounts.assign(usual=accounts["usual_orders"])
    elif outcome not in MONEY:
        early = rows.loc[rows["period"] < found.first + BASE, "outcome"]
        accounts = accounts.assign(usual=float(early.mean()))
    covariates = _telling(accounts)
    cycle = 1 / max(float((panel["n_orders"] > 0).mean()), 0.02)
    return Records(
        rows.reset_index(drop=True), accounts, outcome, covariates,
        known_on=dict.fromkeys(covariates, found.first + BASE - 1), assigned_on=found.assigned_on,
        planned=planned, margin_known=margin_known, needed=needed, cost_missing=cost_missing,
        purchase_cycle=cycle,
    )  # fmt: skip


def stay_records(records: ProgrammeRecords, found: Comparison, landmark: int) -> Stays:
    """Return a comparison as months stayed.

    Months are counted from the draw of a trial, else from the end of the first year on. An account
    has left in the month after its last order if it stayed silent for six months from then on.

    Parameters
    ----------
    records, found
        Of a comparison with nothing, or with the level below: then accounts count that had reached
        that one by the landmark.
    landmark
        Month at which members are counted, where chance assigned nobody.
    """
    drawn = found.assigned_on is not None
    begin = found.assigned_on if found.assigned_on is not None else BASE
    bought = records.panel[records.panel["n_orders"] > 0]
    final = pd.Series(_places(records, bought), bought.index).groupby(bought["account_id"]).max()
    last = found.last - SILENT
    rows = found.accounts
    if found.level > 1 and not drawn:
        rows = rows[rows["begin"] <= begin + landmark]
    gone = rows["unit"].map(final).fillna(-1).to_numpy() + 1
    left = np.where(gone <= last, gone - begin, np.nan)
    day = begin if drawn else begin + landmark
    rows = rows.assign(
        left=left, start=(rows["start"] - begin).clip(lower=0), recent=_recent(records, rows["unit"], day)
    )  # fmt: skip
    rows = rows[~(left <= 0)].reset_index(drop=True)
    names = _telling(rows, (*COVARIATES, "recent"))
    return Stays(rows, float(last - begin), float(0 if drawn else landmark), names)


def _recent(records: ProgrammeRecords, units: pd.Series, day: int) -> np.ndarray:
    """Return the share of the year before a day in whose months an account ordered."""
    year = records.months[max(day - BASE, 0) : day]
    rows = records.panel[records.panel["month"].isin(year)]
    months = (rows["n_orders"] > 0).groupby(rows["account_id"]).mean()
    found: np.ndarray = units.map(months).fillna(0.0).to_numpy(np.float64)
    return found


def _telling(accounts: pd.DataFrame, names: tuple[str, ...] = COVARIATES) -> tuple[str, ...]:
    """Return the characteristics that differ among those with it, and among those without."""
    inside = accounts["assigned"] if "assigned" in accounts else accounts["start"].notna()
    parts = [accounts[inside.astype(bool)], accounts[~inside.astype(bool)]]
    return tuple(n for n in names if all(part[n].std() > _SAME for part in parts))


def _whole(records: ProgrammeRecords) -> Comparison:
    width = len(records.months)
    rows = records.accounts.rename(columns={"account_id": "unit"})
    rows = rows.assign(start=rows["unit"].map(_first_at(records, 1)), begin=0, end=width)
    return _comparison(records, WHOLE, 0, rows)


def _level(records: ProgrammeRecords, level: int) -> Comparison:
    """Return accounts at the level below, of which some rose to this one or joined at it."""
    width = len(records.months)
    rows = records.accounts.rename(columns={"account_id": "unit"})
    above = rows["unit"].map(_first_at(records, level + 1)).fillna(width)
    below = pd.Series(0, rows.index)
    if level > 1:
        # from then on an account has what this level adds to
        below = rows["unit"].map(_first_at(records, level - 1))
    rows = rows.assign(start=rows["unit"].map(_first_at(records, level)), begin=below, end=above)
    rows = rows[below.notna()]
    rows = rows.assign(begin=rows["begin"].clip(lower=0))
    # who went past a level at once was never at it
    return _comparison(records, ABOVE[level], level, rows[~(rows["end"] <= rows["start"])])


def _trials(records: ProgrammeRecords, rules: LoyaltyRoiParams) -> Iterator[Comparison]:
    if records.trials is None:
        return
    until = len(records.months)
    if rules.trial_until is not None:
        # the month of the day after is the first that is no longer whole
        following, first = pd.Timestamp(rules.trial_until) + pd.Timedelta(days=1), records.months[0]
        until = min(until, 12 * (following.year - first.year) + following.month - first.month)
    for _, drawn in records.trials.groupby("trial_id"):
        for arm in sorted(set(drawn["arm"]) - {"control"}):
            both = drawn[drawn["arm"].isin(["control", arm])]
            both = both.drop_duplicates(["account_id", "arm"]).set_index("account_id")
            n = both.index.nunique()
            # of a group that counts as one, members may have been drawn to both
            both = both[~both.index.duplicated(keep=False)]
            day = int(drawn["assigned"].min())
            if day >= until:
                # drawn, and nothing has come of it yet
                continue
            rows = records.accounts.rename(columns={"account_id": "unit"})
            rows = rows[rows["unit"].isin(both.index)]
            start = rows["unit"].map(_first_at(records, int(arm)))
            rows = rows.assign(
                start=start.where((start >= day) & (start < until)),
                begin=max(day - BASE, 0), end=until,
                assigned=rows["unit"].map(both["arm"]) == arm,
                parent=rows["unit"].map(both["cluster"]).fillna(rows["parent"]),
            )  # fmt: skip
            yield _comparison(records, BY_LOT[int(arm)], int(arm), rows, assigned_on=day, of=n)


def _comparison(
    records: ProgrammeRecords, name: str, level: int, rows: pd.DataFrame, *,
    assigned_on: int | None = None, of: int | None = None,
) -> Comparison:  # fmt: skip
    """Return a comparison of the accounts that have a year before, and are followed after it."""
    first = int(rows["begin"].min()) if len(rows) else 0
    last = int(rows["end"].max()) if len(rows) else len(records.months)
    if assigned_on is None:
        lived = rows["start"].isna() | (rows["start"] >= rows["begin"] + BASE)
        settled = ~(rows["start"] > rows["end"] - SETTLED)
        kept = rows[lived & settled & (rows["end"] >= rows["begin"] + BASE + SETTLED)]
    else:
        kept = rows
    kept = kept.assign(
        usual=_first_year(records, kept, "revenue"),
        usual_orders=_first_year(records, kept, "n_orders"),
        tenure_years=kept["tenure_years"].fillna(kept["tenure_years"].mean()).fillna(0.0),
    )
    kept = kept[(kept["usual"] > 0) & (kept["usual_orders"] > 0)].reset_index(drop=True)
    for column in ("usual", "usual_orders"):
        kept[column] = usual_month(kept[column].to_numpy(np.float64)) if len(kept) else kept[column]
    kept = kept.assign(size=np.log(kept["usual"]), orders=np.log(kept["usual_orders"]))
    n = (len(rows) if of is None else of) - len(kept)
    return Comparison(name, level, kept, first, last, assigned_on, n)


def _first_year(records: ProgrammeRecords, rows: pd.DataFrame, name: str) -> pd.Series:
    """Return each account's mean month of the year that begins with its own first month."""
    panel = records.panel[records.panel["account_id"].isin(rows["unit"])]
    begin = panel["account_id"].map(rows.set_index("unit")["begin"]).to_numpy(np.float64)
    place = _places(records, panel)
    year = panel[(place >= begin) & (place < begin + BASE)]
    return rows["unit"].map(year.groupby("account_id")[name].mean())


def _first_at(records: ProgrammeRecords, level: int) -> pd.Series:
    """Return the place of the first month at a level or above, by account."""
    at = records.stays[records.stays["level"] >= level]
    return at.groupby("account_id")["begin"].min().astype("float64")


def _places(records: ProgrammeRecords, rows: pd.DataFrame) -> np.ndarray:
    return np.asarray(records.months.searchsorted(rows["month"].to_numpy()))
