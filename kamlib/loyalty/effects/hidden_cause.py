"""How strong a cause that nobody recorded would have to be to explain a regression's effect away."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from kamlib.errors import FitError
from kamlib.glossary import Sentence
from kamlib.loyalty.effects.effect import N_ARM_MIN, term_of
from kamlib.loyalty.effects.regression import Fit, least_squares
from kamlib.loyalty.effects.sample import Sample, Unfit
from kamlib.results import Check, Estimate, one_row, refusal

_NO_SPREAD = 1e-12


def partial_r2(statistic: float, df: float) -> float:
    """Return the share of what is left to explain that a coefficient's column explains.

    Examples
    --------
    >>> round(partial_r2(0.09731582 / 0.02325654, 783), 6)
    0.021873
    """
    return statistic**2 / (statistic**2 + df)


def robustness_value(
    estimate: float,
    std_error: float,
    df: float,
    *,
    share: float = 1.0,
    conf_level: float | None = None,
) -> float:
    """Share of what is left to explain, of programme and outcome both, that undoes an effect.

    Parameters
    ----------
    estimate, std_error, df
        Of the programme's coefficient in a regression; the error is the usual one, of equal spread.
    share
        Part of the effect that is taken away.
    conf_level
        Stated: until the interval of this level holds what is left; None: until nothing is left.

    Returns
    -------
    float
        Between 0 and 1; 0 where it takes no hidden cause.

    Raises
    ------
    FitError
        An error of zero or less, or no more than one degree of freedom.

    References
    ----------
    Cinelli, C. and Hazlett, C. (2020). Making sense of sensitivity: extending omitted variable bias.
    Journal of the Royal Statistical Society B 82, 39–67. doi:10.1111/rssb.12348

    Examples
    --------
    >>> round(robustness_value(0.09731582, 0.02325654, 783), 6)
    0.138776
    >>> round(robustness_value(0.09731582, 0.02325654, 783, conf_level=0.95), 6)
    0.076258
    """
    if not (std_error > 0 and df > 1):
        raise FitError(f"error {std_error:g} with {df:g} degrees of freedom: too little is known")
    force = share * abs(estimate / std_error) / math.sqrt(df)
    chance = 0.0
    if conf_level is not None:
        chance = abs(float(stdtrit(df - 1, (1 - conf_level) / 2))) / math.sqrt(df - 1)
    left = force - chance
    if left <= 0:
        return 0.0
    if chance > 0 and force > 1 / chance:
        # then a cause of programme and outcome is least when it explains the outcome fully
        return (force**2 - chance**2) / (1 + force**2)
    return 0.5 * (math.sqrt(left**4 + 4 * left**2) - left**2)


def shifted(estimate: float, std_error: float, df: float, r2_treated: float, r2_outcome: float) -> float:  # fmt: skip
    """Return the effect that is left if a hidden cause of this strength worked in its favour.

    Parameters
    ----------
    estimate, std_error, df
        As for `robustness_value`.
    r2_treated, r2_outcome
        Share that the cause explains of what is left of the programme, and of the outcome.

    References
    ----------
    Cinelli and Hazlett (2020), as for `robustness_value`.
    """
    if r2_treated >= 1:
        return -math.copysign(math.inf, estimate)
    bias = std_error * math.sqrt(df * r2_outcome * r2_treated / (1 - r2_treated))
    return math.copysign(1.0, estimate) * (abs(estimate) - bias)


def as_strong_as(r2_treated: float, r2_outcome: float, times: float = 1.0) -> tuple[float, float]:
    """Return the strength of a hidden cause that is so many times as strong as a known covariate.

    Parameters
    ----------
    r2_treated, r2_outcome
        Partial R² of the covariate with the programme, and with the outcome given the programme.
    times
        How many times as strong, with both.

    Returns
    -------
    tuple
        Partial R² of the cause with programme and outcome, at most 1.

    References
    ----------
    Cinelli and Hazlett (2020), as for `robustness_value`, section 4.4.
    """
    if times * r2_treated >= 1 or r2_outcome >= 1:
        return 1.0, 1.0
    treated = times * r2_treated / (1 - r2_treated)
    shared = times * r2_treated**2 / ((1 - times * r2_treated) * (1 - r2_treated))
    if treated >= 1 or shared >= 1:
        return 1.0, 1.0
    outcome = (math.sqrt(times) + math.sqrt(shared)) ** 2 / (1 - shared)
    return treated, min(1.0, outcome * r2_outcome / (1 - r2_outcome))


def hidden_cause(
    sample: Sample, name: str, *, conf_level: float = 0.95, n_arm_min: int = N_ARM_MIN
) -> Estimate:
    """Effect by regression, and what would be left if a hidden cause were like a known covariate.

    Parameters
    ----------
    sample
        With covariates, all from before the programme.
    name
        Of the result.
    conf_level
        Of the interval that a hidden cause would have to bring to zero.
    n_arm_min
        Accounts that each arm needs.

    Returns
    -------
    Estimate
        Frame: one row per covariate, the strongest first: `covariate`, `partial_r2_treated` (of the
        programme), `partial_r2_outcome` (given the programme), `term`, `estimate` (what a hidden
        cause as strong as this would leave). Summary: `robustness_value`, `robustness_value_limit`
        (of the interval), `partial_r2`, `estimate`. The check fails where one of them would turn the
        effect's sign.
    """
    n1, n0 = sample.n_treated, sample.n_control
    if min(n1, n0) < n_arm_min:
        return refusal(name, "effect.few", n_treated=n1, n_control=n0, need=n_arm_min)
    if not sample.names:
        return refusal(name, "effect.no_covariates", n=sample.n_obs)
    d = sample.treated.astype(np.float64)
    one = np.ones(sample.n_obs)
    try:
        of_programme = least_squares(
            np.column_stack([one, sample.covariates]), d, ("constant", *sample.names)
        )
        of_outcome = least_squares(
            np.column_stack([one, sample.covariates, d]), sample.outcome,
            ("constant", *sample.names, "treated"),
        )  # fmt: skip
    except Unfit as unfit:
        return refusal(name, unfit.sentence.key, **unfit.sentence.values)
    value = float(of_outcome.coefficients[-1])
    error, df = _usual_error(of_outcome, -1)
    if not error > _NO_SPREAD * (1 + abs(value)):
        return refusal(name, "effect.no_spread", n=sample.n_obs, outcome=sample.outcome_name)
    rows = []
    for place, covariate in enumerate(sample.names, 1):
        known = [
            partial_r2(float(fit.coefficients[place]) / _usual_error(fit, place)[0],
                       _usual_error(fit, place)[1])
            for fit in (of_programme, of_outcome)
        ]  # fmt: skip
        left = shifted(value, error, df, *as_strong_as(*known))
        rows.append((covariate, *known, term_of(sample, "ate"), left))
    frame = pd.DataFrame(
        rows,
        columns=["covariate", "partial_r2_treated", "partial_r2_outcome", "term", "estimate"],
    )
    order = np.argsort(np.sign(value) * frame["estimate"].to_numpy(), kind="stable")
    frame = frame.iloc[order].reset_index(drop=True)
    whole = robustness_value(value, error, df)
    limit = robustness_value(value, error, df, conf_level=conf_level)
    summary = one_row(
        sample.n_obs, "regression", conf_level, robustness_value=whole,
        robustness_value_limit=limit, partial_r2=partial_r2(value / error, df), estimate=value,
    )  # fmt: skip
    values = {"whole": whole, "limit": limit, "level": conf_level, "n": sample.n_obs}
    strongest = frame["covariate"].iloc[0]
    holds = bool(np.sign(value) * frame["estimate"].iloc[0] > 0)
    told = Sentence("effect.as_strong_holds" if holds else "effect.as_strong_turns",
                    {"covariate": strongest})  # fmt: skip
    note = Sentence("effect.robust" if limit > 0 else "effect.not_robust", values)
    return Estimate(name, frame, summary, note, (Check("hidden_cause", holds, told),))


def _usual_error(fit: Fit, place: int) -> tuple[float, float]:
    """Return the error of a coefficient under equal spread, and its degrees of freedom."""
    n, k = fit.lines.shape
    variance = float(fit.residual @ fit.residual) / (n - k)
    return math.sqrt(variance * float(np.sum(fit.lines[:, place] ** 2))), float(n - k)
