"""Winning an account against keeping one: for a year, and one more of those that would have left."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from kamlib.glossary import Sentence
from kamlib.loyalty.finance.ratio import Ratio, fieller
from kamlib.loyalty.finance.retention import cost_per_retained
from kamlib.loyalty.finance.uncertain import Uncertain, draw
from kamlib.params import LoyaltyRoiParams
from kamlib.results import Estimate, one_row, refusal

NONE = float("nan")


def win_or_keep(win: Estimate, keep: Estimate, rules: LoyaltyRoiParams) -> Estimate:
    """How many times what keeping an account for a year costs winning one costs.

    Parameters
    ----------
    win, keep
        Results of `cost_to_win` and `cost_to_keep`: over other cases, so taken as independent.
    rules
        `conf_level`.

    Returns
    -------
    Estimate
        One row per `term` (`cost_to_win`, `cost_to_keep`, `win_to_keep`): `estimate`, `conf_low`,
        `conf_high`, `conf_level`, `n_obs`. Refused where either is, where accounts were won in so few
        months that the cost to win one has no interval, or where the cost to keep cannot be told
        from zero: the ratio then has no bounds.
    """
    name = "win_or_keep"
    for part in (win, keep):
        if part.refused:
            return refusal(name, "loyalty_economics.not_both", why=part.note)
    if math.isnan(win["win_high"]):
        return refusal(name, "loyalty_economics.no_interval", n=int(win["n_won"]))
    above, below = float(win["cost_to_win"]), float(keep["cost_to_keep"])
    found = Ratio(NONE, NONE, NONE, "all", math.inf)
    if below > 0:
        found = fieller(
            above, below, float(win["std_error"]) ** 2, float(keep["std_error"]) ** 2,
            conf_level=rules.conf_level, df=min(float(win["df"]), float(keep["df"])),
        )  # fmt: skip
    if found.shape != "bounded":
        return refusal(name, "loyalty_economics.no_ratio", cost=below, n=int(keep["n_bought"]))
    frame = _terms(
        rules,
        ("cost_to_win", above, win["win_low"], win["win_high"], win["n_won"]),
        ("cost_to_keep", below, keep["keep_low"], keep["keep_high"], keep["n_bought"]),
        ("win_to_keep", found.value, max(found.low, 0.0), found.high, win["n_won"]),
    )
    told = {"ratio": found.value, "low": max(found.low, 0.0), "high": found.high,
            "level": rules.conf_level, "win": above, "keep": below, "n": int(win["n_won"]),
            "years": int(keep["n_bought"])}  # fmt: skip
    key = "loyalty_economics.win_or_keep"
    summary = one_row(int(win["n_won"]), "Fieller", rules.conf_level, win_to_keep=found.value)
    return Estimate(name, frame, summary, Sentence(key, told), (*win.checks, *keep.checks))


def win_or_retain(
    win: Estimate,
    cost: float | None,
    rise: Uncertain | None,
    n_members: int,
    rules: LoyaltyRoiParams,
    rng: np.random.Generator,
) -> Estimate:
    """How many times what keeping one more account costs, of those that would have left, winning costs.

    Parameters
    ----------
    win
        Result of `cost_to_win`.
    cost
        Of the programme in a year, in money; None where not known.
    rise
        By how much the programme raises the share of its members that stay a year, with its error
        (0.03 for three points); None where no effect on it is claimed.
    n_members
        Its members in the year.
    rules
        `conf_level`, `draws`.
    rng
        Source of randomness.

    Returns
    -------
    Estimate
        One row per `term` (`cost_to_win`, `cost_per_retained`, `win_to_retained`), columns as
        `win_or_keep`. Where the rise may be nothing, what one more kept account costs has no upper
        limit, and the ratio begins at zero. Refused without an effect above zero, or a cost.
    """
    name = "win_or_retain"
    if win.refused:
        return refusal(name, "loyalty_economics.not_both", why=win.note)
    if rise is None or cost is None or not cost > 0 or n_members < 1:
        return refusal(name, "loyalty_economics.no_rise")
    if rise.value <= 0:
        return refusal(name, "loyalty_economics.rise_not_above", rise=rise.value, n=n_members)
    tails = np.array([(1 - rules.conf_level) / 2, (1 + rules.conf_level) / 2])
    low, high = (float(v) for v in rise.quantile(tails))
    each = cost_per_retained(cost, rise.value, n_members)
    ends = [cost_per_retained(cost, v, n_members) for v in (high, low)]
    above = Uncertain(float(win["cost_to_win"]), float(win["std_error"]), "amount")
    drawn = draw({"win": above, "rise": rise}, draws=rules.draws, rng=rng)
    ratios = drawn["win"] * np.maximum(drawn["rise"], 0.0) * n_members / cost
    limits = np.quantile(ratios, tails)
    ratio = above.value / each
    frame = _terms(
        rules,
        ("cost_to_win", above.value, win["win_low"], win["win_high"], win["n_won"]),
        ("cost_per_retained", each, ends[0], ends[1] if low > 0 else NONE, n_members),
        ("win_to_retained", ratio, limits[0], limits[1], win["n_won"]),
    )
    told = {"ratio": ratio, "low": limits[0], "high": limits[1], "level": rules.conf_level,
            "each": each, "from": ends[0], "to": ends[1], "n": n_members, "rise": 100 * rise.value}  # fmt: skip
    key = "loyalty_economics.win_or_retain" if low > 0 else "loyalty_economics.win_or_retain_open"
    summary = one_row(n_members, "drawn together", rules.conf_level, win_to_retained=ratio)
    return Estimate(name, frame, summary, Sentence(key, told), win.checks)


def _terms(rules: LoyaltyRoiParams, *rows: tuple[str, float, float, float, int]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["term", "estimate", "conf_low", "conf_high", "n_obs"])
    numbers = ["estimate", "conf_low", "conf_high"]
    return frame.astype(dict.fromkeys(numbers, "float64")).assign(conf_level=rules.conf_level)
