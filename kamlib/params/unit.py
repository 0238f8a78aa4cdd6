"""The parameters of one business unit: what stands at the top of its file, and all sections."""

from __future__ import annotations

import re
import zoneinfo
from datetime import date
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from kamlib.errors import nearest
from kamlib.params.churn import ChurnParams
from kamlib.params.churn_snapshot import ChurnSnapshotParams
from kamlib.params.customer_value import CustomerValueParams
from kamlib.params.ledger import LedgerParams
from kamlib.params.loyalty_roi import LoyaltyRoiParams
from kamlib.params.loyalty_trial import LoyaltyTrialParams
from kamlib.params.section import Section
from kamlib.params.sources import BookSource

_Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]


class Unit(Section):
    """One business unit."""

    business_unit: str = Field("", description="name of the unit; empty: the file's name")
    title: str = Field("", description="name that readers see; empty: the unit's name")
    title_zh: str = Field("", description="name that readers of a Chinese report see")
    language: Literal["en", "zh"] = Field("en", description="language of labels and headings")
    as_of: date | None = Field(
        None, description="last day that is known; empty: the date of the last transaction"
    )
    currency: str = Field(
        "", pattern=r"^([A-Z]{3})?$", description="currency of all figures, e.g. CNY, EUR"
    )
    rates: dict[_Currency, Annotated[float, Field(gt=0)]] = Field(
        default_factory=dict, description="value of one unit of another currency in `currency`"
    )
    time_zone: str = Field("UTC", description="time zone whose calendar days count")
    book: BookSource = Field(description="where the records are")
    ledger: LedgerParams = Field(default_factory=LedgerParams)
    customer_value: CustomerValueParams = Field(default_factory=CustomerValueParams)
    churn_survival: ChurnParams = Field(default_factory=ChurnParams)
    churn_snapshot: ChurnSnapshotParams = Field(default_factory=ChurnSnapshotParams)
    loyalty_roi: LoyaltyRoiParams = Field(default_factory=LoyaltyRoiParams)
    loyalty_trial: LoyaltyTrialParams = Field(default_factory=LoyaltyTrialParams)
    folder: Path = Field(Path("."), exclude=True, description="folder of the parameter file")

    @model_validator(mode="after")
    def _safe_name(self) -> Unit:
        check_unit_name(self.business_unit)
        return self

    @model_validator(mode="after")
    def _rates_of_other_currencies(self) -> Unit:
        if self.rates and not self.currency:
            raise ValueError(
                "`rates` says what other currencies are worth in `currency`; state that"
            )
        if self.rates.get(self.currency, 1.0) != 1.0:
            raise ValueError(f"rates.{self.currency}: is the unit's own currency; leave it out")
        return self

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        try:
            zoneinfo.ZoneInfo(name)
        except (ValueError, OSError, zoneinfo.ZoneInfoNotFoundError):
            hint = nearest(name, zoneinfo.available_timezones())
            raise ValueError(
                f"is not a time zone; use a name such as Asia/Shanghai or Europe/Berlin{hint}"
            ) from None
        return name

    def suits(self, study: str) -> bool:
        """Whether a study takes the records that the unit gives."""
        section = getattr(self, study, None)
        return self.book.gives == (section if isinstance(section, Section) else Section).reads

    @property
    def shown_title(self) -> str:
        """Name of the unit for its readers, in its language."""
        chosen = self.title_zh if self.language == "zh" else ""
        return chosen or self.title or self.business_unit.replace("_", " ")


def check_unit_name(name: str) -> None:
    """Raise ValueError unless `name` can name a folder and a file on every system."""
    if not re.fullmatch(r"[^\W_][\w.-]{0,63}", name) or name.endswith("."):
        raise ValueError(
            f"'{name}' cannot name a business unit: use letters, digits, _ . - and begin with a "
            "letter or digit (no slash, no space), since outputs lie in a folder of that name"
        )
