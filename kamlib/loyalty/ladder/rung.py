"""What a rung of the ladder returns: its conditions, and its effect where they hold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from kamlib.loyalty.effects.effect import Effect
from kamlib.loyalty.effects.sample import Sample
from kamlib.loyalty.ladder.grades import Grade
from kamlib.loyalty.ladder.refusals import Gate
from kamlib.results import Check, Estimate

Estimator = Callable[[Sample], Effect]


@dataclass(frozen=True, slots=True, eq=False)
class Rung:
    """One design, tried.

    Attributes
    ----------
    grade
        Of an effect by this design.
    gates
        Conditions up to the first that does not hold.
    answer
        Effect with its interval; None where a condition does not hold.
    beside
        Further figures, shown beside it.
    doubts
        Conditions that lower the grade by one where they do not hold.
    notes
        Conditions that leave the grade as it is and are told with their code.
    shown
        Further checks, for reading.
    """

    grade: Grade
    gates: tuple[Gate, ...]
    answer: Estimate | None = None
    beside: tuple[Estimate, ...] = ()
    doubts: tuple[Gate, ...] = ()
    notes: tuple[Gate, ...] = ()
    shown: tuple[Check, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether the design carries an effect."""
        return self.answer is not None
