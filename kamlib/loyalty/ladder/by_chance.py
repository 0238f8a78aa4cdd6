"""Rung A: chance assigned the programme, and accounts count where they were assigned."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from kamlib.loyalty.effects.assignment import sample_ratio
from kamlib.loyalty.effects.effect import amount_of, estimate
from kamlib.loyalty.effects.percent import in_money
from kamlib.loyalty.effects.permutation import permutation_test
from kamlib.loyalty.effects.randomised import own_slopes
from kamlib.loyalty.effects.sample import Sample
from kamlib.loyalty.ladder.doubts import circumstances, movable, siblings, top_account
from kamlib.loyalty.ladder.evidence import ARM_MIN, Evidence
from kamlib.loyalty.ladder.refusals import Code, Gate, gate
from kamlib.loyalty.ladder.rung import Rung
from kamlib.loyalty.ladder.sections import section
from kamlib.results import Check, Estimate

CROSSOVER_MAX = 0.20
FEW_GROUPS = 40
SMALL_SHARE = 0.25
_DEALS = 4999


def by_chance(evidence: Evidence, *, rng: np.random.Generator, conf_level: float = 0.95) -> Rung:
    """Effect over all accounts, by assignment, with what they brought before held equal.

    Parameters
    ----------
    evidence
        With an assignment, else the first condition fails.
    rng
        For permutations, which judge fewer than 40 groups or a share in the programme below a quarter.
    conf_level
        Of the interval.

    References
    ----------
    Lin, W. (2013). Agnostic notes on regression adjustments to experimental data: Reexamining
    Freedman's critique. Annals of Applied Statistics 7, 295–318. doi:10.1214/12-AOAS583
    """
    tried: list[Gate] = []
    lot = evidence.assigned is not None
    tried.append(gate(Code.NO_ASSIGNMENT, lot, "loyalty_ladder.no_lot_holds"))
    if not lot:
        return Rung("A", tuple(tried))
    for condition in (_ratio, _groups, siblings):
        tried.append(condition(evidence))
        if not tried[-1].holds:
            return Rung("A", tuple(tried))
    sample = section(evidence, assigned=True).sample
    tried.append(movable(sample, own_slopes))
    if not tried[-1].holds:
        return Rung("A", tuple(tried))
    answer = _answer(sample, rng, conf_level)
    low, high = answer.frame[["conf_low", "conf_high"]].iloc[0]
    beside: tuple[Estimate, ...] = ()
    if sample.scale == "log":
        money = replace(sample, outcome=np.exp(sample.outcome), scale="money")
        beside = (estimate(money, in_money(own_slopes), "in_money", conf_level=conf_level),)
    doubts = (*circumstances(evidence), top_account(sample, own_slopes, low, high))
    crossed = _crossover(evidence, sample, answer)
    shown: tuple[Check, ...] = answer.checks
    return Rung("A", tuple(tried), answer, beside, doubts, (crossed,), shown)


def _ratio(evidence: Evidence) -> Gate:
    treated, planned = evidence.treated, evidence.records.planned
    counts = {"with": int(treated.sum()), "without": int((~treated).sum())}
    if evidence.parent is not None and siblings(evidence).holds:
        # whole groups were dealt out, so that groups are what chance counted
        counts = {"with": len(np.unique(evidence.parent[treated])),
                  "without": len(np.unique(evidence.parent[~treated]))}  # fmt: skip
    found = sample_ratio(counts, {"with": planned, "without": 1 - planned}, name="sample_ratio")
    values = {"n": counts["with"], "of": sum(counts.values()), "planned": planned,
              "p": float(found["p_value"])}  # fmt: skip
    return gate(Code.SRM, bool(found.checks[0].passed), "loyalty_ladder.srm_holds", **values)


def _groups(evidence: Evidence) -> Gate:
    treated = evidence.treated
    code = np.arange(len(treated)) if evidence.parent is None else evidence.parent
    n = min(len(np.unique(code[treated])), len(np.unique(code[~treated])))
    return gate(
        Code.CLUSTER_TOO_FEW, n >= ARM_MIN, "loyalty_ladder.few_groups_holds", n=n, need=ARM_MIN
    )


def _answer(sample: Sample, rng: np.random.Generator, conf_level: float) -> Estimate:
    few = sample.cluster is not None and sample.n_clusters < FEW_GROUPS
    uneven = min(sample.n_treated, sample.n_control) < SMALL_SHARE * sample.n_obs
    if not (few or uneven):
        found = estimate(sample, own_slopes, "effect", conf_level=conf_level)
        if not found.refused:
            return found
    return permutation_test(sample, "effect", draws=_DEALS, rng=rng, conf_level=conf_level)


def _crossover(evidence: Evidence, sample: Sample, answer: Estimate) -> Gate:
    assigned, joined = evidence.treated, evidence.joined
    share = float((assigned != joined).mean())
    complied = float(joined[assigned].mean() - joined[~assigned].mean())
    row = answer.frame.iloc[0]
    # per account that took part because it was assigned: the effect of assignment ÷ their share
    scale = 1 / complied if complied > 0 else np.nan
    value, low, high = (scale * float(row[c]) for c in ("estimate", "conf_low", "conf_high"))
    amount = amount_of(sample, value, low, high, float(row["conf_level"]))
    return gate(
        Code.CROSSOVER, share <= CROSSOVER_MAX, "loyalty_ladder.crossover_holds", share=share,
        most=CROSSOVER_MAX, amount=amount,
    )  # fmt: skip
