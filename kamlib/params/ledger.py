"""How revenue becomes contribution: `ledger`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from kamlib.params.section import Section


class LedgerParams(Section):
    """How revenue becomes contribution."""

    grain: Literal["account", "parent_group"] = Field(
        "account", description="count every account by itself, or together with its parent group"
    )
    financing_rate: float = Field(
        0.08, ge=0, le=1, description="cost of money tied up in receivables, share per year"
    )
    service_rate_per_hour: float | None = Field(
        None, ge=0, description="money per service hour where an event has minutes but no cost"
    )
    visit_rate_per_hour: float | None = Field(
        None, ge=0, description="money per visit hour where a visit has minutes but no cost"
    )
    min_cost_coverage: float = Field(
        0.95, gt=0, le=1,
        description="share of revenue whose cost must be known before a margin is stated",
    )  # fmt: skip
