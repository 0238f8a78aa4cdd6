"""Effect of a programme that accounts were assigned to by chance."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from kamlib.loyalty.effects.effect import Effect
from kamlib.loyalty.effects.regression import Errors, least_squares, standard_error
from kamlib.loyalty.effects.sample import Floats, Sample, Unfit


def difference_in_means(sample: Sample) -> Effect:
    """Mean outcome of accounts assigned to the programme, less that of the others.

    Assignment counts, not use: accounts that were assigned and never took part stay where they were
    assigned. The error is Neyman's, √(s₁² ÷ n₁ + s₀² ÷ n₀), with Welch's degrees of freedom; where
    accounts belong to groups it is CR1 over groups with G − 1.

    Raises
    ------
    Unfit
        Fewer than two accounts in an arm, or fewer than two groups.

    References
    ----------
    Welch, B. L. (1947). The generalization of 'Student's' problem when several different population
    variances are involved. Biometrika 34, 28–35. doi:10.1093/biomet/34.1-2.28

    Examples
    --------
    >>> y, d = np.array([3.0, 5.0, 1.0, 2.0]), np.array([True, True, False, False])
    >>> found = difference_in_means(Sample(y, d, np.empty((4, 0)), (), "margin", "money", None))
    >>> found.value, round(found.std_error, 4)
    (2.5, 1.118)
    """
    y, d = sample.outcome, sample.treated
    value = float(y[d].mean() - y[~d].mean())
    if min(sample.n_treated, sample.n_control) < 2:
        raise Unfit("effect.few", n_treated=sample.n_treated, n_control=sample.n_control, need=2)
    if sample.cluster is not None:
        fit = least_squares(_design(sample), y, ("constant", "treated"))
        error, df = standard_error(fit, 1, "HC0", sample.cluster)
        return Effect("ate", value, error, df, "difference in means, by group")
    v1, v0 = y[d].var(ddof=1) / sample.n_treated, y[~d].var(ddof=1) / sample.n_control
    if v1 + v0 == 0:
        raise Unfit("effect.no_spread", n=sample.n_obs, outcome=sample.outcome_name)
    df = (v1 + v0) ** 2 / (v1**2 / (sample.n_treated - 1) + v0**2 / (sample.n_control - 1))
    return Effect("ate", value, float(np.sqrt(v1 + v0)), float(df), "difference in means, Welch")


def common_slopes(sample: Sample, errors: Errors = "HC2") -> Effect:
    """Effect from a regression on the programme and the covariates, with one slope for both arms.

    Where the programme was not assigned by chance this is the mean over accounts weighted by how
    undecided their assignment was, and right only if the slopes are.

    Parameters
    ----------
    sample
        With covariates.
    errors
        "HC2" or, more careful with few accounts, "HC3"; CR1 where accounts belong to groups.

    Raises
    ------
    Unfit
        More covariates than the accounts carry, or one that follows from others.

    References
    ----------
    Freedman, D. A. (2008). On regression adjustments to experimental data. Advances in Applied
    Mathematics 40, 180–193. doi:10.1016/j.aam.2006.12.003
    """
    design = np.column_stack([_design(sample), sample.covariates])
    fit = least_squares(design, sample.outcome, ("constant", "treated", *sample.names))
    error, df = standard_error(fit, 1, errors, sample.cluster)
    return Effect("ate", float(fit.coefficients[1]), error, df, f"regression, {_named(sample, errors)}")  # fmt: skip


def own_slopes(sample: Sample, errors: Errors = "HC2") -> Effect:
    """Effect from a regression in which each arm has slopes of its own (Lin).

    Under assignment by chance it is never less exact than the difference in means in large samples,
    however wrong the straight lines are.

    Parameters
    ----------
    sample
        With covariates.
    errors
        As for `common_slopes`.

    Raises
    ------
    Unfit
        More covariates than the accounts carry, or one that is constant within an arm or follows
        from others.

    References
    ----------
    Lin, W. (2013). Agnostic notes on regression adjustments to experimental data: Reexamining
    Freedman's critique. Annals of Applied Statistics 7, 295–318. doi:10.1214/12-AOAS583
    """
    x = sample.covariates - sample.covariates.mean(axis=0)
    names = ("constant", "treated", *sample.names, *(f"treated × {n}" for n in sample.names))
    design = np.column_stack([_design(sample), x, x * sample.treated[:, None]])
    fit = least_squares(design, sample.outcome, names)
    error, df = standard_error(fit, 1, errors, sample.cluster)
    return Effect("ate", float(fit.coefficients[1]), error, df, f"Lin, {_named(sample, errors)}")


def cuped(sample: Sample) -> Effect:
    """Difference in means of outcomes from which is taken what covariates foretold (CUPED).

    The slopes come from all accounts together. With the outcome's own past as covariate the error
    shrinks by √(1 − ρ²).

    Raises
    ------
    Unfit
        As `difference_in_means`; also a covariate that is constant or follows from others.

    References
    ----------
    Deng, A., Xu, Y., Kohavi, R. and Walker, T. (2013). Improving the sensitivity of online
    controlled experiments by utilizing pre-experiment data. WSDM '13, 123–132.
    doi:10.1145/2433396.2433413
    """
    plain = difference_in_means(replace(sample, outcome=foretold_removed(sample)))
    return replace(plain, method=plain.method.replace("difference in means", "CUPED"))


def foretold_removed(sample: Sample) -> Floats:
    """Return outcomes less what covariates foretell by one line for all, mean unchanged.

    Shape (n,). The programme is not looked at, so that a permutation of it stays fair.
    """
    x = sample.covariates - sample.covariates.mean(axis=0)
    design = np.column_stack([np.ones(sample.n_obs), x])
    fit = least_squares(design, sample.outcome, ("constant", *sample.names))
    left: Floats = fit.residual + fit.coefficients[0]
    return left


def _design(sample: Sample) -> Floats:
    return np.column_stack([np.ones(sample.n_obs), sample.treated])


def _named(sample: Sample, errors: Errors) -> str:
    return errors if sample.cluster is None else "CR1 by group"
