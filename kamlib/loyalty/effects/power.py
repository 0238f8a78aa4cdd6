"""What a trial can find, and what a find would be worth."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import ndtr, ndtri

from kamlib.errors import FitError
from kamlib.glossary import Sentence
from kamlib.results import Check, Estimate, one_row, refusal

POWER_WEAK = 0.2


@dataclass(frozen=True, slots=True)
class Find:
    """What happens if the effect is real.

    Attributes
    ----------
    power
        Chance to find it: that the interval leaves zero out.
    wrong_sign
        Of such finds, the share with the wrong sign (type S).
    exaggeration
        Of such finds, mean size ÷ true size (type M).
    """

    power: float
    wrong_sign: float
    exaggeration: float


def multiplier(conf_level: float = 0.95, power: float = 0.8) -> float:
    """Standard errors that an effect must have to be found with this power.

    Parameters
    ----------
    conf_level
        Of the two-sided interval that is to leave zero out.
    power
        Chance to find it, one half at least.

    Raises
    ------
    FitError
        A level or power outside 0 to 1.

    References
    ----------
    Bloom, H. S. (1995). Minimum detectable effects: a simple way to report the statistical power of
    experimental designs. Evaluation Review 19, 547–556. doi:10.1177/0193841X9501900504

    Examples
    --------
    >>> round(multiplier(), 6)
    2.801585
    """
    if not (0 < conf_level < 1 and 0 < power < 1):
        raise FitError(f"level {conf_level:g} and power {power:g} must lie between 0 and 1")
    return float(ndtri((1 + conf_level) / 2) + ndtri(power))


def n_needed(
    effect: float,
    std_dev: float,
    *,
    share_treated: float = 0.5,
    conf_level: float = 0.95,
    power: float = 0.8,
    design_effect: float = 1.0,
) -> int:
    """Return how many accounts, in both arms together, find an effect.

    Parameters
    ----------
    effect
        To be found, in units of the outcome; not zero.
    std_dev
        Of the outcome within an arm, after what covariates foretell is taken off.
    share_treated
        Of accounts in the programme.
    conf_level, power
        As for `multiplier`.
    design_effect
        By how much groups raise the variance, see `clusters.design_effect`.

    Raises
    ------
    FitError
        No effect, or a share outside 0 to 1.

    Examples
    --------
    >>> n_needed(0.5, 1.0)
    126
    """
    if effect == 0 or not 0 < share_treated < 1:
        raise FitError("effect must not be 0, and share_treated lie between 0 and 1")
    arms = share_treated * (1 - share_treated)
    need = (multiplier(conf_level, power) * std_dev / effect) ** 2 * design_effect / arms
    return math.ceil(need - 1e-9)


def find(effect: float, std_error: float, conf_level: float = 0.95) -> Find:
    """Chance to find an effect, and what finds then say of its sign and size.

    Parameters
    ----------
    effect
        True effect, not zero.
    std_error
        Of the figure that estimates it.
    conf_level
        Of the interval that is to leave zero out.

    Raises
    ------
    FitError
        No effect, or no error.

    References
    ----------
    Gelman, A. and Carlin, J. (2014). Beyond power calculations: assessing type S (sign) and type M
    (magnitude) errors. Perspectives on Psychological Science 9, 641–651.
    doi:10.1177/1745691614551642: effect 2, error 8.1 gives power 0.06, type S 0.24, type M 9.5.

    Examples
    --------
    >>> found = find(2, 8.1)
    >>> round(found.power, 2), round(found.wrong_sign, 2), round(found.exaggeration, 1)
    (0.06, 0.24, 9.5)
    """
    if effect == 0 or not std_error > 0:
        raise FitError(f"effect {effect:g} with error {std_error:g}: both must differ from 0")
    size, z = abs(effect) / std_error, float(ndtri((1 + conf_level) / 2))
    right, wrong = float(ndtr(size - z)), float(ndtr(-size - z))
    power = right + wrong
    # mean of |X| over |X| > z, X normal about `size`
    density = (np.exp(-((z - size) ** 2) / 2) + np.exp(-((z + size) ** 2) / 2)) / math.sqrt(
        2 * math.pi
    )
    mean = (density + size * (right - wrong)) / power
    return Find(power, wrong / power, float(mean / size))


def detectable(
    name: str,
    *,
    std_error: float,
    n_obs: int,
    reference: float,
    relevant: float | None = None,
    conf_level: float = 0.95,
    power: float = 0.8,
) -> Estimate:
    """Smallest effect that a comparison of this exactness would find.

    Parameters
    ----------
    name
        Of the result.
    std_error
        Of the comparison, in money per account, for instance of `randomised.own_slopes`.
    n_obs
        Accounts in it.
    reference
        Mean outcome outside the programme, of which the effect is told as a share.
    relevant
        Effect in money per account that would matter, for instance the one at which the programme
        pays for itself; None: not stated.
    conf_level, power
        As for `multiplier`.

    Returns
    -------
    Estimate
        Frame: one row: `detectable`, `detectable_share` (of `reference`), and where `relevant` is
        stated, `relevant`, `power`, `exaggeration`, `n_accounts` (needed to find it). A check fails
        where the power is below one fifth: a find would then mostly be too large.
    """
    if not std_error > 0:
        return refusal(name, "effect.no_error", n=n_obs)
    least = multiplier(conf_level, power) * std_error
    share = least / abs(reference) if reference else float("nan")
    row: dict[str, float] = {"detectable": least, "detectable_share": share}
    values = {"n": n_obs, "least": least, "share": share, "power": power}
    summary = one_row(n_obs, "normal approximation", conf_level)
    if relevant is None or relevant == 0:
        note = Sentence("effect.detectable", values)
        return Estimate(name, pd.DataFrame([row]), summary, note)
    found = find(relevant, std_error, conf_level)
    need = math.ceil(n_obs * (least / relevant) ** 2 - 1e-9)
    row |= {"relevant": relevant, "power": found.power, "exaggeration": found.exaggeration,
            "n_accounts": need}  # fmt: skip
    values |= {"relevant": relevant, "chance": found.power, "need": need}
    strong = found.power >= POWER_WEAK
    told = {"chance": found.power, "times": found.exaggeration, "relevant": relevant}
    key = "effect.strong" if strong else "effect.weak"
    note = Sentence("effect.detectable_relevant", values)
    return Estimate(
        name, pd.DataFrame([row]), summary, note, (Check("power", strong, Sentence(key, told)),)
    )
