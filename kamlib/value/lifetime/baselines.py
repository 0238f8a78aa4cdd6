"""Is the forecast better than the simple way? Past spend and silence, on the same accounts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import rankdata

from kamlib.glossary import Sentence
from kamlib.results import Estimate, one_row, refusal
from kamlib.value.lifetime.outlook import Outlook
from kamlib.value.lifetime.validation import side_by_side

Floats = NDArray[np.float64]

MIN_ACCOUNTS = 20
TOP = 0.10
_MEASURES = ("error_total", "error_mean", "rank_correlation", "top_capture")
_SMALLER_IS_BETTER = ("error_total", "error_mean")
_SAID = {
    "model": "baselines.model",
    "naive": "baselines.naive",
    "undecided": "baselines.undecided",
}


def baselines(
    outlook: Outlook | Estimate,
    actual: pd.DataFrame,
    *,
    draws: int,
    conf_level: float,
    rng: np.random.Generator,
) -> Estimate:
    """The forecast against "the last twelve months go on" and, for who is still there, against silence.

    Parameters
    ----------
    outlook
        A forecast made at an earlier day.
    actual
        `facts.purchase_counts` since that day.
    draws, conf_level, rng
        Bootstrap draws over accounts, level of the intervals, source of randomness.

    Returns
    -------
    Estimate
        Frame: one row per `term`: `error_total` (|expected − actual| ÷ actual revenue of the unit),
        `error_mean` (mean absolute error of accounts ÷ mean actual revenue), `rank_correlation`
        (Spearman), `top_capture` (share of actual revenue that the top tenth by forecast brought)
        and, where the forecast says how likely an order is, `auc_bought_again` (chance that it puts
        an account that bought above one that did not; the simple way ranks by days since the last
        order): `model_value`, `naive_value`, `difference` (above zero: the model is better),
        `difference_low`, `difference_high`, `conf_level`, `n_obs`. Summary: `verdict` ("model",
        "naive" or "undecided", by the mean error of accounts).

    References
    ----------
    Wübben, M. and v. Wangenheim, F. (2008). Instant customer base analysis: managerial heuristics
    often "get it right". Journal of Marketing 72, 82–93. doi:10.1509/JMKG.72.3.082
    """
    if isinstance(outlook, Estimate):
        return refusal("baselines", outlook.note.key, **outlook.note.values)
    both = side_by_side(outlook, actual)
    n = len(both)
    if n < MIN_ACCOUNTS or not both["revenue"].sum() > 0:
        return refusal("baselines", "baselines.too_few", n=n, need=MIN_ACCOUNTS)
    came = both["revenue"].to_numpy(dtype=np.float64)
    model, naive = (
        both[c].fillna(0.0).to_numpy(dtype=np.float64)
        for c in ("expected_revenue", "naive_revenue")
    )
    picks = rng.integers(0, n, (draws, n))
    rows = []
    for name in _MEASURES:
        sign = -1.0 if name in _SMALLER_IS_BETTER else 1.0
        found = _measure(name, model, came), _measure(name, naive, came)
        drawn = [
            sign * (_measure(name, model[p], came[p]) - _measure(name, naive[p], came[p]))
            for p in picks
        ]
        rows.append(_row(name, found, sign, np.array(drawn), conf_level, n))
    again = _again(both, picks, conf_level)
    if again is not None:
        rows.append(again)
    frame = pd.DataFrame(rows)
    main = frame.set_index("term").loc["error_mean"]
    verdict = (
        "model" if main["difference_low"] > 0 else "naive" if main["difference_high"] < 0
        else "undecided"
    )  # fmt: skip
    values: dict[str, Any] = {
        "model": float(main["model_value"]), "naive": float(main["naive_value"]), "n": n,
        "level": conf_level, "low": float(main["difference_low"]),
        "high": float(main["difference_high"]), "day": outlook.day,
    }  # fmt: skip
    summary = one_row(n, "bootstrap over accounts", conf_level, verdict=verdict)
    return Estimate("baselines", frame, summary, Sentence(_SAID[verdict], values))


def _measure(name: str, values: Floats, came: Floats) -> float:
    """Return one measure of a forecast; NaN where nothing came or all values are alike."""
    total = came.sum()
    if total <= 0:
        return float("nan")
    if name == "error_total":
        return float(abs(values.sum() - total) / total)
    if name == "error_mean":
        return float(np.abs(values - came).sum() / total)
    if name == "rank_correlation":
        a, b = rankdata(values), rankdata(came)
        if np.ptp(a) == 0 or np.ptp(b) == 0:
            return float("nan")
        return float(np.corrcoef(a, b)[0, 1])
    size = max(1, round(TOP * len(values)))
    return float(came[np.argsort(-values, kind="stable")[:size]].sum() / total)


def _again(
    both: pd.DataFrame, picks: NDArray[np.int64], conf_level: float
) -> dict[str, Any] | None:
    """Return how well model and silence tell who buys again; None where no model says it."""
    if "p_order" not in both or both["days_since_last"].isna().all():
        return None
    bought = both["n_purchases"].to_numpy() > 0
    if bought.all() or not bought.any():
        return None
    chance = both["p_order"].to_numpy(dtype=np.float64)
    silence = -both["days_since_last"].to_numpy(dtype=np.float64)
    found = _auc(chance, bought), _auc(silence, bought)
    drawn = [_auc(chance[p], bought[p]) - _auc(silence[p], bought[p]) for p in picks]
    return _row("auc_bought_again", found, 1.0, np.array(drawn), conf_level, len(both))


def _auc(score: Floats, bought: NDArray[np.bool_]) -> float:
    n_yes = int(bought.sum())
    n_no = len(bought) - n_yes
    if n_yes == 0 or n_no == 0:
        return float("nan")
    ranks = rankdata(score)
    return float((ranks[bought].sum() - n_yes * (n_yes + 1) / 2) / (n_yes * n_no))


def _row(
    name: str, found: tuple[float, float], sign: float, drawn: Floats, conf_level: float, n: int
) -> dict[str, Any]:
    model, naive = found
    tails = [(1 - conf_level) / 2, (1 + conf_level) / 2]
    low, high = np.nanquantile(drawn, tails) if np.isfinite(drawn).any() else (np.nan, np.nan)
    return {
        "term": name, "model_value": model, "naive_value": naive,
        "difference": sign * (model - naive), "difference_low": float(low),
        "difference_high": float(high), "conf_level": conf_level, "n_obs": n,
    }  # fmt: skip
