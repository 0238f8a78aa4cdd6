"""What the ladder is climbed with: accounts × months, who joined when, and what was known before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from kamlib.errors import FitError
from kamlib.loyalty.effects.sample import Bools, Floats, Ints, Scale
from kamlib.loyalty.ladder.refusals import Code, Refused

ARM_MIN = 8
BEFORE_MIN = 3
BASE = 12
ALIKE_MAX = 0.9
CELL_MIN = 10
OTHER_SHARE = 0.2


@dataclass(frozen=True, slots=True, eq=False)
class Records:
    """The records of a programme as they came.

    Attributes
    ----------
    panel
        One row per account and month: `unit`, `period` (whole number), `outcome` (amount, or count
        of orders; 0 where an account has left), and `currency` where there is more than one.
    accounts
        One row per account: `unit`, `start` (period in which it joined; missing: never), and where
        known `usual` (by what its amounts are divided; else the mean of its first year, and only where
        they have no logarithm), `assigned` (whether chance assigned it), `parent`, `other_start` (period in which
        another programme reached it), and covariates.
    outcome
        Name of the outcome's column, for sentences.
    covariates
        Columns of `accounts` that are held equal.
    known_on
        Period in which a covariate was recorded, by name; unnamed ones are taken as known before.
    assigned_on
        Period from which an assignment by chance counts; the first start unless given.
    planned
        Share that chance was to assign.
    margin_known
        Whether the outcome is a contribution, or an outcome that needs none; false for revenue
        that stands in for one.
    needed
        Effect at which the programme pays, as a share of what accounts bring; 0 asks for any effect.
    cost_missing
        Share of the programme's costs that nobody recorded.
    purchase_cycle
        Months between an account's purchases.
    """

    panel: pd.DataFrame
    accounts: pd.DataFrame
    outcome: str
    covariates: tuple[str, ...] = ()
    known_on: Mapping[str, int] = field(default_factory=dict)
    assigned_on: int | None = None
    planned: float = 0.5
    margin_known: bool = True
    needed: float = 0.0
    cost_missing: float = 0.0
    purchase_cycle: float = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """Records that passed, laid out; n accounts, T months.

    Attributes
    ----------
    records
        Where it came from.
    amount
        Shape (n, T); NaN where the panel has no value. Multiples of `usual` where `scale` is
        "ratio".
    start
        Place of the first month in the programme, T where there is none; shape (n,).
    assigned
        Whether chance assigned the account; None without an assignment.
    zero
        Place of the month from which the assignment counts, or of the first start.
    parent
        Code of the parent company; None where none is known.
    other
        Whether another programme reached the account; None where none is known.
    covariates
        Shape (n, k).
    usual
        As the records give it, else mean of an account's first twelve known months, all before it joined, or of as many as lie
        before the first start where they are fewer, shape (n,).
    """

    records: Records
    amount: Floats
    start: Ints
    assigned: Bools | None
    zero: int
    parent: Ints | None
    other: Bools | None
    covariates: Floats
    usual: Floats

    @property
    def scale(self) -> Scale:
        """How effects are told: by logarithms, else in multiples of the usual month, else in money.

        Months of nothing, or of more credited than bought, have no logarithm. The mean of the first
        year was settled before anybody joined, so that multiples of it compare as logarithms do.
        Where the records give the usual month, as revenue for contribution, multiples of that are meant.
        """
        if np.nanmin(self.amount) > 0 and not self.in_usual:
            return "log"
        return "ratio" if (self.usual > 0).all() else "money"

    @property
    def in_usual(self) -> bool:
        """Whether the records give the usual month of every account."""
        return "usual" in self.records.accounts and bool((self.usual > 0).all())

    @property
    def needed(self) -> float:
        """Effect at which the programme pays, on that scale; 0 in money."""
        share = self.records.needed
        return {"log": float(np.log1p(share)), "ratio": share}.get(self.scale, 0.0)

    @property
    def joined(self) -> Bools:
        """Whether an account ever joined, shape (n,)."""
        inside: Bools = self.start < self.amount.shape[1]
        return inside

    @property
    def treated(self) -> Bools:
        """Whether an account counts as in the programme: as assigned, else as it joined."""
        return self.joined if self.assigned is None else self.assigned


def evidence_of(records: Records) -> Evidence:
    """Check records and lay them out.

    Raises
    ------
    Refused
        DUPLICATE_KEYS, CURRENCY_MIXED, MARGIN_MISSING, POST_TREATMENT_COVARIATE,
        ALWAYS_TREATED_ONLY, NO_CONTROL, NO_TREATED_MIN, NO_PRE_PERIOD or OVERLAPPING_PROGRAMMES.
    FitError
        Columns that are not there, or covariates with missing values.
    """
    panel, accounts = records.panel, records.accounts
    absent = [n for n in ("unit", "period", "outcome") if n not in panel]
    absent += [n for n in ("unit", "start", *records.covariates) if n not in accounts]
    if absent:
        raise FitError(*(f"no column '{name}' in the records of the programme" for name in absent))
    twice = int(panel.duplicated(["unit", "period"]).sum()) + int(
        accounts["unit"].duplicated().sum()
    )
    if twice:
        raise Refused(Code.DUPLICATE_KEYS, n=twice)
    if "currency" in panel and panel["currency"].nunique() > 1:
        raise Refused(Code.CURRENCY_MIXED, n=int(panel["currency"].nunique()))
    if not records.margin_known:
        raise Refused(Code.MARGIN_MISSING, outcome=records.outcome)
    if panel["outcome"].isna().all():
        # nobody is left to compare, or nothing is known of whoever is
        raise Refused(Code.NO_TREATED_MIN, n_treated=0, n_control=0, need=ARM_MIN)
    wide = panel.pivot(index="unit", columns="period", values="outcome").sort_index()
    facts = accounts.set_index("unit").reindex(wide.index)
    first, width = int(wide.columns[0]), wide.shape[1]
    if [int(period) for period in wide.columns] != [*range(first, first + width)]:
        raise FitError("period: whole numbers one step apart were expected")
    start = facts["start"].to_numpy(np.float64) - first
    start = np.where(np.isnan(start) | (start >= width), width, start.clip(0)).astype(np.int64)
    joined = start < width
    lot = "assigned" in facts and facts["assigned"].notna().all()
    assigned = facts["assigned"].to_numpy(bool) if lot else None
    if not joined.any() and records.assigned_on is None:
        raise Refused(Code.NO_TREATED_MIN, n_treated=0, n_control=len(joined), need=ARM_MIN)
    begun = int(start[joined].min()) if joined.any() else width
    zero = begun if records.assigned_on is None else records.assigned_on - first
    late = [name for name, day in records.known_on.items() if day - first >= zero]
    if late:
        raise Refused(Code.POST_TREATMENT_COVARIATE, covariate=late[0], n=len(late))
    # of whom nothing is known from then on says nothing
    seen = wide.iloc[:, zero:].notna().any(axis=1).to_numpy()
    _refuse_few(start[seen], (joined if assigned is None else assigned)[seen], zero)
    other = None
    if "other_start" in facts:
        other = facts["other_start"].notna().to_numpy()
        _refuse_together(joined if assigned is None else assigned, other)
    parent = None
    if "parent" in facts:
        codes = pd.factorize(facts["parent"])[0].astype(np.int64)
        # who has no parent is one of its own; where nobody shares one, accounts are independent
        codes = np.where(codes < 0, len(codes) + np.arange(len(codes)), codes)
        parent = codes if len(np.unique(codes)) < len(codes) else None
    covariates = facts[list(records.covariates)].to_numpy(np.float64)
    if not np.isfinite(covariates).all():
        raise FitError(
            "covariates: every account needs a value that was known before the programme"
        )
    amount = wide.to_numpy(np.float64)
    usual = _usual(amount, start, zero)
    if "usual" in facts:
        usual = facts["usual"].to_numpy(np.float64)
    found = Evidence(records, amount, start, assigned, zero, parent, other, covariates, usual)
    return replace(found, amount=amount / usual[:, None]) if found.scale == "ratio" else found


def _usual(amount: Floats, start: Ints, zero: int) -> Floats:
    known = np.isfinite(amount)
    early = known & (known.cumsum(axis=1) <= min(BASE, zero))
    early &= np.arange(amount.shape[1]) < start[:, None]
    count = early.sum(axis=1)
    sums = np.where(early, amount, 0.0).sum(axis=1)
    return np.where(count > 0, sums / np.maximum(count, 1), np.nan)


def _refuse_few(start: Ints, treated: Bools, zero: int) -> None:
    n_treated, n_control = int(treated.sum()), int((~treated).sum())
    counts = {"n_treated": n_treated, "n_control": n_control, "need": ARM_MIN}
    if n_treated and (start[treated] == 0).all():
        raise Refused(Code.ALWAYS_TREATED_ONLY, n=n_treated)
    if n_control == 0 and n_treated:
        raise Refused(Code.NO_CONTROL, n=n_treated)
    if min(n_treated, n_control) < ARM_MIN:
        raise Refused(Code.NO_TREATED_MIN, **counts)
    if zero < BEFORE_MIN:
        raise Refused(Code.NO_PRE_PERIOD, months=zero, need=BEFORE_MIN)


def _refuse_together(treated: Bools, other: Bools) -> None:
    if not other.any() or other.all():
        return
    alike = float(np.corrcoef(treated, other)[0, 1])
    cells = [int((treated == a).astype(int) @ (other == b)) for a in (True, False) for b in (True, False)]  # fmt: skip
    common = other[treated].mean() > OTHER_SHARE
    if alike > ALIKE_MAX or (common and min(cells) < CELL_MIN):
        raise Refused(
            Code.OVERLAPPING_PROGRAMMES, n=cells[0], of=int(treated.sum()), alone=cells[1]
        )
