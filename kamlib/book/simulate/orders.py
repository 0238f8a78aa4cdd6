"""Order lines: bills every month, and orders with gamma gaps.

No loop over orders or lines: the gaps of all accounts are drawn at once in operational time (in
which orders come at rate one) and mapped to days through the cumulative rate.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kamlib.book.simulate.accounts import Accounts
from kamlib.book.simulate.clock import LAST_DAY, MONTH_DAYS, MONTHS
from kamlib.book.simulate.demand import Demand, Floats, Goods
from kamlib.book.simulate.lives import Lives
from kamlib.book.simulate.model import Stream, UnitModel
from kamlib.book.simulate.spend import Path

Lines = dict[str, NDArray[Any]]  # account, day, order, line, product, quantity: one entry per line

ORDER_VALUE_SD = 0.55  # sd of the log value of a line of an order
BILL_VALUE_SD = 0.04


def draw(
    model: UnitModel,
    people: Accounts,
    path: Path,
    lives: Lives,
    demand: Demand,
    goods: Goods,
    rng: np.random.Generator,
) -> Lines:
    """Return all lines that were ordered or billed; what came back is drawn in `pricing`."""
    parts: list[Lines] = []
    offset = orders = 0
    for stream in model.streams:
        codes = np.arange(offset, offset + len(stream.lines))
        offset += len(stream.lines)
        if stream.orders_per_month:
            part = _ordered(model, people, stream, lives, demand, codes, rng)
        else:
            part = _billed(lives, demand, codes, rng)
        u = rng.random(len(part["line"])) ** 1.7  # some products sell more than others
        width = np.diff(goods.first)[part["line"]]
        part["product"] = (goods.first[part["line"]] + u * width).astype(np.int32)
        wanted = part.pop("value") / goods.price[part["product"]]
        # rounding up or down by chance keeps the expected volume
        part["quantity"] = np.floor(wanted + rng.random(len(wanted))).astype(np.int32)
        part["order"] += orders
        orders = int(part["order"].max(initial=orders)) + 1
        parts.append({name: v[part["quantity"] > 0] for name, v in part.items()})
    lines = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    main = np.argmax(demand.mix, axis=1)[lines["account"]]
    gone = path.partial_line[lines["account"]] & (lines["line"] == main)
    gone &= lines["day"] >= path.partial_day[lines["account"]]
    return {name: v[~gone] for name, v in lines.items()}


def _billed(
    lives: Lives, demand: Demand, codes: NDArray[np.int64], rng: np.random.Generator
) -> Lines:
    """Return a line per account, month and product line, dated on the account's bill day."""
    bill_day = MONTH_DAYS[:-1] + rng.integers(0, 28, len(demand.scale))[:, None]
    billed = (bill_day >= lives.first) & (bill_day < lives.last) & (demand.alive > 0)
    account = np.nonzero(billed)[0].astype(np.int32)
    whole = demand.scale[account] * np.exp(demand.moving[billed])
    order = np.arange(len(account), dtype=np.int32)
    value = whole[:, None] * demand.mix[account][:, codes]
    value *= np.exp(BILL_VALUE_SD * rng.standard_normal(value.shape))
    row, place = np.nonzero(value)
    return {
        "account": account[row],
        "day": bill_day[billed][row].astype(np.int16),
        "order": order[row],
        "line": codes[place].astype(np.int8),
        "value": value[row, place],
    }


def _ordered(
    model: UnitModel,
    people: Accounts,
    stream: Stream,
    lives: Lives,
    demand: Demand,
    codes: NDArray[np.int64],
    rng: np.random.Generator,
) -> Lines:
    """Return the lines of orders that come at a rate proportional to exp(moving)."""
    own = demand.mix[:, codes]
    share = own.sum(axis=1)
    often = stream.orders_per_month * np.exp(
        stream.frequency_share * model.spending.size_sd * people.size
    )
    rate = (share > 0)[:, None] * often[:, None] * np.exp(demand.moving) * demand.alive
    account, day = arrivals(rate, lives.first, lives.last, stream.gap_shape, rng)

    many = 1 + rng.poisson(stream.extra_lines, len(account))
    order = np.repeat(np.arange(len(account), dtype=np.int32), many)
    account, day = account[order], day[order]
    cumulative = np.cumsum(own, axis=1) / np.maximum(share, 1e-12)[:, None]
    u = rng.random(len(order))
    line = np.full(len(order), codes[0], dtype=np.int8)
    for place in range(len(codes) - 1):
        line += u >= cumulative[account, place]
    value = demand.scale * share / (often * (1 + stream.extra_lines))
    noise = rng.standard_normal(len(order)) * ORDER_VALUE_SD - ORDER_VALUE_SD**2 / 2
    value = value[account] * np.exp(noise)
    return {"account": account, "day": day, "order": order, "line": line, "value": value}


def arrivals(
    rate: Floats, first: NDArray[Any], last: NDArray[Any], shape: float, rng: np.random.Generator
) -> tuple[NDArray[np.int32], NDArray[np.int16]]:
    """Return account and day of the points of renewal processes, in order of account and day.

    Parameters
    ----------
    rate
        Expected points, accounts x months.
    first, last
        Days of the month (inclusive, exclusive) within which the points fall.
    shape
        Shape of the gamma gaps in operational time; 1 is a Poisson process.
    """
    cumulative = np.cumsum(rate, axis=1)
    total = cumulative[:, -1]
    room = np.ceil(total + 6 * np.sqrt(total / shape) + 8).astype(np.int64)
    begin = np.cumsum(room) - room
    gaps = rng.gamma(shape, 1 / shape, int(room.sum()))
    gaps[begin] *= rng.random(len(room))  # the process did not start with the records
    point = np.cumsum(gaps)
    point -= np.repeat(point[begin] - gaps[begin], room)
    account = np.repeat(np.arange(len(room), dtype=np.int32), room)
    kept = point < total[account]
    account, point = account[kept], point[kept]
    # one long staircase over all accounts, so that a single interpolation inverts it
    base = np.cumsum(total) - total
    high = (base[:, None] + cumulative).ravel()
    shift = np.repeat(np.arange(len(room)) * float(MONTH_DAYS[-1]), 2 * MONTHS)
    time = np.interp(
        base[account] + point,
        np.column_stack([high - rate.ravel(), high]).ravel(),
        np.column_stack([first.ravel(), last.ravel()]).ravel() + shift,
    )
    day = np.floor(time).astype(np.int64) - account.astype(np.int64) * int(MONTH_DAYS[-1])
    return account, np.clip(day, 0, LAST_DAY).astype(np.int16)
