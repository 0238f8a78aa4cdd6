"""Chance of an account to be in the programme, from what was known before."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from kamlib.errors import FitError
from kamlib.glossary import Sentence
from kamlib.loyalty.effects.regression import refuse_dependent
from kamlib.loyalty.effects.sample import Floats, Sample, Unfit
from kamlib.results import Check
from kamlib.stats.logistic import ridge_logistic


@dataclass(frozen=True, slots=True, eq=False)
class Propensity:
    """A fitted logit.

    Attributes
    ----------
    chance
        Of each account, within 0 and 1, not clipped; shape (n,).
    coefficients
        Intercept and slope per unit of each covariate, shape (k + 1,).
    influence
        What each account adds to the error of each coefficient, shape (n, k + 1).
    """

    chance: Floats
    coefficients: Floats
    influence: Floats


def propensity(sample: Sample) -> Propensity:
    """Fit the chance to be in the programme by maximum likelihood.

    Parameters
    ----------
    sample
        With covariates; without, all have the same chance.

    Raises
    ------
    Unfit
        Covariates tell for sure who is in the programme, one is constant or follows from others, or
        there are more of them than the smaller arm carries.

    References
    ----------
    Rosenbaum, P. R. and Rubin, D. B. (1983). The central role of the propensity score in
    observational studies for causal effects. Biometrika 70, 41–55. doi:10.1093/biomet/70.1.41

    Examples
    --------
    >>> d = np.isin(np.arange(20), [0, 1, 10, 11, 12, 13, 14])
    >>> from kamlib.loyalty.effects.sample import sample
    >>> rows = pd.DataFrame({"margin": 0.0, "member": d, "large": np.arange(20) > 9})
    >>> propensity(sample(rows, "margin", "member", ["large"])).chance[[0, -1]].round(6)
    array([0.2, 0.5])
    """
    smaller = min(sample.n_treated, sample.n_control)
    if len(sample.names) >= smaller:
        raise Unfit("effect.too_many", n=smaller, k=len(sample.names))
    d = sample.treated.astype(np.float64)
    x = np.column_stack([np.ones(sample.n_obs), sample.covariates])
    # the logit alone would settle for any of the solutions that dependent columns have
    refuse_dependent(x, ("constant", *sample.names))
    try:
        fit = ridge_logistic(sample.covariates, d, penalty=0.0)
    except FitError:
        raise Unfit("effect.separated", n=sample.n_obs) from None
    slopes = fit.slopes / fit.scale
    chance = fit.chance(sample.covariates)
    information = (x * (chance * (1 - chance))[:, None]).T @ x
    influence = np.linalg.lstsq(information, ((d - chance)[:, None] * x).T, rcond=None)[0].T
    coefficients = np.concatenate([[fit.intercept - fit.mean @ slopes], slopes])
    return Propensity(chance, coefficients, np.asarray(influence, dtype=np.float64))


def trimmed(
    sample: Sample, chance: Floats, low: float = 0.1, high: float = 0.9
) -> tuple[Sample, Check]:
    """Leave out accounts that had next to no like on the other side, and count them.

    The effect is then that of the accounts that stay: say so.

    Parameters
    ----------
    sample
        Accounts.
    chance
        Of each to be in the programme.
    low, high
        Chances that stay lie within, limits included.

    Raises
    ------
    Unfit
        Nobody stays in an arm.

    References
    ----------
    Crump, R. K., Hotz, V. J., Imbens, G. W. and Mitnik, O. A. (2009). Dealing with limited overlap in
    estimation of average treatment effects. Biometrika 96, 187–199. doi:10.1093/biomet/asn055
    """
    stay = (chance >= low) & (chance <= high)
    out = ~stay
    values = {"n_treated": int((out & sample.treated).sum()), "low": low, "high": high,
              "n_control": int((out & ~sample.treated).sum()), "of": sample.n_obs}  # fmt: skip
    key = "effect.trimmed" if out.any() else "effect.none_trimmed"
    return sample.rows(stay), Check("trimmed", not out.any(), Sentence(key, values))


def chances(sample: Sample, fit: Propensity) -> pd.DataFrame:
    """Return the chance of each account to be in the programme, beside whether it is.

    Returns
    -------
    DataFrame
        One row per account, in the sample's order: `is_treated`, `propensity`.
    """
    return pd.DataFrame({"is_treated": sample.treated, "propensity": fit.chance})
