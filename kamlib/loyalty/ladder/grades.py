"""The five grades of evidence, and what each allows to be said."""

from __future__ import annotations

from typing import Literal

from kamlib.glossary import Sentence

Grade = Literal["A", "B", "C", "D", "R"]
_ORDER: tuple[Grade, ...] = ("A", "B", "C", "D")
_MEANING: dict[Grade, str] = {
    "A": "loyalty_ladder.grade_a",
    "B": "loyalty_ladder.grade_b",
    "C": "loyalty_ladder.grade_c",
    "D": "loyalty_ladder.grade_d",
    "R": "loyalty_ladder.grade_r",
}


def lower(grade: Grade) -> Grade:
    """Return the grade one below; D and R stay.

    >>> lower("A"), lower("D"), lower("R")
    ('B', 'D', 'R')
    """
    return grade if grade in ("D", "R") else _ORDER[_ORDER.index(grade) + 1]


def is_higher(grade: Grade, other: Grade) -> bool:
    """Return whether a grade claims more than another; R claims least.

    >>> is_higher("A", "C"), is_higher("R", "D")
    (True, False)
    """
    ranks = (*_ORDER, "R")
    return ranks.index(grade) < ranks.index(other)


def claims_effect(grade: Grade) -> bool:
    """Return whether an effect, and so a return, may be told at all.

    >>> [claims_effect(g) for g in ("A", "B", "C", "D", "R")]
    [True, True, True, False, False]
    """
    return grade in ("A", "B", "C")


def meaning(grade: Grade) -> Sentence:
    """Return what a grade says, in plain words."""
    return Sentence(_MEANING[grade])


def graded(grade: Grade, note: Sentence) -> Sentence:
    """Return a sentence with its grade in front, as every number and chart title carries it."""
    return Sentence("loyalty_ladder.graded", {"grade": grade, "note": note})
