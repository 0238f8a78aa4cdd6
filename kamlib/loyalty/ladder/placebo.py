"""A start that never was, early in the months before: whoever seems to gain by it was different anyway."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from kamlib.errors import FitError
from kamlib.loyalty.effects.effect import estimate
from kamlib.loyalty.effects.randomised import common_slopes
from kamlib.loyalty.ladder.evidence import Evidence
from kamlib.loyalty.ladder.refusals import Code, Gate, gate
from kamlib.loyalty.ladder.sections import section

PLACEBO_P = 0.005


def placebo(evidence: Evidence) -> Gate:
    """Return whether members, with their past held equal, were like others until they joined.

    Parameters
    ----------
    evidence
        The start is moved to the first third of the months before, and outcomes end at the true one.

    Notes
    -----
    It fires at p < 0.005 and not at 0.05: that accounts join for good months so far moves it a little
    (1.4 errors on average in the world `select` of the tests), which holding the whole path equal
    mends; a hidden trend moves it by five.
    """
    early = evidence.zero - evidence.zero // 3
    values = {"effect": np.nan, "months": early, "p": np.nan}
    try:
        sample = section(evidence, assigned=False, early=early, until_zero=True).sample
        found = estimate(sample, common_slopes, "placebo")
        if found.refused and sample.names:
            # multiples of the mean of these very months add up to the same for all accounts
            left = replace(sample, covariates=sample.covariates[:, 1:], names=sample.names[1:])
            found = estimate(left, common_slopes, "placebo")
    except FitError:
        return gate(Code.PLACEBO_FAIL, False, "loyalty_ladder.placebo_holds", **values)
    if found.refused:
        return gate(Code.PLACEBO_FAIL, False, "loyalty_ladder.placebo_holds", **values)
    row = found.frame.iloc[0]
    values = {"effect": float(row["estimate"]), "months": early, "p": float(row["p_value"])}
    return gate(
        Code.PLACEBO_FAIL, values["p"] > PLACEBO_P, "loyalty_ladder.placebo_holds", **values
    )
