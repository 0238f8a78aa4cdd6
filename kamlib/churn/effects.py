"""Effects of characteristics on leaving: columns of a design, throughout or in a part of the relation.

An effect that changes with the length of the relation is no single figure. Accounts are then parted by
an attribute, so that like is compared with like, and of anything else an early and a late effect stand
apart.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kamlib.churn.factors import FACTORS, ON_ONE_DAY, Column
from kamlib.glossary import Sentence
from kamlib.results import Check
from kamlib.stats.cox import CoxFit
from kamlib.stats.cox_data import CoxData, cox_data
from kamlib.stats.cox_zph import ProportionalHazards, proportional_hazards
from kamlib.stats.preflight import PER_COVARIATE

ATTRIBUTES = ("tier_in_force", "role", "segment", "region")
_CHANCE = 0.05  # that any of several effects that do not change seems to


@dataclass(frozen=True, slots=True)
class Effect:
    """One effect: a column, throughout or in some months since the spell began.

    Attributes
    ----------
    name
        Unique within the model.
    column
        Of what it is.
    after, until
        Months since the spell began; None: no bound.
    """

    name: str
    column: Column
    after: float | None = None
    until: float | None = None

    @property
    def factor(self) -> str:
        """Name of the characteristic."""
        return self.column.factor.name

    @property
    def contrast(self) -> Sentence:
        """What its hazard ratio compares, in words."""
        what = self.column.contrast
        if self.after is None:
            return what
        if self.until is None:
            return Sentence("drivers.later", {"what": what, "months": self.after})
        return Sentence("drivers.earlier", {"what": what, "months": self.until})


def contrast(row: pd.Series) -> Sentence:
    """Return what the hazard ratio of a row of the frame of drivers compares, in words."""
    factor = next(f for f in (*FACTORS, *ON_ONE_DAY) if f.name == row["term"])
    category, base, after, until = (
        None if pd.isna(row[c]) else row[c]
        for c in ("category", "base_category", "months_from", "months_to")
    )
    return Effect(factor.name, Column(factor.name, factor, category, base), after, until).contrast


def told(note: Sentence, effects: Mapping[str, Effect]) -> Sentence:
    """Return a sentence that names effects as readers know them."""
    values = {key: _worded(value, effects) for key, value in note.values.items()}
    return Sentence(note.key, values)


def _worded(value: object, effects: Mapping[str, Effect]) -> object:
    effect = effects.get(value) if isinstance(value, str) else None
    # a number throughout has the name of its characteristic
    return value if effect is None or effect.name == effect.factor else effect.contrast


def in_time(
    fit: CoxFit, data: CoxData, effects: Mapping[str, Effect]
) -> tuple[ProportionalHazards, list[Effect]]:
    """Return the test of whether effects change over time, and those that do, by Holm's rule.

    References
    ----------
    Holm, S. (1979). A simple sequentially rejective multiple test procedure. Scandinavian Journal of
    Statistics 6, 65–70.
    """
    tested = proportional_hazards(fit, data)
    if tested.trouble is not None:
        return tested, []
    order = np.argsort(tested.p_value, kind="stable")
    passed = tested.p_value[order] > _CHANCE / (len(order) - np.arange(len(order)))
    many = int(np.argmax(passed)) if passed.any() else len(order)
    return tested, [effects[tested.names[place]] for place in sorted(order[:many])]


def handled(
    rows: pd.DataFrame, data: CoxData, effects: Mapping[str, Effect], moving: Sequence[Effect],
    strata: Sequence[str],
) -> tuple[tuple[str, ...], CoxData, dict[str, Effect]]:  # fmt: skip
    """Return strata, data and effects in which effects that change over time do not count as one.

    Attributes among them become strata. Of others the effect stands until the month at which half of
    the losses had come, and after it, as far as there are ten losses for each.
    """
    parted = {e.factor for e in moving} & set(ATTRIBUTES)
    kept = [effects[name] for name in data.names if effects[name].factor not in parted]
    room = int(data.event.sum()) // PER_COVARIATE - len(kept)
    halved = [e for e in kept if e in moving][: max(room, 0)]
    cut = float(np.floor(np.median(data.exit[data.event])))
    late = data.exit > cut
    found: list[Effect] = []
    values = []
    for effect in kept:
        x = data.covariates[:, data.names.index(effect.name)]
        if effect not in halved:
            found.append(effect)
            values.append(x)
            continue
        for is_late, after, until in ((False, 0.0, cut), (True, cut, None)):
            name = f"{effect.name} {'after' if is_late else 'until'}"
            found.append(Effect(name, effect.column, after, until))
            values.append(np.where(late == is_late, x, 0.0))
    names = (*strata, *sorted(parted))
    both = cox_data(
        np.column_stack(values) if values else np.empty((data.n_obs, 0)), data.exit, data.event,
        names=[e.name for e in found], entry=data.entry, strata=stratum(rows, names),
    )  # fmt: skip
    return names, both, {e.name: e for e in found}


def stratum(rows: pd.DataFrame, names: Sequence[str]) -> NDArray[np.object_] | None:
    """Return the stratum of each row by some attributes, shape (n_rows,); None for no attribute."""
    if not names:
        return None
    parts = [rows[name].astype(object).fillna("unknown").astype(str) for name in names]
    joined: NDArray[np.object_] = pd.concat(parts, axis=1).agg(" / ".join, axis=1).to_numpy(object)
    return joined


def proportional_check(
    tested: ProportionalHazards, moving: Sequence[Effect], n_parted: int
) -> Check:
    """Return what the test of effects over time says, and what was done about it."""
    if tested.trouble is not None:
        return Check("drivers_proportional", None, tested.trouble)
    values = {"p": tested.global_p_value, "k": len(tested.names), "n": len(moving)}
    if not moving:
        alike = tested.global_p_value >= _CHANCE
        key = "drivers.proportional" if alike else "drivers.together_not_proportional"
        return Check("drivers_proportional", alike, Sentence(key, values))
    frame = pd.DataFrame(
        {
            "term": [e.factor for e in moving],
            "category": [e.column.category for e in moving],
            "proportional_p": [float(tested.p_value[tested.names.index(e.name)]) for e in moving],
        }
    )
    note = Sentence("drivers.not_proportional", values | {"parted": n_parted})
    return Check("drivers_proportional", False, note, frame)
