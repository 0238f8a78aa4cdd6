"""Accounts from a common day on: who had joined by a day, who was still there, and how long they stayed."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from kamlib.errors import FitError
from kamlib.loyalty.effects.sample import Bools, Floats, Ints, Sample
from kamlib.loyalty.ladder.evidence import ARM_MIN
from kamlib.loyalty.ladder.refusals import Code, ImmortalTimeError, Refused

OUTCOME = "months_stayed"


@dataclass(frozen=True, slots=True, eq=False)
class Stays:
    """Accounts from a common day on.

    Attributes
    ----------
    accounts
        One row per account: `unit`, `start` (months until it joined; missing: never), `left` (months
        until it left; missing: still there), where known `assigned` (by chance, at the day) and
        `parent` (group of companies; missing: none), and covariates.
    last
        Month up to which all accounts are known; who left or joined later had not by then.
    landmark
        Month at which members are counted; 0 with an assignment.
    covariates
        Columns that are held equal, known at the landmark.
    """

    accounts: pd.DataFrame
    last: float
    landmark: float
    covariates: tuple[str, ...] = ()

    @property
    def joined(self) -> Floats:
        """Month in which each account joined, infinite where it had not by the last; shape (n,)."""
        return self._until_last("start")

    @property
    def left(self) -> Floats:
        """Month in which each account left, infinite where it is still there; shape (n,)."""
        return self._until_last("left")

    @property
    def lot(self) -> bool:
        """Whether chance assigned all accounts."""
        return "assigned" in self.accounts and bool(self.accounts["assigned"].notna().all())

    @property
    def begin(self) -> float:
        """Month from which stays are counted."""
        return 0.0 if self.lot else self.landmark

    @property
    def there(self) -> Bools:
        """Whether an account was still there then, shape (n,)."""
        still: Bools = self.left > self.begin
        return still

    def _until_last(self, column: str) -> Floats:
        month = self.accounts[column].to_numpy(np.float64)
        known: Floats = np.where(month <= self.last, month, np.inf)
        return known


def at_landmark(stays: Stays) -> tuple[Sample, bool]:
    """Return accounts still there at the landmark, and whether chance assigned them.

    The outcome is the months stayed from then to the last month known.

    Raises
    ------
    Refused
        DUPLICATE_KEYS or NO_TREATED_MIN.
    FitError
        Covariates with missing values.
    """
    rows, there = stays.accounts, stays.there
    twice = int(rows["unit"].duplicated().sum())
    if twice:
        raise Refused(Code.DUPLICATE_KEYS, n=twice)
    treated = rows["assigned"].to_numpy(bool) if stays.lot else stays.joined <= stays.landmark
    n_treated, n_control = int((treated & there).sum()), int((~treated & there).sum())
    if min(n_treated, n_control) < ARM_MIN:
        raise Refused(Code.NO_TREATED_MIN, n_treated=n_treated, n_control=n_control, need=ARM_MIN)
    lived = np.minimum(stays.left, stays.last) - stays.begin
    covariates = rows[list(stays.covariates)].to_numpy(np.float64)
    if not np.isfinite(covariates[there]).all():
        raise FitError(
            "covariates: every account that is still there at the landmark needs a value"
        )
    found = Sample(lived, treated, covariates, stays.covariates, OUTCOME, "money", None).rows(there)
    return replace(found, cluster=_groups(rows[there])), stays.lot


def refuse_immortal(stays: Stays) -> None:
    """Refuse to count as members from the first day on those who joined later.

    Raises
    ------
    ImmortalTimeError
        Any account joined after the first day.
    """
    joined = stays.joined
    late = (joined > 0) & np.isfinite(joined)
    if late.any():
        raise ImmortalTimeError(
            Code.IMMORTAL_TIME, n=int(late.sum()), waited=float(joined[late].mean())
        )


def _groups(rows: pd.DataFrame) -> Ints | None:
    """Return codes of parent groups; None where no two of these accounts share one."""
    if "parent" not in rows:
        return None
    codes = pd.factorize(rows["parent"])[0].astype(np.int64)
    codes = np.where(codes < 0, len(codes) + np.arange(len(codes)), codes)
    return codes if len(np.unique(codes)) < len(codes) else None
