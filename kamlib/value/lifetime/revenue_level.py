"""The yearly revenue of accounts that stay: what it is now, and how far later years differ from it.

Learnt from the unit's own past: what would have been said of accounts that then stayed under contract
for a year is held against what came.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kamlib.value.lifetime.contract_facts import YEAR_DAYS, Terms

Floats = NDArray[np.float64]

MIN_PAIRS = 20  # past account-years below which nothing is said about how revenue moves
_OWN = np.array([0.9])
_BAND, _BANDS = 60, 6  # account-years in a band of like size; bands at the most
_WANDER = np.linspace(0.0, 0.15, 31)  # how far common growth may move from one year to the next
_FAR = 1.5  # log ratios beyond this say no more about the usual spread
_USUAL = 0.05  # scale of its half-normal prior


@dataclass(frozen=True, slots=True, eq=False)
class RevenueLevel:
    """What accounts bring in a year, and how that moved in the past.

    Attributes
    ----------
    base
        Yearly revenue of each account of the forecast before growth, shape (n,).
    bounds
        Largest base of each band of like size but the last, shape (bands - 1,).
    donors
        Revenue of later years ÷ the base of that time, less common growth: for each band, shape
        (account-years, years ahead); the last year known goes on.
    weights
        Base of each past account-year, by band; donors are drawn in proportion to it.
    growth, growth_error
        Logarithm of the common growth of each past year, the latest last, and its standard error.
    n_pairs
        Past account-years.
    """

    base: Floats
    own: float
    bounds: Floats
    donors: tuple[Floats, ...]
    weights: tuple[Floats, ...]
    growth: Floats
    growth_error: Floats
    n_pairs: int

    @property
    def known(self) -> bool:
        """Whether the past says how revenue moves; else it is taken to stay as it is."""
        return len(self.donors) > 0


@dataclass(frozen=True, slots=True, eq=False)
class _Years:
    """Accounts by year, the latest year first: revenue, contract value at its end, share of the year
    under contract until its end (0: not under contract then), whether it began anew in that year,
    whole years that it went on being under contract.
    """

    revenue: Floats
    value: Floats
    share: Floats
    stayed: Floats


def revenue_level(
    accounts: pd.Series,
    terms: Terms,
    chains: pd.DataFrame,
    revenue: pd.DataFrame,
) -> RevenueLevel:
    """Level of the accounts of a forecast, and what the unit's own past says about its course.

    Exponential smoothing: an account starts at its contract value times what a unit of contract value
    brings in the year, and each year's revenue moves its level by a share of the way, for a part of
    a year by that part of it. The share is the one that would have foretold past years best.

    Parameters
    ----------
    accounts
        Ids of the accounts of the forecast; each has a contract on the day.
    terms, chains, revenue
        `contract_facts.contract_terms`, `contract_courses.courses`, and
        `contract_facts.yearly_revenue` as a frame.

    References
    ----------
    Gardner, E. S. (2006). Exponential smoothing: the state of the art, part II. International
    Journal of Forecasting 22, 637–666. doi:10.1016/j.ijforecast.2006.03.005
    """
    ids, years = _years(terms, chains, revenue)
    pairs = _pairs(years)
    tried = [_levels(years, own) for own in _OWN]
    best = int(np.argmin([_error(years, level, pairs) for level in tried]))
    level, own = tried[best], 0.9
    past = pairs & (level > 0)
    base = level[pd.Index(ids).get_indexer(accounts), 0]
    if past.sum() < MIN_PAIRS:
        none = np.empty(0)
        return RevenueLevel(base, own, none, (), (), none, none, int(past.sum()))
    growth, error = _growth(years, level, past)
    account, ago = np.nonzero(past)
    then = level[account, ago]
    n_ahead = years.revenue.shape[1] - 1
    ahead = np.arange(1, n_ahead + 1)
    known = ahead <= np.minimum(years.stayed[account, ago], ago)[:, None]
    later = years.revenue[account[:, None], np.maximum(ago[:, None] - ahead, 0)]
    # growth[-1] brings base year 1 to base year 0; growth[-k] base year k to k - 1
    steps = np.append(0.0, np.cumsum(growth[::-1]))
    common = np.exp(steps[ago][:, None] - steps[np.maximum(ago[:, None] - ahead, 0)])
    ratio = np.where(known, np.maximum(later, 0.0) / then[:, None] / common, np.nan)
    ratio = _as_now(pd.DataFrame(ratio).ffill(axis=1).to_numpy(), ago)
    n_bands = int(np.clip(len(then) // _BAND, 1, _BANDS))
    bounds = np.quantile(then, np.arange(1, n_bands) / n_bands)
    band = np.searchsorted(bounds, then)
    return RevenueLevel(
        base, own, bounds, tuple(ratio[band == b] for b in range(n_bands)),
        tuple(then[band == b] for b in range(n_bands)), growth, error, len(then),
    )  # fmt: skip


def under_contract(chains: pd.DataFrame, day: pd.Timestamp, grace_days: int) -> pd.DataFrame:
    """Times of each account under contract, parallel and successive chains merged.

    Returns
    -------
    DataFrame
        One row per account and spell: `account_id`, `first`, `last` (`day` where it goes on).
    """
    rows = chains[["account_id", "begins_on"]].assign(
        last=chains["stopped_on"].where(chains["state"].isin(("lost", "switched")), day)
    )
    rows = rows.sort_values(["account_id", "begins_on"], ignore_index=True)
    reach = rows.groupby("account_id")["last"].cummax()
    before = reach.groupby(rows["account_id"]).shift()
    new = ~(rows["begins_on"] - before <= pd.Timedelta(days=grace_days + 1))
    spells = rows.groupby(new.cumsum())
    return spells.agg(
        account_id=("account_id", "first"), first=("begins_on", "min"), last=("last", "max")
    ).reset_index(drop=True)


def draw_growth(level: RevenueLevel, n_years: int, draws: int, rng: np.random.Generator) -> Floats:
    """Common growth of the years ahead, one path per draw, as factors on the base.

    The growth of a year is that of the year before and a step; how large steps are is learnt from the
    unit's past years (prior: half-normal of scale 0.05), and so is how surely past growth is known.

    Returns
    -------
    ndarray
        Shape (draws, n_years).

    References
    ----------
    Durbin, J. and Koopman, S. J. (2012). Time Series Analysis by State Space Methods, 2nd ed.,
    Oxford, chapter 2 (local level).
    """
    if not level.known:
        return np.ones((draws, n_years))
    mean = np.full(len(_WANDER), level.growth[0])
    spread = np.full(len(_WANDER), level.growth_error[0] ** 2)
    weight = -0.5 * (_WANDER / _USUAL) ** 2
    for value, error in zip(level.growth[1:], level.growth_error[1:], strict=True):
        ahead = spread + _WANDER**2
        total = ahead + error**2
        weight = weight - 0.5 * (np.log(total) + (value - mean) ** 2 / total)
        gain = ahead / total
        mean, spread = mean + gain * (value - mean), ahead * (1 - gain)
    chance = np.exp(weight - weight.max())
    chosen = rng.choice(len(_WANDER), draws, p=chance / chance.sum())
    start = mean[chosen] + np.sqrt(spread[chosen]) * rng.standard_normal(draws)
    steps = _WANDER[chosen, None] * rng.standard_normal((draws, n_years))
    return np.exp(np.cumsum(start[:, None] + np.cumsum(steps, axis=1), axis=1))


def draw_ratios(
    level: RevenueLevel, part: slice, n_years: int, draws: int, rng: np.random.Generator
) -> list[Floats]:
    """Level of accounts in each year ahead, relative to base and common growth.

    Every draw gives an account the later years of one past account-year of like size.

    Returns
    -------
    list of ndarray
        One array of shape (draws, accounts) per year.
    """
    base = level.base[part]
    found = [np.ones((draws, len(base))) for _ in range(n_years)]
    if not level.known:
        return found
    band = np.searchsorted(level.bounds, base)
    for b, (donors, weights) in enumerate(zip(level.donors, level.weights, strict=True)):
        here = np.flatnonzero(band == b)
        edges = np.cumsum(weights)
        u = rng.random((draws, len(here))) * edges[-1]
        donor = np.searchsorted(edges, u, side="right").clip(max=len(edges) - 1)
        for year in range(n_years):
            found[year][:, here] = donors[donor, min(year, donors.shape[1] - 1)]
    return found


def _years(terms: Terms, chains: pd.DataFrame, revenue: pd.DataFrame) -> tuple[pd.Index, _Years]:
    """Return the accounts ever under contract, and their years up to the day."""
    day = pd.Timestamp(terms.day)
    spells = under_contract(chains, day, terms.grace_days)
    ids = pd.Index(spells["account_id"].unique())
    ordered = revenue.groupby("account_id")["first_order_on"].min().reindex(spells["account_id"])
    # one that has never been without a contract may have bought before it had one
    first_spell = ~spells["account_id"].duplicated()
    bought = ordered.reset_index(drop=True).where(first_spell)
    spells["since"] = spells["first"].where(~(bought < spells["first"]), bought)
    whole = ((day - revenue["first_order_on"].min()).days + 1) // YEAR_DAYS if len(revenue) else 0
    n_years = max(int(whole), 1)
    table = revenue.pivot(index="account_id", columns="years_ago", values="revenue")
    amounts = table.reindex(index=ids, columns=range(n_years)).fillna(0.0).to_numpy()
    shape = (len(ids), n_years)
    value, share, stayed = (np.zeros(shape) for _ in range(3))
    place = ids.get_indexer(spells["account_id"])
    for k in range(n_years):
        on = day - pd.Timedelta(days=YEAR_DAYS * k)
        there = ((spells["first"] <= on) & (spells["last"] >= on)).to_numpy()
        row, spell = place[there], spells[there]
        days = (on - spell["since"]).dt.days.to_numpy() + 1.0
        share[row, k] = np.minimum(days / YEAR_DAYS, 1.0)
        stayed[row, k] = (spell["last"] - on).dt.days.to_numpy() // YEAR_DAYS
        value[:, k] = _value(terms.frame, on).reindex(ids).fillna(0.0)
    return ids, _Years(amounts, value, share, stayed)


def _value(frame: pd.DataFrame, day: pd.Timestamp) -> pd.Series:
    """Return the yearly value of the contracts of each account in force on a day."""
    last = frame["stopped_on"].fillna(frame["ends_on"])
    waits = frame["outcome"] == "waiting"
    there = frame[(frame["starts_on"] <= day) & ((last >= day) | waits)]
    return there.groupby("account_id")["value_per_year"].sum()


def _pairs(years: _Years) -> NDArray[np.bool_]:
    """Return which account-years were whole and followed by another whole year under contract."""
    found = (years.share >= 1) & (years.stayed >= 1)
    found[:, 0] = False
    return np.asarray(found)


def _levels(years: _Years, own: float) -> Floats:
    """Return the level of each account at the end of each year; 0 where it has no contract."""
    whole = np.where(years.share >= 1, 1.0, 0.0)
    # revenue per unit of contract value in each year, of accounts that were there all year
    worth = (whole * years.value).sum(axis=0)
    some = np.where(worth > 0, whole, years.share)
    worth = (some * years.value).sum(axis=0)
    rate = np.maximum((some * years.revenue).sum(axis=0), 0.0) / np.where(worth > 0, worth, 1.0)
    known = years.share > 0
    yearly = years.revenue / np.where(known, years.share, 1.0)
    typical = np.where(years.value > 0, rate * years.value, yearly)
    year = years.revenue + (1 - years.share) * typical
    return np.where(known, np.maximum(own * year + (1 - own) * typical, 0.0), 0.0)


def _error(years: _Years, level: Floats, past: NDArray[np.bool_]) -> float:
    """Return the squared relative error of the years after, common growth taken out."""
    total = 0.0
    for k in np.flatnonzero(past.any(axis=0)):
        here = past[:, k]
        base, came, value = level[here, k], years.revenue[here, k - 1], years.value[here, k]
        now = np.maximum(years.revenue[here, k], 0.0)
        size = (now + value * now.sum() / max(value.sum(), 1e-9)) / 2
        growth = came.sum() / max(base.sum(), 1e-9)
        use = size > 0
        total += float((((came - growth * base)[use] / size[use]) ** 2).sum())
    return total


def _as_now(ratio: Floats, ago: NDArray[np.int64]) -> Floats:
    """Return ratios of past years with the spread of the latest one; see `revenue_level`."""
    log = np.log(np.where(ratio > 0, ratio, 1.0))
    spread = np.full(int(ago.max()) + 1, np.nan)
    for k in range(1, len(spread)):
        here = (ago == k) & (ratio[:, 0] > 0)
        if here.sum() >= MIN_PAIRS:
            spread[k] = np.abs(np.clip(log[here, 0], -_FAR, _FAR)).mean()
    factor = np.nan_to_num(spread[1] / spread, nan=1.0)[ago]
    return np.where(ratio > 0, np.exp(log * factor[:, None]), ratio)


def _growth(years: _Years, level: Floats, past: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Return log growth of the years after the base years, the latest last, and standard errors."""
    growth, errors = [], []
    for k in range(int(np.flatnonzero(past.any(axis=0)).max()), 0, -1):
        here = past[:, k]
        base, came = level[here, k], years.revenue[here, k - 1]
        total = base.sum()
        if not (total > 0 and came.sum() > 0):
            growth.append(0.0)
            errors.append(1.0)
            continue
        rate = came.sum() / total
        growth.append(np.log(rate))
        errors.append(np.sqrt(((came - rate * base) ** 2).sum()) / total / rate)
    return np.array(growth), np.maximum(np.array(errors), 1e-4)
