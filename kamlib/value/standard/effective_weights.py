"""What each criterion of the evaluation standard weighs, as stated, as used, and as it works."""

from __future__ import annotations

import numpy as np
import pandas as pd

from kamlib.glossary import Sentence
from kamlib.params import EvaluationStandardParams
from kamlib.results import Check, Estimate, one_row, refusal
from kamlib.value.standard.facts import CRITERIA
from kamlib.value.standard.scorecard import MIN_REFERENCE, Standard


def effective_weights(
    tiers: pd.DataFrame, standard: Standard | None, params: EvaluationStandardParams
) -> Estimate:
    """Weights of the evaluation standard as stated, as used, and as they work, on the last date.

    Parameters
    ----------
    tiers
        As `computed_tiers` returns it.
    standard, params
        What it was computed with.

    Returns
    -------
    Estimate
        Frame: one row per criterion with a weight: `criterion`, `weight` (stated, together 1),
        `weight_used` (over criteria with data), `weight_effective` = cov(part, score) ÷ var(score)
        over the accounts: the share of the differences between accounts that it really makes;
        `n_obs` (accounts for which it is known). A full count: no sampling error.

    References
    ----------
    Paruolo, P., Saisana, M. and Saltelli, A. (2013). Ratings and rankings: voodoo or science?
    Journal of the Royal Statistical Society A 176(3), 609–634.
    doi:10.1111/j.1467-985X.2012.01059.x (weights are not importance). The covariance share is the
    natural decomposition of Shorrocks, A. F. (1982). Econometrica 50(1), 193–211.
    doi:10.2307/1912537
    """
    if standard is None or tiers.empty:
        return refusal("effective_weights", "tiers.nothing")
    now = tiers[tiers["evaluated_on"] == tiers["evaluated_on"].max()].reset_index(drop=True)
    stated = params.weights.model_dump()
    total = sum(stated.values())
    spread = float(now["score"].var(ddof=0))
    rows = []
    for name in (c for c in CRITERIA if stated[c] > 0):
        points = now[f"part_{name}"].fillna(0.0)
        shared = float(((points - points.mean()) * (now["score"] - now["score"].mean())).mean())
        effective = shared / spread if spread > 0 and name in standard.weights else np.nan
        used = standard.weights.get(name, 0.0)
        rows.append((name, stated[name] / total, used, effective, int(now[name].notna().sum())))
    columns = ["criterion", "weight", "weight_used", "weight_effective", "n_obs"]
    frame = pd.DataFrame(rows, columns=columns)
    first = frame.sort_values("weight_effective", ascending=False, kind="stable").iloc[0]
    values = {
        "n": len(now), "day": now["evaluated_on"].iloc[0], "reference": standard.reference_on,
        "first": first["criterion"], "used": first["weight_used"],
        "effective": first["weight_effective"], "k": len(standard.weights),
    }  # fmt: skip
    key = "scorecard.note" if len(standard.weights) > 1 else "scorecard.alone"
    checks = (*_missing(frame, standard), _partly(now), *_twins(now, standard), *_against(frame))
    return Estimate(
        "effective_weights", frame, one_row(len(now), "full count"), Sentence(key, values), checks
    )


def _missing(frame: pd.DataFrame, standard: Standard) -> list[Check]:
    checks = [
        Check(
            f"criterion_{name}",
            None,
            Sentence("scorecard.left_out", {
                "criterion": name, "need": need, "day": standard.reference_on,
                "weight": float(frame.set_index("criterion")["weight"][name]),
            }),
        )
        for name, need in standard.left_out.items()
    ]  # fmt: skip
    return checks or [
        Check("all_criteria", True, Sentence("scorecard.complete", {"k": len(frame)}))
    ]


def _partly(now: pd.DataFrame) -> Check:
    n = int((now["weight_known"] < 1 - 1e-9).sum())
    key = "scorecard.partly" if n else "scorecard.known"
    return Check("criteria_known", n == 0, Sentence(key, {"n": n, "total": len(now)}))


def _twins(now: pd.DataFrame, standard: Standard) -> list[Check]:
    """Return a check on volume and revenue, which say nearly the same where bills follow contracts."""
    pair = [c for c in ("contract_volume", "revenue") if c in standard.weights]
    both = now[pair].dropna()
    if len(pair) < 2 or len(both) < MIN_REFERENCE or (both.nunique() < 2).any():
        return []
    alike = float(np.corrcoef(both.rank().to_numpy(dtype=np.float64), rowvar=False)[0, 1])
    values = {"alike": alike, "used": sum(standard.weights[c] for c in pair)}
    twins = alike > 0.8
    key = "scorecard.twins" if twins else "scorecard.no_twins"
    return [Check("volume_and_revenue", not twins, Sentence(key, values))]


def _against(frame: pd.DataFrame) -> list[Check]:
    """Return a failed check for each criterion on which the best accounts score low."""
    return [
        Check(
            f"works_against_{row['criterion']}",
            False,
            Sentence("scorecard.against", {
                "criterion": row["criterion"], "used": row["weight_used"],
                "effective": row["weight_effective"],
            }),
        )
        for _, row in frame[frame["weight_effective"] < 0].iterrows()
    ]  # fmt: skip
