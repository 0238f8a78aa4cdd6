"""Parameters of study 21, churn from a record of one day: `churn_snapshot`."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field, model_validator

from kamlib.params.section import Record, Section

_Months = Annotated[float, Field(gt=0, le=600)]


class ChurnSnapshotParams(Section):
    """Study 21: churn from a record of one day."""

    reads: ClassVar[Record] = "snapshot"
    window_months: _Months = Field(
        1.0,
        description="months up to the day of the record in which a customer that left was marked as "
        "such; levels rest on it",
    )
    other_windows: tuple[_Months, ...] = Field(
        (3.0, 12.0), description="windows for which the level is stated besides, in months"
    )
    horizons: tuple[_Months, ...] = Field(
        (12.0, 24.0, 60.0), description="ages in months at which the share still there is stated"
    )
    compare_months: _Months = Field(
        24.0, description="months over which groups and windows are compared"
    )
    conf_level: Annotated[float, Field(ge=0.5, le=0.999)] = Field(
        0.95, description="level of all intervals"
    )

    @model_validator(mode="after")
    def _in_order(self) -> ChurnSnapshotParams:
        if not self.horizons or list(self.horizons) != sorted(set(self.horizons)):
            raise ValueError("horizons must be one or more rising numbers of months")
        return self
