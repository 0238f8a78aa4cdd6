"""Invoices and payments: one invoice per account and month, paid late, in two parts, or never."""

from __future__ import annotations

import numpy as np
import pandas as pd

from kamlib.book.simulate.accounts import Accounts
from kamlib.book.simulate.clock import LAST_DAY, MONTH_DAYS
from kamlib.book.simulate.columns import frame, pick, serials
from kamlib.book.simulate.demand import Floats
from kamlib.book.simulate.hazards import REASONS
from kamlib.book.simulate.lives import Lives
from kamlib.book.simulate.model import UnitModel


def tables(
    model: UnitModel, people: Accounts, lives: Lives, revenue: Floats, rng: np.random.Generator
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return `invoices` and `payments`.

    An invoice is issued on the last day of a month for what was sold in it less what came back;
    months that net to nothing have none. Amounts are without tax. What an insolvent account owes
    for its last three months is never paid.
    """
    p = model.payment
    month, account = np.nonzero(revenue.T > 0.005)
    amount = np.round(revenue[account, month], 2)
    n = len(account)
    issued = MONTH_DAYS[month + 1] - 1
    terms = rng.choice(np.array(p.terms), len(people))
    due = issued + terms[account]
    disputed = rng.random(n) < p.disputed
    late = p.days_mean + p.days_late_payer * people.late_payer[account]
    late = late + p.days_sd * rng.standard_normal(n) + disputed * p.disputed_days
    paid_on = np.maximum(due + np.round(late).astype(np.int64), issued + 1)

    ends = lives.spells[lives.spells["reason"] == REASONS.index("insolvent")]
    broke = np.full(len(people), 10**6)
    broke[ends["account"]] = ends["end"]
    paid = (rng.random(n) >= p.unpaid) & (issued < broke[account] - 60)

    split = rng.random(n) < p.instalments
    # rounded before it is taken from the whole, so that the parts add up to the cent
    early = np.round(np.where(split, 0.5 * amount, amount), 2)
    rest = np.round(amount - early, 2)
    rest_on = paid_on + rng.integers(10, 46, n)
    invoice = np.concatenate([np.flatnonzero(paid), np.flatnonzero(paid & split & (rest > 0))])
    day = np.concatenate([paid_on[paid], rest_on[paid & split & (rest > 0)]])
    value = np.concatenate([early[paid], rest[paid & split & (rest > 0)]])
    seen = day <= LAST_DAY
    order = np.lexsort((invoice[seen], day[seen]))
    ids = serials("I", np.arange(1, n + 1))
    invoices = frame(
        "invoices",
        {
            "invoice_id": ids,
            "account_id": pick(people.ids, account),
            "issued_on": issued,
            "due_on": due,
            "amount": amount,
            "disputed": disputed,
        },
    )
    payments = frame(
        "payments",
        {
            "invoice_id": pick(ids, invoice[seen][order]),
            "date": day[seen][order],
            "amount": value[seen][order],
        },
    )
    return invoices, payments
