"""Parameters of study 30, loyalty and its return: `loyalty_roi`."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import Field, model_validator

from kamlib.params.section import Section, Share

_Minutes = Annotated[float, Field(ge=0, le=10_000)]


class LoyaltyRoiParams(Section):
    """Study 30: what the loyalty programme costs and brings."""

    margin: Annotated[float, Field(gt=0, le=1)] | None = Field(
        None,
        description="contribution of one more unit of revenue, as a share; empty: margin ÷ revenue of "
        "the lines whose cost is known",
    )
    rewards: Literal["auto", "booked", "points"] = Field(
        "auto",
        description="where the cost of rewards is taken from: what programme_costs books, or points "
        "issued × point_cost less what is never redeemed; never both; auto: what is booked, else points",
    )
    point_cost: Annotated[float, Field(gt=0)] | None = Field(
        None, description="what a redeemed point costs the unit, in money"
    )
    point_value: Annotated[float, Field(gt=0)] | None = Field(
        None,
        description="what a redeemed point is worth to the buyer, in money; empty: point_cost",
    )
    breakage: Annotated[float, Field(ge=0, lt=1)] | None = Field(
        None,
        description="share of issued points that is never redeemed; empty: the share that has expired "
        "so far, the least that the records allow",
    )
    baseline_share: Annotated[float, Field(ge=0, le=1)] | None = Field(
        None,
        description="share of the rewards that goes to purchases that would have been made anyway; "
        "empty: what the effect of the programme leaves over, where one can be told",
    )
    minutes_per_member: tuple[_Minutes, _Minutes, _Minutes] = Field(
        (0.0, 0.0, 0.0),
        description="minutes of service per member and month that only the programme gives and that "
        "programme_costs does not book, at levels 1, 2 and 3",
    )
    minute_rate: Annotated[float, Field(ge=0)] | None = Field(
        None,
        description="money per minute of such service: cost of a team ÷ minutes that it can work; "
        "empty: ledger.service_rate_per_hour ÷ 60",
    )
    landmark_months: int = Field(
        12,
        ge=3,
        le=60,
        description="months after the first year at which members are counted, to compare how long "
        "accounts stay from then on",
    )
    trial_until: date | None = Field(
        None,
        description="last day on which the arms of a trial were kept apart; empty: as_of",
    )
    trial_planned: Share = Field(
        0.5, description="share of a trial's accounts, or groups, that was to be drawn to an arm"
    )
    discount_rate: float = Field(0.10, ge=0, le=1, description="what money loses in a year")
    horizon_months: int = Field(
        24, ge=1, le=120, description="months over which the programme is valued"
    )
    fade: Annotated[float, Field(ge=0, le=1)] | None = Field(
        None,
        description="share of the effect that is lost from month to month beyond the months in which it "
        "was measured; empty: nothing is valued beyond twice these months",
    )
    economics_years: int = Field(
        3,
        ge=1,
        le=20,
        description="latest whole years that costs to win and to keep an account are of",
    )
    budget: Annotated[float, Field(gt=0)] | None = Field(
        None,
        description="money of a year to split over tiers and levels; empty: what was spent in the last one",
    )
    caution: Annotated[float, Field(ge=0.01, le=0.5)] = Field(
        0.20,
        description="a budget is split by what spending brings in this share of the draws at the least: "
        "the smaller, the more cautious",
    )
    trial_share: Annotated[float, Field(ge=0.1, le=0.9)] = Field(
        0.5, description="share of the accounts of a trial to come that is drawn to the programme"
    )
    trial_months: Literal[6, 12, 18, 24] = Field(
        12, description="months that a trial runs from the day on which accounts are drawn"
    )
    trial_power: Annotated[float, Field(ge=0.5, le=0.99)] = Field(
        0.8, description="chance with which a trial to come is to find an effect that is there"
    )
    trial_starts_on: date | None = Field(
        None,
        description="day on which a trial to come starts, for its list of accounts; empty: whoever "
        "starts it fills it in",
    )
    act_from: Share = Field(
        0.8, description="chance that the programme pays from which one would go on with it"
    )
    conf_level: Annotated[float, Field(ge=0.5, le=0.999)] = Field(
        0.95, description="level of all intervals"
    )
    draws: int = Field(2000, ge=200, le=100_000, description="draws from which intervals are read")
    seed: int = Field(20260101, ge=0, description="seed of all random draws")
    list_length: int = Field(15, ge=5, le=200, description="accounts listed in a table")

    @model_validator(mode="after")
    def _complete(self) -> LoyaltyRoiParams:
        if self.rewards == "points" and self.point_cost is None:
            raise ValueError("rewards: points needs point_cost, what a redeemed point costs")
        return self
