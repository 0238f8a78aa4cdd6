"""What every account would buy in each month, and how it spreads over product lines."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kamlib.book.simulate.accounts import Accounts
from kamlib.book.simulate.clock import MONTH_DAYS, MONTHS
from kamlib.book.simulate.lives import Lives
from kamlib.book.simulate.model import UnitModel
from kamlib.book.simulate.spend import Path

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Demand:
    """Expected volume of an account in a month is scale · exp(moving) · alive, at list prices."""

    scale: Floats  # by account
    moving: Floats  # accounts x MONTHS
    alive: Floats  # accounts x MONTHS: part of the month in which the account buys
    mix: Floats  # accounts x product lines, sums to one
    extra_revenue: float  # expected net revenue that the programme brought


@dataclass(frozen=True, slots=True)
class Goods:
    """Product lines and products; the products of a line are neighbours."""

    lines: tuple[str, ...]
    products: tuple[str, ...]
    first: NDArray[np.int64]  # first product of each line, and one past the last
    price: Floats  # list price of January 2021 by product


def goods(model: UnitModel) -> Goods:
    """Return what the unit sells."""
    lines = [line for stream in model.streams for line in stream.lines]
    ladders = [np.geomspace(line.price_low, line.price_high, line.products) for line in lines]
    return Goods(
        lines=tuple(line.name for line in lines),
        products=tuple(
            f"{line.name}-{k:02d}" for line in lines for k in range(1, line.products + 1)
        ),
        first=np.cumsum([0] + [line.products for line in lines]),
        price=np.concatenate(ladders).round(2),
    )


def draw(
    model: UnitModel, people: Accounts, path: Path, lives: Lives, rng: np.random.Generator
) -> Demand:
    """Put together what moves volume: drift, season, shock, programme, complaints, partial loss."""
    s, p = model.spending, model.programme
    effect = np.array([0.0, p.spend_level_1, p.spend_level_2, p.spend_level_3])[lives.level]
    moving = path.moving + effect
    for month in range(MONTHS):
        recent = lives.book.complaints[:, max(month - 3, 0) : month].sum(axis=1)
        moving[:, month] += s.complaint_response * np.minimum(recent, 3)
        moving[:, month] += s.partial_log_factor * (path.partial_before(month) & ~path.partial_line)
    scale = s.base * np.exp(s.size_sd * people.size)
    alive = (lives.last - lives.first) / np.diff(MONTH_DAYS)
    alive = np.where(path.paused, 0.0, alive)
    net = np.exp(moving + model.price.list_drift * np.arange(MONTHS) / 12)
    net *= (1 - path.discount) * alive * scale[:, None]
    return Demand(
        scale, moving, alive, _mix(model, len(people), rng), float((net * -np.expm1(-effect)).sum())
    )


def _mix(model: UnitModel, count: int, rng: np.random.Generator) -> Floats:
    """Draw the share of each product line; an account takes two thirds of them, at least one."""
    shares = np.array([line.share for stream in model.streams for line in stream.lines])
    takes = rng.random((count, len(shares))) < 0.65
    weight = shares * rng.gamma(3.0, 1 / 3.0, (count, len(shares))) * takes
    weight[:, 0] += (weight.sum(axis=1) == 0) * shares[0]
    # scaled to sum to one: breadth says how the business is spread, not how much it is
    mix: Floats = weight / weight.sum(axis=1, keepdims=True)
    return mix
