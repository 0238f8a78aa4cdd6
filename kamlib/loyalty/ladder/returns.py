"""Whether a return may be told of a finding: its grade, its costs, how far it is valued, how sure it is."""

from __future__ import annotations

from dataclasses import dataclass

from kamlib.loyalty.effects.power import POWER_WEAK, find
from kamlib.loyalty.finance.ratio import fieller
from kamlib.loyalty.ladder.doubts import COST_MISSING_MAX
from kamlib.loyalty.ladder.grades import claims_effect
from kamlib.loyalty.ladder.ladder import Finding
from kamlib.loyalty.ladder.refusals import Code, Refusal

_FAR = 2


@dataclass(frozen=True, slots=True)
class Claim:
    """A return that somebody would like to tell.

    Attributes
    ----------
    gain, gain_error
        Contribution gained, in money, and its standard error.
    cost, cost_error
        Cost of the programme; None where it is not known.
    margin_known
        Whether the gain is a contribution and not revenue.
    cost_missing
        Share of the cost that nobody recorded.
    months, months_seen
        Months that are valued, and months in which the effect was measured.
    fade
        Share of the effect lost from month to month beyond these; None where nobody said.
    """

    gain: float
    gain_error: float
    cost: float | None
    cost_error: float = 0.0
    margin_known: bool = True
    cost_missing: float = 0.0
    months: int = 12
    months_seen: int = 12
    fade: float | None = None


def return_refusals(
    finding: Finding, claim: Claim, *, conf_level: float = 0.95
) -> tuple[Refusal, ...]:
    """Return all reasons why no return, or no ratio of gain to cost, may be told.

    Parameters
    ----------
    finding
        On contribution.
    claim
        Gain and cost.
    conf_level
        Of the ratio's interval.

    Returns
    -------
    tuple
        NO_CAUSE (grade D or R: break-even alone is told), MARGIN_MISSING, COST_MISSING,
        HORIZON_BEYOND_DATA; ROI_RATIO_UNBOUNDED (net value is told instead of the ratio);
        EXAGGERATION (a warning beside the figures). Empty where all may be told.
    """
    found: list[Refusal] = []
    if not claims_effect(finding.grade):
        found.append(Refusal(Code.NO_CAUSE, {"grade": finding.grade}))
    if not claim.margin_known:
        found.append(Refusal(Code.MARGIN_MISSING, {"outcome": finding.outcome}))
    missing = 1.0 if claim.cost is None else claim.cost_missing
    if missing > COST_MISSING_MAX:
        found.append(Refusal(Code.COST_MISSING, {"share": missing, "most": COST_MISSING_MAX}))
    if claim.months > _FAR * claim.months_seen and claim.fade is None:
        values = {"months": claim.months, "seen": claim.months_seen}
        found.append(Refusal(Code.HORIZON_BEYOND_DATA, values))
    if claim.cost:
        ratio = fieller(
            claim.gain, claim.cost, claim.gain_error**2, claim.cost_error**2, conf_level=conf_level
        )
        if ratio.shape != "bounded":
            told = {"cost": claim.cost, "error": claim.cost_error}
            found.append(Refusal(Code.ROI_RATIO_UNBOUNDED, told))
        if claim.gain_error > 0:
            chance = find(claim.cost, claim.gain_error, conf_level)
            if chance.power < POWER_WEAK:
                told = {"power": chance.power, "times": chance.exaggeration}
                found.append(Refusal(Code.EXAGGERATION, told))
    return tuple(found)
