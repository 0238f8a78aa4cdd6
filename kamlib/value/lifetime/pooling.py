"""What comparable units teach each other: a prior learnt from all of them (empirical Bayes)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kamlib.errors import FitError
from kamlib.glossary import Sentence
from kamlib.value.lifetime.purchases.fit import Fit, Model, Prior, Rows, fit

Floats = NDArray[np.float64]

MIN_UNITS = 5
# Before any unit is seen: coordinates differ between units with this standard deviation, a belief
# worth as many units. It keeps directions that few units inform from closing or running away.
_SPREAD, _WORTH = 0.5, 2.0
_ROUNDS, _SETTLED = 30, 1e-3


@dataclass(frozen=True, slots=True, eq=False)
class Pool:
    """How the coordinates of a model are distributed over units.

    Attributes
    ----------
    model
        Name of the model.
    mean, covariance
        Of the coordinates over units, in the unit of time of the summaries (days).
    units
        Names of the units it was learnt from.
    rounds
        Rounds of estimation.
    """

    model: str
    mean: Floats
    covariance: Floats
    units: tuple[str, ...]
    rounds: int

    @property
    def digest(self) -> str:
        """Hash of all that the prior consists of; equal numbers give equal hashes."""
        text = json.dumps(self.as_dict(), sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(text.encode("utf-8")).hexdigest()

    @property
    def prior(self) -> Prior:
        """The prior for a fit of any unit of the pool, or of one like them."""
        return Prior(self.mean, self.covariance, "pooled", self.digest)

    def as_dict(self) -> dict[str, Any]:
        """Return what is written to a file; `pool_from` reads it."""
        return {
            "model": self.model,
            "mean": np.round(self.mean, 12).tolist(),
            "covariance": np.round(self.covariance, 12).tolist(),
            "units": list(self.units),
            "rounds": self.rounds,
        }


def pool_from(raw: Mapping[str, Any]) -> Pool:
    """Return a pool that was written by `Pool.as_dict`.

    Raises
    ------
    FitError
        Where it is none, or its covariance is not that of a distribution.
    """
    try:
        mean = np.array(raw["mean"], dtype=np.float64)
        covariance = np.array(raw["covariance"], dtype=np.float64)
        units = tuple(str(unit) for unit in raw["units"])
        found = Pool(str(raw["model"]), mean, covariance, units, int(raw["rounds"]))
        np.linalg.cholesky(covariance)
        whole = covariance.shape == (len(mean), len(mean)) and np.isfinite(mean).all()
    except (KeyError, TypeError, ValueError, np.linalg.LinAlgError) as error:
        raise FitError(
            f"pooled prior: it cannot be read ({error}); run the pooling again"
        ) from None
    if not whole:
        raise FitError(
            "pooled prior: mean and covariance do not fit together; run the pooling again"
        )
    return found


def pool(model: Model, units: Mapping[str, Rows]) -> Pool | None:
    """Prior of a model's coordinates from comparable units, or None where there are too few.

    Parameters
    ----------
    model
        The model that all units are fitted with.
    units
        Name of the unit -> its summary rows, all in one unit of time. Units that cannot carry the
        model alone (`too_few`) take no part; at least five must remain.

    Returns
    -------
    Pool or None
        None where fewer than five units can be pooled.

    Notes
    -----
    Expectation–maximisation with Laplace's approximation: each unit is fitted under the present
    prior; the new prior has the mean of the units' maxima and, as covariance, the mean of their
    posterior covariances and of the squared distances to the mean, together with a belief worth two
    units that coordinates differ by 0.5.

    References
    ----------
    Morris, C. N. (1983). Parametric empirical Bayes inference: theory and applications. Journal of
    the American Statistical Association 78, 47–55. doi:10.1080/01621459.1983.10477920
    Laird, N. M. and Ware, J. H. (1982). Random-effects models for longitudinal data. Biometrics 38,
    963–974. doi:10.2307/2529876
    """
    usable = {name: rows for name, rows in sorted(units.items()) if model.too_few(rows) is None}
    if len(usable) < MIN_UNITS:
        return None
    fits = [fit(model, rows) for rows in usable.values()]
    spread = _SPREAD**2 * np.eye(len(fits[0].theta))
    mean, covariance = _moments(fits, spread)
    rounds = 1
    for rounds in range(2, _ROUNDS + 1):  # noqa: B007 - the last one is told
        prior = Prior(mean, covariance, "pooled")
        pairs = zip(usable.values(), fits, strict=True)
        fits = [fit(model, rows, prior=prior, starts=[old.theta]) for rows, old in pairs]
        before, (mean, covariance) = mean, _moments(fits, spread)
        if np.abs(mean - before).max() < _SETTLED:
            break
    return Pool(model.name, mean, covariance, tuple(usable), rounds)


def _moments(fits: list[Fit], spread: Floats) -> tuple[Floats, Floats]:
    theta = np.array([one.theta for one in fits])
    mean = theta.mean(axis=0)
    away = theta - mean
    within = np.sum([one.covariance for one in fits], axis=0)
    total = away.T @ away + within + _WORTH * spread
    return mean, total / (len(fits) + _WORTH)


def prior_for(pooled: Pool | None, model: Model, rows: Rows) -> tuple[Prior, Sentence]:
    """The prior that a unit's fit uses, and the sentence that says which: pooled, else weak.

    Parameters
    ----------
    pooled
        What `pool` or `pool_from` returned.
    model, rows
        The unit's model and rows. A pool of another model, or of fewer than five units, is not used.
    """
    weak = model.weak_prior(rows)
    if pooled is None:
        return weak, Sentence("pooling.none", {"need": MIN_UNITS})
    n = len(pooled.units)
    if pooled.model != model.name or len(pooled.mean) != len(model.parameters):
        return weak, Sentence("pooling.other_model", {"pool": pooled.model, "model": model.name})
    if n < MIN_UNITS:
        return weak, Sentence("pooling.too_few_units", {"n": n, "need": MIN_UNITS})
    return pooled.prior, Sentence("pooling.used", {"n": n, "digest": pooled.digest[:12]})
