"""Cox's proportional hazards: how covariates multiply the rate at which an event happens."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri

from kamlib.glossary import Sentence
from kamlib.results import Check
from kamlib.stats.cox_baseline import Baseline, steps
from kamlib.stats.cox_data import CoxData, Floats
from kamlib.stats.cox_likelihood import Likelihood, Point, Ties, likelihood
from kamlib.stats.cox_robust import cluster_codes, cluster_scores, sandwich

FEW_CLUSTERS = 20
_STEPS, _HALVINGS = 50, 30
_TOLERANCE = 1e-14  # squared distance to the maximum, in standard errors
_SINGULAR = 1e-10  # of the information as correlations: some covariate follows from the others
_COLLAPSED = 1e-7  # of the information at zero: a coefficient runs off, and its error with it


@dataclass(frozen=True, slots=True, eq=False)
class CoxFit:
    """A fitted model: every number in it is finite, whatever the data were.

    Attributes
    ----------
    names, coefficients
        Covariates and their log hazard ratios per unit of the covariate, shape (k,).
    covariance
        Of the coefficients, shape (k, k): of clusters where they were given, else the model's.
    model_covariance
        Inverse of the (penalised) information: right where rows are independent given the model.
    log_likelihood, null_log_likelihood
        Partial, at the coefficients and at zero, without the penalty.
    n_obs, n_event, n_clusters
        Rows, events (not weighted), clusters; None where no clusters were given.
    ties, penalty, steps
        As fitted; number of steps of Newton.
    baseline
        Cumulative hazard at the coefficients, by stratum.
    trouble
        Why the fit must not be used, its coefficients then being zero; None where it may.
    """

    names: tuple[str, ...]
    coefficients: Floats
    covariance: Floats
    model_covariance: Floats
    log_likelihood: float
    null_log_likelihood: float
    n_obs: int
    n_event: int
    n_clusters: int | None
    ties: Ties
    penalty: float
    steps: int
    baseline: Baseline
    trouble: Sentence | None

    @property
    def std_error(self) -> Floats:
        """Standard errors of the coefficients, shape (k,)."""
        return np.asarray(np.sqrt(np.diag(self.covariance)))

    def interval(self, conf_level: float) -> tuple[Floats, Floats]:
        """Return lower and upper limits of the coefficients, by the normal distribution."""
        half = float(ndtri((1 + conf_level) / 2)) * self.std_error
        return self.coefficients - half, self.coefficients + half

    @property
    def checks(self) -> tuple[Check, ...]:
        """What must hold for the coefficients to be trusted."""
        values = {"n": self.n_obs, "events": self.n_event, "k": len(self.names)}
        usable = self.trouble or Sentence("cox.fitted", values)
        found = [Check("cox_usable", self.trouble is None, usable)]
        if self.n_clusters is not None:
            enough = self.n_clusters >= FEW_CLUSTERS
            key = "cox.clusters" if enough else "cox.few_clusters"
            note = Sentence(key, {"n": self.n_clusters, "need": FEW_CLUSTERS})
            found.append(Check("cox_clusters", enough, note))
        if self.penalty > 0:
            note = Sentence("cox.shrunk", {"penalty": self.penalty})
            found.append(Check("cox_not_shrunk", False, note))
        return tuple(found)


def fit_cox(
    data: CoxData,
    *,
    ties: Ties = "efron",
    penalty: float = 0.0,
    cluster: ArrayLike | None = None,
) -> CoxFit:
    """Log hazard ratios of covariates by maximum partial likelihood.

    Newton's steps, halved until the likelihood rises, on covariates centred within strata and
    divided by their standard deviation: units of a covariate make no difference. Entry may be late,
    rows may be pieces of one subject's time; such rows are independent given the model, but name
    the subject as `cluster` where the model may be wrong or a subject may have several events.

    Parameters
    ----------
    data
        Rows of time at risk.
    ties
        "efron" or "breslow"; with months as times "efron" is much nearer to the truth.
    penalty
        θ of the ridge: θ ÷ 2 · Σ (coefficient · standard deviation within strata)² is taken from the
        log-likelihood. Coefficients are then shrunk and intervals are not intervals.
    cluster
        What belongs together, one label per row: errors then are the sandwich of clusters.

    Returns
    -------
    CoxFit
        Always; `trouble` says where it must not be used: no event, covariates that follow from each
        other (see `kamlib.stats.preflight`), coefficients that run off to infinity since events lie
        on one side of a covariate, or no convergence.

    Raises
    ------
    FitError
        Covariates that are missing or infinite; clusters that do not fit the rows.

    References
    ----------
    Cox, D. R. (1972). Regression models and life-tables. Journal of the Royal Statistical Society B
    34, 187–202. doi:10.1111/j.2517-6161.1972.tb00899.x
    Therneau, T. M. and Grambsch, P. M. (2000). Modeling Survival Data: Extending the Cox Model.
    Springer. doi:10.1007/978-1-4757-3294-8
    Heinze, G. and Schemper, M. (2001). A solution to the problem of monotone likelihood in Cox
    regression. Biometrics 57, 114–119. doi:10.1111/j.0006-341X.2001.00114.x

    Examples
    --------
    >>> from kamlib.stats.cox_data import cox_data
    >>> data = cox_data([[1.0], [0.0], [1.0], [0.0]], [1, 2, 3, 4], [1, 1, 1, 0], names=["x"])
    >>> fit = fit_cox(data)  # 2 = 2h ÷ (2h + 2) + h ÷ (h + 2) + h ÷ (h + 1), so h² = h + 4
    >>> float(np.exp(fit.coefficients[0]).round(4))
    2.5616
    """
    codes = None if cluster is None else cluster_codes(data, cluster)
    found = likelihood(data, ties)
    beta, point, curve, null, n_steps, trouble = _climb(data, found, penalty)
    k = len(beta)
    model = np.zeros((k, k)) if trouble else _inverse(curve + penalty * np.eye(k))
    covariance = model
    if codes is not None and trouble is None:
        covariance = sandwich(model, cluster_scores(found, point, *codes))
    unit = np.outer(found.scale, found.scale)
    coefficients = beta / found.scale
    return CoxFit(
        data.names,
        coefficients,
        covariance / unit,
        model / unit,
        point.log_likelihood,
        null,
        data.n_obs,
        len(found.sets.event),
        None if codes is None else codes[1],
        ties,
        penalty,
        n_steps,
        steps(data, found, point, coefficients, ties),
        trouble,
    )


def _climb(
    data: CoxData, found: Likelihood, penalty: float
) -> tuple[Floats, Point, Floats, float, int, Sentence | None]:
    """Return the maximum, its sums and curvature, the likelihood at zero, steps, and any trouble."""
    zero = np.zeros(len(data.names))
    start = found.point(zero)
    null = start.log_likelihood
    first = found.information(start)
    beta, point, curve, trouble = zero, start, first, _unfit(data, found, first, penalty)
    for step_number in range(_STEPS):
        if trouble is not None:
            break
        slope = found.score(point) - penalty * beta
        step = _inverse(curve + penalty * np.eye(len(beta))) @ slope
        if slope @ step <= _TOLERANCE:
            return beta, point, curve, null, step_number, None
        goal = point.log_likelihood - penalty / 2 * beta @ beta
        for _ in range(_HALVINGS):
            tried = found.point(beta + step)
            reached = tried.log_likelihood - penalty / 2 * (beta + step) @ (beta + step)
            # near the maximum the likelihood's own rounding hides a rise
            if reached >= goal - 1e-11 * abs(goal):
                break
            step = step / 2
        beta, point = beta + step, tried
        curve = found.information(point)
        if not np.isfinite(curve).all():
            break
        if penalty == 0 and abs(_smallest(curve, first)) < _COLLAPSED:
            values = {"name": data.names[int(np.abs(step).argmax())], "events": len(found.chosen)}
            trouble = Sentence("cox.monotone", values)
    if trouble is None:
        trouble = Sentence("cox.not_converged", {"n": data.n_obs, "steps": _STEPS})
    return zero, start, first, null, 0, trouble


def _unfit(data: CoxData, found: Likelihood, first: Floats, penalty: float) -> Sentence | None:
    """Return why no maximum is to be looked for, from the information at zero."""
    n_event = len(found.chosen)
    if n_event == 0:
        return Sentence("cox.no_event", {"n": data.n_obs})
    if penalty > 0 or len(first) == 0:
        return None
    spread = np.diag(first)
    flat = spread <= _SINGULAR * n_event
    if flat.any():
        return Sentence("cox.flat", {"name": data.names[int(flat.argmax())]})
    size = np.sqrt(spread)
    values, vectors = np.linalg.eigh(first / np.outer(size, size))
    if values[0] > _SINGULAR:
        return None
    one, other = np.argsort(-np.abs(vectors[:, 0]))[:2]
    return Sentence("cox.dependent", {"one": data.names[one], "other": data.names[other]})


def _inverse(matrix: Floats) -> Floats:
    """Return the inverse of a positive matrix, flat directions held finite."""
    size = np.sqrt(np.maximum(np.diag(matrix), 1e-300))
    values, vectors = np.linalg.eigh(matrix / np.outer(size, size))
    held = np.maximum(values, 1e-14)
    return np.asarray((vectors / held) @ vectors.T / np.outer(size, size))


def _smallest(curve: Floats, first: Floats) -> float:
    """Return how much of the information at zero is left in the direction that lost most."""
    values, vectors = np.linalg.eigh(first)
    root = vectors / np.sqrt(values)
    return float(np.linalg.eigvalsh(root.T @ curve @ root)[0]) if len(first) else 1.0
