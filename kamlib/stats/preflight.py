"""What must hold before a regression of times to an event, and which covariates can be taken."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from kamlib.errors import FitError, nearest
from kamlib.glossary import Sentence
from kamlib.results import Check
from kamlib.stats.cox import fit_cox
from kamlib.stats.cox_data import CoxData, Floats
from kamlib.stats.cox_likelihood import Likelihood, likelihood

PER_COVARIATE = 10
MAX_CONDITION = 30.0
_FLAT = 1e-10  # of the events: what is left of a covariate's differences among those at risk


@dataclass(frozen=True, slots=True, eq=False)
class Preflight:
    """What may be fitted.

    Attributes
    ----------
    data
        The rows with the covariates that stay, in their stated order; all of them can be fitted
        together without a penalty where `trouble` is None.
    dropped
        Each covariate that does not stay, with the sentence that says why, in the order of the
        steps of `preflight`.
    n_event
        Events, not weighted.
    checks
        Events per covariate, covariates left out, strata without an event, and survivors.
    trouble
        Why nothing can be fitted; None where something can.
    """

    data: CoxData
    dropped: dict[str, Sentence]
    n_event: int
    checks: tuple[Check, ...]
    trouble: Sentence | None

    @property
    def kept(self) -> tuple[str, ...]:
        """Names of the covariates that stay."""
        return self.data.names


def preflight(
    data: CoxData,
    *,
    order: Sequence[str] = (),
    per_covariate: int = PER_COVARIATE,
    max_condition: float = MAX_CONDITION,
) -> Preflight:
    """Covariates that a Cox regression of these rows can carry.

    Left out, in this sequence, are covariates that: have missing or infinite values; are the same
    for all who are at risk together; have two values, one of which holds no event or all of them,
    so that the likelihood rises without end; follow from those before them; are more than the
    events allow; and those on whose side all events turn out to lie once all are fitted together.

    Parameters
    ----------
    data
        Rows of time at risk.
    order
        Covariates by importance: the last ones go first. Names not in it come after it, as they
        stand in the data.
    per_covariate
        Events that each covariate needs (Peduzzi et al., 1995: ten).
    max_condition
        Largest condition number of the covariates' correlations among those at risk (Belsley, Kuh
        and Welsch, 1980: 30 is harmful). Correlations, not rows, are looked at, so that a million
        rows cost no more than one step of the fit; the limit is far from where that loses digits.

    Raises
    ------
    FitError
        An unknown name in `order`.

    References
    ----------
    Peduzzi, P., Concato, J., Feinstein, A. R. and Holford, T. R. (1995). Importance of events per
    independent variable in proportional hazards regression analysis II. Journal of Clinical
    Epidemiology 48, 1503–1510. doi:10.1016/0895-4356(95)00048-8
    Belsley, D. A., Kuh, E. and Welsch, R. E. (1980). Regression Diagnostics. Wiley, chapter 3.

    Examples
    --------
    >>> from kamlib.stats.cox_data import cox_data
    >>> x = np.column_stack([np.arange(40) % 3, np.ones(40)])
    >>> data = cox_data(x, np.arange(40) + 1, np.arange(40) % 2, names=["complaints", "always"])
    >>> preflight(data).kept
    ('complaints',)
    """
    unknown = [name for name in order if name not in data.names]
    if unknown:
        raise FitError(
            *(f"order: no covariate '{name}'{nearest(name, data.names)}" for name in unknown)
        )
    ranked = data.only([*order, *(name for name in data.names if name not in order)])
    dropped: dict[str, Sentence] = {}
    left = _without(ranked, dropped, _incomplete(ranked))
    found = likelihood(left)
    n_event = len(found.chosen)
    trouble = _hopeless(found, data.n_obs, per_covariate)
    if trouble is None:
        for step in (_flat, _separated):
            fewer = _without(left, dropped, step(left, found))
            found = found if fewer is left else likelihood(fewer)
            left = fewer
        left = _without(left, dropped, _collinear(left, found, max_condition))
        left = _without(left, dropped, _too_many(left, n_event, per_covariate))
        left = _without_runaways(left, dropped)
    checks = _checks(left, found, dropped, n_event, per_covariate)
    return Preflight(left, dropped, n_event, checks, trouble)


Dropped = Iterator[tuple[str, Sentence]]


def _without(data: CoxData, dropped: dict[str, Sentence], found: Dropped) -> CoxData:
    """Return the data without what was found, which is noted in `dropped`."""
    dropped.update(found)
    return data.only([name for name in data.names if name not in dropped])


def _incomplete(data: CoxData) -> Dropped:
    for name, values in zip(data.names, data.covariates.T, strict=True):
        missing = int((~np.isfinite(values)).sum())
        if missing:
            values_of = {"name": name, "missing": missing, "n": data.n_obs}
            yield name, Sentence("preflight.incomplete", values_of)


def _hopeless(found: Likelihood, n_obs: int, per_covariate: int) -> Sentence | None:
    """Return why no covariate at all can be carried."""
    sets, n_event = found.sets, len(found.chosen)
    if n_event == 0:
        return Sentence("preflight.no_event", {"n": n_obs})
    ones = np.ones(len(found.x))
    # who is lost together with all others teaches nothing about who is lost first
    if (sets.sums(ones).round() == np.bincount(sets.at, minlength=sets.size)).all():
        return Sentence("preflight.all_at_once", {"events": n_event})
    if n_event < per_covariate:
        return Sentence("preflight.too_few_events", {"events": n_event, "need": per_covariate})
    return None


def _flat(data: CoxData, found: Likelihood) -> Dropped:
    spread = np.diag(_information(found))
    for name, left in zip(data.names, spread, strict=True):
        if left <= _FLAT * len(found.chosen):
            yield name, Sentence("preflight.flat", {"name": name})


def _separated(data: CoxData, found: Likelihood) -> Dropped:
    sets = found.sets
    for name, values in zip(data.names, data.covariates.T, strict=True):
        low, high = float(values.min()), float(values.max())
        if not ((values == low) | (values == high)).all():
            continue
        upper = (values[sets.rows] == high).astype(np.float64)
        at_risk, of_them = sets.sums(np.ones(len(upper))).round(), sets.sums(upper).round()
        # only events at which both values were at risk can tell them apart
        telling = ((of_them > 0) & (of_them < at_risk))[sets.at]
        events = upper[sets.event][telling]
        for value, count in ((high, int(events.sum())), (low, int((1 - events).sum()))):
            if count == 0:
                rows = int((values == value).sum())
                told = {"name": name, "value": f"{value:g}", "n": rows, "events": len(events)}
                yield name, Sentence("preflight.separated", told)
                break


def _collinear(data: CoxData, found: Likelihood, max_condition: float) -> Dropped:
    information = _information(found)
    size = np.sqrt(np.diag(information))
    together = information / np.outer(size, size)
    kept: list[int] = []
    for place, name in enumerate(data.names):
        trial = [*kept, place]
        values = np.linalg.eigvalsh(together[np.ix_(trial, trial)])
        if values[0] > values[-1] / max_condition**2:
            kept = trial
            continue
        slopes = np.linalg.lstsq(together[np.ix_(kept, kept)], together[kept, place])[0]
        other = data.names[kept[int(np.abs(slopes).argmax())]]
        told = float(np.clip(slopes @ together[kept, place], 0.0, 1.0))
        yield name, Sentence("preflight.collinear", {"name": name, "other": other, "share": told})


def _too_many(data: CoxData, n_event: int, per_covariate: int) -> Dropped:
    for name in data.names[n_event // per_covariate :]:
        told = {"name": name, "events": n_event, "need": per_covariate}
        yield name, Sentence("preflight.too_many", told)


def _without_runaways(data: CoxData, dropped: dict[str, Sentence]) -> CoxData:
    """Return the data without covariates whose coefficients have no bound when fitted together."""
    while data.names:
        trouble = fit_cox(data).trouble
        if trouble is None or trouble.key != "cox.monotone":
            break
        name = trouble.values["name"]
        sentence = Sentence("preflight.runaway", {"name": name})
        data = _without(data, dropped, iter([(name, sentence)]))
    return data


def _information(found: Likelihood) -> Floats:
    return found.information(found.point(np.zeros(found.x.shape[1])))


def _checks(
    data: CoxData,
    found: Likelihood,
    dropped: dict[str, Sentence],
    n_event: int,
    per_covariate: int,
) -> tuple[Check, ...]:
    k = len(data.names)
    told = {"events": n_event, "k": k, "need": per_covariate}
    enough = n_event >= per_covariate * max(k, 1)
    carried = Sentence("preflight.carried" if enough else "preflight.not_carried", told)
    names = {"n": len(dropped), "k": k}
    stay = Sentence("preflight.dropped" if dropped else "preflight.all_stay", names)
    silent = np.diff(found.sets.bounds) == 0
    rows = int(silent[data.stratum].sum())
    strata = {"n": int(silent.sum()), "of": len(silent), "rows": rows}
    all_strata = Sentence("preflight.silent" if silent.any() else "preflight.no_silent", strata)
    survivors = int((data.exit[~data.event] >= data.exit[data.event].max(initial=-np.inf)).sum())
    lost = Sentence("preflight.survivors" if survivors else "preflight.all_lost", {"n": survivors})
    return (
        Check("preflight_events", enough, carried),
        Check("preflight_covariates", not dropped, stay),
        Check("preflight_strata", not silent.any(), all_strata),
        Check("preflight_survivors", survivors > 0, lost),
    )
