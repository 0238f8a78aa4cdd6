"""How strong a cause that nobody recorded would have to be to explain a ratio away (E-value)."""

from __future__ import annotations

import math

import pandas as pd

from kamlib.errors import FitError
from kamlib.glossary import Sentence
from kamlib.results import Estimate, one_row, refusal


def e_value(ratio: float) -> float:
    """Ratio by which a hidden cause must be tied to programme and outcome both (E-value).

    Parameters
    ----------
    ratio
        Of shares or risks, above zero; below one its inverse counts.

    Raises
    ------
    FitError
        A ratio of zero or less.

    References
    ----------
    VanderWeele, T. J. and Ding, P. (2017). Sensitivity analysis in observational research: introducing
    the E-value. Annals of Internal Medicine 167, 268–274. doi:10.7326/M16-2607

    Examples
    --------
    >>> round(e_value(3.9), 6), round(e_value(0.8), 6)
    (7.263034, 1.809017)
    """
    if not ratio > 0:
        raise FitError(f"ratio {ratio:g}: above 0 was expected")
    away = max(ratio, 1 / ratio)
    return away + math.sqrt(away * (away - 1))


def ratio_of_hazards(hazard_ratio: float) -> float:
    """Return the ratio of risks that stands for a hazard ratio of an outcome that is not rare.

    References
    ----------
    VanderWeele, T. J. (2017). On a square-root transformation of the odds ratio for a common outcome.
    Epidemiology 28, e58–e60. doi:10.1097/EDE.0000000000000733

    Examples
    --------
    >>> round(ratio_of_hazards(0.75), 6)
    0.819373
    """
    above, below = (1 - math.pow(0.5, math.sqrt(r)) for r in (hazard_ratio, 1 / hazard_ratio))
    return above / below


def ratio_of_means(difference: float) -> float:
    """Return the ratio of risks that stands for a difference in standard deviations.

    References
    ----------
    Chinn, S. (2000). A simple method for converting an odds ratio to effect size for use in
    meta-analysis. Statistics in Medicine 19, 3127–3131, and the square root for common outcomes as
    in `ratio_of_hazards`: exp(0.91 · difference).

    Examples
    --------
    >>> round(ratio_of_means(0.2), 6)
    1.199614
    """
    return math.exp(0.91 * difference)


def e_values(name: str, *, ratio: float, low: float, high: float, n_obs: int) -> Estimate:
    """E-value of a ratio of shares and of the limit of its interval next to one.

    Parameters
    ----------
    name
        Of the result.
    ratio, low, high
        Ratio and its interval, for instance of `shares`; an unknown upper limit (NaN) is infinity.
    n_obs
        Accounts behind it.

    Returns
    -------
    Estimate
        Frame: one row: `risk_ratio`, `ratio_low`, `ratio_high`, `e_value`, `e_value_limit` (1 where
        the interval holds one: no hidden cause is needed). Refused where the ratio is zero or unknown.
    """
    if not ratio > 0:
        return refusal(name, "effect.no_ratio", n=n_obs)
    near = low if ratio > 1 else high
    crosses = math.isnan(near) or (near <= 1 if ratio > 1 else near >= 1)
    limit = 1.0 if crosses else e_value(near)
    frame = pd.DataFrame(
        {"risk_ratio": [ratio], "ratio_low": low, "ratio_high": high, "e_value": e_value(ratio),
         "e_value_limit": limit}
    )  # fmt: skip
    values = {"ratio": ratio, "value": e_value(ratio), "limit": limit, "n": n_obs}
    note = Sentence("effect.e_value_none" if crosses else "effect.e_value", values)
    return Estimate(name, frame, one_row(n_obs, "E-value"), note)
