"""Parameters of study 10, customer value: `customer_value` and the blocks within it."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import Field, model_validator

from kamlib.params.section import Section, Share

TierName = Literal["platinum", "gold", "iron", "lead"]

_Score = Annotated[float, Field(gt=0, lt=100)]


class CriterionWeights(Section):
    """Weight of each criterion of the evaluation standard; only their proportions count."""

    contract_volume: float = Field(0.25, ge=0, description="yearly value of the contracts in force")
    price_realisation: float = Field(
        0.15, ge=0, description="net price ÷ list price over twelve months"
    )
    revenue: float = Field(0.30, ge=0, description="revenue of twelve months")
    collection_rate: float = Field(
        0.15, ge=0, description="paid ÷ fell due over twelve months, as known then"
    )
    credit: float = Field(0.15, ge=0, description="credit and commercial reputation, 0–100")

    @model_validator(mode="after")
    def _some_weight(self) -> CriterionWeights:
        if not any(self.model_dump().values()):
            raise ValueError("give at least one criterion a weight above 0")
        return self


class EvaluationStandardParams(Section):
    """The evaluation standard: which accounts are key, which move, which could become key."""

    weights: CriterionWeights = Field(default_factory=CriterionWeights)
    reference_date: date | None = Field(
        None,
        description="day whose accounts every later score is held against; it becomes the next "
        "evaluation date; empty: the first one",
    )
    tier_basis: Literal["score", "contribution"] = Field(
        "score", description="tiers by score, or by cumulative share of contribution"
    )
    score_bounds: tuple[_Score, _Score, _Score] = Field(
        (70.0, 55.0, 35.0), description="lowest score of platinum, gold and iron"
    )
    score_margin: float = Field(
        3.0, ge=0, le=20,
        description="points by which a score must pass a bound before the account changes its tier",
    )  # fmt: skip
    share_bounds: tuple[Share, Share, Share] = Field(
        (0.50, 0.80, 0.95),
        description="share of contribution that platinum, gold and iron together make, tier by tier",
    )
    share_margin: float = Field(
        0.02, ge=0, le=0.2,
        description="share by which an account must pass a bound before it changes its tier",
    )  # fmt: skip
    key_tiers: tuple[TierName, ...] = Field(
        ("platinum", "gold"), description="tiers whose accounts are key accounts, best first"
    )
    concentration: float = Field(
        50.0, gt=0,
        description="how close other weights stay to these (Dirichlet): a weight w varies by "
        "√(w(1 − w) ÷ (concentration + 1))",
    )  # fmt: skip
    draws: int = Field(1000, ge=100, le=20000, description="other sets of weights tried")
    min_risers: int = Field(
        10, ge=5, description="accounts that must have risen in the past before a chance is stated"
    )

    @model_validator(mode="after")
    def _in_order(self) -> EvaluationStandardParams:
        best, middle, low = self.score_bounds
        first, second, third = self.share_bounds
        if not best > middle > low:
            raise ValueError("score_bounds must fall from platinum to iron")
        if best + self.score_margin > 100 or low - self.score_margin < 0:
            raise ValueError("score_bounds with score_margin must stay between 0 and 100")
        if not first < second < third:
            raise ValueError("share_bounds must rise from platinum to iron")
        if first - self.share_margin <= 0 or third + self.share_margin >= 1:
            raise ValueError("share_bounds with share_margin must stay between 0 and 1")
        best_first = ("platinum", "gold", "iron")[: len(self.key_tiers)]
        if not self.key_tiers or self.key_tiers != best_first:
            raise ValueError("key_tiers must be the best tiers without a gap, and not all four")
        return self


class ProfitParams(Section):
    """Profit, collection and the people on whom accounts depend."""

    concession: Share = Field(
        0.03, description="fall of an account's prices at constant mix that counts as a concession"
    )
    expected_life_years: Annotated[float, Field(ge=0.5, le=50)] | None = Field(
        None,
        description="years over which winning an account is paid off; empty: 1 ÷ the share of last "
        "year's buyers that bought nothing this year",
    )
    decider_days: int = Field(
        90, ge=7, le=730, description="days within which one who decides should have been met"
    )


class LifetimeParams(Section):
    """What each account will bring: kind of relation, horizon, discount, how it is checked."""

    relation: Literal["auto", "contracts", "purchases"] = Field(
        "auto",
        description="whether accounts are bound by contracts or simply buy; auto: contracts where "
        "accounts with one bring most of the revenue",
    )
    model: Literal["auto", "BG/NBD", "MBG/CNBD-k", "Pareto/NBD"] = Field(
        "auto", description="purchase model of accounts without contracts; auto: the likeliest"
    )
    fit_years: float = Field(
        2.0, ge=0.5, le=20,
        description="years of purchases that a forecast reads; older ones tell of rates that have "
        "moved since",
    )  # fmt: skip
    horizon_years: float = Field(3.0, ge=0.25, le=10, description="years looked ahead")
    discount_rate: float = Field(
        0.10, ge=0, le=0.5, description="what money loses in a year, 0.1 for 10 %"
    )
    holdout_months: int = Field(
        12, ge=3, le=36,
        description="months at the end of the records held back to check the forecast; at the most "
        "a quarter of the records",
    )  # fmt: skip
    holdout_from: date | None = Field(
        None, description="first day held back, instead of a number of months"
    )
    draws: int = Field(1000, ge=200, le=20000, description="futures drawn behind an interval")
    comparable: str = Field(
        "", description="group of comparable units that learn from each other; empty: all units"
    )


class CustomerValueParams(Section):
    """Study 10: customer value."""

    top_share: Share = Field(
        0.20, description="share of accounts, largest first, whose part of revenue is stated"
    )
    bulk_share: Share = Field(
        0.80, description="part of revenue for which the smallest set of accounts is sought"
    )
    conf_level: Annotated[float, Field(ge=0.5, le=0.999)] = Field(
        0.95, description="level of all intervals"
    )
    draws: int = Field(1000, ge=200, le=20000, description="bootstrap draws behind an interval")
    seed: int = Field(20260101, ge=0, description="seed of all random draws")
    list_length: int = Field(15, ge=5, le=200, description="accounts listed in a table")
    standard: EvaluationStandardParams = Field(default_factory=EvaluationStandardParams)
    profit: ProfitParams = Field(default_factory=ProfitParams)
    lifetime: LifetimeParams = Field(default_factory=LifetimeParams)
