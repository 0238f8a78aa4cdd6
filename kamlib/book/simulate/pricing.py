"""Prices, discounts, costs and returns: from what was ordered to the lines that were booked."""

from __future__ import annotations

import numpy as np
import pandas as pd

from kamlib.book.simulate.accounts import Accounts
from kamlib.book.simulate.clock import LAST_DAY, MONTH_DAYS, MONTHS
from kamlib.book.simulate.columns import frame, pick, serials
from kamlib.book.simulate.demand import Floats, Goods
from kamlib.book.simulate.model import UnitModel
from kamlib.book.simulate.orders import Lines
from kamlib.book.simulate.spend import Path


def returns(model: UnitModel, lines: Lines, rng: np.random.Generator) -> Lines:
    """Return the lines with those that came back, by day and order.

    A return comes 5 to 40 days after its order, has an order number of its own and is credited
    at the price that was paid (`priced_on`).
    """
    back = np.flatnonzero(rng.random(len(lines["day"])) < model.price.return_rate)
    day = lines["day"][back] + rng.integers(5, 41, len(back)).astype(np.int16)
    back, day = back[day <= LAST_DAY], day[day <= LAST_DAY]
    returned = {name: values[back] for name, values in lines.items()}
    part = 1 - rng.random(len(back)) ** 2
    returned["quantity"] = -np.maximum(1, np.ceil(part * returned["quantity"])).astype(np.int32)
    returned["day"] = day
    new_orders = np.arange(len(back), dtype=np.int32)
    returned["order"] = new_orders + int(lines["order"].max(initial=0)) + 1
    priced_on = np.concatenate([lines["day"], lines["day"][back]])
    whole = {name: np.concatenate([lines[name], returned[name]]) for name in lines}
    whole["priced_on"] = priced_on
    by_order = np.argsort(whole["order"], kind="stable")
    by_day = by_order[np.argsort(whole["day"][by_order], kind="stable")]
    return {name: values[by_day] for name, values in whole.items()}


def table(
    model: UnitModel, people: Accounts, path: Path, goods: Goods, lines: Lines
) -> tuple[pd.DataFrame, Floats]:
    """Return `transactions` (one row per order line, by date) and net revenue by account and month.

    Returns have negative quantity, list amount, amount and cost.
    """
    p = model.price
    account, product, quantity = lines["account"], lines["product"], lines["quantity"]
    month = np.searchsorted(MONTH_DAYS, lines["priced_on"], side="right") - 1
    years = month / 12
    listed = np.round(goods.price[product] * np.exp(p.list_drift * years), 2) * quantity
    amount = np.round(listed * (1 - path.discount[account, month]), 2)
    cost = goods.price[product] * p.cost_share * np.exp(p.cost_drift * years) * quantity
    new_order = np.append(True, lines["order"][1:] != lines["order"][:-1])
    cell = account.astype(np.int64) * MONTHS
    cell += np.searchsorted(MONTH_DAYS, lines["day"], side="right") - 1
    revenue = np.bincount(cell, weights=amount, minlength=len(people) * MONTHS)
    booked = frame(
        "transactions",
        {
            "account_id": pick(people.ids, account),
            "date": lines["day"],
            "amount": amount,
            "line_id": serials("L", np.arange(1, len(account) + 1)),
            "order_id": serials("O", np.cumsum(new_order)),
            "quantity": quantity,
            "list_amount": listed,
            "cost": cost,
            "product": pick(goods.products, product),
            "product_line": pick(goods.lines, lines["line"]),
        },
    )
    return booked, revenue.reshape(-1, MONTHS).astype(np.float64)
