"""What accounts under contract will bring: renewals, revenue, contribution, each with an interval."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from kamlib.glossary import Sentence
from kamlib.results import Check, Estimate, refusal
from kamlib.value.lifetime.contract_courses import IN_FORCE
from kamlib.value.lifetime.contract_facts import YEAR_DAYS, Terms
from kamlib.value.lifetime.contract_lives import Endings, fit_endings, play
from kamlib.value.lifetime.outlook import Outlook
from kamlib.value.lifetime.predict import NAMES, Interval, Prediction, limits, tails
from kamlib.value.lifetime.renewals import MIN_LOST
from kamlib.value.lifetime.revenue_level import (
    RevenueLevel,
    draw_growth,
    draw_ratios,
    revenue_level,
)

Floats = NDArray[np.float64]

_BLOCK = 200_000  # chain-draws at work at a time; these stay in the cache
_ASIDE = 0.10  # share of revenue of accounts without a contract above which the check fails
_CLASSES = ((0, "0"), (1, "1"), (2, "2–3"), (4, "4+"))


def contract_accounts(chains: pd.DataFrame) -> pd.Series:
    """Return the ids of accounts with a contract that runs or waits, in the order of the forecast."""
    held = chains.loc[chains["state"].isin(IN_FORCE), "account_id"]
    return held.drop_duplicates().sort_values(ignore_index=True)


def contractual(
    terms: Terms,
    chains: pd.DataFrame,
    revenue: pd.DataFrame,
    *,
    margin_rate: ArrayLike,
    cost_per_day: ArrayLike,
    margin_known: bool,
    horizon_days: float,
    discount: float,
    conf_level: float,
    account_level: float,
    draws: int,
    rng: np.random.Generator,
) -> Outlook | Estimate:
    """What the accounts under contract on a day will bring from there to the horizon.

    Each draw takes one set of parameters and plays every chain of contracts forward: is it lost
    within its term, at the end of it, or renewed for as long again. An account's yearly revenue, all
    of it, is split over its chains by contract value and stops with them. What an account that stays
    brings in a later year is its level now, moved by what lasts of its own growth, times the growth
    that all share, times the course of a past account of like size.

    Parameters
    ----------
    terms, chains, revenue
        `contract_facts.contract_terms`, `contract_courses.courses`, and
        `contract_facts.yearly_revenue` as a frame.
    margin_rate, cost_per_day
        Of the accounts of `contract_accounts`, shape (draws, n) or (n,).
    margin_known
        Whether margin and cost are known.
    horizon_days
        How far ahead.
    discount
        Continuous rate per day.
    conf_level, draws, rng
        Level of the intervals; futures drawn; source of randomness.
    account_level
        Level at which limits of single accounts' money are taken; see `rehearse_contracts`.

    Returns
    -------
    Outlook or Estimate
        The forecast; `accounts` has, besides, `p_stay`, the chance to be under contract at the end of
        the horizon, and `p_alive`: 1 for a contract that runs on, the chance of renewal for one that
        ends on the day or waits. A refusal where no contract is in force, none has a value, or too
        few were lost to say how they end.
    """
    held = chains[chains["state"].isin(IN_FORCE)].sort_values("account_id", kind="stable")
    held = held.reset_index(drop=True)
    if chains.empty:
        return refusal("contractual", "contractual.no_contracts")
    if held.empty:
        return refusal("contractual", "contractual.none_running", n=len(chains), day=terms.day)
    if not held["value_per_year"].gt(0).any():
        return refusal("contractual", "contractual.no_value", n=len(held))
    endings = fit_endings(terms, chains, draws=draws, rng=rng)
    if not endings.fits:
        values = {"n": len(chains), "n_lost": int(chains["lost"].sum()), "need": MIN_LOST}
        return refusal("contractual", "contractual.too_few_lost", **values)
    accounts = contract_accounts(chains)
    level = revenue_level(accounts, terms, chains, revenue)
    day = pd.Timestamp(terms.day)
    until = day + pd.Timedelta(days=horizon_days)
    months = pd.date_range(day, until, freq="ME", inclusive="right").union([until.normalize()])
    times = (months - day).days.to_numpy(dtype=np.float64)
    times[-1] = horizon_days
    prediction, chances, path = _forecast(
        endings, held, level, np.asarray(margin_rate, dtype=np.float64),
        np.asarray(cost_per_day, dtype=np.float64), times, day=day, discount=discount,
        conf_level=conf_level, account_level=account_level, rng=rng,
    )  # fmt: skip
    last_year = revenue[revenue["years_ago"] == 0].set_index("account_id")["revenue"]
    main = held.loc[held.groupby("account_id")["value_per_year"].idxmax()]
    behind = np.searchsorted([n for n, _ in _CLASSES], main["renewals"], side="right") - 1
    frame = pd.DataFrame(
        {
            "account_id": accounts,
            "activity_class": np.array([name for _, name in _CLASSES], dtype=object)[behind],
            **chances,
            "naive_revenue": last_year.reindex(accounts).fillna(0.0).to_numpy()
            * horizon_days / YEAR_DAYS,
            "days_since_last": np.nan,
        }
    )  # fmt: skip
    by_month = pd.DataFrame({"month": months, **path})
    model = " + ".join(dict.fromkeys(fit.model.name for fit in endings.fits))
    checks = (*_fit_checks(endings), _level_check(level), _aside(last_year, accounts))
    return Outlook(
        "contracts", model, terms.day, float(horizon_days), frame, by_month, prediction, margin_known,
        checks,
    )  # fmt: skip


def _forecast(
    endings: Endings,
    held: pd.DataFrame,
    level: RevenueLevel,
    margin_rate: Floats,
    cost_per_day: Floats,
    times: Floats,
    *,
    day: pd.Timestamp,
    discount: float,
    conf_level: float,
    account_level: float,
    rng: np.random.Generator,
) -> tuple[Prediction, dict[str, Floats], dict[str, Floats]]:
    """Return the prediction, chances of each account, and what is expected by each time."""
    draws, horizon = len(endings.late), float(times[-1])
    code, _ = pd.factorize(held["account_id"])
    n = len(level.base)
    first = np.searchsorted(code, np.arange(n + 1))
    n_years = int(np.ceil(horizon / YEAR_DAYS - 1e-9))
    growth = draw_growth(level, n_years, draws, rng)
    share = held["share"].to_numpy()
    # every piece of time lies within one year ahead and between two times asked for
    cuts = np.unique(np.concatenate([[0.0], YEAR_DAYS * np.arange(1, n_years), times]))
    sums = {name: np.zeros(draws) for name in NAMES}
    found: dict[str, list[Floats]] = {name: [] for name in NAMES}
    negative, alive, stay = np.empty(n), np.empty(n), np.empty(n)
    earned_by, renewed_by = np.zeros(len(cuts)), np.zeros(len(times))
    stated, wide = tails(conf_level), tails(account_level)
    for part in _parts(first, max(1, _BLOCK // draws)):
        rows = slice(first[part.start], first[part.stop])
        starts = first[part] - first[part.start]
        lives = play(endings, held.iloc[rows], day, rng)
        rates = [
            level.base[part] * ratio * growth[:, [year]] / YEAR_DAYS
            for year, ratio in enumerate(draw_ratios(level, part, n_years, draws, rng))
        ]
        total, present = np.zeros((2, draws, len(starts)))
        for step, (since, until) in enumerate(pairwise(cuts), 1):
            days = np.clip(lives.lived - since, 0.0, until - since) * share[rows]
            amount = rates[int(since // YEAR_DAYS)] * np.add.reduceat(days, starts, axis=1)
            total += amount
            # within a piece, a month at the most, discounting is that of its middle
            present += amount * np.exp(-discount * (since + until) / 2)
            earned_by[step] += amount.sum() / draws
        for step, time in enumerate(times):
            renewed_by[step] += lives.renewals(time).sum() / draws
        count = np.add.reduceat(lives.renewals(horizon), starts, axis=1)
        lived = np.minimum(np.maximum.reduceat(lives.lived, starts, axis=1), horizon)
        paid = lived if discount == 0 else -np.expm1(-discount * lived) / discount
        margin = _part(margin_rate, n, part) * present
        cost = _part(cost_per_day, n, part) * paid
        values = (count, total, margin, cost, margin - cost)
        for name, value in zip(NAMES, values, strict=True):
            sums[name] += value.sum(axis=1)
            found[name].append(limits(value, stated if name == "purchases" else wide))
        negative[part] = (values[-1] < 0).mean(axis=0)
        alive[part], stay[part] = (lived > 0).mean(axis=0), (lived >= horizon).mean(axis=0)
    each = {name: Interval(*np.concatenate(found[name], axis=1)) for name in NAMES}
    unit = {
        name: Interval(np.asarray(value.mean()), *np.quantile(value, stated)[:, None][..., 0])
        for name, value in sums.items()
    }
    by = np.cumsum(earned_by)[np.searchsorted(cuts, times)]
    path = {"expected_purchases": renewed_by, "expected_revenue": by}
    prediction = Prediction(each, unit, sums, negative, conf_level)
    return prediction, {"p_alive": alive, "p_stay": stay}, path


def _parts(first: NDArray[np.int64], size: int) -> list[slice]:
    """Return runs of accounts with about as many chains each."""
    cuts = np.searchsorted(first, np.append(np.arange(0, first[-1], size), first[-1]))
    return [slice(int(a), int(b)) for a, b in pairwise(np.unique(cuts))]


def _part(values: Floats, n: int, part: slice) -> Floats:
    return values[..., part] if values.shape[-1:] == (n,) else values


def _fit_checks(endings: Endings) -> list[Check]:
    """Return what the models of how contracts end rest on, and how sure they are."""
    checks = []
    for found in endings.fits:
        name = "_".join(found.classes)
        kind = name if len(found.classes) == 1 else "merged"
        values: dict[str, Any] = {
            "n": found.rows.n_obs, "n_lost": found.rows.n_lost, "model": found.model.name,
            "early": float(np.median(found.posterior.natural[:, -2])),
        }  # fmt: skip
        trusted = found.posterior.check
        checks += [
            Check(f"contracts_{name}", True, Sentence(f"contractual.{kind}", values)),
            Check(f"contracts_{name}_draws", trusted.passed, trusted.note),
        ]
    return checks


def _level_check(level: RevenueLevel) -> Check:
    """Return whether the past says how revenue of accounts that stay moves."""
    if level.settled is None:
        return Check("revenue_level", None, Sentence("contractual.level_unknown"))
    values = {
        "n": len(level.settled.sizes), "years": len(level.growth),
        "last": float(np.expm1(level.growth[-1])),
    }  # fmt: skip
    return Check("revenue_level", True, Sentence("contractual.level", values))


def _aside(last_year: pd.Series, accounts: pd.Series) -> Check:
    """Return how many accounts brought revenue in the last year and have no contract in force."""
    loose = last_year[~last_year.index.isin(accounts) & (last_year > 0)]
    whole = float(last_year[last_year > 0].sum())
    share = float(loose.sum()) / whole if whole > 0 else 0.0
    values = {"n": len(loose), "revenue": float(loose.sum()), "share": share}
    key = "contractual.all_bound" if loose.empty else "contractual.aside"
    return Check("accounts_bound", share <= _ASIDE, Sentence(key, values))
