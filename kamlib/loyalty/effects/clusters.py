"""Accounts that belong together: how alike those of one parent group are, and what that costs."""

from __future__ import annotations

import numpy as np
import pandas as pd

from kamlib.errors import FitError
from kamlib.glossary import Sentence
from kamlib.loyalty.effects.sample import Floats, Ints, Sample
from kamlib.results import Check, Estimate, one_row, refusal

FEW_GROUPS = 40


def likeness(outcome: Floats, group: Ints) -> float:
    """Intra-class correlation: the share of the variance that lies between groups.

    Parameters
    ----------
    outcome
        Shape (n,).
    group
        Code of each account's group.

    Returns
    -------
    float
        From the analysis of variance, so that it may fall a little below zero; NaN where all groups
        hold one account, or all accounts are in one group, or are all alike.

    References
    ----------
    Donner, A. and Klar, N. (2000). Design and Analysis of Cluster Randomization Trials in Health
    Research. Arnold, chapter 1.

    Examples
    --------
    >>> likeness(np.array([1.0, 1.0, 5.0, 5.0]), np.array([0, 0, 1, 1]))
    1.0
    """
    _, code = np.unique(group, return_inverse=True)
    size = np.bincount(code).astype(np.float64)
    n, g = float(len(outcome)), float(len(size))
    if g < 2 or n == g:
        return float("nan")
    mean = np.bincount(code, outcome) / size
    between = float(np.sum(size * (mean - outcome.mean()) ** 2)) / (g - 1)
    within = float(np.sum((outcome - mean[code]) ** 2)) / (n - g)
    usual = (n - float(np.sum(size**2)) / n) / (g - 1)
    whole = between + (usual - 1) * within
    return (between - within) / whole if whole > 0 else float("nan")


def inflation(icc: float, sizes: Floats) -> float:
    """Design effect: variance of a mean over whole groups ÷ that over as many lone accounts.

    Parameters
    ----------
    icc
        Intra-class correlation.
    sizes
        Accounts of each group.

    Returns
    -------
    float
        1 + (Σ m² ÷ Σ m − 1) · icc.

    References
    ----------
    Kish, L. (1965). Survey Sampling. Wiley, section 5.4.

    Examples
    --------
    >>> inflation(0.3, np.full(8, 5.0))
    2.2
    """
    return 1 + (float(np.sum(sizes**2) / np.sum(sizes)) - 1) * icc


def design_effect(sample: Sample, name: str) -> Estimate:
    """Likeness of accounts of one group, and how many independent accounts they are worth.

    Parameters
    ----------
    sample
        With groups.
    name
        Of the result.

    Returns
    -------
    Estimate
        Frame: one row: `icc` (about each arm's own mean), `design_effect`, `n_clusters`, `n_obs`,
        `n_effective`. Checks: groups were assigned whole (else siblings spill over), and there are
        40 at least (else permute). Refused where no two accounts share a group.

    Raises
    ------
    FitError
        A sample without groups.
    """
    if sample.cluster is None:
        raise FitError("cluster: the sample names no groups; give sample(…, cluster=…)")
    y, d = sample.outcome, sample.treated
    own = y - np.where(d, y[d].mean(), y[~d].mean())
    icc = likeness(own, sample.cluster)
    if np.isnan(icc):
        return refusal(name, "effect.no_groups", n=sample.n_obs, groups=sample.n_clusters)
    _, code = np.unique(sample.cluster, return_inverse=True)
    sizes = np.bincount(code).astype(np.float64)
    # chance makes a likeness below zero; it does not make accounts worth more than they are
    effect = max(1.0, inflation(icc, sizes))
    frame = pd.DataFrame(
        {"icc": [icc], "design_effect": effect, "n_clusters": sample.n_clusters,
         "n_obs": sample.n_obs, "n_effective": sample.n_obs / effect}
    )  # fmt: skip
    share = np.bincount(code, d) / sizes
    mixed = int(np.sum((share > 0) & (share < 1)))
    values = {"n": sample.n_obs, "groups": sample.n_clusters, "icc": icc, "effect": effect,
              "worth": sample.n_obs / effect}  # fmt: skip
    whole = Sentence("effect.mixed" if mixed else "effect.whole", {"n": mixed, "of": len(sizes)})
    checks = (Check("groups_whole", not mixed, whole), groups_check(sample))
    note = Sentence("effect.groups", values)
    return Estimate(name, frame, one_row(sample.n_obs, "analysis of variance"), note, checks)


def groups_check(sample: Sample) -> Check:
    """Return whether there are groups enough for the usual error, 40 at least."""
    many = sample.n_clusters >= FEW_GROUPS
    told = {"n": sample.n_clusters, "need": FEW_GROUPS}
    key = "effect.groups_enough" if many else "effect.groups_few"
    return Check("groups_enough", many, Sentence(key, told))
