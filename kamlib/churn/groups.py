"""Groups of accounts that are compared: which are large enough, and from which month on all can be drawn."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import pandas as pd

from kamlib.book.schemas import TIERS
from kamlib.churn.stretch import Stretch, stretch
from kamlib.glossary import Sentence
from kamlib.results import Check

OTHERS = "other groups"
_FEW = 0.1  # of accounts whose group is unknown, up to which nothing is amiss


@dataclass(frozen=True, slots=True, eq=False)
class Groups:
    """Lives by group, over a stretch of time that begins at one month for all.

    Attributes
    ----------
    parts
        Lives by group, in order: tiers best first, then by name, what was joined last.
    n_accounts
        Accounts by group; one that moved counts for each.
    n_distinct
        Accounts in all groups together.
    start
        Month at which all begin.
    check
        Which groups were too small.
    """

    parts: dict[str, Stretch]
    n_accounts: dict[str, int]
    n_distinct: int
    start: float
    check: Check


def groups(rows: pd.DataFrame, by: str, *, least: int, join_small: bool, n_risk_min: int) -> Groups:
    """Return the lives of the groups that can be compared; there may be none, or only one.

    Parameters
    ----------
    rows
        Lives with their `group`; those of none are left out.
    by
        What groups are: a glossary column.
    least, join_small
        A group of fewer accounts is left out, or joined with others of its size.
    n_risk_min
        At risk at once in every group where the curves begin.
    """
    kept, small = large_groups(rows, least=least, join_small=join_small)
    some = {str(group): part for group, part in kept.groupby("group", sort=False)}
    alone = {group: stretch(part, n_risk_min) for group, part in some.items()}
    start = max((part.start for part in alone.values() if part), default=0.0)
    parts: dict[str, Stretch] = {}
    for group in sorted((group for group, part in alone.items() if part), key=in_order):
        part = stretch(some[group], n_risk_min, start=start)
        if part is not None and part.end > part.start:
            parts[group] = part
    counts = {group: int(part["account_id"].nunique()) for group, part in some.items()}
    undrawn = {group: n for group, n in counts.items() if group not in parts}
    unknown = int(rows.loc[rows["group"].isna(), "account_id"].nunique())
    distinct = int(kept.loc[kept["group"].isin(list(parts)), "account_id"].nunique())
    few = unknown <= _FEW * (unknown + distinct)
    check = _check(small, undrawn, unknown, by, OTHERS in some, few=few)
    return Groups(parts, {group: counts[group] for group in parts}, distinct, start, check)


def large_groups(
    rows: pd.DataFrame, *, least: int, join_small: bool
) -> tuple[pd.DataFrame, dict[str, int]]:
    """Return rows of groups that are large enough, and the accounts of each that is not.

    Small groups are joined as "other groups" where that is asked for and they are large enough
    together.
    """
    known = rows[rows["group"].notna()]
    counts = known.groupby("group")["account_id"].nunique()
    small = {str(group): int(n) for group, n in counts[counts < least].items()}
    few = known["group"].isin(list(small))
    if join_small and known.loc[few, "account_id"].nunique() >= least:
        return known.assign(group=known["group"].where(~few, OTHERS)), small
    return known[~few], small


def in_order(group: str) -> tuple[bool, int, str]:
    """Return the place of a group: tiers best first, then by name, what was joined last."""
    return group == OTHERS, TIERS.index(group) if group in TIERS else len(TIERS), group


def by_cohort(rows: pd.DataFrame, records_from: date) -> pd.DataFrame:
    """Return spells with the year in which they began as their `group`.

    Parameters
    ----------
    rows
        As `curve_rows.spell_rows` gives them, with `started_on`.
    records_from
        First day of which the records tell who left: of spells that began before, only those that
        lasted until then are known, and a curve of them from their start would be one of survivors.
        They belong to no group.
    """
    started = pd.to_datetime(rows["started_on"])
    seen = started >= pd.Timestamp(records_from)
    return rows.assign(group=started.dt.year.astype(str).astype(object).where(seen))


def _check(
    small: dict[str, int],
    undrawn: dict[str, int],
    unknown: int,
    by: str,
    joined: bool,
    *,
    few: bool,
) -> Check:
    every = small | undrawn
    values = {"n": len(every), "by": by, "accounts": sum(every.values()), "none": unknown}
    if not every and by == "cohort" and unknown:
        return Check(f"groups_kept_{by}", True, Sentence("curves.cohorts_before", values))
    if not every:
        key = "curves.groups_unknown" if unknown else "curves.groups_kept"
        return Check(f"groups_kept_{by}", few, Sentence(key, values))
    frame = pd.DataFrame({"group": list(every), "n_accounts": list(every.values())})
    key = "curves.groups_joined" if joined and not undrawn else "curves.groups_left_out"
    return Check(f"groups_kept_{by}", joined or None, Sentence(key, values), frame)
