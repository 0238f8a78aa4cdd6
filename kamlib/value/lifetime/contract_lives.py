"""How long contracts go on, played forward from the models of each class of terms."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kamlib.value.lifetime.contract_facts import CLASSES, MONTH_DAYS, Terms, months
from kamlib.value.lifetime.posterior import Posterior, posterior
from kamlib.value.lifetime.renewals import MIN_LOST
from kamlib.value.lifetime.term_model import Courses, TermModel, distinct_courses, fit_terms

Floats = NDArray[np.float64]

_FAR = 1e6  # days that no horizon reaches


@dataclass(frozen=True, slots=True, eq=False)
class ClassFit:
    """Model of one class of terms, or of several of which one was too small alone."""

    classes: tuple[str, ...]
    rows: Courses
    posterior: Posterior

    @property
    def model(self) -> TermModel:
        """The model that was chosen."""
        model = self.posterior.fit.model
        assert isinstance(model, TermModel)  # noqa: S101 - fit_terms fits no other
        return model


@dataclass(frozen=True, slots=True, eq=False)
class Endings:
    """How the contracts of a unit end.

    Attributes
    ----------
    fits
        One per class of terms or group of classes; none where too few contracts were lost.
    together
        Draws of the chance that a chain ends with a larger one of its account, shape (draws, 1).
    late
        Draws of the chance that a contract which is over without a word is still renewed.
    n_waited
        Contracts of the past that the last rests on.
    """

    fits: tuple[ClassFit, ...]
    together: Floats
    late: Floats
    n_waited: int


def fit_endings(
    terms: Terms, chains: pd.DataFrame, *, draws: int, rng: np.random.Generator
) -> Endings:
    """How the contracts of a unit end, learnt for each class of terms.

    A class with fewer than ten losses joins the neighbouring class of fewer losses, until none is too
    small. A chain that runs beside a larger one of its account counts by the chance that its fate is
    its own.

    Parameters
    ----------
    terms, chains
        `contract_facts.contract_terms`, `contract_courses.courses`.
    draws, rng
        Draws of every posterior; source of randomness.
    """
    followed = chains["followed"].dropna()
    with_it, apart = float(followed.sum()) + 0.5, float((1 - followed).sum()) + 0.5
    own = np.where(chains["beside"], apart / (with_it + apart), 1.0)
    fits = []
    for group in _groups(chains):
        here = chains["term_class"].isin(group).to_numpy()
        rows = distinct_courses(chains[here], own[here])
        fits.append(ClassFit(group, rows, posterior(fit_terms(rows), rows, draws=draws, rng=rng)))
    waited = terms.frame[terms.frame["waited"]]
    renewed = int(waited["outcome"].isin(("renewed", "switched")).sum())
    return Endings(
        tuple(fits),
        rng.beta(with_it, apart, (draws, 1)),
        rng.beta(renewed + 0.5, len(waited) - renewed + 0.5, (draws, 1)),
        len(waited),
    )


def _groups(chains: pd.DataFrame) -> list[tuple[str, ...]]:
    """Return classes of terms that are fitted together, none of them too small."""
    lost = chains.groupby("term_class")["lost"].sum()
    groups: list[tuple[str, ...]] = [(name,) for name in CLASSES if name in lost.index]
    sizes = [float(lost[group[0]]) for group in groups]
    while groups and min(sizes) < MIN_LOST:
        if len(groups) == 1:
            return []
        small = int(np.argmin(sizes))
        near = min(
            (place for place in (small - 1, small + 1) if 0 <= place < len(groups)),
            key=lambda place: sizes[place],
        )
        first = min(small, near)
        groups[first : first + 2] = [groups[first] + groups[first + 1]]
        sizes[first : first + 2] = [sizes[first] + sizes[first + 1]]
    return groups


@dataclass(frozen=True, slots=True, eq=False)
class Lives:
    """Futures of chains, in days from the day of the forecast; arrays (draws, chains).

    Attributes
    ----------
    lived
        Days until the contract is lost; large where it is not.
    due
        Days until the first renewal that is still to come.
    length
        Days from one renewal to the next.
    signed
        1 where a contract that was waiting has been renewed.
    """

    lived: Floats
    due: Floats
    length: Floats
    signed: Floats

    def renewals(self, until: float) -> Floats:
        """Return renewals within so many days."""
        reached = np.minimum(self.lived, until)
        # a contract lost at the end of a term was not renewed there
        return np.asarray(
            self.signed + np.maximum(np.ceil((reached - self.due) / self.length - 1e-9), 0.0)
        )


def play(
    endings: Endings, chains: pd.DataFrame, day: pd.Timestamp, rng: np.random.Generator
) -> Lives:
    """Play chains forward that run or wait on a day.

    The term that is running goes on to `ends_on` unless the contract is lost within it; renewals
    follow for terms of the same length. A contract that waits is renewed with the chance learnt, for
    a term from now. With the chance learnt, all chains of an account end with its largest.

    Parameters
    ----------
    endings
        How contracts end.
    chains
        Rows of `courses` that run or wait, by account.
    day
        Last day that is known.
    rng
        Source of randomness.
    """
    draws, n = len(endings.late), len(chains)
    waits = (chains["state"] == "waiting").to_numpy()
    signed = waits & (rng.random((draws, n)) < endings.late)
    length = chains["term_months"].to_numpy(dtype=np.float64)
    left = months(np.full(n, day.to_datetime64()), chains["ends_on"])
    due = np.where(waits, length, np.maximum(left, 0.0))
    behind = chains["renewals"].to_numpy(dtype=np.float64) + waits
    lived = np.zeros((draws, n))
    for fit in endings.fits:
        here = np.flatnonzero(chains["term_class"].isin(fit.classes))
        lived[:, here] = _played(
            fit, behind[here], chains["months_behind"].to_numpy()[here],
            chains["size"].to_numpy()[here], due[here], length[here], rng,
        )  # fmt: skip
    lived = np.where(waits & ~signed, 0.0, lived)
    account, _ = pd.factorize(chains["account_id"])
    largest = chains["value_per_year"].groupby(account).idxmax().to_numpy()
    main = chains.index.get_indexer(pd.Index(largest))[account]
    joint = rng.random((draws, int(account.max(initial=-1)) + 1)) < endings.together
    lived = np.where(joint[:, account], lived[:, main], lived)
    return Lives(
        np.minimum(lived * MONTH_DAYS, _FAR), due * MONTH_DAYS, length * MONTH_DAYS,
        (signed & (lived > 0)).astype(np.float64),
    )  # fmt: skip


def _played(
    fit: ClassFit,
    renewals: Floats,
    months_behind: Floats,
    size: Floats,
    due: Floats,
    length: Floats,
    rng: np.random.Generator,
) -> Floats:
    """Return months until chains of one model are lost, shape (draws, m)."""
    model, natural, term = fit.model, fit.posterior.natural, fit.rows.term
    alpha, beta, c = model.core.three(natural[:, :-2])
    early = natural[:, -2:-1]
    aged = model.age(natural, renewals, months_behind, size, term)
    leaves = rng.beta(alpha, beta + aged**c)
    hazard = -np.log1p(-np.clip(leaves, 1e-300, 1 - 1e-16))
    with np.errstate(over="ignore"):
        reached = (aged**c + rng.standard_exponential(leaves.shape) / hazard) ** (1 / c)
    # what it may still age by, on the clock of a chain of middling size
    left = np.minimum((reached - aged) / np.exp(natural[:, -1:] * size), 1e9)
    per_month = early / term
    at_end = 1 - early
    first = per_month * due
    runs_out = left < first + at_end
    left = np.where(runs_out, left, left - first - at_end)
    cycle = per_month * length + at_end
    terms = np.where(runs_out, 0.0, np.floor(left / cycle))
    left = left - terms * cycle
    # within a term it ages evenly; what is left beyond that is lost at its end
    inside = np.minimum(left / np.maximum(per_month, 1e-300), np.where(runs_out, due, length))
    return np.asarray(inside + np.where(runs_out, 0.0, due + terms * length))
