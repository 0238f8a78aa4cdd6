"""Whose survival is asked for: covariates over time, one path per subject."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from kamlib.errors import FitError
from kamlib.stats.cox_baseline import Baseline
from kamlib.stats.cox_data import SAME, Flags, Floats, Ints


@dataclass(frozen=True, slots=True, eq=False)
class Paths:
    """Rows (start, stop] with covariates; the rows of one path follow one another in time.

    Attributes
    ----------
    labels
        One per path, in the order in which they first stand in the rows; their places if not given.
    path
        Place of the path of each row, shape (n_rows,).
    start, stop
        In the unit of the model's times, counted from the model's origin, shape (n_rows,).
    away
        Covariates less the centre of the row's stratum, shape (n_rows, k); 0 where it is unknown.
    ratio
        Hazard relative to the baseline, shape (n_rows,).
    stratum
        Place of the row's stratum in the baseline; −1 where it has none with an event.
    """

    labels: tuple[Any, ...]
    path: Ints
    start: Floats
    stop: Floats
    away: Floats
    ratio: Floats
    stratum: Ints

    @property
    def size(self) -> int:
        """Number of paths."""
        return len(self.labels)

    @property
    def begin(self) -> Floats:
        """First start of each path, shape (n_paths,)."""
        first = np.full(self.size, np.inf)
        np.minimum.at(first, self.path, self.start)
        return first


def paths(
    base: Baseline,
    covariates: ArrayLike,
    *,
    path: ArrayLike | None = None,
    start: ArrayLike | None = None,
    stop: ArrayLike | None = None,
    strata: ArrayLike | None = None,
    offset: ArrayLike | None = None,
) -> Paths:
    """Paths of covariates for the baseline of a fitted model.

    Parameters
    ----------
    base
        Of the model that is to foretell.
    covariates
        Shape (n_rows, k), in the order of the model's names.
    path
        Which path a row belongs to; not given, each row is a path of its own.
    start, stop
        Not given: the covariates hold at all times.
    strata
        Label of each row's stratum, where the model has strata. A label that the model does not
        know, or of a stratum without an event, gives a survival that is not known.
    offset
        Known part of the log hazard; 0 where not given.

    Raises
    ------
    FitError
        Wrong shapes, covariates that are missing or infinite, rows whose start is not before their
        stop, or that overlap within a path; strata that are wanted and not given, or the reverse.
    """
    x = np.atleast_2d(np.asarray(covariates, dtype=np.float64))
    n, k = x.shape
    since = np.full(n, -np.inf) if start is None else np.asarray(start, dtype=np.float64)
    until = np.full(n, np.inf) if stop is None else np.asarray(stop, dtype=np.float64)
    known = np.zeros(n) if offset is None else np.asarray(offset, dtype=np.float64)
    labels = np.arange(n) if path is None else np.asarray(path)
    # as objects: a number and a text side by side are not both texts
    layers = np.asarray([base.strata[0]] * n if strata is None else strata, dtype=object)
    shapes = {"path": labels, "start": since, "stop": until, "offset": known, "strata": layers}
    faults = [f"{name}: {v.shape} for {n} rows" for name, v in shapes.items() if v.shape != (n,)]
    if k != len(base.names):
        faults.append(f"covariates: {k} columns; the model has {', '.join(base.names) or 'none'}")
    if strata is None and len(base.strata) > 1:
        faults.append(f"strata: the model has {len(base.strata)}; give one label per row")
    if strata is not None and base.strata == ("",):
        faults.append("strata: the model has none; give none")
    if faults:
        raise FitError(*faults)
    if not (np.isfinite(x).all() and np.isfinite(known).all()):
        faults.append(
            "covariates: are missing or infinite in some rows; complete or leave them out"
        )
    if not (since < until).all():
        faults.append("start: is not before stop in some rows")
    code, found = pd.factorize(labels)
    order = np.lexsort((since, code))
    follows = code[order][1:] == code[order][:-1]
    if (follows & (since[order][1:] < until[order][:-1])).any():
        faults.append("start: some rows of a path begin before the row before them has ended")
    if faults:
        raise FitError(*faults)
    place = {label: number for number, label in enumerate(base.strata)}
    stratum = np.array([place.get(label, -1) for label in layers.tolist()], dtype=np.int32)
    events = np.bincount(base.stratum, minlength=len(base.strata))
    stratum[events[stratum] == 0] = -1
    away = np.where(stratum[:, None] >= 0, x - base.centre[stratum], 0.0)
    # beyond these limits survival is 0 or 1 to all digits, and squares would overflow
    ratio = np.exp(np.clip(away @ base.coefficients + known, -700.0, 300.0))
    return Paths(
        tuple(found.tolist()), code.astype(np.int32), since, until, away, ratio, stratum
    )  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Stretches:
    """What of each path's rows lies between two times, and whether the model speaks of all of it.

    Attributes
    ----------
    low, high
        The moments `low` to `high` − 1 of the baseline lie within the row, shape (n_rows,).
    known
        By path: its rows hold the whole time, in strata with events and within their observation.
    """

    low: Ints
    high: Ints
    known: Flags


def stretches(base: Baseline, who: Paths, since: Floats, until: Floats) -> Stretches:
    """Return the parts of paths that lie in (since, until], both of shape (n_paths,)."""
    near = SAME * float(np.abs(base.time).max(initial=1.0))
    # nothing happens before the first moment, so that time without begin may be cut there
    floor = float(base.time.min(initial=0.0)) - 1.0
    begin = np.maximum(np.maximum(since[who.path], who.start), floor)
    stop = np.minimum(until[who.path], who.stop)
    within = stop > begin
    low, high = np.zeros(len(begin), dtype=np.int32), np.zeros(len(begin), dtype=np.int32)
    for stratum in np.unique(who.stratum[who.stratum >= 0]):
        rows, moments = who.stratum == stratum, base.of(int(stratum))
        times = base.time[moments]
        low[rows] = moments.start + np.searchsorted(times, begin[rows] + near, side="right")
        high[rows] = moments.start + np.searchsorted(times, stop[rows] + near, side="right")
    high = np.where(within, np.maximum(high, low), low)
    outside = within & ((who.stratum < 0) | (stop > base.end[who.stratum] + near))
    held = np.bincount(who.path, np.where(within, stop - begin, 0.0), who.size)
    missing = np.maximum(until - np.maximum(since, floor), 0.0) - held
    known = (missing <= near * 10) & (np.bincount(who.path, outside, who.size) == 0)
    return Stretches(low, high, known)


def alive(who: Paths, at: ArrayLike | None) -> Floats:
    """Return the time at which each path is known to be alive; its first start where none is given.

    Raises
    ------
    FitError
        Times that are missing or infinite, or neither one nor one per path.
    """
    if at is None:
        return who.begin
    given = np.asarray(at, dtype=np.float64)
    if given.shape not in ((), (who.size,)) or np.isnan(given).any() or (given == np.inf).any():
        raise FitError(f"alive_at: give one time or one for each of {who.size} paths, none missing")
    return np.array(np.broadcast_to(given, (who.size,)))
