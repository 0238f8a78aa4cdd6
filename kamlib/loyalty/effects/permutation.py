"""What chance alone makes of the assignment: the accounts as they are, assigned anew."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import combinations
from math import comb

import numpy as np
import pandas as pd

from kamlib.glossary import Sentence
from kamlib.loyalty.effects.effect import N_ARM_MIN, amount_of, term_of
from kamlib.loyalty.effects.randomised import foretold_removed
from kamlib.loyalty.effects.sample import Bools, Floats, Sample, Unfit
from kamlib.results import Estimate, one_row, refusal

_BLOCK = 2_000_000  # assignments × groups at a time, 16 MB
_TIE = 1e-9
MIN_GROUPS = 4


@dataclass(frozen=True, slots=True, eq=False)
class Permuted:
    """A figure against the same figure under other assignments.

    Attributes
    ----------
    value, std_error
        Difference in means and its error by Neyman, over groups.
    p_value
        Share of assignments whose figure is at least as far from zero, two-sided.
    drawn
        The figure, difference ÷ error, under each assignment.
    complete
        Whether these are all assignments that there are.
    """

    value: float
    std_error: float
    p_value: float
    drawn: Floats
    complete: bool


def permute(sample: Sample, draws: int, rng: np.random.Generator) -> Permuted:
    """Assign the programme anew, to as many groups as had it, and compare.

    Parameters
    ----------
    sample
        Accounts, or groups of them that were assigned as a whole. Covariates are not looked at.
    draws
        Assignments drawn; where there are no more than that, all are made.
    rng
        Source of randomness.

    Raises
    ------
    Unfit
        A group that is partly in the programme, fewer than two groups in an arm, or outcomes that
        are all alike.

    Notes
    -----
    The figure is the difference in means ÷ its error, which makes the test right in large samples
    also if the programme only changes how much outcomes vary. A drawn p is (1 + as far or
    further) ÷ (1 + draws), and so never zero.

    References
    ----------
    Chung, E. and Romano, J. P. (2013). Exact and asymptotically robust permutation tests. Annals of
    Statistics 41, 484–507. doi:10.1214/13-AOS1090
    Phipson, B. and Smyth, G. K. (2010). Permutation P-values should never be zero. Statistical
    Applications in Genetics and Molecular Biology 9, 39. doi:10.2202/1544-6115.1585

    Examples
    --------
    >>> y, d = np.array([1.0, 2.0, 3.0, 7.0, 8.0, 9.0]), np.arange(6) > 2
    >>> six = Sample(y, d, np.empty((6, 0)), (), "margin", "money", None)
    >>> permute(six, 100, np.random.default_rng(1)).p_value
    0.1
    """
    size, total, in_it = _groups(sample)
    n_groups, n_in = len(in_it), int(in_it.sum())
    if min(n_in, n_groups - n_in) < 2:
        raise Unfit("effect.few", n_treated=n_in, n_control=n_groups - n_in, need=2)
    centred = total - size * (total.sum() / size.sum())
    value, error = _studentised(centred, size, in_it[None, :].astype(np.float64))
    if not error[0] > 0:
        raise Unfit("effect.no_spread", n=sample.n_obs, outcome=sample.outcome_name)
    found = value[0] / error[0]
    complete = comb(n_groups, n_in) <= draws
    blocks = []
    if complete:
        chosen = np.array(list(combinations(range(n_groups), n_in)))
        every = np.zeros((len(chosen), n_groups))
        np.put_along_axis(every, chosen, 1.0, axis=1)
        blocks.append(_figures(centred, size, every))
    else:
        step = max(1, _BLOCK // n_groups)
        for done in range(0, draws, step):
            one = np.broadcast_to(in_it.astype(np.float64), (min(step, draws - done), n_groups))
            blocks.append(_figures(centred, size, rng.permuted(one, axis=1)))
    drawn = np.concatenate(blocks)
    far = int(np.sum(np.abs(drawn) >= abs(found) * (1 - _TIE)))
    p_value = far / len(drawn) if complete else (1 + far) / (1 + len(drawn))
    return Permuted(float(value[0]), float(error[0]), p_value, drawn, complete)


def permutation_test(
    sample: Sample,
    name: str,
    *,
    draws: int = 4999,
    rng: np.random.Generator,
    conf_level: float = 0.95,
    n_arm_min: int = N_ARM_MIN,
) -> Estimate:
    """Effect of a programme assigned by chance, judged by other assignments that chance could make.

    Parameters
    ----------
    sample
        Accounts, or groups assigned as a whole. What covariates foretell is taken off the outcomes
        first, the same way for all accounts.
    name
        Of the result.
    draws, rng
        Of the assignments.
    conf_level
        Of the interval: the difference ± the quantile of |difference ÷ error| under the assignments
        times the error.
    n_arm_min
        Accounts that each arm needs.

    Returns
    -------
    Estimate
        Frame and summary as those of `effect.estimate`. Refused where an arm is too small, where
        fewer than four groups were assigned, or where there are too few assignments for the level.
    """
    n1, n0 = sample.n_treated, sample.n_control
    if min(n1, n0) < n_arm_min:
        return refusal(name, "effect.few", n_treated=n1, n_control=n0, need=n_arm_min)
    if sample.n_clusters < MIN_GROUPS:
        return refusal(name, "effect.few_clusters", n=sample.n_clusters, need=MIN_GROUPS)
    try:
        if sample.names:
            sample = replace(sample, outcome=foretold_removed(sample))
        found = permute(sample, draws, rng)
    except Unfit as error:
        return refusal(name, error.sentence.key, **error.sentence.values)
    least = 2 / len(found.drawn)
    if found.complete and least > 1 - conf_level:
        return refusal(name, "effect.few_assignments", n=len(found.drawn), level=conf_level)
    half = float(np.quantile(np.abs(found.drawn), conf_level, method="higher")) * found.std_error
    low, high = found.value - half, found.value + half
    kind = "all" if found.complete else "drawn"
    method = f"permutation, {len(found.drawn)} assignments ({kind})"
    frame = pd.DataFrame(
        {
            "term": [term_of(sample, "ate")], "estimate": found.value,
            "std_error": found.std_error, "conf_low": low, "conf_high": high,
            "conf_level": conf_level, "statistic": found.value / found.std_error,
            "p_value": found.p_value, "n_treated": n1, "n_control": n0, "n_obs": sample.n_obs,
        }
    )  # fmt: skip
    summary = one_row(sample.n_obs, method, conf_level, n_clusters=sample.n_clusters)
    values = {
        "amount": amount_of(sample, found.value, low, high, conf_level), "n": sample.n_obs,
        "p": found.p_value, "outcome": sample.outcome_name, "draws": len(found.drawn),
    }  # fmt: skip
    return Estimate(name, frame, summary, Sentence("effect.permuted", values))


def _groups(sample: Sample) -> tuple[Floats, Floats, Bools]:
    """Return accounts and outcome total of each group, and whether it is in the programme."""
    if sample.cluster is None:
        return np.ones(sample.n_obs), sample.outcome, sample.treated
    _, group = np.unique(sample.cluster, return_inverse=True)
    size = np.bincount(group).astype(np.float64)
    in_it = np.bincount(group, sample.treated)
    mixed = (in_it > 0) & (in_it < size)
    if mixed.any():
        raise Unfit("effect.mixed", n=int(mixed.sum()), of=len(size))
    return size, np.bincount(group, sample.outcome).astype(np.float64), in_it > 0


def _figures(total: Floats, size: Floats, assigned: Floats) -> Floats:
    value, error = _studentised(total, size, assigned)
    with np.errstate(invalid="ignore", divide="ignore"):
        figure = np.where(error > 0, value / error, np.sign(value) * np.inf)
    return np.nan_to_num(figure, nan=0.0, posinf=np.inf, neginf=-np.inf)


def _studentised(total: Floats, size: Floats, assigned: Floats) -> tuple[Floats, Floats]:
    """Return difference in means and its error over groups, one per row of assignments."""
    value = np.zeros(len(assigned))
    variance = np.zeros(len(assigned))
    for sign, arm in ((1.0, assigned), (-1.0, 1 - assigned)):
        groups, accounts, sums = arm.sum(axis=1), arm @ size, arm @ total
        mean = sums / accounts
        # Σ (total − size · mean)² over the groups of the arm
        squares = arm @ total**2 - 2 * mean * (arm @ (total * size)) + mean**2 * (arm @ size**2)
        value += sign * mean
        variance += groups / (groups - 1) * np.maximum(squares, 0.0) / accounts**2
    return value, np.sqrt(variance)
