"""Contracts: the paper that follows from the lives of the accounts.

A spell is a chain of terms. What ended before the records begin is left out; the term that was
running then is there with its true first day.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from kamlib.book.simulate.accounts import Accounts
from kamlib.book.simulate.clock import LAST_DAY, NEVER, add_months, month_of
from kamlib.book.simulate.columns import frame, pick, serials
from kamlib.book.simulate.hazards import CHURN_REASONS, REASONS
from kamlib.book.simulate.lives import Lives
from kamlib.book.simulate.model import UnitModel


def table(
    model: UnitModel, people: Accounts, lives: Lives, rng: np.random.Generator
) -> pd.DataFrame:
    """Return `contracts`: one row per contract.

    `ends_on` and `ended_on` are the last day in force. `ended_on` is given for every contract
    that is over; a renewed one names its successor and has no reason, the last one of a spell
    has a reason. One renewal in eight of a long contract is signed late, by 3 to 25 days.
    """
    spells = lives.spells
    account = spells["account"].to_numpy()
    long_term = lives.term[account] >= 12
    second = long_term & (rng.random(len(people)) < model.second_contract_share)[account]
    main = pd.DataFrame(
        {
            "account": account,
            "anchor": spells["start"],
            "end": spells["end"],
            "reason": spells["reason"],
            "term": lives.term[account],
            "share": np.where(second, 0.8, 1.0),
        }
    )
    later = main[second].copy()
    later["anchor"] = add_months(later["anchor"], rng.integers(4, 15, len(later)))
    later["term"], later["share"] = 24, 0.2
    chains = pd.concat([main, later[later["anchor"] <= later["end"]]], ignore_index=True)

    stop = np.minimum(chains["end"], LAST_DAY)
    # terms begun until the stop; the last one may begin on the very day
    length = month_of(stop) - month_of(chains["anchor"]) + 1
    rows = chains.loc[chains.index.repeat(np.ceil(length / chains["term"]).astype(int))].copy()
    rows["chain"] = rows.index
    rows["step"] = rows.groupby("chain").cumcount()
    anchor, term = rows["anchor"].to_numpy(), rows["term"].to_numpy()
    rows["starts"] = add_months(anchor, rows["step"].to_numpy() * term)
    rows["ends"] = add_months(anchor, (rows["step"].to_numpy() + 1) * term) - 1
    late = (rows["step"] > 0) & (term >= 12) & (rng.random(len(rows)) < 0.125)
    rows["starts"] += late * rng.integers(3, 26, len(rows))
    rows = rows[
        (rows["starts"] <= np.minimum(rows["end"], LAST_DAY)) & (rows["ends"] >= 0)
    ].sort_values(["starts", "account", "chain"], ignore_index=True)

    ids = serials("C", np.arange(1, len(rows) + 1))
    rows["next"] = (
        pd.Series(rows.index, index=rows.index).groupby(rows["chain"]).shift(-1, fill_value=-1)
    )
    rows["ended"] = rows[["ends", "end"]].min(axis=1)
    over = (rows["ended"] <= LAST_DAY).to_numpy()
    # a chain that lives but waits for a late signature is over without a reason
    final = over & (rows["next"] < 0).to_numpy() & (rows["end"] < NEVER).to_numpy()
    by_choice = final & (rows["reason"] < len(CHURN_REASONS)).to_numpy()
    notice = np.maximum(
        rows["ended"].to_numpy() - rng.integers(20, 91, len(rows)), rows["starts"].to_numpy()
    )
    size = model.spending.size_sd * people.size[rows["account"]]
    value = 12 * model.spending.base * np.exp(size) * rows["share"]
    value *= np.exp(0.05 * rng.standard_normal(len(rows)))
    return frame(
        "contracts",
        {
            "contract_id": ids,
            "account_id": pick(people.ids, rows["account"].to_numpy()),
            "starts_on": rows["starts"].to_numpy(),
            "ends_on": rows["ends"].to_numpy(),
            "value_per_year": np.round(value, -1).to_numpy(),
            "notice_on": np.ma.masked_array(notice, ~by_choice),
            "ended_on": np.ma.masked_array(rows["ended"].to_numpy(), ~over),
            "end_reason": pick(REASONS, np.where(final, rows["reason"], -1)),
            "renewed_by": pick(ids, np.where(over, rows["next"], -1)),
        },
    )
