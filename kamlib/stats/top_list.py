"""What a list of the k accounts at highest risk holds of those that leave, and of their value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from kamlib.errors import FitError, nearest
from kamlib.stats.censoring import follow_up, known_by
from kamlib.stats.proportions import wilson
from kamlib.stats.rows import columns_of, refuse

Floats = NDArray[np.float64]
Places = NDArray[np.int64]
TERMS = ("precision", "lift", "value_captured")


def top_list(
    rankings: Mapping[str, ArrayLike],
    exit_: ArrayLike,
    event: ArrayLike,
    value: ArrayLike,
    *,
    horizon: float,
    listed: Sequence[int],
    draws: int,
    rng: np.random.Generator,
    against: Sequence[str] = (),
    account: ArrayLike | None = None,
    conf_level: float = 0.95,
) -> pd.DataFrame:
    """Estimate how many of the first k of each ranking leave, and what share of the lost value they hold.

    Parameters
    ----------
    rankings
        Name to a score, highest first: chance, chance × value, and simple rules to beat, such as the
        revenue, or its fall. Accounts of equal score share the places that are left to them.
    exit_, event
        As in `brier.brier_score`: 0 censored, 1 the event, 2 another end that rules it out.
    value
        What is lost with each account, from zero up, such as its margin of a year.
    horizon
        Time since the day of the prediction.
    listed
        Lengths k of the list: what there is time to visit.
    draws
        Number of draws of the bootstrap; 200 or more.
    rng
        Source of randomness.
    against
        Rankings that every other one is compared with.
    account
        Account of each row, where rows of several days stand below each other: it is drawn whole. Each
        row is an account of its own where not given.
    conf_level
        Of percentile intervals. The censoring weights are not estimated anew in each draw.

    Returns
    -------
    DataFrame
        Rows by `ranking`, `listed` (k) and `term`: "precision" (share of the list that leaves within
        the horizon), "lift" (precision ÷ share of all that leave), "value_captured" (value of those on
        the list that leave ÷ value of all that leave); `against` (missing: the figure itself; else the
        figure less that of this ranking, from the same draws), `estimate`, `conf_low`, `conf_high`,
        `conf_level`.

    Raises
    ------
    FitError
        Faults of the spells, unknown scores, unknown or negative values, a length below 1, a name in
        `against` that is no ranking, a horizon that no account is followed to, no event within it.

    References
    ----------
    Efron, B. and Tibshirani, R. (1993). An Introduction to the Bootstrap, chapter 13.

    Examples
    --------
    >>> found = top_list({"risk": [4, 3, 2, 1]}, [1, 2, 1, 2], [1, 0, 1, 0], [10, 10, 30, 10],
    ...                  horizon=2, listed=[1], draws=200, rng=np.random.default_rng(1))
    >>> found["estimate"].tolist()  # 1 of 1; 2 of 4 leave; 10 of 40
    [1.0, 2.0, 0.25]
    """
    scores, worth = _checked(rankings, value, listed, against)
    outcome, weight = known_by(follow_up(exit_, event), horizon)
    if outcome.size != worth.size:
        raise FitError(
            f"list: {outcome.size:,} accounts are followed, and {worth.size:,} have a value"
        )
    if not outcome.any():
        raise FitError(f"list: nobody is known to have left within {horizon:g}")
    # what a list adds up: places, known accounts, those that leave, their value
    parts = np.stack([np.ones_like(weight), weight, weight * outcome, weight * outcome * worth])
    order = [_Ranking(score, parts, max(listed)) for score in scores.values()]
    lengths = np.asarray(listed, dtype=np.float64)

    def figures(times: Floats) -> Floats:
        total = parts[1:] @ times
        return np.stack([_figures(one.lists(times, lengths), total) for one in order])

    code, n = _accounts(account, worth.size)
    point = figures(np.ones(worth.size))
    drawn = np.empty((draws, *point.shape))
    for draw in range(draws):
        times = np.bincount(rng.integers(n, size=n), minlength=n).astype(np.float64)
        drawn[draw] = figures(times[code])
    rate = float(parts[2].sum() / parts[1].sum())
    n_known = int((weight > 0).sum())
    names, others = list(scores), list(against)
    return _frame(names, list(listed), others, point, drawn, rate, n_known, conf_level)


def _accounts(account: ArrayLike | None, n_rows: int) -> tuple[Places | slice, int]:
    """Return the number of each row's account, and how many accounts there are."""
    if account is None:
        return slice(None), n_rows
    code, names = pd.factorize(np.asarray(account))
    if code.size != n_rows or (code < 0).any():
        raise FitError(f"list: {int((code >= 0).sum()):,} of {n_rows:,} rows have an account")
    return code.astype(np.int64), len(names)


class _Ranking:
    """Accounts in the order of a score, in groups of equal scores, with what they add up to."""

    def __init__(self, score: Floats, parts: Floats, longest: int) -> None:
        order = np.argsort(-score, kind="stable")
        self._starts = np.concatenate([[0], np.flatnonzero(np.diff(score[order]) < 0) + 1])
        # a draw that leaves out many of the first is rare, and then all are looked up
        ends = np.append(self._starts[1:], score.size)
        self._few = int(np.searchsorted(ends, 2 * longest + 50)) + 1
        self._all = order, parts
        self._short = self._first(self._few)

    def _first(self, groups: int) -> tuple[Places, Places, Floats]:
        order, parts = self._all
        end = self._starts[groups] if groups < self._starts.size else order.size
        return order[:end], self._starts[:groups], parts[:, order[:end]]

    def lists(self, times: Floats, lengths: Floats) -> Floats:
        """Return sums of parts over the first k, shape (k, parts), each account counted `times`."""
        order, starts, parts = self._short
        if times[order].sum() < lengths.max() and order.size < times.size:
            order, starts, parts = self._first(self._starts.size)
        sums = np.add.reduceat(parts * times[order], starts, axis=1)
        held = sums[0]
        room = np.clip(lengths[:, None] - (np.cumsum(held) - held), 0.0, held)
        share = np.divide(room, held, out=np.zeros_like(room), where=held > 0)
        lists: Floats = share @ sums.T
        return lists


def _figures(lists: Floats, total: Floats) -> Floats:
    """Return precision, lift and value captured, shape (k, 3), of sums over lists and over all."""
    with np.errstate(divide="ignore", invalid="ignore"):
        precision = lists[:, 2] / lists[:, 1]
        return np.column_stack(
            [precision, precision / (total[1] / total[0]), lists[:, 3] / total[2]]
        )


def _checked(
    rankings: Mapping[str, ArrayLike],
    value: ArrayLike,
    listed: Sequence[int],
    against: Sequence[str],
) -> tuple[dict[str, Floats], Floats]:
    values = columns_of("list", {"value": value} | {f"score {n}": v for n, v in rankings.items()})
    faults = [] if rankings else ["list: there is no ranking; expected at least one"]
    faults += [] if listed else ["list: no length is given; expected at least one"]
    faults += [f"list: its length is {k}; expected 1 or more" for k in listed if k < 1]
    faults += [
        f"list: '{name}' is no ranking{nearest(name, rankings)}"
        for name in against
        if name not in rankings
    ]
    if faults:
        raise FitError(*faults)
    rules = {f"whose {name} is unknown": ~np.isfinite(column) for name, column in values.items()}
    refuse("list", {**rules, "whose value is below zero": values["value"] < 0}, values)
    return {name: values[f"score {name}"] for name in rankings}, values["value"]


def _frame(
    names: list[str],
    listed: list[int],
    against: list[str],
    point: Floats,
    drawn: Floats,
    rate: float,
    n_known: int,
    conf_level: float,
) -> pd.DataFrame:
    rows = []
    for r, name in enumerate(names):
        for other in [None, *(one for one in against if one != name)]:
            less = 0.0 if other is None else point[names.index(other)]
            less_drawn = 0.0 if other is None else drawn[:, names.index(other)]
            estimate, spread = point[r] - less, drawn[:, r] - less_drawn
            for k, length in enumerate(listed):
                limits = _limits(estimate[k], spread[:, k], conf_level)
                if other is None and estimate[k, 0] in (0.0, 1.0):
                    # all of a list, or none: every draw says the same, and would be too sure
                    places = min(length, n_known)
                    limits[:, 0] = wilson(estimate[k, 0] * places, places, conf_level)
                    limits[:, 1] = limits[:, 0] / rate
                for t, term in enumerate(TERMS):
                    rows.append(
                        (name, length, term, other, estimate[k, t], *limits[:, t], conf_level)
                    )
    columns = ["ranking", "listed", "term", "against", "estimate", "conf_low", "conf_high",
               "conf_level"]  # fmt: skip
    return pd.DataFrame(rows, columns=columns)


def _limits(estimate: Floats, drawn: Floats, conf_level: float) -> Floats:
    """Return lower and upper percentiles, shape (2, terms); unknown where the draws do not differ."""
    tails = [(1 - conf_level) / 2, (1 + conf_level) / 2]
    limits = np.full((2, estimate.size), np.nan)
    for t in range(estimate.size):
        known = drawn[:, t][np.isfinite(drawn[:, t])]
        if known.size and known.min() < known.max():
            limits[:, t] = np.quantile(known, tails)
    return limits
