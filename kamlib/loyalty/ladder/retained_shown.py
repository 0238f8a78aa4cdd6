"""Beside months stayed: the share still there at the end, and the rate at which members leave."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from kamlib.glossary import Sentence
from kamlib.loyalty.effects.e_value import e_values, ratio_of_hazards
from kamlib.loyalty.effects.effect import estimate
from kamlib.loyalty.effects.sample import Ints, Sample
from kamlib.loyalty.ladder.retained_rows import Stays
from kamlib.loyalty.ladder.rung import Estimator
from kamlib.results import Estimate, one_row, refusal
from kamlib.stats.cox import fit_cox
from kamlib.stats.cox_data import CoxData, cox_data

RARE = 0.15


def share_retained(
    stays: Stays, sample: Sample, estimator: Estimator, *, rng: np.random.Generator,
    conf_level: float = 0.95, draws: int = 0,
) -> Estimate:  # fmt: skip
    """Effect on the chance to be still there at the end, by the estimator of the answer.

    Parameters
    ----------
    stays, sample
        Accounts, and those of them that `at_landmark` returns.
    estimator, rng, draws, conf_level
        As for `effects.effect.estimate`.

    Returns
    -------
    Estimate
        Named "share_retained". Frame: as of `estimate`, on the scale of a share. Summary:
        `share_treated`, `share_control` (of others like the members). Refused where nobody left.
    """
    stayed = np.isinf(stays.left[stays.there])
    still = replace(sample, outcome=stayed.astype(np.float64), scale="share")
    found = estimate(
        still, estimator, "share_retained", conf_level=conf_level, draws=draws,
        rng=rng if draws else None,
    )  # fmt: skip
    if found.refused:
        return found
    row = found.frame.iloc[0]
    inside = float(still.outcome[still.treated].mean())
    outside = inside - float(row["estimate"])
    more, low, high = (100 * float(row[c]) for c in ("estimate", "conf_low", "conf_high"))
    values = {"more": more, "low": low, "high": high, "level": conf_level, "n": still.n_treated,
              "others": still.n_control, "horizon": stays.last - stays.begin, "inside": 100 * inside,
              "outside": 100 * outside}  # fmt: skip
    note = Sentence("loyalty_retained.share", values)
    summary = found.summary.assign(share_treated=inside, share_control=outside)
    return replace(found, summary=summary, note=note)


def hazard(stays: Stays, sample: Sample, *, conf_level: float = 0.95) -> Estimate:
    """How many times as often accounts leave while they are members, whenever they joined.

    An account counts as outside until the month in which it joins and as a member from then on, so
    that nobody is a member while it could not have left. Rates are compared month by month among
    those still there (Cox), with what was known of each at the beginning held equal. How accounts
    fared since is not, though it may decide who joins later: this is a check, and no answer.

    Parameters
    ----------
    stays, sample
        As for `share_retained`; accounts, or parent groups, count as independent.
    conf_level
        Of the interval.

    Returns
    -------
    Estimate
        Named "hazard". Frame: one row: `term` ("hazard_ratio"), `estimate`, `conf_low`, `conf_high`,
        `conf_level`, `n_treated` (members for some of the time), `n_obs`, `n_event`. Refused where
        the model cannot be fitted, for instance since no member left.

    References
    ----------
    Therneau, T. M. and Grambsch, P. M. (2000). Modeling Survival Data: Extending the Cox Model.
    Springer, section 3.7 (covariates that depend on time). doi:10.1007/978-1-4757-3294-8
    """
    data, account = _pieces(stays, sample)
    groups = account if sample.cluster is None else sample.cluster[account]
    fit = fit_cox(data, cluster=groups)
    if fit.trouble is not None:
        return refusal("hazard", fit.trouble.key, **fit.trouble.values)
    low, high = (np.exp(limits[0]) for limits in fit.interval(conf_level))
    n = sample.n_obs
    members = len(np.unique(account[data.covariates[:, 0] == 1]))
    ratio = float(np.exp(fit.coefficients[0]))
    frame = pd.DataFrame(
        {"term": ["hazard_ratio"], "estimate": ratio, "conf_low": low, "conf_high": high,
         "conf_level": conf_level, "n_treated": members, "n_obs": n, "n_event": fit.n_event}
    )  # fmt: skip
    values = {"ratio": ratio, "low": low, "high": high, "level": conf_level, "members": members,
              "n": n, "events": fit.n_event}  # fmt: skip
    note = Sentence("loyalty_retained.hazard", values)
    return Estimate("hazard", frame, one_row(n, "Cox", conf_level), note, fit.checks)


def hidden_ratio(rate: Estimate) -> Estimate:
    """E-value of a rate of leaving: how strong a cause that nobody recorded would have to be.

    Where 15 % or more of the accounts left, the ratio of rates stands for a ratio of risks that is
    nearer to one (`ratio_of_hazards`).

    Parameters
    ----------
    rate
        As `hazard` returns it.

    Returns
    -------
    Estimate
        As `e_values`, named "e_value"; refused where the rate is.
    """
    if rate.refused:
        return replace(rate, name="e_value")
    row = rate.frame.iloc[0]
    rare = row["n_event"] < RARE * row["n_obs"]
    ratio, low, high = (
        float(row[c]) if rare else ratio_of_hazards(float(row[c]))
        for c in ("estimate", "conf_low", "conf_high")
    )
    return e_values("e_value", ratio=ratio, low=low, high=high, n_obs=int(row["n_obs"]))


def _pieces(stays: Stays, sample: Sample) -> tuple[CoxData, Ints]:
    """Return stretches outside and inside the programme, and the account of each."""
    joined, left = stays.joined[stays.there], stays.left[stays.there]
    end = np.minimum(left, stays.last)
    switch = np.clip(joined, stays.begin, end)
    outside, inside = np.flatnonzero(switch > stays.begin), np.flatnonzero(end > switch)
    account = np.concatenate([outside, inside])
    member = np.repeat([0.0, 1.0], [len(outside), len(inside)])
    entry = np.concatenate([np.full(len(outside), stays.begin), switch[inside]])
    stop = np.concatenate([switch[outside], end[inside]])
    event = (stop == end[account]) & np.isfinite(left[account])
    columns = np.column_stack([member, sample.covariates[account]])
    data = cox_data(columns, stop, event, names=("is_treated", *sample.names), entry=entry)
    return data, account
