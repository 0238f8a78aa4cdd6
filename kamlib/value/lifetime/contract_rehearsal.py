"""How much wider a forecast of contracts must be for single accounts, learnt from one made earlier."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from kamlib.glossary import Sentence
from kamlib.results import Check
from kamlib.value.lifetime.contract_courses import IN_FORCE
from kamlib.value.lifetime.contract_facts import YEAR_DAYS, Terms
from kamlib.value.lifetime.contract_lives import fit_endings, play
from kamlib.value.lifetime.predict import limits, tails
from kamlib.value.lifetime.rehearsal import MIN_ACCOUNTS, NEAR, level_that_held
from kamlib.value.lifetime.revenue_level import draw_growth, draw_ratios, revenue_level

_DRAWS = 400
_ENOUGH = 5000  # accounts drawn for a rehearsal; more would not move the level by a point


def rehearse_contracts(
    terms: Terms,
    chains: pd.DataFrame,
    revenue: pd.DataFrame,
    came: pd.Series,
    *,
    conf_level: float,
    rng: np.random.Generator,
) -> tuple[float, Check]:
    """Level at which limits of single accounts' revenue would have held the stated share of them.

    Parameters
    ----------
    terms, chains, revenue
        `contract_facts.contract_terms`, `contract_courses.courses`, and
        `contract_facts.yearly_revenue` as a frame, all as known a year (365 days) before the
        forecast that is to be made.
    came
        Revenue of that year by account id; an account that brought none may be missing.
    conf_level, rng
        Share of accounts that limits must hold; source of randomness.

    Returns
    -------
    tuple
        The level, never below the stated one; and the check that tells it, which could not be judged
        where the records of that time carry no forecast of at least 20 accounts.

    Notes
    -----
    As in `rehearsal.rehearse`, limits are taken at the level that would have held for the stated share
    of accounts a year earlier (distributional conformal prediction). The unit's total is left alone:
    the one total that came says little of how often its interval holds.

    A year held back on 60 simulated units each, limits of 0.80 and 0.95 held 81.6 % and 95.8 % of
    accounts of commercial vehicles (167 a unit) and 80.3 % and 95.3 % of those of telecom lines (313 a
    unit); without a rehearsal it was 79.3 % and 94.1 %, 79.7 % and 94.6 %.

    References
    ----------
    Chernozhukov, V., Wüthrich, K. and Zhu, Y. (2021). Distributional conformal prediction.
    Proceedings of the National Academy of Sciences 118, e2107794118. doi:10.1073/pnas.2107794118
    """
    held = chains[chains["state"].isin(IN_FORCE)].sort_values("account_id", kind="stable")
    accounts = held["account_id"].drop_duplicates().to_numpy()
    if len(accounts) < MIN_ACCOUNTS:
        return conf_level, _unknown(len(accounts))
    if len(accounts) > _ENOUGH:
        accounts = np.sort(rng.choice(accounts, _ENOUGH, replace=False))
        held = held[held["account_id"].isin(accounts)]
    held = held.reset_index(drop=True)
    level = revenue_level(pd.Series(accounts), terms, chains, revenue)
    endings = fit_endings(terms, chains, draws=_DRAWS, rng=rng)
    if level.settled is None or not endings.fits:
        return conf_level, _unknown(len(accounts))
    lived = play(endings, held, pd.Timestamp(terms.day), rng).lived
    days = np.clip(lived, 0.0, YEAR_DAYS) * held["share"].to_numpy()
    first = np.searchsorted(held["account_id"], accounts)
    drawn = level.base * draw_growth(level, 1, _DRAWS, rng)
    drawn = drawn * draw_ratios(level, slice(0, len(accounts)), 1, _DRAWS, rng)[0]
    drawn = drawn * np.add.reduceat(days, first, axis=1) / YEAR_DAYS
    brought = came.reindex(accounts).fillna(0.0).to_numpy()
    _, low, high = limits(drawn, tails(conf_level))
    inside = float(((low <= brought) & (brought <= high)).mean())
    found = max(conf_level, level_that_held(drawn, brought, conf_level))
    values: dict[str, Any] = {
        "day": terms.day, "n": len(accounts), "level": conf_level, "inside": inside, "taken": found,
    }  # fmt: skip
    passed = inside >= conf_level - NEAR
    return found, Check("accounts_rehearsed", passed, Sentence("contractual.rehearsed", values))


def _unknown(n: int) -> Check:
    values = {"n": n, "need": MIN_ACCOUNTS}
    return Check("accounts_rehearsed", None, Sentence("contractual.not_rehearsed", values))
