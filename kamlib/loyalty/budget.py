"""Where the next unit of money earns most: marginal return by tier and level, and a budget split by it.

What is spent on a member beyond rewards – service and communication – is held against what the member
brought in the same year, the year before and the calendar year held equal. Nobody drew the amounts by
lot, so a return may be owed to whom they were spent on. Where an amount never varied nothing can be said.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from kamlib.glossary import Sentence
from kamlib.loyalty.finance.allocation import Response, allocate
from kamlib.loyalty.response import FEWEST_AT_A_LEVEL, Fitted, fit_response, spend_levels
from kamlib.params import LoyaltyRoiParams
from kamlib.results import Check, Estimate, one_row, refusal

FEWEST_LEVELS = 3
NONE = float("nan")
_TIERS = {"platinum": 0, "gold": 1, "iron": 2, "lead": 3}

Cell = tuple[str, int]


def spend_tried(rows: pd.DataFrame | None) -> Estimate:
    """What was spent on members, and how many different amounts were tried at each tier and level.

    Parameters
    ----------
    rows
        As `budget_facts.budget_facts` gives them.

    Returns
    -------
    Estimate
        One row per `tier` and `programme_level` with members: `n_accounts`, `n_account_years`, `spend_per_account`
        (mean per account and year), `spend_least`, `spend_most`, `n_spend_levels` (amounts that name
        an account, each tried on at least five in the same year, the year with most counting). A full count. Refused without members of a whole
        year, their costs or their contribution.
    """
    name = "spend_tried"
    if rows is None:
        return refusal(name, "loyalty_economics.no_budget_facts")
    if rows.empty:
        return refusal(name, "loyalty_economics.no_member_years")
    found = [
        {"tier": tier, "programme_level": level, "n_accounts": cell["account_id"].nunique(),
         "n_account_years": len(cell), "spend_per_account": float(cell["spend"].mean()),
         "spend_least": float(cell["spend"].min()), "spend_most": float(cell["spend"].max()),
         "n_spend_levels": _levels(cell)}
        for (tier, level), cell in _cells(rows)
    ]  # fmt: skip
    frame = pd.DataFrame(found)
    varied = int((frame["n_spend_levels"] >= FEWEST_LEVELS).sum())
    told = {"n": len(frame), "varied": varied, "need": FEWEST_LEVELS, "each": FEWEST_AT_A_LEVEL,
            "years": len(rows)}  # fmt: skip
    note = Sentence("loyalty_economics.spend_tried", told)
    return Estimate(name, frame, one_row(len(rows), "full count"), note)


def responses(
    rows: pd.DataFrame | None, rules: LoyaltyRoiParams, rng: np.random.Generator
) -> dict[Cell, Fitted]:
    """Return the fitted response of every tier and level at which three amounts or more were tried.

    Parameters
    ----------
    rows
        As `budget_facts.budget_facts` gives them.
    rules
        `draws`, `caution`.
    rng
        Source of randomness.
    """
    if rows is None:
        return {}
    return {
        cell: fit_response(part, draws=rules.draws, caution=rules.caution, rng=rng)
        for cell, part in _cells(rows)
        if _levels(part) >= FEWEST_LEVELS
    }


def marginal_return(
    tried: Estimate, fitted: dict[Cell, Fitted], rules: LoyaltyRoiParams
) -> Estimate:
    """What one unit of money more on a member brings in the same year, by tier and level.

    Parameters
    ----------
    tried, fitted
        Results of `spend_tried` and `responses`.
    rules
        `conf_level`.

    Returns
    -------
    Estimate
        One row per `tier` and `programme_level` that tells: `n_accounts`, `n_account_years`,
        `n_spend_levels`, `spend_per_account` (in the latest year), `marginal_gain` (above 1 the
        money comes back within the year) with `marginal_low`, `marginal_high` (accounts drawn anew),
        `response_form` ("bends" or "straight line"), `conf_level`. Refused where spending never
        varied: a single amount tells nothing of another.
    """
    name = "marginal_return"
    if tried.refused:
        return refusal(name, tried.note.key, **tried.note.values)
    if not fitted:
        return _never_varied(name, tried)
    counts = tried.frame.set_index(["tier", "programme_level"])["n_spend_levels"]
    tails = [(1 - rules.conf_level) / 2, (1 + rules.conf_level) / 2]
    found = []
    for cell, fit in fitted.items():
        low, high = np.quantile(fit.draws, tails)
        found.append(
            {"tier": cell[0], "programme_level": cell[1], "n_accounts": fit.n_accounts,
             "n_account_years": fit.n_rows, "n_spend_levels": int(counts[cell]),
             "spend_per_account": fit.now, "marginal_gain": fit.marginal, "marginal_low": float(low),
             "marginal_high": float(high),
             "response_form": "bends" if _curved(fit) else "straight line",
             "conf_level": rules.conf_level}
        )  # fmt: skip
    frame = pd.DataFrame(found)
    best = frame.loc[frame["marginal_gain"].idxmax()]
    told = {
        "n": len(frame), "of": len(tried.frame), "tier": best["tier"], "at": best["programme_level"],
        "gain": best["marginal_gain"], "low": best["marginal_low"], "high": best["marginal_high"],
        "level": rules.conf_level, "accounts": best["n_accounts"],
    }  # fmt: skip
    curved = int((frame["response_form"] == "bends").sum())
    key = "loyalty_economics.some_straight" if curved < len(frame) else "loyalty_economics.all_bend"
    checks = (
        Check(
            "responses_bend", curved == len(frame), Sentence(key, {"n": curved, "of": len(frame)})
        ),
        Check("not_an_experiment", None, Sentence("loyalty_economics.not_drawn_by_lot")),
    )
    n_rows = int(frame["n_account_years"].sum())
    summary = one_row(n_rows, "least squares, accounts redrawn", rules.conf_level)
    return Estimate(name, frame, summary, Sentence("loyalty_economics.marginal", told), checks)


def allocation(tried: Estimate, fitted: dict[Cell, Fitted], rules: LoyaltyRoiParams) -> Estimate:
    """Split a budget over tiers and levels so that its last unit brings the same everywhere.

    By cautious curves: scaled so that the marginal return now is the one that `caution` of the draws
    stay below. No account is given less or more than was tried on one like it.

    Parameters
    ----------
    tried, fitted
        Results of `spend_tried` and `responses`.
    rules
        `budget` of a year (empty: what was spent on these in the latest one), `caution`.

    Returns
    -------
    Estimate
        One row per `tier` and `programme_level` whose curve bends: `n_accounts` (of the latest year),
        `spend_now` and `spend` (of all of them), `spend_change`, `gain_change` (per year, against
        now), `marginal_gain` (cautious, of one unit more). The summary has `budget`, `spent`, `gain`
        (sum of the changes) with `gain_low`, `gain_high` (accounts drawn anew, the bend held), `shadow_price`
        (cautious). Refused where spending never varied, no curve bends,
        none brings anything for sure, or the budget is less than the least that was tried.
    """
    name = "budget_allocation"
    if tried.refused:
        return refusal(name, tried.note.key, **tried.note.values)
    if not fitted:
        return _never_varied(name, tried)
    curved = {cell: fit for cell, fit in fitted.items() if _curved(fit)}
    if not curved:
        return refusal(name, "loyalty_economics.no_curve", n=len(fitted))
    cautious = {cell: _cautious(fit, rules.caution) for cell, fit in curved.items()}
    used = {cell: curved[cell] for cell, ceiling in cautious.items() if ceiling > 0}
    if not used:
        return refusal(name, "loyalty_economics.nothing_sure", n=len(curved), caution=rules.caution)
    now = {cell: fit.n_now * fit.now for cell, fit in used.items()}
    least = sum(fit.n_now * fit.low for fit in used.values())
    budget = rules.budget if rules.budget is not None else sum(now.values())
    if budget < least:
        return refusal(name, "loyalty_economics.budget_too_small", budget=budget, least=least)
    curves = [
        Response(
            f"{cell[0]} {cell[1]}", fit.n_now * cautious[cell], fit.pace / fit.n_now,
            0.0, fit.n_now * (fit.high - fit.low), FEWEST_LEVELS,
        )
        for cell, fit in used.items()
    ]  # fmt: skip
    split = allocate(curves, budget - least)
    frame = pd.DataFrame(
        {
            "tier": [tier for tier, _ in used],
            "programme_level": [level for _, level in used],
            "n_accounts": [fit.n_now for fit in used.values()],
            "spend_now": list(now.values()),
            "spend": split.frame["spend"] + [fit.n_now * fit.low for fit in used.values()],
            "marginal_gain": split.frame["marginal_gain"],
        }
    )
    today = [
        curve.ceiling * -np.expm1(-curve.pace * (now[cell] - fit.n_now * fit.low))
        for curve, (cell, fit) in zip(curves, used.items(), strict=True)
    ]
    frame["spend_change"] = frame["spend"] - frame["spend_now"]
    # split by caution, but told as the curves themselves have it: less spent may cost more, too
    change = (split.frame["gain"] - today).to_numpy() / [
        cautious[cell] / fit.ceiling for cell, fit in used.items()
    ]
    frame["gain_change"] = change
    drawn = change @ [fit.draws / fit.marginal for fit in used.values()]
    low, high = np.quantile(drawn, [(1 - rules.conf_level) / 2, (1 + rules.conf_level) / 2])
    told = {
        "budget": budget, "spent": float(frame["spend"].sum()), "now": sum(now.values()),
        "gain": float(change.sum()), "low": float(low), "high": float(high),
        "level": rules.conf_level, "shadow_price": float(split["shadow_price"]),
        "n": len(frame), "left": len(tried.frame) - len(frame), "caution": rules.caution,
    }  # fmt: skip
    key = "loyalty_economics.some_left_out" if told["left"] else "loyalty_economics.none_left_out"
    checks = (
        Check("whole_programme", not told["left"], Sentence(key, {"n": told["left"]})),
        Check("not_an_experiment", None, Sentence("loyalty_economics.not_drawn_by_lot")),
    )
    summary = one_row(
        len(frame), "equal marginal gain", rules.conf_level, budget=budget, spent=told["spent"],
        gain=told["gain"], gain_low=told["low"], gain_high=told["high"],
        shadow_price=told["shadow_price"],
    )  # fmt: skip
    columns = ["tier", "programme_level", "n_accounts", "spend_now", "spend", "spend_change",
               "gain_change", "marginal_gain"]  # fmt: skip
    note = Sentence("loyalty_economics.allocation", told)
    return Estimate(name, frame[columns], summary, note, checks)


def _cells(rows: pd.DataFrame) -> Iterator[tuple[Cell, pd.DataFrame]]:
    """Yield tiers and levels with their rows, best tier and lowest level first."""
    groups: dict[Cell, pd.DataFrame] = {
        (str(tier), int(level)): part
        for tier, of_tier in rows.groupby("tier")
        for level, part in of_tier.groupby(of_tier["level"].astype("int64"))
    }
    for cell in sorted(groups, key=lambda c: (_TIERS.get(c[0], len(_TIERS)), c[0], c[1])):
        yield cell, groups[cell]


def _levels(cell: pd.DataFrame) -> int:
    # what differs between years alone cannot be told from the years
    years = cell.groupby("years_ago")
    return max(spend_levels(year["named"], year["account_id"]) for _, year in years)


def _curved(fit: Fitted) -> bool:
    return bool(np.isfinite(fit.pace))


def _cautious(fit: Fitted, caution: float) -> float:
    """Return the ceiling at which the marginal return now is that of the cautious draw."""
    return fit.ceiling * float(np.quantile(fit.draws, caution)) / fit.marginal


def _never_varied(name: str, tried: Estimate) -> Estimate:
    return refusal(
        name, "loyalty_economics.never_varied", n=len(tried.frame), need=FEWEST_LEVELS,
        each=FEWEST_AT_A_LEVEL, most=int(tried.frame["n_spend_levels"].max()),
    )  # fmt: skip
