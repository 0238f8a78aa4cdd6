"""How much the list of key accounts would change under other weights."""

from __future__ import annotations

import numpy as np
import pandas as pd

from kamlib.accounts import assign_tiers
from kamlib.book.schemas import TIERS
from kamlib.glossary import Sentence
from kamlib.params import EvaluationStandardParams
from kamlib.results import Check, Estimate, one_row, refusal
from kamlib.stats.proportions import wilson
from kamlib.value.standard.scorecard import (
    Standard,
    criterion_scores,
    tier_rule,
    weighted,
)

ALL = "all accounts"
# a block of scores stays near 16 MB
_BLOCK = 2_000_000


def survival(
    tiers: pd.DataFrame,
    standard: Standard | None,
    params: EvaluationStandardParams,
    *,
    conf_level: float,
    rng: np.random.Generator,
) -> tuple[Estimate, pd.DataFrame]:
    """Share of accounts that keep their tier when the weights are drawn anew around the stated ones.

    Parameters
    ----------
    tiers
        As `scorecard.computed_tiers` returns it; the last evaluation date counts, each account
        with its tier at the date before, so that hysteresis holds here too.
    standard, params
        What it was computed with: weights ~ Dirichlet(concentration · weights).
    conf_level, rng
        Level of the intervals; source of the draws.

    Returns
    -------
    tuple
        The estimate, frame of one row per tier and for `all accounts`: `group`, `n_accounts`,
        `survival` (mean over draws of the share that keeps its tier), `share_low`, `share_high`
        (between which that share lies in `conf_level` of the draws). And one row per account:
        `account_id`, `tier`, `survival` (share of draws in which it keeps its tier), `share_low`,
        `share_high` (Wilson, for the number of draws), least certain first.

    References
    ----------
    Saisana, M., Saltelli, A. and Tarantola, S. (2005). Uncertainty and sensitivity analysis
    techniques as tools for the quality assessment of composite indicators. Journal of the Royal
    Statistical Society A 168, 307–323. doi:10.1111/j.1467-985X.2005.00350.x
    """
    nothing = pd.DataFrame(columns=["account_id", "tier", "survival", "share_low", "share_high"])
    if params.tier_basis != "score":
        return refusal("survival", "scorecard.no_weights_in_tiers"), nothing
    if standard is None or tiers.empty:
        return refusal("survival", "tiers.nothing"), nothing
    if len(standard.weights) < 2:
        [only] = standard.weights
        return refusal("survival", "scorecard.one_weight", criterion=only), nothing
    now = tiers[(tiers["evaluated_on"] == tiers["evaluated_on"].max()) & tiers["tier"].notna()]
    now = now.reset_index(drop=True)
    scores = criterion_scores(now, standard.reference)
    weights = np.array(list(standard.weights.values()))
    drawn = rng.dirichlet(params.concentration * weights, params.draws)
    places = pd.Series(range(len(TIERS)), index=TIERS)
    mine = places[now["tier"]].to_numpy()
    kept = np.zeros(len(now))
    shares = []
    rule = tier_rule(params)
    size = max(1, _BLOCK // len(now))
    for done in range(0, params.draws, size):
        block = weighted(scores, drawn[done : done + size].T)
        flat = pd.Series(block.ravel(order="F"))
        before = pd.Series(np.tile(now["tier_before"].to_numpy(dtype=object), block.shape[1]))
        again = assign_tiers(flat, before, **rule)  # type: ignore[arg-type]
        same = places[again].to_numpy().reshape(block.shape, order="F") == mine[:, None]
        kept += same.sum(axis=1)
        shares.append([same[mine == p].mean(axis=0) if (mine == p).any() else None
                       for p in range(len(TIERS))] + [same.mean(axis=0)])  # fmt: skip
    rows = []
    tails = [(1 - conf_level) / 2, (1 + conf_level) / 2]
    for p, group in enumerate([*TIERS, ALL]):
        n = int((mine == p).sum()) if group != ALL else len(now)
        if n:
            share = np.concatenate([block[p] for block in shares])
            rows.append((group, n, share.mean(), *np.quantile(share, tails)))
    frame = pd.DataFrame(
        rows, columns=["group", "n_accounts", "survival", "share_low", "share_high"]
    ).assign(conf_level=conf_level)
    low, high = wilson(kept, params.draws, conf_level)
    accounts = now[["account_id", "tier"]].assign(
        survival=kept / params.draws, share_low=low, share_high=high
    )
    accounts = accounts.sort_values(["survival", "account_id"], ignore_index=True)
    whole = frame.iloc[-1]
    unsure = accounts["survival"] < 0.5
    values = {
        "n": len(now), "share": whole["survival"], "low": whole["share_low"],
        "high": whole["share_high"], "level": conf_level, "draws": params.draws,
        "n_unsure": int(unsure.sum()),
    }  # fmt: skip
    stable = bool(whole["survival"] >= 0.8)
    check = Check(
        "tiers_stable",
        stable,
        Sentence(
            "scorecard.stable" if stable else "scorecard.unstable", {"share": values["share"]}
        ),
    )
    method = f"Dirichlet, {params.draws} draws"
    summary = one_row(len(now), method, conf_level, survival=float(whole["survival"]))
    note = Sentence("scorecard.survival", values)
    return Estimate("survival", frame, summary, note, (check,)), accounts
