"""Fourteen worlds with known truth, in which the ladder of evidence must find its rung.

36 months; s and l are normal. Log contribution of an account and month is
7 + .8 s + .25 l + .1 sin(2 π t ÷ 12) + .004 t + u + e, u an AR(1) of .7 with spread .25, e of spread .30.
The programme starts in month 12 and adds .05 + .06 exp(−k ÷ 3) to it after k months. What differs from
world to world stands in its function. l is known to nobody.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from kamlib.loyalty.ladder.evidence import Records
from kamlib.loyalty.ladder.retained import Stays

MONTHS, START = 36, 12


@dataclass(frozen=True)
class World:
    """Records as a unit would have them, and what only the maker of the world knows."""

    name: str
    panel: pd.DataFrame
    accounts: pd.DataFrame
    truth: float
    expected: tuple[str, ...]
    code: str = ""
    more: dict[str, Any] = field(default_factory=dict)


def records(world: World, **more: Any) -> Records:
    """Return the records that a unit would give of a world of accounts × months."""
    told = {"covariates": ("size",)} | world.more | more
    return Records(world.panel, world.accounts, "contribution", **told)


def stays(world: World) -> Stays:
    """Return the records that a unit would give of a world of stays."""
    return Stays(world.accounts, world.more["last"], world.more["landmark"], ("size",))


class _Maker:
    """Draws accounts; the programme is added once it is known who joins when."""

    def __init__(self, seed: int, n: int, slope: float = 0.0, group: int = 0) -> None:
        self.rng, self.n = np.random.default_rng(seed), n
        self.size, self.hidden = self.rng.normal(size=(2, n))
        self.parent = np.arange(n) // group if group else np.arange(n)
        at = np.arange(MONTHS)
        shock = self.rng.normal(size=(n, MONTHS)) * 0.25 * np.sqrt(1 - 0.7**2)
        u = np.empty((n, MONTHS))
        u[:, 0] = shock[:, 0] / np.sqrt(1 - 0.7**2)
        for t in at[1:]:
            u[:, t] = 0.7 * u[:, t - 1] + shock[:, t]
        if group:
            # u of a group's accounts shares .3 of its variance
            whole = self.rng.normal(size=(self.parent.max() + 1, 1))[self.parent]
            u = np.sqrt(0.7) * u + np.sqrt(0.3) * 0.25 * whole
        level = 7 + 0.8 * self.size + 0.25 * self.hidden
        course = 0.1 * np.sin(2 * np.pi * at / 12) + 0.004 * at
        trend = slope * self.hidden[:, None] * at
        self.noise = u + 0.3 * self.rng.normal(size=(n, MONTHS))
        self.log = level[:, None] + course + trend + self.noise

    def joins(self, odds: np.ndarray | float) -> np.ndarray:
        return self.rng.random(self.n) < 1 / (1 + np.exp(-np.broadcast_to(odds, self.n)))

    def whole_groups(self) -> np.ndarray:
        groups = self.parent.max() + 1
        return np.isin(self.parent, self.rng.permutation(groups)[: groups // 2])

    def lot(self) -> np.ndarray:
        return np.isin(np.arange(self.n), self.rng.permutation(self.n)[: self.n // 2])

    def world(
        self, name: str, start: np.ndarray, expected: str, code: str = "", *, effect: float = 1.0,
        assigned: np.ndarray | None = None, extra: np.ndarray | float = 0.0, whom: str = "all",
        **more: Any,
    ) -> World:  # fmt: skip
        k = np.arange(MONTHS) - np.where(np.isnan(start), 10_000, start)[:, None]
        first = int(np.nanmin(start))
        gain = effect * np.where(k >= 0, 0.05 + 0.06 * np.exp(-np.maximum(k, 0) / 3), 0.0)
        observed = np.exp(self.log + gain + extra)
        # had every account joined when those who did; for chance the effect is that on all
        k_all = np.arange(MONTHS) - (first if whom == "all" else start[:, None])
        with_ = effect * np.where(k_all >= 0, 0.05 + 0.06 * np.exp(-np.maximum(k_all, 0) / 3), 0.0)
        plain, raised = np.exp(self.log), np.exp(self.log + with_ + more.pop("spill", 0.0))
        after = k_all >= 0
        rows = np.ones(self.n, bool) if whom == "all" else ~np.isnan(start)
        after = np.broadcast_to(after, plain.shape)
        if whom == "months":
            truth = with_[after].mean()
        else:
            truth = np.log((raised * after).sum(1)[rows] / (plain * after).sum(1)[rows]).mean()
        accounts = pd.DataFrame({"unit": np.arange(self.n), "start": start, "size": self.size})
        accounts["parent"] = self.parent
        if assigned is not None:
            accounts["assigned"] = assigned
        if "other_start" in more:
            accounts["other_start"] = more.pop("other_start")
        panel = pd.DataFrame(
            {"unit": np.repeat(np.arange(self.n), MONTHS),
             "period": np.tile(np.arange(MONTHS), self.n), "outcome": observed.ravel()}
        )  # fmt: skip
        return World(name, panel, accounts, float(truth), tuple(expected), code, more)


def _at(joins: np.ndarray, when: float = START) -> np.ndarray:
    return np.where(joins, float(when), np.nan)


def rct(seed: int, n: int = 300, effect: float = 1.0) -> World:
    """Chance assigns half of the accounts."""
    made = _Maker(seed, n)
    chosen = made.lot()
    return made.world("rct", _at(chosen), "A", assigned=chosen, effect=effect)


def null(seed: int, n: int = 300) -> World:
    """Chance assigns a programme that does nothing."""
    made = _Maker(seed, n)
    chosen = made.lot()
    return made.world("null", _at(chosen), "A", assigned=chosen, effect=0.0)


def rct_cluster(seed: int, n: int = 300) -> World:
    """Chance assigns whole groups of five accounts."""
    made = _Maker(seed, n, group=5)
    chosen = made.whole_groups()
    return made.world("rct_cluster", _at(chosen), "A", assigned=chosen)


def spill(seed: int, n: int = 300) -> World:
    """As `rct_cluster`, and a sibling in the programme brings 2 % more."""
    made = _Maker(seed, n, group=5)
    chosen = made.whole_groups()
    extra = 0.02 * (chosen[:, None] & (np.arange(MONTHS) >= START))
    spilt = 0.02 * (np.arange(MONTHS) >= START)
    return made.world("spill", _at(chosen), "A", assigned=chosen, extra=extra, spill=spilt)


def spill_mixed(seed: int, n: int = 300) -> World:
    """Chance assigns accounts, so that siblings stand on both sides."""
    made = _Maker(seed, n, group=5)
    chosen = made.lot()
    share = np.bincount(made.parent, chosen)[made.parent] - chosen
    extra = 0.02 * ((share > 0)[:, None] & (np.arange(MONTHS) >= START))
    return made.world("spill_mixed", _at(chosen), "D", "MIXED_GROUPS", assigned=chosen, extra=extra)


def staggered(seed: int, n: int = 2000) -> World:
    """Accounts join in months 12, 18 and 24, whoever they are, and half never do."""
    made = _Maker(seed, n)
    start = made.rng.choice([12.0, 18.0, 24.0, np.nan], size=n, p=[1 / 6, 1 / 6, 1 / 6, 1 / 2])
    return made.world("staggered", start, "B", whom="months")


def select(seed: int, n: int = 300) -> World:
    """Large accounts, and those with good months so far, join."""
    made = _Maker(seed, n)
    before = made.log[:, :START].mean(1) - 7 - 0.8 * made.size
    joins = made.joins(-0.6 + 1.1 * (before - before.mean()) + 0.6 * made.size)
    return made.world("select", _at(joins), "C", whom="treated")


def _run(seed: int, n: int, sign: float, name: str) -> World:
    made = _Maker(seed, n)
    move = made.log[:, 9:START].mean(1) - made.log[:, :9].mean(1)
    joins = made.joins(2.2 * sign * (move - move.mean()) / move.std() - 0.5)
    effect = 0.0 if sign < 0 else 1.0
    return made.world(name, _at(joins), "CD", "RECENT_JUMP", effect=effect, whom="treated")


def rtm_bad(seed: int, n: int = 300) -> World:
    """Accounts in trouble are won over by a programme that does nothing."""
    return _run(seed, n, -1.0, "rtm_bad")


def rtm_good(seed: int, n: int = 300) -> World:
    """Accounts on a good run are asked to join."""
    return _run(seed, n, 1.0, "rtm_good")


def hidden(seed: int, n: int = 300) -> World:
    """Who grows anyway joins, and nobody recorded who that is."""
    made = _Maker(seed, n, slope=0.008)
    joins = made.joins(-0.4 + 1.5 * made.hidden)
    return made.world("hidden", _at(joins), "D", whom="treated")


def overlap(seed: int, n: int = 300) -> World:
    """Half of the accounts get better service and the programme in the same month."""
    made = _Maker(seed, n)
    joins = made.lot()
    served = joins ^ (made.rng.random(n) < 0.01)
    extra = 0.03 * (served[:, None] & (np.arange(MONTHS) >= START))
    return made.world(
        "overlap", _at(joins), "R", "OVERLAPPING_PROGRAMMES", extra=extra,
        other_start=_at(served),
    )  # fmt: skip


def tiny(seed: int, n: int = 12) -> World:
    made = _Maker(seed, n)
    chosen = made.lot()
    return made.world("tiny", _at(chosen), "R", "NO_TREATED_MIN", assigned=chosen)


def no_margin(seed: int, n: int = 300) -> World:
    """As `rct`, but the records hold revenue and no cost of goods."""
    made = _Maker(seed, n)
    chosen = made.lot()
    return made.world(
        "no_margin", _at(chosen), "R", "MARGIN_MISSING", assigned=chosen, margin_known=False
    )


def dup_keys(seed: int, n: int = 300) -> World:
    """As `rct`, but a month of some accounts is there twice."""
    found = rct(seed, n)
    panel = pd.concat([found.panel, found.panel.sample(20, random_state=seed)], ignore_index=True)
    return World("dup_keys", panel, found.accounts, found.truth, ("R",), "DUPLICATE_KEYS")


def immortal(seed: int, n: int = 300) -> World:
    """Accounts join when they come to it and leave at the same hazard, member or not."""
    rng = np.random.default_rng(seed)
    enrolled = np.ceil(rng.exponential(1 / 0.04, n))
    left = np.ceil(rng.exponential(1 / 0.025, n))
    accounts = pd.DataFrame(
        {"unit": np.arange(n), "size": rng.normal(size=n),
         "start": np.where((enrolled < left) & (enrolled <= 48), enrolled, np.nan),
         "left": np.where(left <= 48, left, np.nan)}
    )  # fmt: skip
    return World("immortal", pd.DataFrame(), accounts, 0.0, ("C",), "IMMORTAL_TIME",
                 {"last": 48, "landmark": 12})  # fmt: skip


PANELS: dict[str, Callable[..., World]] = {
    made.__name__: made
    for made in (rct, rct_cluster, staggered, select, rtm_bad, rtm_good, hidden, spill, spill_mixed,
                 overlap, null, tiny, no_margin, dup_keys)
}  # fmt: skip
