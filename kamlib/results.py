"""The only result objects: an `Estimate` with its frame and note, and a `Check`."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import pandas as pd

from kamlib.glossary import Sentence


@dataclass(frozen=True, slots=True, eq=False)
class Check:
    """One thing that was looked at.

    Attributes
    ----------
    name
        Short name, unique within a study.
    passed
        True, False (weak but usable), or None (could not be judged).
    note
        One sentence with the number that was found and what to do about it.
    frame
        The rows behind it, where there are any; glossary columns only.
    """

    name: str
    passed: bool | None
    note: Sentence
    frame: pd.DataFrame = field(default_factory=pd.DataFrame)


@dataclass(frozen=True, slots=True, eq=False)
class Estimate:
    """What an estimator returns.

    Attributes
    ----------
    name
        The estimator, e.g. "lorenz".
    frame
        Tidy: one row per term, account, month or segment; glossary columns only.
    summary
        One row: at least `n_obs`, `method`, `conf_level`.
    note
        One sentence with number, unit, interval and n – the only numbers that prose may quote.
    checks
        What must hold for the figures to be trusted.
    """

    name: str
    frame: pd.DataFrame
    summary: pd.DataFrame
    note: Sentence
    checks: tuple[Check, ...] = ()

    def __getitem__(self, column: str) -> Any:
        """Return one value of the one-row summary."""
        return self.summary[column].iloc[0]

    @property
    def refused(self) -> bool:
        """Whether the data could not carry this estimate; the note then says why."""
        return self.frame.empty


def refusal(name: str, key: str, /, **values: Any) -> Estimate:
    """Return an estimate that the data cannot carry, with the sentence that says why."""
    note = Sentence(key, values)
    summary = pd.DataFrame({"n_obs": [0], "method": ["refused"], "conf_level": [float("nan")]})
    return Estimate(name, pd.DataFrame(), summary, note, (Check(name, None, note),))


def none_found(name: str, key: str, /, **values: Any) -> Estimate:
    """Return an estimate of what was looked for and is not there: nothing to show, nothing amiss."""
    empty = refusal(name, key, **values)
    return replace(empty, checks=(Check(name, True, empty.note),))


def one_row(n_obs: int, method: str, conf_level: float = float("nan"), **more: Any) -> pd.DataFrame:
    """Return the one-row summary of an estimate; a full count has no `conf_level`."""
    values = {"n_obs": n_obs, "method": method, "conf_level": conf_level} | more
    return pd.DataFrame({name: [value] for name, value in values.items()})
