"""Parameters of study 20, churn as survival: `churn_survival`."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import Field, model_validator

from kamlib.params.section import Section, Share

_Months = Annotated[int, Field(ge=1, le=60)]


class ChurnParams(Section):
    """Study 20: when an account is lost, and over which horizons its loss is foreseen."""

    definition: Literal["auto", "contracts", "own_rhythm", "fixed_months"] = Field(
        "auto",
        description="when an account is lost: no contract in force, silent for long by its own rhythm, "
        "or silent for some months; auto: contracts where accounts with one bring most of the revenue, "
        "else own_rhythm",
    )
    renewal_grace_days: int = Field(
        30, ge=0, le=365, description="days without a contract after which the account is lost"
    )
    reason_declares: bool = Field(
        True,
        description="a contract that ended with a reason (contracts.end_reason) is lost on that day; "
        "false: the grace is waited for in any case",
    )
    k: float = Field(
        3.0, ge=1, le=20, description="usual gaps between orders after which an account is lost"
    )
    floor_days: int = Field(
        30,
        ge=30,
        le=365,
        description="silence that is never a loss, however often an account orders",
    )
    cap_days: int = Field(
        365, ge=60, le=1825,
        description="silence that is always a loss; also that of accounts with fewer than three orders",
    )  # fmt: skip
    silent_months: int = Field(
        3, ge=1, le=24, description="calendar months without an order (definition fixed_months)"
    )
    records_from: date | None = Field(
        None,
        description="first day of which the records tell who left; empty: the first order line",
    )
    partial_share: Share = Field(
        0.5,
        description="spending of three months, as a share of the account's own twelve-month level, "
        "below which it counts as partly lost",
    )
    line_share: Share = Field(
        0.2,
        description="share of its revenue above which a product line that an account drops counts",
    )
    due_months: int = Field(
        3, ge=1, le=12, description="months within which a contract that ends counts as due"
    )
    horizons: tuple[_Months, ...] = Field(
        (3, 6, 12), description="months ahead for which the chance to leave is stated"
    )
    strata: tuple[Literal["tier_in_force", "role", "segment", "region"], ...] = Field(
        (),
        description="attributes by which accounts are parted where drivers of loss are sought: only "
        "accounts alike in them are compared with each other",
    )
    cluster: Literal["account", "parent", "manager"] = Field(
        "account",
        description="whose months hang together where drivers of loss are sought: one account's, those "
        "of all accounts of a parent group, or of a manager",
    )
    life_months: int = Field(
        36, ge=6, le=60, description="months ahead within which expected remaining life is stated"
    )
    long_run_years: float = Field(
        10.0, ge=1, le=30, description="years at which a stay beyond the records is capped"
    )
    penalty: float = Field(
        100.0, gt=0, le=10_000,
        description="how strongly a forecast pulls each characteristic's effect towards none, in losses",
    )  # fmt: skip
    draws: int = Field(
        200, ge=200, le=10_000, description="draws of accounts from which intervals are read"
    )
    visits_per_month: int = Field(
        20, ge=1, le=2000,
        description="accounts that the team can visit in a month: lengths of the list that is judged",
    )  # fmt: skip
    act_from: tuple[Share, ...] = Field(
        (0.05, 0.1, 0.2, 0.3),
        description="chances to leave from which one would act: cost of a visit ÷ (margin saved × its "
        "success)",
    )
    conf_level: Annotated[float, Field(ge=0.5, le=0.999)] = Field(
        0.95, description="level of all intervals"
    )
    seed: int = Field(20260101, ge=0, description="seed of all random draws")
    list_length: int = Field(15, ge=5, le=200, description="accounts listed in a table")

    @model_validator(mode="after")
    def _in_order(self) -> ChurnParams:
        if self.cap_days < self.floor_days:
            raise ValueError("cap_days must not lie below floor_days")
        if not self.horizons or list(self.horizons) != sorted(set(self.horizons)):
            raise ValueError("horizons must be one or more rising numbers of months")
        return self
