"""Tiers as the firm decides them, the loyalty programme and the trial: who is in what, when."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kamlib.book.simulate.accounts import Accounts
from kamlib.book.simulate.clock import MONTH_DAYS, MONTHS, NEVER, Days, month_of, month_start
from kamlib.book.simulate.model import Trial, UnitModel
from kamlib.book.simulate.spend import Path

Bytes = NDArray[np.int8]
Bools = NDArray[np.bool_]
TIERS = ("platinum", "gold", "iron", "lead")
_BOUNDS = np.array([1.6, 0.8, -0.6])  # score in standard deviations, best tier first


@dataclass(frozen=True, slots=True)
class Drawn:
    """Accounts of the trial, their arm (1: level 1, 0: no programme) and group."""

    account: Days
    arm: Bytes
    group: Days
    day: int


@dataclass(frozen=True, slots=True)
class Standing:
    """Tier and level by account and month, had the account lived; and the decisions behind."""

    tier: Bytes  # accounts x MONTHS, in force on the first of the month
    level: Bytes  # accounts x MONTHS, in force on the first of the month
    decided: tuple[Days, Days, Bytes]  # account, day, tier
    member: tuple[Days, Bytes, Days, Days]  # account, level, first and last day (NEVER: none)
    trial: Drawn | None


def _rank(score: NDArray[np.float64]) -> Bytes:
    rank: Bytes = np.sum(score[:, None] < _BOUNDS, axis=1).astype(np.int8)
    return rank


def stand(model: UnitModel, people: Accounts, path: Path, rng: np.random.Generator) -> Standing:
    """Decide tiers every February on the year before, and let accounts enrol, rise and leave."""
    tier, decided = _tiers(model, people, path, rng)
    level, member, trial = _levels(model, people, path, rng)
    return Standing(tier, level, decided, member, trial)


def _tiers(
    model: UnitModel, people: Accounts, path: Path, rng: np.random.Generator
) -> tuple[Bytes, tuple[Days, Days, Bytes]]:
    start = np.maximum(people.onboarded, 0)
    guess = people.size + np.where(people.onboarded < 0, 0.15, 0.5) * rng.standard_normal(
        len(people)
    )
    accounts, days, tiers = [np.arange(len(people))], [start], [_rank(guess)]
    tier = np.repeat(tiers[0][:, None], MONTHS, axis=1)
    for year in range(1, 5):
        before = slice(12 * year - 12, 12 * year)
        known = np.flatnonzero(month_of(start) < 12 * year - 1)
        spent = path.moving[known, before].mean(axis=1)
        spent += model.spending.partial_log_factor * path.partial_before(12 * year - 6)[known]
        score = people.size[known] + spent / model.spending.size_sd
        score += 0.15 * rng.standard_normal(len(known))
        tier[known, 12 * year + 1 :] = _rank(score)[:, None]
        accounts.append(known)
        days.append(np.full(len(known), int(MONTH_DAYS[12 * year + 1])))
        tiers.append(_rank(score))
    return tier, (np.concatenate(accounts), np.concatenate(days), np.concatenate(tiers))


def _levels(
    model: UnitModel, people: Accounts, path: Path, rng: np.random.Generator
) -> tuple[Bytes, tuple[Days, Bytes, Days, Days], Drawn | None]:
    p, count = model.programme, len(people)
    now = np.zeros(count, dtype=np.int8)
    done = np.zeros(count, dtype=bool)  # left once, for good
    held = np.zeros(count, dtype=bool)  # in the trial: neither enrols nor rises by choice
    since = np.full(count, NEVER)
    level = np.zeros((count, MONTHS), dtype=np.int8)
    rows: list[tuple[Days, Bytes, Days, Days]] = []
    trial: Drawn | None = None
    liking = p.enrol_intercept + p.enrol_size * people.size + p.enrol_attitude * people.attitude

    def change(who: Days, to: Bytes, day: Days) -> None:
        old = now[who] > 0
        rows.append((who[old], now[who[old]], since[who[old]], day[old] - 1))
        now[who], since[who] = to, day
        for account, new, effective in zip(
            who.tolist(), to.tolist(), (month_of(day - 1) + 1).tolist(), strict=True
        ):
            level[account, effective:] = new

    for quarter in range(p.launch_month, MONTHS - 2, 3):
        if model.trial is not None and quarter == model.trial.month:
            trial, taking, day = _assign(model.trial, people, now > 0, rng)
            held[trial.account] = True
            change(trial.account[taking], np.ones(int(taking.sum()), np.int8), day[taking])
        if model.trial is not None and quarter == model.trial.until_month:
            held[:] = False
        u, v = rng.random((2, count))
        day = month_start(quarter + rng.integers(0, 3, count)) + rng.integers(0, 28, count)
        free = ~held & (month_of(people.onboarded) < quarter - 2)
        run = path.shock[:, quarter - 3 : quarter].mean(axis=1)
        chance = 1 / (1 + np.exp(-(liking + p.enrol_recent_run * run)))
        joining = free & (now == 0) & ~done & (u < chance)
        leaving = free & (now > 0) & (u > 1 - p.leave)
        rising = free & ~leaving & (
            ((now == 1) & (u < p.upgrade_1_2)) | ((now == 2) & (u < p.upgrade_2_3))
        )  # fmt: skip
        first = np.where(v < 0.80, 1, np.where(v < 0.95, 2, 3))
        target = np.where(joining, first, np.where(leaving, 0, now + 1)).astype(np.int8)
        who = np.flatnonzero(joining | leaving | rising)
        change(who, target[who], day[who])
        done |= leaving
    last = np.flatnonzero(now > 0)
    rows.append((last, now[last], since[last], np.full(len(last), NEVER)))
    account, lev, begin, end = (np.concatenate(part) for part in zip(*rows, strict=True))
    return level, (account, lev, begin, end), trial


def _assign(
    trial: Trial, people: Accounts, member: Bools, rng: np.random.Generator
) -> tuple[Drawn, Bools, Days]:
    """Draw whole groups to arms: siblings in different arms would tell one another."""
    group = np.where(people.head >= 0, people.head, np.arange(len(people)))
    barred = member | (people.onboarded > int(month_start(trial.month - 6)))
    open_groups = np.setdiff1d(np.unique(group), group[barred])
    chosen = open_groups[rng.random(len(open_groups)) < trial.share]
    arm_of_group = np.zeros(len(people), dtype=np.int8)
    arm_of_group[chosen[rng.permutation(len(chosen))[: len(chosen) // 2]]] = 1
    who = np.flatnonzero(np.isin(group, chosen))
    drawn = Drawn(who, arm_of_group[group[who]], group[who], int(month_start(trial.month)) + 8)
    u = rng.random(len(who))
    taking = np.where(drawn.arm == 1, u < trial.compliance, u < trial.crossover)
    return drawn, taking, drawn.day + rng.integers(5, 41, len(who))
