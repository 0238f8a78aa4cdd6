"""What every section of a parameter file is made of."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Share = Annotated[float, Field(gt=0, lt=1)]


class Section(BaseModel):
    """A block of parameters: only names that are declared, values that do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)
