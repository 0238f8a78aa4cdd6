"""The yearly revenue of accounts that stay: what it is now, and how far later years differ from it.

Learnt from the unit's own past: what would have been said of accounts that then stayed under contract
for a year is held against what came.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kamlib.value.lifetime.contract_courses import IN_FORCE
from kamlib.value.lifetime.contract_facts import YEAR_DAYS, Terms
from kamlib.value.lifetime.own_trend import MIN_PAIRS, own_trend

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_OWN = 0.9  # part of an account's level that its own revenue makes up
_LIKE = 80  # past account-years of like size that an account may be given, or a tenth of all
_FAR = 1.5  # log ratios beyond this say no more about the usual spread
_WANDER = np.linspace(0.0, 0.15, 61)  # how far common growth may move from one year to the next
_RARE, _SELDOM = 0.05, 0.01  # a wander beyond the first has the second for its prior chance


@dataclass(frozen=True, slots=True, eq=False)
class Donors:
    """Past account-years whose later course accounts of like size may be given, by size.

    Attributes
    ----------
    sizes
        Level of that time, rising, shape (m,).
    ratios
        Revenue of the years after ÷ that level, less common growth, shape (m, years); the last year
        known goes on.
    """

    sizes: Floats
    ratios: Floats

    @property
    def width(self) -> int:
        """How many of like size an account may be given."""
        return min(len(self.sizes), max(_LIKE, len(self.sizes) // 10))

    @property
    def blur(self) -> float:
        """Standard deviation by which log ratios are blurred: few donors leave gaps and no tails."""
        first = self.ratios[self.ratios[:, 0] > 0, 0]
        low, high = np.quantile(np.log(first), [0.25, 0.75]) if len(first) else (0.0, 0.0)
        return float(0.9 * (high - low) / 1.34 * self.width**-0.2)

    def window(self, place: Ints) -> Ints:
        """Return where those of like size begin."""
        return np.asarray(np.clip(place - self.width // 2, 0, len(self.sizes) - self.width))


@dataclass(frozen=True, slots=True, eq=False)
class RevenueLevel:
    """What accounts bring in a year, and how that moved in the past.

    Attributes
    ----------
    base
        Yearly revenue of each account of the forecast before growth, shape (n,).
    is_new
        Whether the account came within the last year, shape (n,).
    settled, newcomers
        Past account-years of either kind; None where there are fewer than 20.
    growth, growth_error
        Logarithm of the common growth of each past year, the latest last, and its standard error.
    """

    base: Floats
    is_new: NDArray[np.bool_]
    settled: Donors | None
    newcomers: Donors | None
    growth: Floats
    growth_error: Floats


@dataclass(frozen=True, slots=True, eq=False)
class _Years:
    """Accounts by year, the latest year first, each array of shape (accounts, years).

    `revenue`; `value` of the contracts in force at the year's end; `share` of the year since the
    account came (0: without a contract at its end); whole years that it stayed after it.
    """

    revenue: Floats
    value: Floats
    share: Floats
    stayed: Ints


def revenue_level(
    accounts: pd.Series, terms: Terms, chains: pd.DataFrame, revenue: pd.DataFrame
) -> RevenueLevel:
    """Level of the accounts of a forecast, and what the unit's own past says about its course.

    The level is the revenue of the last 365 days, drawn by a tenth towards what the account's
    contract value usually brings, so that one that happened to buy nothing is not written off. Of an
    account that came within the year, the part before is filled in from its contract value. It then
    moves by as much of the account's own growth as is seen to last (`own_trend`).

    The same is computed for the ends of past years, and held against the years that followed for
    accounts that stayed. Log ratios of older years are stretched to the spread of the latest.

    Parameters
    ----------
    accounts
        Ids of the accounts of the forecast; each has a contract on the day.
    terms, chains, revenue
        `contract_facts.contract_terms`, `contract_courses.courses`, and
        `contract_facts.yearly_revenue` as a frame.
    """
    ids, years = _years(terms, chains, revenue)
    level = _levels(years)
    here = ids.get_indexer(pd.Index(accounts))
    is_new = years.share[here, 0] < 1
    past = (level > 0) & (years.stayed >= 1)
    past[:, 0] = False
    settled = past & (years.share >= 1)
    if settled.sum() < MIN_PAIRS:
        return RevenueLevel(level[here, 0], is_new, None, None, np.empty(0), np.empty(0))
    level = level * own_trend(level, years.revenue, settled)
    growth, error = _growth(years, level, settled)
    return RevenueLevel(
        level[here, 0], is_new, _donors(years, level, settled, growth),
        _donors(years, level, past & ~settled, growth), growth, error,
    )  # fmt: skip


def under_contract(chains: pd.DataFrame, day: pd.Timestamp, grace_days: int) -> pd.DataFrame:
    """Times of each account under contract, parallel and successive chains merged.

    Returns
    -------
    DataFrame
        One row per account and spell: `account_id`, `first`, `last` (`day` where it goes on).
    """
    rows = chains[["account_id", "begins_on"]].assign(
        last=chains["stopped_on"].where(~chains["state"].isin(IN_FORCE), day)
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
    unit's past years, and so is how surely past growth is known. A few years say little of how
    large steps are: the prior of their standard deviation is exponential, with a chance of 1 % to be
    above 0.05, so that growth is steady unless the past shows that it is not.

    Returns
    -------
    ndarray
        Shape (draws, n_years).

    References
    ----------
    Durbin, J. and Koopman, S. J. (2012). Time Series Analysis by State Space Methods, 2nd ed.,
    Oxford, chapter 2 (local level).
    Simpson, D., Rue, H., Riebler, A., Martins, T. G. and Sørbye, S. H. (2017). Penalising model
    component complexity. Statistical Science 32, 1–28 (the prior). doi:10.1214/16-STS576
    """
    if not len(level.growth):
        return np.ones((draws, n_years))
    mean = np.full(len(_WANDER), level.growth[0])
    spread = np.full(len(_WANDER), level.growth_error[0] ** 2)
    weight = np.log(_SELDOM) * _WANDER / _RARE
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
    return np.asarray(np.exp(np.cumsum(start[:, None] + np.cumsum(steps, axis=1), axis=1)))


def draw_ratios(
    level: RevenueLevel, part: slice, n_years: int, draws: int, rng: np.random.Generator
) -> list[Floats]:
    """Level of accounts in each year ahead, relative to base and common growth.

    Every draw gives an account the later years of one past account-year of like size and kind.

    Returns
    -------
    list of ndarray
        One array of shape (draws, accounts) per year.
    """
    base, is_new = level.base[part], level.is_new[part]
    found = [np.ones((draws, len(base))) for _ in range(n_years)]
    for donors, kind in ((level.settled, ~is_new), (level.newcomers or level.settled, is_new)):
        if donors is None:
            continue
        here = np.flatnonzero(kind)
        first = donors.window(np.searchsorted(donors.sizes, base[here]))
        chosen = first + rng.integers(donors.width, size=(draws, len(here)))
        blur = np.exp(donors.blur * rng.standard_normal(chosen.shape) - donors.blur**2 / 2)
        for year in range(n_years):
            last = donors.ratios.shape[1] - 1
            found[year][:, here] = donors.ratios[chosen, min(year, last)] * blur
    return found


def _years(terms: Terms, chains: pd.DataFrame, revenue: pd.DataFrame) -> tuple[pd.Index, _Years]:
    """Return the accounts ever under contract, and their years up to the day."""
    day = pd.Timestamp(terms.day)
    revenue = revenue.assign(first_order_on=pd.to_datetime(revenue["first_order_on"]))
    spells = under_contract(chains, day, terms.grace_days)
    ids = pd.Index(spells["account_id"].unique())
    ordered = revenue.groupby("account_id")["first_order_on"].min().reindex(spells["account_id"])
    # one that has never been without a contract may have bought before it had one
    bought = ordered.reset_index(drop=True).where(~spells["account_id"].duplicated())
    since = spells["first"].where(~(bought < spells["first"]), bought)
    whole = ((day - revenue["first_order_on"].min()).days + 1) // YEAR_DAYS if len(revenue) else 0
    n_years = max(int(whole), 1)
    table = revenue.pivot(index="account_id", columns="years_ago", values="revenue")
    amounts = table.reindex(index=ids, columns=range(n_years)).fillna(0.0).to_numpy()
    value, share = np.zeros(amounts.shape), np.zeros(amounts.shape)
    stayed = np.zeros(amounts.shape, dtype=np.int64)
    place = ids.get_indexer(pd.Index(spells["account_id"]))
    for k in range(n_years):
        on = day - pd.Timedelta(days=YEAR_DAYS * k)
        there = ((spells["first"] <= on) & (spells["last"] >= on)).to_numpy()
        days = (on - since[there]).dt.days.to_numpy() + 1.0
        share[place[there], k] = np.minimum(days / YEAR_DAYS, 1.0)
        stayed[place[there], k] = (spells["last"][there] - on).dt.days.to_numpy() // YEAR_DAYS
        value[:, k] = _value(terms.frame, on).reindex(ids).fillna(0.0)
    return ids, _Years(amounts, value, share, stayed)


def _value(frame: pd.DataFrame, day: pd.Timestamp) -> pd.Series:
    """Return the yearly value of the contracts of each account in force on a day."""
    last = frame["stopped_on"].fillna(frame["ends_on"])
    waits = frame["outcome"] == "waiting"
    there = frame[(frame["starts_on"] <= day) & ((last >= day) | waits)]
    return there.groupby("account_id")["value_per_year"].sum()


def _levels(years: _Years) -> Floats:
    """Return the level of each account at the end of each year; 0 where it has no contract."""
    valued = np.where(years.value > 0, years.share, 0.0)
    whole = np.where(valued >= 1, 1.0, 0.0)
    # revenue per unit of contract value in each year, of accounts that were there all year
    some = np.where(whole.any(axis=0), whole, valued)
    worth = (some * years.value).sum(axis=0)
    brought = np.maximum((years.revenue * (some > 0)).sum(axis=0), 0.0)
    known = years.share > 0
    yearly = years.revenue / np.where(known, years.share, 1.0)
    typical = np.where(
        years.value > 0, brought / np.where(worth > 0, worth, 1.0) * years.value, yearly
    )
    year = years.revenue + (1 - years.share) * typical
    return np.where(known, np.maximum(_OWN * year + (1 - _OWN) * typical, 0.0), 0.0)


def _growth(years: _Years, level: Floats, past: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Return log growth of the years after past levels, the latest last, and standard errors."""
    growth, errors = [], []
    for k in range(int(np.flatnonzero(past.any(axis=0)).max()), 0, -1):
        here = past[:, k]
        base, came = level[here, k], years.revenue[here, k - 1]
        if not (base.sum() > 0 and came.sum() > 0):
            growth.append(0.0)
            errors.append(1.0)
            continue
        rate = came.sum() / base.sum()
        growth.append(np.log(rate))
        errors.append(np.sqrt(((came - rate * base) ** 2).sum()) / came.sum())
    return np.array(growth), np.maximum(np.array(errors), 1e-4)


def _donors(years: _Years, level: Floats, past: NDArray[np.bool_], growth: Floats) -> Donors | None:
    """Return the later years of past account-years, relative to level and common growth."""
    account, ago = np.nonzero(past)
    if len(account) < MIN_PAIRS:
        return None
    sizes = level[account, ago]
    ahead = np.arange(1, years.revenue.shape[1])
    until = np.maximum(ago[:, None] - ahead, 0)
    # growth[-k] brings the level of k years ago on by a year
    steps = np.append(0.0, np.cumsum(growth[::-1]))
    steps = np.pad(steps, (0, max(int(ago.max()) + 1 - len(steps), 0)), mode="edge")
    common = np.exp(steps[ago][:, None] - steps[until])
    known = ahead <= np.minimum(years.stayed[account, ago], ago)[:, None]
    later = np.maximum(years.revenue[account[:, None], until], 0.0)
    ratios = pd.DataFrame(np.where(known, later / sizes[:, None] / common, np.nan))
    order = np.argsort(sizes, kind="stable")
    sizes, stretched = sizes[order], _as_now(ratios.ffill(axis=1).to_numpy(), ago)[order]
    found = Donors(sizes, stretched)
    # totals must be those of the past: what each would be given on average, against what it had
    first = found.window(np.arange(len(sizes)))
    sums = np.vstack([np.zeros(len(ahead)), np.cumsum(stretched, axis=0)])
    given = sizes @ (sums[first + found.width] - sums[first]) / found.width
    had = sizes @ ratios.ffill(axis=1).to_numpy()[order]
    return Donors(
        sizes, stretched * np.where(given > 0, had / np.where(given > 0, given, 1.0), 1.0)
    )


def _as_now(ratios: Floats, ago: Ints) -> Floats:
    """Return ratios of past years with the spread of the latest year."""
    log = np.log(np.where(ratios > 0, ratios, 1.0))
    spread = np.full(int(ago.max()) + 1, np.nan)
    for k in range(1, len(spread)):
        here = (ago == k) & (ratios[:, 0] > 0)
        if here.sum() >= MIN_PAIRS:
            spread[k] = np.abs(np.clip(log[here, 0], -_FAR, _FAR)).mean()
    factor = np.nan_to_num(spread[1] / spread, nan=1.0)[ago]
    return np.where(ratios > 0, np.exp(log * factor[:, None]), ratios)
