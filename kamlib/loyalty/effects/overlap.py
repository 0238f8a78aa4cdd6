"""Whether accounts on both sides are alike after weighting, and how few of them carry the weight."""

from __future__ import annotations

import numpy as np
import pandas as pd

from kamlib.glossary import Sentence
from kamlib.loyalty.effects.effect import Effect
from kamlib.loyalty.effects.sample import Floats, Sample
from kamlib.results import Check, Estimate, one_row

ESS_MIN = 30.0
ESS_SHARE_MIN = 0.10
WEIGHT_MAX = 0.10
SMD_MAX = 0.10
_ROUNDING = 1e-12


def effective_size(weights: Floats) -> float:
    """Accounts, all alike, that would give as exact a mean: (Σ w)² ÷ Σ w².

    References
    ----------
    Kish, L. (1965). Survey Sampling. Wiley, section 11.2.

    Examples
    --------
    >>> effective_size(np.array([2.0, 1.0, 1.0])).__round__(3)
    2.667
    """
    return float(weights.sum() ** 2 / np.sum(weights**2))


def balance(sample: Sample, weights: Floats | None) -> pd.DataFrame:
    """Means of the covariates in both arms, before and after weighting.

    Parameters
    ----------
    sample
        With covariates.
    weights
        As `Effect.weights`; None: all alike.

    Returns
    -------
    DataFrame
        One row per covariate: `covariate`, `mean_treated`, `mean_control` (weighted), `smd_before`,
        `smd_after`: difference of means ÷ √((s₁² + s₀²) ÷ 2) with the spreads before weighting. An
        infinite difference stands where both arms have no spread and differ.

    References
    ----------
    Austin, P. C. (2009). Balance diagnostics for comparing the distribution of baseline covariates
    between treatment groups in propensity-score matched samples. Statistics in Medicine 28, 3083–3107.
    doi:10.1002/sim.3697
    """
    x, d = sample.covariates, sample.treated
    w = np.ones(sample.n_obs) if weights is None else weights
    first, second = ([x[arm].mean(axis=0) for arm in (d, ~d)],
                     [np.average(x[arm], axis=0, weights=w[arm]) for arm in (d, ~d)])  # fmt: skip
    scale = np.sqrt((x[d].var(axis=0) + x[~d].var(axis=0)) / 2)
    before, after = (_standardised(inside, outside, scale) for inside, outside in (first, second))
    return pd.DataFrame(
        {"covariate": list(sample.names), "mean_treated": second[0], "mean_control": second[1],
         "smd_before": before, "smd_after": after}
    )  # fmt: skip


def overlap(sample: Sample, effect: Effect, name: str) -> Estimate:
    """Likeness of accounts in a programme and outside, as an effect weighted them.

    Parameters
    ----------
    sample, effect
        The effect was estimated of this sample.
    name
        Of the result.

    Returns
    -------
    Estimate
        Frame: `balance`. Summary: `ess_treated`, `ess_control` (effective sizes), `largest_weight` (of
        one account in its arm). Checks: those of `overlap_checks`.
    """
    rows = balance(sample, effect.weights)
    sizes, largest = _carried(sample, effect)
    inside, outside = sizes
    summary = one_row(
        sample.n_obs, effect.method, ess_treated=inside, ess_control=outside, largest_weight=largest
    )
    values = {"n_treated": sample.n_treated, "n_control": sample.n_control, "ess": outside,
              "before": rows["smd_before"].abs().max(), "after": rows["smd_after"].abs().max()}  # fmt: skip
    note = Sentence("effect.overlap", values)
    return Estimate(name, rows, summary, note, overlap_checks(sample, effect))


def overlap_checks(sample: Sample, effect: Effect) -> tuple[Check, ...]:
    """Return what must hold before an effect of accounts that were not assigned by chance is told.

    In each arm an effective size of 30 and a tenth of the accounts, no account with a tenth of its
    arm's weight, and no covariate that differs by a tenth of its spread after weighting.
    """
    sizes, largest = _carried(sample, effect)
    arms = (sample.n_treated, sample.n_control)
    short = [size - max(ESS_MIN, ESS_SHARE_MIN * n) for size, n in zip(sizes, arms, strict=True)]
    worst = int(np.argmin(short))
    enough = short[worst] >= 0
    told = {"ess": sizes[worst], "n": arms[worst],
            "need": max(ESS_MIN, ESS_SHARE_MIN * arms[worst])}  # fmt: skip
    alone = largest < WEIGHT_MAX
    most = {"share": largest, "most": WEIGHT_MAX}
    rows = balance(sample, effect.weights)
    apart = rows[rows["smd_after"].abs() >= SMD_MAX]
    differ = {"n": len(apart), "of": len(rows), "most": SMD_MAX,
              "worst": float(rows["smd_after"].abs().max()) if len(rows) else 0.0}  # fmt: skip
    balanced = apart.empty
    return (
        Check("overlap_size", enough,
              Sentence("effect.ess_enough" if enough else "effect.ess_few", told)),
        Check("overlap_weight", alone,
              Sentence("effect.weight_spread" if alone else "effect.weight_alone", most)),
        Check("balance", balanced,
              Sentence("effect.balanced" if balanced else "effect.unbalanced", differ), rows),
    )  # fmt: skip


def _carried(sample: Sample, effect: Effect) -> tuple[tuple[float, float], float]:
    """Return the effective size of each arm, and the largest share of one account in its arm."""
    w = np.ones(sample.n_obs) if effect.weights is None else effect.weights
    inside, outside = w[sample.treated], w[~sample.treated]
    largest = max(arm.max() / arm.sum() for arm in (inside, outside))
    return (effective_size(inside), effective_size(outside)), float(largest)


def _standardised(first: Floats, second: Floats, scale: Floats) -> Floats:
    difference = first - second
    alike = np.abs(difference) <= _ROUNDING * (np.abs(first) + np.abs(second))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(alike, 0.0, difference / scale)
