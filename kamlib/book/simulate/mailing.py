"""A simulated record of a finished trial with known truth: small customers of a supplier, and a mailing.

Chance gave each customer one of three arms, as many to each: nothing, a catalogue, or a catalogue and a
call. Known before the draw: `newcomer` (1: a customer for less than a year, chance 0.5),
`months_since_order` (1 to 12), `orders_by` ("phone" with chance 0.5, else "web") and
`revenue_last_year` = 600 · size · noise, where log(size) is normal with standard deviation 0.6 and mean
such that the mean size is 1, and so is the noise with 0.3. In the eight weeks after, a customer orders
with chance

    0.10 + 0.10 · [months_since_order up to 6] + lift

and orders for 150 · size · amount, amount exponential with mean 1. The lift of the chance is that of its
arm, and for the catalogue that of the way in which the customer orders.

True values (`TRUTH`)::

    catalogue, by phone           0.07    lift of the chance to order
    catalogue, by web             0.01
    catalogue and call            0.06    whatever the way
    order                       150.00    mean amount of an order

so that a customer brings 6.00 more with the catalogue, 10.50 by phone and 1.50 by web, and 9.00 more with
the call besides (`true_effect`). With a margin of 35 % that is 2.10 and 3.15 per customer. A catalogue
costs 0.90 and the call 5.00 more: what brings most does not pay, and what pays brings less.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

N_CUSTOMERS = 12_000
SEED = 7  # a draw like most: over many draws intervals hold the truth as often as they say
UNIT = "mail_trial"
ARMS = ("nothing", "catalogue", "catalogue and call")
TRUTH: dict[str, float] = {"phone": 0.07, "web": 0.01, "call": 0.06, "order": 150.00}
_SIZE, _NOISE = 0.6, 0.3


def simulate_mailing(*, n: int = N_CUSTOMERS, seed: int = SEED) -> pd.DataFrame:
    """Return the record: one row per customer.

    Parameters
    ----------
    n
        Customers in it, a third to each arm.
    seed
        Of the random draws.

    Returns
    -------
    DataFrame
        `customer`, `arm`, `revenue_8_weeks`, `ordered` (0, 1), `revenue_last_year`,
        `months_since_order`, `newcomer` (0, 1), `orders_by`.
    """
    rng = np.random.default_rng(seed)
    arm = rng.permutation(np.arange(n) % len(ARMS))
    months = rng.integers(1, 13, n)
    newcomer = (rng.random(n) < 0.5).astype(int)
    by_phone = rng.random(n) < 0.5
    size = np.exp(rng.normal(-(_SIZE**2) / 2, _SIZE, n))
    before = 600 * size * np.exp(rng.normal(-(_NOISE**2) / 2, _NOISE, n))
    lift = np.select(
        [arm == 1, arm == 2], [np.where(by_phone, TRUTH["phone"], TRUTH["web"]), TRUTH["call"]], 0.0
    )
    orders = rng.random(n) < 0.10 + 0.10 * (months <= 6) + lift
    amount = TRUTH["order"] * size * rng.exponential(1.0, n)
    return pd.DataFrame(
        {
            "customer": [f"C{number:05d}" for number in range(1, n + 1)],
            "arm": np.array(ARMS)[arm],
            "revenue_8_weeks": np.where(orders, amount, 0.0).round(2),
            "ordered": orders.astype(int), "revenue_last_year": before.round(2),
            "months_since_order": months, "newcomer": newcomer,
            "orders_by": np.where(by_phone, "phone", "web"),
        }
    )  # fmt: skip


def true_effect(arm: str, way: str | None = None) -> float:
    """Return the true revenue that an arm brings per customer, of all or of those that order one way.

    >>> round(true_effect("catalogue"), 2), round(true_effect("catalogue", "phone"), 2)
    (6.0, 10.5)
    """
    ways = (way,) if way else ("phone", "web")
    lifts = [TRUTH["call"] if arm == ARMS[2] else TRUTH[one] for one in ways]
    return TRUTH["order"] * sum(lifts) / len(lifts)


def write_mailing(folder: Path) -> Path:
    """Write the record to `folder/mail_trial/customers.parquet` and return that file.

    It appears in one step, and is made anew each time, since that takes no time.
    """
    path = Path(folder) / UNIT / "customers.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".") as scratch:
        staged = Path(scratch) / path.name
        simulate_mailing().to_parquet(staged, index=False)
        os.replace(staged, path)
    return path
