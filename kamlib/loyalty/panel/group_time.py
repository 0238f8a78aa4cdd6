"""Effects by cohort and period (Callaway and Sant'Anna): each cohort against those not treated then."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
import pandas as pd

from kamlib.errors import FitError
from kamlib.loyalty.panel.grid import Flags, Floats, Panel, Places
from kamlib.loyalty.panel.scores import Effects, effects
from kamlib.loyalty.panel.two_by_two import NoOverlap, doubly_robust, plain

Control = Literal["never", "not_yet"]
Base = Literal["varying", "universal"]
MIN_UNITS = 5


def group_time(
    panel: Panel,
    *,
    control: Control = "never",
    base: Base = "varying",
    min_units: int = MIN_UNITS,
) -> Effects:
    """Mean effect on each cohort in each period, before and after its start.

    After the start it is the change since the last period before it, less that of the controls. The
    covariates of the panel, where it has any, enter doubly robust: trends may then differ by them.

    Parameters
    ----------
    panel
        A pair of periods counts the units that have a value in both.
    control
        "never": units that are not treated within the panel. "not_yet": all who are not treated by
        the later of the two periods.
    base
        "varying": effects before the start are changes from period to period. "universal": all are
        changes since the last period before the start, as an event study shows them; the period
        itself has no row.
    min_units
        Treated units, and controls, that a cell must have; other cells are left out. A cell of one
        unit seems to have no error. Left out as well are cells in which the covariates tell the
        treated and the controls apart.

    Returns
    -------
    Effects
        One row per cohort and period: `cohort`, `period`, `rel_period`, `n_obs` (treated units).

    Raises
    ------
    FitError
        No units that are never treated (take "not_yet"); no cell with enough units; or none whose
        covariates can be adjusted for (`NoOverlap`).

    References
    ----------
    Callaway, B. and Sant'Anna, P. H. C. (2021). Difference-in-differences with multiple time
    periods. Journal of Econometrics 225, 200–230. doi:10.1016/j.jeconom.2020.12.001

    Examples
    --------
    >>> from kamlib.loyalty.panel.grid import panel_of
    >>> rows = [(f"{c}{i}", p, 2 if c == "a" else None, p + (c == "a") * (p == 2) * 3 + i * p % 3)
    ...         for c in "ab" for i in range(3) for p in (1, 2)]
    >>> panel = panel_of(pd.DataFrame(rows, columns=["unit", "period", "cohort", "outcome"]))
    >>> group_time(panel, min_units=3).estimate.round(6).tolist()
    [3.0]
    """
    if control == "never" and panel.treated.all():
        raise FitError(
            "there is nobody in the panel who is never treated: compare with those who are not "
            "treated yet (control='not_yet')"
        )
    pieces = [_cohort(panel, int(start), control, base, min_units) for start in panel.cohorts]
    cells = np.concatenate([piece.cells for piece in pieces])
    apart = [piece.apart for piece in pieces if piece.apart is not None]
    if not len(cells) and apart:
        raise apart[0]
    if not len(cells):
        raise FitError(
            f"no cohort has {min_units} treated units and {min_units} controls with a value in both "
            "periods of a comparison: join cohorts (quarters for months), or compare with those who "
            "are not treated yet"
        )
    frame = pd.DataFrame(
        {
            "cohort": panel.periods[cells[:, 0]],
            "period": panel.periods[cells[:, 1]],
            "rel_period": cells[:, 1] - cells[:, 0],
            "n_obs": cells[:, 2],
        }
    )
    estimate = np.concatenate([piece.found for piece in pieces])
    return effects(panel, frame, estimate, np.hstack([piece.scores for piece in pieces]))


class _Piece(NamedTuple):
    """One cohort: cells (start, period, treated units), their effects and scores, and what failed."""

    cells: Places
    found: Floats
    scores: Floats
    apart: NoOverlap | None


def _cohort(panel: Panel, start: int, control: Control, base: Base, min_units: int) -> _Piece:
    at = np.arange(panel.n_periods)
    if base == "universal":
        at = at[at != start - 1]
        since = np.full_like(at, start - 1)
    else:
        at = at[1:]
        since = np.where(at >= start, start - 1, at - 1)
    change = panel.outcome[:, at] - panel.outcome[:, since]
    known = np.isfinite(change)
    own = panel.start == start
    if control == "never":
        free = np.repeat(~panel.treated[:, None], len(at), axis=1)
    else:
        free = (panel.start[:, None] > np.maximum(at, since)) & ~own[:, None]
    inside = known & (own[:, None] | free)
    n_own = (known & own[:, None]).sum(axis=0)
    enough = (n_own >= min_units) & ((known & free).sum(axis=0) >= min_units)
    apart: NoOverlap | None = None
    found = np.zeros(len(at))
    scores = np.zeros((panel.n_units, len(at)))
    for columns in _alike(inside, enough):
        rows = np.flatnonzero(inside[:, columns[0]])
        part = change[np.ix_(rows, columns)], own[rows], panel.weight[rows]
        try:
            if panel.covariates.shape[1]:
                found[columns], told = doubly_robust(*part, panel.covariates[rows])
            else:
                found[columns], told = plain(*part)
        except NoOverlap as error:
            apart, enough[columns] = error, False
            continue
        scores[np.ix_(rows, columns)] = told
    cells = np.column_stack([np.full_like(at, start), at, n_own])
    return _Piece(cells[enough], found[enough], scores[:, enough], apart)


def _alike(inside: Flags, enough: Flags) -> list[Places]:
    """Return the columns that compare the same units, together: they share their models."""
    together: dict[bytes, list[int]] = {}
    packed = np.packbits(inside, axis=0)
    for column in np.flatnonzero(enough):
        together.setdefault(packed[:, column].tobytes(), []).append(int(column))
    return [np.array(columns) for columns in together.values()]
