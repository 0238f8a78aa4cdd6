"""Points that are promised and not yet redeemed: what of a sale is still owed (IFRS 15)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from kamlib.errors import FitError
from kamlib.glossary import Sentence
from kamlib.results import Estimate, one_row, refusal


@dataclass(frozen=True, slots=True)
class Promise:
    """A sale that came with points.

    Attributes
    ----------
    sales
        Money received for goods and points together.
    goods_alone
        What the goods would have cost by themselves.
    points
        Points given.
    point_value
        What a redeemed point is worth to the buyer, in money.
    breakage
        Share of the points that is never redeemed, as expected on the day of the sale, 0 to below 1.
    """

    sales: float
    goods_alone: float
    points: float
    point_value: float
    breakage: float

    @property
    def points_alone(self) -> float:
        """Stand-alone value of the points, those left out that are never redeemed."""
        return self.points * self.point_value * (1 - self.breakage)

    @property
    def deferred(self) -> float:
        """Part of the sale that belongs to the points, by relative stand-alone values."""
        return self.sales * self.points_alone / (self.goods_alone + self.points_alone)


def liability(promise: Promise, redeemed: Sequence[float], expected: Sequence[float]) -> Estimate:
    """What is earned by redemptions in each period, and what is still owed at its end.

    Parameters
    ----------
    promise
        The sale.
    redeemed
        Points redeemed from the sale up to the end of each period: sums, not of the period alone.
    expected
        Points that are expected to be redeemed in all, as seen at the end of each period.

    Returns
    -------
    Estimate
        One row per period: `period_no`, `points_redeemed`, `points_expected`, `points_revenue`,
        `points_liability`; all money adds up to the deferred part of the sale. Refused where a sum
        of redemptions falls, or goes beyond what is expected.

    Raises
    ------
    FitError
        Values of the promise outside their range, or rows of different length.

    References
    ----------
    IFRS 15 Revenue from Contracts with Customers, B39–B43 and illustrative example 52.

    Examples
    --------
    >>> sale = Promise(100_000, 100_000, 10_000, 1.0, 0.05)
    >>> liability(sale, [4_500, 8_500], [9_500, 9_700]).frame["points_revenue"].round(4).tolist()
    [4109.589, 3492.9153]
    """
    _check(promise, redeemed, expected)
    before = 0.0
    for number, (done, total) in enumerate(zip(redeemed, expected, strict=True), 1):
        if done < before or done > total:
            return refusal("points_liability", "points.contradict", period=number)
        before = done
    shares = [done / total for done, total in zip(redeemed, expected, strict=True)]
    earned = pd.Series([promise.deferred * share for share in shares])
    frame = pd.DataFrame(
        {
            "period_no": range(1, len(shares) + 1),
            "points_redeemed": list(redeemed),
            "points_expected": list(expected),
            "points_revenue": earned.diff().fillna(earned),
            "points_liability": promise.deferred - earned,
        }
    )
    told = {
        "deferred": promise.deferred, "sales": promise.sales, "n": len(frame),
        "owed": float(frame["points_liability"].iloc[-1]), "breakage": promise.breakage,
    }  # fmt: skip
    return Estimate(
        "points_liability", frame, one_row(len(frame), "IFRS 15"), Sentence("points.note", told)
    )


def _check(promise: Promise, redeemed: Sequence[float], expected: Sequence[float]) -> None:
    faults = []
    if promise.sales < 0 or promise.goods_alone <= 0:
        faults.append("sales must not be below zero, and goods worth something by themselves")
    if promise.points <= 0 or promise.point_value <= 0:
        faults.append("points and what one of them is worth must be above zero")
    if not 0 <= promise.breakage < 1:
        faults.append(f"breakage must lie from 0 to below 1; it is {promise.breakage:g}")
    if not len(redeemed) or len(redeemed) != len(expected):
        faults.append("give redeemed and expected points for the same periods, at least one")
    elif min(expected) <= 0 or min(redeemed) < 0:
        faults.append("points redeemed must not be below zero, and expected ones above it")
    if faults:
        raise FitError(*faults)
