"""Who could become a key account: growth, share of wallet, white space, and the chance within a year.

The chance is learnt from this unit's own past: accounts that were not key at an evaluation date,
described by what was known on that date, and whether they reached a key tier at one of the four
evaluation dates that followed. It is judged on the last year, of which the fit has seen nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kamlib.glossary import Sentence
from kamlib.params import EvaluationStandardParams
from kamlib.results import Estimate, one_row, refusal
from kamlib.stats.logistic import Logistic, ridge_logistic
from kamlib.value.standard.scorecard import tier_rule

Floats = NDArray[np.float64]
FEATURES = ("gap", "log_revenue", "growth", "move", "share_of_wallet", "wallet_known")
PENALTY = 5.0
QUARTERS = 4


@dataclass(frozen=True, slots=True, eq=False)
class Chance:
    """What a fit learnt.

    Attributes
    ----------
    model
        The fit.
    base_rate
        Share of the past rows that rose.
    n_risers, n_accounts
        Accounts that rose at least once, and all accounts.
    """

    model: Logistic
    base_rate: float
    n_risers: int
    n_accounts: int


def candidates(tiers: pd.DataFrame, params: EvaluationStandardParams) -> pd.DataFrame:
    """Accounts that were not key at each evaluation date, with what was known of them then.

    Parameters
    ----------
    tiers
        As `scorecard.computed_tiers` returns it.
    params
        Says which tiers are key.

    Returns
    -------
    DataFrame
        One row per account and date: `account_id`, `evaluated_on`, `tier`, `score`, `revenue`,
        `growth` (revenue against the twelve months before, as a share; null without a year before),
        `share_of_wallet` (revenue ÷ potential, where a dated potential is known), the columns of
        `FEATURES`, and `rose` (1: in a key tier at one of the four
        evaluation dates that follow; null: less than four of them are known).
    """
    rows = tiers[tiers["tier"].notna()].sort_values(["evaluated_on", "account_id"])
    key = rows["tier"].isin(params.key_tiers)
    is_key = rows.assign(key=key.astype(float)).pivot(
        index="account_id", columns="evaluated_on", values="key"
    )
    ahead = [is_key.shift(-step, axis="columns") for step in range(1, QUARTERS + 1)]
    later = np.fmax.reduce([np.nan_to_num(one.to_numpy(dtype=np.float64)) for one in ahead])
    later[:, max(later.shape[1] - QUARTERS, 0) :] = np.nan
    account = is_key.index.get_indexer(pd.Index(rows["account_id"]))
    rose = later[account, is_key.columns.get_indexer(pd.Index(rows["evaluated_on"]))]
    rows = _with_growth(rows.assign(rose=rose))
    wallet = rows["revenue"] / rows["potential_per_year"].where(rows["potential_per_year"] > 0)
    bounds = tier_rule(params)["bounds"]
    entry = bounds[len(params.key_tiers) - 1]  # type: ignore[index]
    rows = rows.assign(share_of_wallet=wallet)
    rows["gap"] = rows["standing"] - entry
    rows["log_revenue"] = np.log(rows["revenue"].clip(lower=1.0))
    rows["wallet_known"] = wallet.notna().astype(float)
    return rows[~key.loc[rows.index]].reset_index(drop=True)


def _with_growth(rows: pd.DataFrame) -> pd.DataFrame:
    """Add growth over a year, and the change of standing over it, null where no year lies before."""
    first = rows["evaluated_on"].min()
    then = rows[["account_id", "evaluated_on", "revenue", "standing"]]
    then = then.assign(
        evaluated_on=then["evaluated_on"] + pd.DateOffset(years=1) + pd.offsets.MonthEnd(0)
    )
    both = rows.reset_index().merge(
        then, on=["account_id", "evaluated_on"], how="left", suffixes=("", "_then")
    )
    both = both.set_index("index")
    base = both["revenue_then"].where(both["revenue_then"] > 0)
    known = both["evaluated_on"] >= first + pd.DateOffset(years=1)
    growth = (both["revenue"] / base - 1.0).where(known)
    move = both["standing"] - both["standing_then"]
    return rows.assign(growth=growth, move=move)


def features(rows: pd.DataFrame) -> Floats:
    """Return the features of candidates, shape (n_rows, 6); unknown growth counts as none."""
    x = rows[list(FEATURES)].copy()
    # growth and wallet are skewed: doubling and halving weigh alike
    x["growth"] = np.log1p(x["growth"].clip(-0.9, 9.0)).fillna(0.0)
    x["share_of_wallet"] = x["share_of_wallet"].clip(0.0, 2.0)
    filled: Floats = x.fillna(0.0).to_numpy(dtype=np.float64)
    return filled


def learn(rows: pd.DataFrame, until: pd.Timestamp) -> Chance | None:
    """Learn the chance from transitions that ended by `until`; None where nobody rose or all did.

    Dates a quarter apart see overlapping years of the same accounts: that costs no correctness of
    the fit, but no interval is read from it.
    """
    ended = rows["evaluated_on"] + pd.DateOffset(years=1) + pd.offsets.MonthEnd(0) <= until
    past = rows[ended & rows["rose"].notna()]
    if past["rose"].nunique() < 2:
        return None
    model = ridge_logistic(features(past), past["rose"].to_numpy(float), penalty=PENALTY)
    risers = past.loc[past["rose"] == 1, "account_id"].nunique()
    base_rate = float(past["rose"].mean())
    return Chance(model, base_rate, int(risers), int(past["account_id"].nunique()))


def potential(
    rows: pd.DataFrame,
    spaces: pd.DataFrame,
    params: EvaluationStandardParams,
) -> Estimate:
    """Potential key accounts of the last evaluation date, most likely first.

    Parameters
    ----------
    rows
        As `candidates` returns it.
    spaces
        As `white_space` returns it.
    params
        `min_risers`.

    Returns
    -------
    Estimate
        Frame: one row per account that is not key: `account_id`, `tier`, `score`, `chance` (to reach
        a key tier within twelve months; null where too few rose in the past, and accounts then
        stand largest first), `revenue`, `growth`, `share_of_wallet`, `n_white_space`,
        `white_space`.
    """
    if rows.empty:
        return refusal("potential", "potential.no_candidates")
    end = rows["evaluated_on"].max()
    now = rows[rows["evaluated_on"] == end].reset_index(drop=True)
    chance = learn(rows, end)
    enough = chance is not None and chance.n_risers >= params.min_risers
    now["chance"] = chance.model.chance(features(now)) if chance and enough else np.nan
    # an undated potential is shown, and no chance is learnt from it
    shown = now["revenue"] / now["potential_undated"].where(now["potential_undated"] > 0)
    now["share_of_wallet"] = now["share_of_wallet"].fillna(shown)
    now = now.merge(spaces, on="account_id", how="left")
    now = now.sort_values(
        ["chance", "revenue", "account_id"], ascending=[False, False, True], ignore_index=True
    )
    frame = now[["account_id", "tier", "score", "chance", "revenue", "growth", "share_of_wallet",
                 "n_white_space", "white_space"]]  # fmt: skip
    n = 0 if chance is None else chance.n_risers
    values = {"n": len(now), "end": end, "risers": n, "need": params.min_risers,
              "expected": float(now["chance"].sum())}  # fmt: skip
    key = "potential.note" if enough else "potential.no_chance"
    summary = one_row(len(now), "ridge logistic" if enough else "largest first", n_event=n)
    return Estimate("potential", frame, summary, Sentence(key, values))
