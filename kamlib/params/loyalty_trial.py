"""Parameters of study 31, what a finished trial changed and whether it paid: `loyalty_trial`."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field, model_validator

from kamlib.params.section import Record, Section, Share

_Cost = Annotated[float, Field(gt=0)]


class LoyaltyTrialParams(Section):
    """Study 31: a finished trial, one line per customer."""

    reads: ClassVar[Record] = "trial"
    margin: Annotated[float, Field(gt=0, le=1)] | None = Field(
        None,
        description="contribution of one more unit of revenue, as a share; empty: only the revenue that "
        "the trial brought is told, and no return",
    )
    cost_per_contact: _Cost | None = Field(
        None,
        description="what it costs to send an arm's offer to one customer, in money; empty: no return",
    )
    arm_costs: dict[str, _Cost] = Field(
        default_factory=dict,
        description="the same for single arms, by the name that the record gives them, where they cost "
        "more or less than cost_per_contact",
    )
    planned: dict[str, Share] = Field(
        default_factory=dict,
        description="share of the customers that the draw was to give to each arm, control included; "
        "together 1; empty: all alike",
    )
    act_from: Share = Field(
        0.8, description="chance that an arm pays from which one would send it to all"
    )
    group_least: int = Field(
        50, ge=8, description="customers that a class needs in either arm for an effect of its own"
    )
    conf_level: Annotated[float, Field(ge=0.5, le=0.999)] = Field(
        0.95, description="level of all intervals"
    )
    deals: int = Field(
        4999,
        ge=199,
        le=100_000,
        description="draws made anew, where arms are so small that only these tell what chance does",
    )
    seed: int = Field(20260101, ge=0, description="seed of all random draws")

    @model_validator(mode="after")
    def _whole(self) -> LoyaltyTrialParams:
        total = sum(self.planned.values())
        if self.planned and abs(total - 1) > 1e-6:
            raise ValueError(f"planned: the shares add up to {total:g}; expected 1")
        return self
