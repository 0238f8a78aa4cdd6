"""Spells of observation: how many are at risk, have the event or are censored, and when."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from kamlib.errors import FitError
from kamlib.stats.rows import columns_of, refuse

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]
# times closer than this share of the largest are one: 0.1 + 0.2 and 0.3
_SAME = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class Spells:
    """Checked spells: one element per row, observed in the half-open interval (entry, exit].

    Attributes
    ----------
    entry, exit
        Times from zero up, in the caller's unit; every entry lies before its exit.
    event
        Kind of the event at `exit`, from 1; 0: censored there.
    weight
        How many spells a row stands for, whole numbers from 1.
    """

    entry: Floats
    exit: Floats
    event: Counts
    weight: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Flows:
    """Who comes and who goes: counts of G groups at the T distinct times of entry or exit.

    Attributes
    ----------
    time
        Shape (T,), rising.
    gone
        Shape (G, T, K + 1): ends at `time`, censored first, then each kind of event.
    after
        Shape (G, T): at risk right after `time`; so many are at risk at the next one.
    """

    time: Floats
    gone: Floats
    after: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Exits:
    """Counts of one group at each of the T distinct times at which a spell ends.

    Attributes
    ----------
    start, n_start
        Time after which counting begins, and how many are at risk right after it.
    time
        Shape (T,), rising, after `start`.
    n_risk
        Shape (T,): entry < time ≤ exit, that is before what happens at `time`.
    n_event
        Shape (T, K): one column per kind of event.
    n_censor
        Shape (T,).
    """

    start: float
    n_start: float
    time: Floats
    n_risk: Floats
    n_event: Floats
    n_censor: Floats


def spells(
    exit_: ArrayLike,
    event: ArrayLike,
    *,
    entry: ArrayLike | None = None,
    weight: ArrayLike | None = None,
    kinds: int = 1,
) -> Spells:
    """Check the spells of a study, one row each.

    Parameters
    ----------
    exit_
        Time at which a spell ends, above zero.
    event
        Kind of the event there: 0 or False none (censored), 1 or True the event; where there are more
        kinds, up to `kinds`.
    entry
        Time from which it is observed (delayed entry); zero where not given.
    weight
        How many equal spells a row stands for, whole numbers from 1; one where not given.
    kinds
        Number of kinds of events.

    Raises
    ------
    FitError
        All faults at once, with the first rows (counted from 0): no row, unequal lengths, unknown or
        negative times, an entry at or after its exit, events or weights that are not such numbers.
    """
    given = {"entry": entry, "exit": exit_, "event": event, "weight": weight}
    values = columns_of("spells", {name: v for name, v in given.items() if v is not None})
    ends, kind = values["exit"], values["event"]
    begins = values.setdefault("entry", np.zeros_like(ends))
    many = values.setdefault("weight", np.ones_like(ends))
    known = np.isfinite(begins) & np.isfinite(ends)
    near = _SAME * float(ends[known].max(initial=0.0))
    with np.errstate(invalid="ignore"):
        rules = {
            "with an unknown time": ~known,
            "with a negative time": (begins < 0) | (ends < 0),
            "whose entry is not before the exit": known & ~(ends - begins > near),
            f"whose event is not a whole number from 0 to {kinds}": ~np.isin(
                kind, range(kinds + 1)
            ),
            "whose weight is not a whole number from 1": ~((many >= 1) & (many % 1 == 0)),
        }
    refuse("spells", rules, values)
    return Spells(begins, ends, kind.astype(np.int64), many)


def flows(
    observed: Spells, *, kinds: int = 1, group: Counts | None = None, groups: int = 1
) -> Flows:
    """Count spells that come and go, by group, at every time at which one does.

    Parameters
    ----------
    observed
        Checked spells.
    kinds
        Number of kinds of events.
    group
        Number of the group of each spell, from 0; all are of one where not given.
    groups
        Number of groups.
    """
    n = observed.exit.size
    # hashing once is several times faster than looking up a million months among a hundred
    place, time = pd.factorize(np.concatenate([observed.entry, observed.exit]), sort=True)
    step = np.diff(time, prepend=-np.inf) > _SAME * time[-1]
    place, time = (np.cumsum(step) - 1)[place], time[step]
    row = np.zeros(n, dtype=np.int64) if group is None else group * time.size
    came = np.bincount(row + place[:n], observed.weight, groups * time.size)
    cell = (row + place[n:]) * (kinds + 1) + observed.event
    ends = np.bincount(cell, observed.weight, groups * time.size * (kinds + 1))
    gone = ends.reshape(groups, time.size, kinds + 1).astype(np.float64)
    after = np.cumsum(came.reshape(groups, time.size) - gone.sum(axis=2), axis=1)
    return Flows(time, gone, after)


def exits(
    observed: Spells, *, kinds: int = 1, start: float | None = None, n_risk_min: int = 1
) -> Exits:
    """Count who is at risk and what happens, at each time at which a spell ends.

    With delayed entry the first spells are few, and one event among two halves a curve for good.
    Counting therefore begins at the first time after which `n_risk_min` spells are at risk; what is
    estimated holds for those who got so far. From there to the last exit somebody must be at risk.

    Parameters
    ----------
    observed
        Checked spells.
    kinds
        Number of kinds of events, columns of `n_event`.
    start
        Earliest time at which counting begins; the first entry where not given.
    n_risk_min
        Spells that must be at risk where counting begins.

    Raises
    ------
    FitError
        Where so many are never at risk at once, where nobody is at risk for a while, or where all
        who are at risk have the event while others are observed later.
    """
    flow = flows(observed, kinds=kinds)
    time, after, ends = flow.time, flow.after[0], flow.gone[0]
    earliest = time[0] if start is None else max(start, time[0])
    first = int(np.searchsorted(time, earliest, side="right")) - 1
    enough = after[first:] >= max(n_risk_min, 1)
    if not enough.any():
        raise FitError(
            f"curve: a curve begins where {max(n_risk_min, 1):,} are at risk at once; from time "
            f"{earliest:g} on there are at most {after[first:].max():,.0f}"
        )
    first += int(np.argmax(enough))
    places = np.flatnonzero(ends.sum(axis=1))
    places = places[places > first]
    n_risk, n_event = after[places - 1], ends[places, 1:]
    lost = (after[places] <= 0) | (n_event.sum(axis=1) >= n_risk)
    if lost[:-1].any():
        raise FitError(
            f"curve: none of those at risk is left after time {time[places[np.argmax(lost)]]:g}, "
            "and others enter later; a curve over this gap would rest on nothing. Let it begin later "
            "(start, n_risk_min)"
        )
    begin = max(float(time[first]), float(earliest))
    return Exits(begin, float(after[first]), time[places], n_risk, n_event, ends[places, 0])
