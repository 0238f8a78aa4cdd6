"""The firm's own evaluation standard: a weighted scorecard against a frozen reference period.

A value of a criterion scores 100 · (share of the reference date's accounts below it + half the share
equal to it): the mid-distribution function of that date, which no later date moves. A score is the
mean of the criteria's scores by their weights, re-scaled over the criteria that the account has.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kamlib.accounts import contribution_standing, walk_tiers
from kamlib.params import EvaluationStandardParams
from kamlib.stats.mid_distribution import mid_distribution
from kamlib.value.standard.facts import CRITERIA, NEEDS

Floats = NDArray[np.float64]
MIN_REFERENCE = 10
PARTS = tuple(f"part_{criterion}" for criterion in CRITERIA)


@dataclass(frozen=True, slots=True, eq=False)
class Standard:
    """An evaluation standard, frozen at its reference date.

    Attributes
    ----------
    reference_on
        Evaluation date whose accounts every score is held against.
    weights
        Weight of each criterion that has data, together 1.
    reference
        Sorted values of each such criterion at the reference date.
    left_out
        Criteria with a weight but without data -> what would bring them.
    """

    reference_on: pd.Timestamp
    weights: Mapping[str, float]
    reference: Mapping[str, Floats]
    left_out: Mapping[str, str]


def freeze(facts: pd.DataFrame, params: EvaluationStandardParams) -> Standard | None:
    """Freeze the standard at its reference date; None where no criterion with a weight has data.

    Parameters
    ----------
    facts
        One row per account and evaluation date, as `standard_facts.collect` returns it.
    params
        Weights and reference date; the first evaluation date on or after it counts. A criterion
        known of fewer than ten accounts on that date is left out.

    Examples
    --------
    >>> facts = pd.DataFrame({"evaluated_on": pd.Timestamp("2024-12-31"), "revenue": range(20),
    ...                       "credit": None}).reindex(columns=["evaluated_on", *CRITERIA])
    >>> frozen = freeze(facts, EvaluationStandardParams())
    >>> dict(frozen.weights), mid_distribution(pd.Series([0.0, 9.5]), frozen.reference["revenue"])
    ({'revenue': 1.0}, array([ 2.5, 50. ]))
    """
    days = facts["evaluated_on"]
    stated = pd.Timestamp(params.reference_date) if params.reference_date else days.min()
    if facts.empty or not (days >= stated).any():
        return None
    day = days[days >= stated].min()
    then = facts[days == day]
    wanted = {name: w for name, w in params.weights.model_dump().items() if w > 0}
    known = {
        name: np.sort(then[name].dropna().to_numpy(dtype=np.float64))
        for name in wanted
        if then[name].notna().sum() >= MIN_REFERENCE
    }
    if not known:
        return None
    total = sum(wanted[name] for name in known)
    weights = {name: wanted[name] / total for name in known}
    left_out = {name: NEEDS[name] for name in wanted if name not in known}
    return Standard(day, weights, known, left_out)


def criterion_scores(facts: pd.DataFrame, reference: Mapping[str, Floats]) -> Floats:
    """Return one column of scores per criterion of `reference`, shape (n_rows, k)."""
    return np.column_stack([mid_distribution(facts[c], known) for c, known in reference.items()])


def weighted(scores: Floats, weights: Floats) -> Floats:
    """Return weighted mean scores over the criteria known, shape (n_rows,) or (n_rows, n_draws)."""
    known = ~np.isnan(scores)
    carried = known @ weights
    with np.errstate(invalid="ignore", divide="ignore"):
        means: Floats = np.where(known, scores, 0.0) @ weights / carried
    return np.where(carried > 0, means, np.nan)


def score(facts: pd.DataFrame, standard: Standard) -> pd.DataFrame:
    """Score every account at every evaluation date from the reference date on.

    Returns
    -------
    DataFrame
        The rows of `facts` from the reference date on, with `score` (0–100), `weight_known` (share
        of the weights that the account's known criteria carry) and `part_<criterion>`: points that
        the criterion adds to the score; they sum to it, an unknown criterion has none.
    """
    rows = facts[facts["evaluated_on"] >= standard.reference_on].reset_index(drop=True)
    scores = criterion_scores(rows, standard.reference)
    weights = np.array(list(standard.weights.values()))
    known = ~np.isnan(scores) @ weights
    with np.errstate(invalid="ignore", divide="ignore"):
        points = scores * weights / known[:, None]
    parts = dict(zip(standard.weights, points.T, strict=True))
    rows = rows.assign(score=weighted(scores, weights), weight_known=known)
    return rows.assign(**{f"part_{c}": parts.get(c, np.nan) for c in CRITERIA})


def standing(scored: pd.DataFrame, params: EvaluationStandardParams) -> pd.Series:
    """Return what tiers rest on: the score, or the standing by contribution within each date."""
    if params.tier_basis == "score":
        return scored["score"]
    by_date = scored.groupby("evaluated_on")["contribution"]
    return by_date.transform(contribution_standing)


def tier_rule(params: EvaluationStandardParams) -> dict[str, object]:
    """Return the bounds and the margin that go with the standing, for `assign_tiers`."""
    if params.tier_basis == "score":
        return {"bounds": params.score_bounds, "margin": params.score_margin}
    # an account whose larger ones make the share already, rounding aside, stands beyond it
    bounds = tuple(1.0 - share + 1e-9 for share in params.share_bounds)
    return {"bounds": bounds, "margin": params.share_margin}


def computed_tiers(
    facts: pd.DataFrame, standard: Standard | None, params: EvaluationStandardParams
) -> pd.DataFrame:
    """Tier of each account at every evaluation date, from what was known on that date.

    Returns
    -------
    DataFrame
        The rows of `score` by date and account, with `standing`, `tier` and `tier_before` (of the
        evaluation date before). No tier where the standing is unknown; no rows without a standard.
    """
    if standard is None:
        empty = facts.head(0).assign(**dict.fromkeys(("score", "weight_known", *PARTS), np.nan))
        return walk_tiers(empty.assign(standing=np.nan), **tier_rule(params))  # type: ignore[arg-type]
    scored = score(facts, standard)
    scored = scored.assign(standing=standing(scored, params))
    return walk_tiers(scored, **tier_rule(params))  # type: ignore[arg-type]
