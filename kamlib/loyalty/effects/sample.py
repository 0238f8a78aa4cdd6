"""Accounts with and without a programme: what they brought, and what was known of them before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kamlib.errors import FitError, nearest
from kamlib.glossary import Sentence
from kamlib.stats.rows import columns_of, refuse

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]
Scale = Literal["money", "share", "log", "ratio"]


class Unfit(FitError):
    """Accounts that cannot carry an effect; `sentence` says why in either language."""

    def __init__(self, key: str, **values: Any) -> None:
        self.sentence = Sentence(key, values)
        super().__init__(str(self.sentence))


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """Accounts of which some are in a programme; both kinds occur.

    Attributes
    ----------
    outcome
        What is compared, shape (n,), finite; its logarithm where `scale` is "log".
    treated
        Whether the account is in the programme, or was assigned to it.
    covariates
        What was known before, shape (n, k), finite.
    names
        Of the covariates.
    outcome_name
        Column that the outcome was read from.
    scale
        How effects are told: money per account, percentage points of a share, percent (of the
        geometric mean, from a logarithm), or percent of an account's usual month ("ratio", from
        multiples of it).
    cluster
        Code from 0 of the group that an account belongs to, for instance its parent; None: accounts
        are independent.
    """

    outcome: Floats
    treated: Bools
    covariates: Floats
    names: tuple[str, ...]
    outcome_name: str
    scale: Scale
    cluster: Ints | None

    @property
    def n_obs(self) -> int:
        """Accounts."""
        return len(self.outcome)

    @property
    def n_treated(self) -> int:
        """Accounts in the programme."""
        return int(self.treated.sum())

    @property
    def n_control(self) -> int:
        """Accounts outside it."""
        return self.n_obs - self.n_treated

    @property
    def n_clusters(self) -> int:
        """Groups; accounts where there are none."""
        return self.n_obs if self.cluster is None else len(np.unique(self.cluster))

    def rows(self, chosen: Ints | Bools) -> Sample:
        """Return some of the accounts, or some of them repeatedly.

        Raises
        ------
        Unfit
            They are all in the programme, or all outside.
        """
        part = replace(
            self, outcome=self.outcome[chosen], treated=self.treated[chosen],
            covariates=self.covariates[chosen],
            cluster=None if self.cluster is None else self.cluster[chosen],
        )  # fmt: skip
        _two_arms(part.treated)
        return part


def sample(
    frame: pd.DataFrame,
    outcome: str,
    treated: str,
    covariates: Sequence[str] = (),
    *,
    cluster: str | None = None,
    scale: Scale = "money",
) -> Sample:
    """Take accounts with and without a programme from a frame.

    Parameters
    ----------
    frame
        One row per account.
    outcome
        Column of numbers; accounts that left count with zero, not as missing. Above zero where
        `scale` is "log", 0 or 1 where it is "share".
    treated
        Column of 0 and 1, or of truth values.
    covariates
        Columns of numbers, all from before the programme: what it may have changed must not be held
        equal.
    cluster
        Column that names the group of an account; its values are of any kind.
    scale
        See `Sample`.

    Raises
    ------
    FitError
        A column that is not there, or rows with missing or impossible values, all at once.
    Unfit
        No account in the programme, none outside, or nothing to take a logarithm of.

    Examples
    --------
    >>> rows = pd.DataFrame({"margin": [3.0, 5.0, 4.0], "member": [1, 1, 0]})
    >>> found = sample(rows, "margin", "member")
    >>> found.n_treated, found.n_control
    (2, 1)
    """
    wanted = [outcome, treated, *covariates, *([] if cluster is None else [cluster])]
    absent = [name for name in wanted if name not in frame]
    if absent:
        faults = (f"no column '{n}'{nearest(n, map(str, frame.columns))}" for n in absent)
        raise FitError(*faults)
    numbers = columns_of(
        "accounts", {name: frame[name] for name in (outcome, treated, *covariates)}
    )
    y, d = numbers[outcome], numbers[treated]
    rules = {f"whose {n} is no number": ~np.isfinite(v) for n, v in numbers.items()}
    rules[f"whose {treated} is neither 0 nor 1"] = np.isfinite(d) & (d != 0) & (d != 1)
    if scale == "share":
        rules[f"whose {outcome} is neither 0 nor 1"] = np.isfinite(y) & (y != 0) & (y != 1)
    if cluster is not None:
        rules[f"whose {cluster} is missing"] = frame[cluster].isna().to_numpy()
    refuse("accounts", rules, numbers)
    _two_arms(d == 1)
    if scale == "log" and (y <= 0).any():
        raise Unfit("effect.no_log", n=int((y <= 0).sum()), of=len(y), outcome=outcome)
    codes = None if cluster is None else pd.factorize(frame[cluster])[0].astype(np.int64)
    x = np.column_stack([numbers[n] for n in covariates]) if covariates else np.empty((len(y), 0))
    return Sample(
        np.log(y) if scale == "log" else y, d == 1, x, tuple(covariates), outcome, scale, codes
    )


def _two_arms(treated: Bools) -> None:
    if not treated.any():
        raise Unfit("effect.no_treated", n=len(treated))
    if treated.all():
        raise Unfit("effect.no_control", n=len(treated))
