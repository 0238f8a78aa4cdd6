"""Columns of numbers from whatever a caller holds, and faults that name their rows."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from kamlib.errors import FitError

Floats = NDArray[np.float64]


def columns_of(what: str, given: Mapping[str, ArrayLike]) -> dict[str, Floats]:
    """Return columns of equal length as numbers; what is no number becomes NaN.

    Parameters
    ----------
    what
        What the rows are, the beginning of a message.
    given
        Name to one value per row.

    Raises
    ------
    FitError
        No row, or columns that are not equally long.
    """
    shapes = {name: np.shape(values) for name, values in given.items()}
    if len(set(shapes.values())) > 1 or any(len(shape) != 1 for shape in shapes.values()):
        told = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
        raise FitError(f"{what}: one value per row was expected; the shapes are {told}")
    if (0,) in shapes.values():
        raise FitError(f"{what}: there is no row; expected at least one")
    return {name: _numbers(values) for name, values in given.items()}


def _numbers(values: ArrayLike) -> Floats:
    if isinstance(values, np.ndarray) and values.dtype.kind in "bfiu":
        return values.astype(np.float64, copy=False)
    numbers = pd.to_numeric(pd.Series(values).astype(object), errors="coerce")
    return numbers.to_numpy(dtype=np.float64, na_value=np.nan)


def refuse(what: str, rules: Mapping[str, NDArray[np.bool_]], values: Mapping[str, Floats]) -> None:
    """Raise all rules that rows break, with the first rows (from 0) and the values of the first.

    Parameters
    ----------
    what
        What the rows are.
    rules
        What is wrong with rows, as "whose …" or "with …", to the rows that it is wrong with.
    values
        Columns to show.

    Raises
    ------
    FitError
        One fault per broken rule.
    """
    faults = []
    for rule, bad in rules.items():
        if bad.any():
            rows = np.flatnonzero(bad)
            first = ", ".join(f"{name} {column[rows[0]]:g}" for name, column in values.items())
            listed = ", ".join(str(row) for row in rows[:5]) + (", …" if rows.size > 5 else "")
            faults.append(
                f"{what}: {rows.size:,} of {bad.size:,} {rule} (row {listed}; the first has {first})"
            )
    if faults:
        raise FitError(*faults)
