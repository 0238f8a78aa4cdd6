"""Effects that are found in percent, as skewed amounts ask for, and told in money."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from kamlib.errors import FitError
from kamlib.loyalty.effects.effect import Effect, Estimator
from kamlib.loyalty.effects.sample import Sample, Unfit


def in_money(of: Estimator) -> Estimator:
    """Return an estimator that compares logarithms and tells the mean change in money.

    Among accounts of very different sizes a comparison of amounts rests on the largest; one of
    logarithms on all. The change in percent is then taken to be the same for accounts of all sizes.

    Parameters
    ----------
    of
        Estimator of "att" or "ate", which is given the logarithms.

    Returns
    -------
    callable
        Takes a sample of scale "money" with amounts above zero.

    Raises
    ------
    FitError
        From the estimator: a sample that is not of scale "money", or another estimand.
    Unfit
        From the estimator: amounts of zero or less, for which amounts must be compared.

    Notes
    -----
    With τ the change of the logarithm, an account in the programme owes it amount · (1 − e^−τ), one
    outside would gain amount · (e^τ − 1). The amounts are those of the accounts at hand and taken as
    they are: the error is that of τ alone.

    Examples
    --------
    >>> rows = Sample(np.array([12.0, 24.0, 11.0, 19.0]), np.array([True, True, False, False]),
    ...               np.empty((4, 0)), (), "margin", "money", None)
    >>> round(in_money(lambda s: Effect("att", np.log(1.2), 0.1, 9.0, "given"))(rows).value, 6)
    3.0
    """

    def told(sample: Sample) -> Effect:
        if sample.scale != "money":
            raise FitError("outcome: amounts of scale 'money' were expected")
        nothing = int((sample.outcome <= 0).sum())
        if nothing:
            raise Unfit("effect.no_log", n=nothing, of=sample.n_obs, outcome=sample.outcome_name)
        found = of(replace(sample, outcome=np.log(sample.outcome), scale="log"))
        if found.estimand == "ato":
            raise FitError("estimand: 'att' or 'ate' was expected, whose accounts are known")
        outside = 0.0 if found.estimand == "att" else float(sample.outcome[~sample.treated].sum())
        inside = float(sample.outcome[sample.treated].sum())
        n = sample.n_treated if found.estimand == "att" else sample.n_obs
        up, down = float(np.expm1(found.value)), float(-np.expm1(-found.value))
        value = (up * outside + down * inside) / n
        slope = ((1 + up) * outside + (1 - down) * inside) / n
        method = f"{found.method}, of logarithms"
        return replace(found, value=value, std_error=slope * found.std_error, method=method)

    return told
