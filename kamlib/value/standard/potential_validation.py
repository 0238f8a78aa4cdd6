"""The chance to become a key account, judged on a later year than it was learnt from."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtri

from kamlib.glossary import Sentence
from kamlib.params import EvaluationStandardParams
from kamlib.results import Check, Estimate, one_row, refusal
from kamlib.stats.proportions import wilson
from kamlib.value.standard.potential import features, learn

Floats = NDArray[np.float64]
FEW_RISERS = 5


def validate(
    rows: pd.DataFrame, params: EvaluationStandardParams, *, top: int, conf_level: float
) -> tuple[Estimate, pd.DataFrame]:
    """Judge the chance on the last year, learnt from what had ended before that year began.

    Parameters
    ----------
    rows
        As `candidates` returns it.
    params
        `min_risers`: accounts that must have risen before that year.
    top
        Length of the list whose true risers are counted.
    conf_level
        Level of the intervals.

    Returns
    -------
    tuple
        The estimate; frame of one row per `term`: `brier_model`, `brier_base_rate` (everybody given
        the share that rose in the past), `found_model` and `found_largest` (share of the year's
        true risers among the first `top` by chance, and by revenue); `estimate`, `conf_low`,
        `conf_high`, `conf_level`, `n_obs`. And the calibration: one row per fifth of the accounts
        by chance, `group`, `n_accounts`, `chance` (mean), `rose` (share), `share_low`, `share_high`, `conf_level`.

    References
    ----------
    Brier, G. W. (1950). Verification of forecasts expressed in terms of probability. Monthly
    Weather Review 78, 1–3. doi:10.1175/1520-0493(1950)078<0001:VOFEIT>2.0.CO;2
    """
    columns = ["group", "n_accounts", "chance", "rose", "share_low", "share_high", "conf_level"]
    nothing = pd.DataFrame(columns=columns)
    if rows.empty:
        return refusal("potential_judged", "potential.no_candidates"), nothing
    judged = rows[rows["rose"].notna()]
    start = judged["evaluated_on"].max()
    chance = None if judged.empty else learn(rows, start)
    n = 0 if chance is None else chance.n_risers
    if chance is None or n < params.min_risers:
        return refusal(
            "potential_judged", "potential.too_few", n=n, need=params.min_risers
        ), nothing
    year = judged[judged["evaluated_on"] == start].reset_index(drop=True)
    p, y = chance.model.chance(features(year)), year["rose"].to_numpy(float)
    base = chance.base_rate
    z = float(ndtri((1 + conf_level) / 2))
    found = []
    for term, errors in (("brier_model", (p - y) ** 2), ("brier_base_rate", (base - y) ** 2)):
        half = z * errors.std() / np.sqrt(len(y))
        mean = errors.mean()
        found.append((term, mean, max(mean - half, 0.0), min(mean + half, 1.0), len(y)))
    n_rose = int(y.sum())
    for term, by in (("found_model", p), ("found_largest", year["revenue"].to_numpy(float))):
        first = np.argsort(-by, kind="stable")[:top]
        hits = float(y[first].sum())
        low, high = wilson(hits, n_rose, conf_level)
        share = hits / n_rose if n_rose else np.nan
        found.append((term, share, float(low), float(high), n_rose))
    frame = pd.DataFrame(found, columns=["term", "estimate", "conf_low", "conf_high", "n_obs"])
    frame.insert(4, "conf_level", conf_level)
    got = frame.set_index("term")["estimate"]
    values = {
        "n": len(year), "rose": n_rose, "start": start, "top": top, "found": got["found_model"],
        "largest": got["found_largest"], "brier": got["brier_model"],
        "base": got["brier_base_rate"], "risers": n,
    }  # fmt: skip
    better = (
        got["found_model"] >= got["found_largest"] and got["brier_model"] <= got["brier_base_rate"]
    )
    few = n_rose < FEW_RISERS
    key = "potential.few_judged" if few else "potential.better" if better else "potential.worse"
    check = Check("potential_holds", None if few else bool(better), Sentence(key, values))
    summary = one_row(len(year), "ridge logistic, out of time", conf_level, n_event=n_rose)
    spread = z * float(np.sqrt(np.sum(p * (1 - p))))
    true_level = abs(n_rose - p.sum()) <= spread
    sums = {"expected": float(p.sum()), "rose": n_rose, "level": conf_level,
            "low": max(float(p.sum()) - spread, 0.0), "high": float(p.sum()) + spread}  # fmt: skip
    level_key = "potential.level_true" if true_level else "potential.level_off"
    level = Check("potential_level", bool(true_level), Sentence(level_key, sums))
    note = Sentence("potential.judged", values)
    return Estimate("potential_judged", frame, summary, note, (check, level)), _calibration(
        p, y, conf_level
    )


def _calibration(p: Floats, y: Floats, conf_level: float) -> pd.DataFrame:
    bins = 5 if len(p) >= 50 else 2
    place = np.minimum(pd.Series(p).rank(method="first").to_numpy() - 1, len(p) - 1)
    table = pd.DataFrame({"fifth": (place * bins / len(p)).astype(int), "p": p, "y": y})
    sums = table.groupby("fifth").agg(
        n_accounts=("y", "size"), chance=("p", "mean"), hits=("y", "sum")
    )
    low, high = wilson(sums["hits"], sums["n_accounts"], conf_level)
    return pd.DataFrame(
        {
            "group": [str(i + 1) for i in sums.index], "n_accounts": sums["n_accounts"].to_numpy(),
            "chance": sums["chance"].to_numpy(),
            "rose": (sums["hits"] / sums["n_accounts"]).to_numpy(),
            "share_low": low, "share_high": high, "conf_level": conf_level,
        }
    )  # fmt: skip
