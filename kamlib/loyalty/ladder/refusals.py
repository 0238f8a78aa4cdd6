"""Why an effect, or a return, is not told: a code for those who search, a sentence, and what mends it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from kamlib.errors import FitError
from kamlib.glossary import Sentence
from kamlib.results import Check


class Code(StrEnum):
    """Reasons, in the order in which they are looked at."""

    DUPLICATE_KEYS = "DUPLICATE_KEYS"
    CURRENCY_MIXED = "CURRENCY_MIXED"
    MARGIN_MISSING = "MARGIN_MISSING"
    POST_TREATMENT_COVARIATE = "POST_TREATMENT_COVARIATE"
    ALWAYS_TREATED_ONLY = "ALWAYS_TREATED_ONLY"
    NO_CONTROL = "NO_CONTROL"
    NO_TREATED_MIN = "NO_TREATED_MIN"
    NO_PRE_PERIOD = "NO_PRE_PERIOD"
    OVERLAPPING_PROGRAMMES = "OVERLAPPING_PROGRAMMES"
    IMMORTAL_TIME = "IMMORTAL_TIME"
    NEGATIVE_BASE_LOG = "NEGATIVE_BASE_LOG"
    MIXED_GROUPS = "MIXED_GROUPS"
    NO_ASSIGNMENT = "NO_ASSIGNMENT"
    SRM = "SRM"
    CROSSOVER = "CROSSOVER"
    CLUSTER_TOO_FEW = "CLUSTER_TOO_FEW"
    FEW_TO_FOLLOW = "FEW_TO_FOLLOW"
    PANEL_HOLES = "PANEL_HOLES"
    RECENT_JUMP = "RECENT_JUMP"
    PRETREND_FAIL = "PRETREND_FAIL"
    PRETREND_UNDERPOWERED = "PRETREND_UNDERPOWERED"
    DRIFT = "DRIFT"
    OVERLAP = "OVERLAP"
    BALANCE_FAIL = "BALANCE_FAIL"
    PLACEBO_FAIL = "PLACEBO_FAIL"
    HIDDEN_CAUSE = "HIDDEN_CAUSE"
    ESTIMATORS_DISAGREE = "ESTIMATORS_DISAGREE"
    UNMOVABLE_SE = "UNMOVABLE_SE"
    TOP_ACCOUNT = "TOP_ACCOUNT"
    OTHER_PROGRAMME = "OTHER_PROGRAMME"
    SHORT_WINDOW = "SHORT_WINDOW"
    NO_CAUSE = "NO_CAUSE"
    COST_MISSING = "COST_MISSING"
    HORIZON_BEYOND_DATA = "HORIZON_BEYOND_DATA"
    ROI_RATIO_UNBOUNDED = "ROI_RATIO_UNBOUNDED"
    EXAGGERATION = "EXAGGERATION"


TEXTS: Mapping[Code, tuple[str, str]] = {
    Code.DUPLICATE_KEYS: (
        "loyalty_ladder.duplicate_keys", "loyalty_ladder.duplicate_keys_mend"),
    Code.CURRENCY_MIXED: (
        "loyalty_ladder.currency_mixed", "loyalty_ladder.currency_mixed_mend"),
    Code.MARGIN_MISSING: (
        "loyalty_ladder.margin_missing", "loyalty_ladder.margin_missing_mend"),
    Code.POST_TREATMENT_COVARIATE: (
        "loyalty_ladder.late_covariate", "loyalty_ladder.late_covariate_mend"),
    Code.ALWAYS_TREATED_ONLY: (
        "loyalty_ladder.always_treated", "loyalty_ladder.always_treated_mend"),
    Code.NO_CONTROL: ("loyalty_ladder.no_control", "loyalty_ladder.no_control_mend"),
    Code.NO_TREATED_MIN: ("loyalty_ladder.few", "loyalty_ladder.few_mend"),
    Code.NO_PRE_PERIOD: ("loyalty_ladder.no_before", "loyalty_ladder.no_before_mend"),
    Code.OVERLAPPING_PROGRAMMES: (
        "loyalty_ladder.programmes", "loyalty_ladder.programmes_mend"),
    Code.IMMORTAL_TIME: ("loyalty_ladder.immortal", "loyalty_ladder.immortal_mend"),
    Code.NEGATIVE_BASE_LOG: ("loyalty_ladder.no_log", "loyalty_ladder.no_log_mend"),
    Code.MIXED_GROUPS: ("loyalty_ladder.mixed", "loyalty_ladder.mixed_mend"),
    Code.NO_ASSIGNMENT: ("loyalty_ladder.no_lot", "loyalty_ladder.no_lot_mend"),
    Code.SRM: ("loyalty_ladder.srm", "loyalty_ladder.srm_mend"),
    Code.CROSSOVER: ("loyalty_ladder.crossover", "loyalty_ladder.crossover_mend"),
    Code.CLUSTER_TOO_FEW: ("loyalty_ladder.few_groups", "loyalty_ladder.few_groups_mend"),
    Code.FEW_TO_FOLLOW: ("loyalty_ladder.few_to_follow", "loyalty_ladder.few_to_follow_mend"),
    Code.PANEL_HOLES: ("loyalty_ladder.holes", "loyalty_ladder.holes_mend"),
    Code.RECENT_JUMP: ("loyalty_ladder.jump", "loyalty_ladder.jump_mend"),
    Code.PRETREND_FAIL: ("loyalty_ladder.pretrend", "loyalty_ladder.pretrend_mend"),
    Code.PRETREND_UNDERPOWERED: ("loyalty_ladder.blind", "loyalty_ladder.blind_mend"),
    Code.DRIFT: ("loyalty_ladder.drift", "loyalty_ladder.drift_mend"),
    Code.OVERLAP: ("loyalty_ladder.overlap", "loyalty_ladder.overlap_mend"),
    Code.BALANCE_FAIL: ("loyalty_ladder.balance", "loyalty_ladder.balance_mend"),
    Code.PLACEBO_FAIL: ("loyalty_ladder.placebo", "loyalty_ladder.placebo_mend"),
    Code.HIDDEN_CAUSE: ("loyalty_ladder.hidden", "loyalty_ladder.hidden_mend"),
    Code.ESTIMATORS_DISAGREE: ("loyalty_ladder.disagree", "loyalty_ladder.disagree_mend"),
    Code.UNMOVABLE_SE: ("loyalty_ladder.unmoved", "loyalty_ladder.unmoved_mend"),
    Code.TOP_ACCOUNT: ("loyalty_ladder.top", "loyalty_ladder.top_mend"),
    Code.OTHER_PROGRAMME: ("loyalty_ladder.other", "loyalty_ladder.other_mend"),
    Code.SHORT_WINDOW: ("loyalty_ladder.short", "loyalty_ladder.short_mend"),
    Code.NO_CAUSE: ("loyalty_ladder.no_cause", "loyalty_ladder.no_cause_mend"),
    Code.COST_MISSING: ("loyalty_ladder.cost", "loyalty_ladder.cost_mend"),
    Code.HORIZON_BEYOND_DATA: ("loyalty_ladder.horizon", "loyalty_ladder.horizon_mend"),
    Code.ROI_RATIO_UNBOUNDED: ("loyalty_ladder.unbounded", "loyalty_ladder.unbounded_mend"),
    Code.EXAGGERATION: ("loyalty_ladder.exaggeration", "loyalty_ladder.exaggeration_mend"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Refusal:
    """One reason, with the numbers that were found.

    Attributes
    ----------
    code
        As it is searched for.
    values
        Numbers of its sentence.
    """

    code: Code
    values: Mapping[str, Any] = field(default_factory=dict)

    @property
    def sentence(self) -> Sentence:
        """What was found, and what would have been needed."""
        return Sentence(TEXTS[self.code][0], self.values)

    @property
    def remedy(self) -> Sentence:
        """What to do about it."""
        return Sentence(TEXTS[self.code][1])


class Refused(FitError):
    """Records that cannot be looked at; `refusal` says why."""

    def __init__(self, code: Code, **values: Any) -> None:
        self.refusal = Refusal(code, values)
        super().__init__(str(self.refusal.sentence))


class ImmortalTimeError(Refused):
    """Members were known as such only because they had stayed long enough to join."""


@dataclass(frozen=True, slots=True)
class Gate:
    """A condition: its check, and the reason that holds where it fails.

    Attributes
    ----------
    check
        Named like the code.
    refusal
        None where the condition holds.
    """

    check: Check
    refusal: Refusal | None

    @property
    def holds(self) -> bool:
        """Whether the next condition may be looked at."""
        return self.refusal is None


def gate(code: Code, holds: bool, key: str, **values: Any) -> Gate:
    """Return a condition with the sentence for its outcome.

    Parameters
    ----------
    code
        Reason where it does not hold.
    holds
        Whether it does.
    key
        Sentence where it does; the code has that for the other case.
    values
        Numbers of both sentences.

    Examples
    --------
    >>> gate(Code.SRM, False, "loyalty_ladder.srm_holds", n=10, p=0.0001).refusal.code
    <Code.SRM: 'SRM'>
    """
    if holds:
        return Gate(Check(code.lower(), True, Sentence(key, values)), None)
    refusal = Refusal(code, values)
    return Gate(Check(code.lower(), False, refusal.sentence), refusal)
