"""An effect with its error, and how it is told: interval, sentence, checks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd
from scipy.special import stdtr, stdtrit

from kamlib.errors import FitError
from kamlib.glossary import Sentence
from kamlib.loyalty.effects.clusters import groups_check
from kamlib.loyalty.effects.resample import redrawn
from kamlib.loyalty.effects.sample import Bools, Floats, Ints, Sample, Unfit
from kamlib.results import Check, Estimate, one_row, refusal

Estimand = Literal["ate", "att", "ato"]
N_ARM_MIN = 8
N_GROUPS_MIN = 6
_NO_SPREAD = 1e-12
_MANY_FAILED = 0.05


@dataclass(frozen=True, slots=True, eq=False)
class Effect:
    """What a programme changed, on the scale of the outcome.

    Attributes
    ----------
    estimand
        "ate": over all accounts; "att": over those in the programme; "ato": over those that could
        as well have been in it as outside.
    value
        Mean change.
    std_error
        Its standard error.
    df
        Degrees of freedom of Student's t, by which the interval is made.
    method
        Name of the estimator.
    weights
        Weight of each account within its arm, summing to one in each; None: all alike.
    """

    estimand: Estimand
    value: float
    std_error: float
    df: float
    method: str
    weights: Floats | None = None


Estimator = Callable[[Sample], Effect]


def spread(parts: Floats, cluster: Ints | None) -> float:
    """Return the standard error of a sum of influences, added up within groups.

    Parameters
    ----------
    parts
        What each account adds to the error of the figure, shape (n,), about zero in the sum.
    cluster
        Code of each account's group; None: each account is its own.

    Returns
    -------
    float
        √(G ÷ (G − 1) · Σ part²) over G groups.

    Examples
    --------
    >>> spread(np.array([0.6, -0.6]), None).__round__(3)
    1.2
    """
    _, group = np.unique(np.arange(len(parts)) if cluster is None else cluster, return_inverse=True)
    sums = np.bincount(group, parts)
    if len(sums) < 2:
        raise Unfit("effect.few_clusters", n=len(sums), need=2)
    return float(np.sqrt(len(sums) / (len(sums) - 1) * np.sum(sums**2)))


def degrees(sample: Sample) -> float:
    """Return degrees of freedom: one less than the groups, or than accounts of the smaller arm."""
    if sample.cluster is not None:
        return float(sample.n_clusters - 1)
    return float(min(sample.n_treated, sample.n_control) - 1)


def limits(effect: Effect, conf_level: float) -> tuple[float, float]:
    """Return the limits of the interval by Student's t.

    Examples
    --------
    >>> [round(v, 3) for v in limits(Effect("ate", 5.0, 1.0, 10.0, "Welch"), 0.95)]
    [2.772, 7.228]
    """
    half = float(stdtrit(effect.df, (1 + conf_level) / 2)) * effect.std_error
    return effect.value - half, effect.value + half


def estimate(
    sample: Sample,
    estimator: Estimator,
    name: str,
    *,
    conf_level: float = 0.95,
    n_arm_min: int = N_ARM_MIN,
    draws: int = 0,
    rng: np.random.Generator | None = None,
    checks: Callable[[Sample, Effect], tuple[Check, ...]] | None = None,
) -> Estimate:
    """Effect of a programme with its interval, its sentence and its checks.

    Parameters
    ----------
    sample
        Accounts with and without it.
    estimator
        Takes the sample and returns an effect, for instance `randomised.difference_in_means`; also
        one of your own.
    name
        Of the result.
    conf_level
        Of the interval.
    n_arm_min
        Accounts that each arm needs.
    draws, rng
        Above zero: the error comes from that many samples drawn anew, in each of which everything
        is fitted again, instead of from the estimator.
    checks
        What is looked at in addition, for instance `overlap.overlap_checks`.

    Returns
    -------
    Estimate
        Frame: one row: `term` ("ate", "att", "ato"; with "_share", "_log" or "_ratio" by the outcome's scale),
        `estimate`, `std_error`, `conf_low`, `conf_high`, `conf_level`, `statistic` (estimate ÷
        error), `p_value` (of no effect, two-sided), `n_treated`, `n_control`, `n_obs`. Summary:
        `method`, `df`, `n_clusters`. Refused where an arm is too small, where accounts belong to fewer
        than six groups or one arm lies within one group, or where the estimator says so.

    Raises
    ------
    FitError
        Draws without a source of randomness.
    """
    if draws and rng is None:
        raise FitError("rng: draws need a source of randomness; give a numpy Generator")
    arms = {"n_treated": sample.n_treated, "n_control": sample.n_control}
    if min(arms.values()) < n_arm_min:
        return refusal(name, "effect.few", **arms, need=n_arm_min)
    if sample.cluster is not None:
        groups = _telling(sample.cluster, sample.treated)
        if groups < N_GROUPS_MIN:
            return refusal(name, "effect.few_clusters", n=groups, need=N_GROUPS_MIN)
    try:
        effect = estimator(sample)
        further: tuple[Check, ...] = ()
        if draws and rng is not None:
            effect, further = _by_draws(sample, estimator, effect, draws, rng)
        if not effect.std_error > _NO_SPREAD * (1 + abs(effect.value)):
            raise Unfit("effect.no_spread", n=sample.n_obs, outcome=sample.outcome_name)
    except Unfit as error:
        return refusal(name, error.sentence.key, **error.sentence.values)
    if sample.cluster is not None:
        further = (groups_check(sample), *further)
    further = (checks(sample, effect) if checks else ()) + further
    low, high = limits(effect, conf_level)
    statistic = effect.value / effect.std_error
    frame = pd.DataFrame(
        {
            "term": [term_of(sample, effect.estimand)], "estimate": effect.value,
            "std_error": effect.std_error, "conf_low": low, "conf_high": high,
            "conf_level": conf_level, "statistic": statistic,
            "p_value": 2 * float(stdtr(effect.df, -abs(statistic))), **arms, "n_obs": sample.n_obs,
        }
    )  # fmt: skip
    summary = one_row(
        sample.n_obs, effect.method, conf_level, df=effect.df, n_clusters=sample.n_clusters
    )
    return Estimate(name, frame, summary, told(sample, effect, low, high, conf_level), further)


def term_of(sample: Sample, estimand: Estimand) -> str:
    """Return the glossary's name of an effect on the scale of the outcome."""
    return estimand if sample.scale == "money" else f"{estimand}_{sample.scale}"


def told(sample: Sample, effect: Effect, low: float, high: float, conf_level: float) -> Sentence:
    """Return the sentence on an effect with its interval."""
    amount = amount_of(sample, effect.value, low, high, conf_level)
    keys = {"ate": "effect.ate", "att": "effect.att", "ato": "effect.ato"}
    values = {"n": sample.n_obs, "n_treated": sample.n_treated, "n_control": sample.n_control,
              "outcome": sample.outcome_name, "amount": amount}  # fmt: skip
    return Sentence(keys[effect.estimand], values)


def amount_of(sample: Sample, value: float, low: float, high: float, conf_level: float) -> Sentence:
    """Return an effect with its interval in the words of the outcome's scale."""
    numbers = np.array([value, low, high])
    if sample.scale == "share":
        key, numbers = "effect.points", 100 * numbers
    elif sample.scale == "log":
        key, numbers = "effect.percent", np.expm1(numbers)
    elif sample.scale == "ratio":
        key = "effect.of_usual"
    else:
        key = "effect.money"
    return Sentence(
        key, dict(zip(("value", "low", "high"), numbers, strict=True)) | {"level": conf_level}
    )


def _telling(cluster: Ints, treated: Bools) -> int:
    """Return how many groups can tell: one, where an arm lies within one group."""
    alone = min(len(np.unique(cluster[arm])) for arm in (treated, ~treated)) < 2
    return 1 if alone else len(np.unique(cluster))


def _by_draws(
    sample: Sample, estimator: Estimator, effect: Effect, draws: int, rng: np.random.Generator
) -> tuple[Effect, tuple[Check, ...]]:
    values, failed = redrawn(sample, lambda drawn: estimator(drawn).value, draws, rng)
    if len(values) < draws / 2:
        raise Unfit("effect.draws_fail", failed=failed, draws=draws)
    few = failed <= _MANY_FAILED * draws
    key = "effect.draws_hold" if few else "effect.draws_failed"
    check = Check("draws", few, Sentence(key, {"failed": failed, "draws": draws}))
    drawn = replace(
        effect, std_error=float(values.std(ddof=1)),
        method=f"{effect.method}, bootstrap of {len(values)} draws",
    )  # fmt: skip
    return drawn, (check,)
