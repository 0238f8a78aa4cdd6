"""What every section of a parameter file is made of."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

Share = Annotated[float, Field(gt=0, lt=1)]
Record = Literal["tables", "snapshot", "trial"]
# each as a message names it
RECORDS: dict[Record, str] = {
    "tables": "tables with dates",
    "snapshot": "a record of one day",
    "trial": "a record of one trial",
}


class Section(BaseModel):
    """A block of parameters: only names that are declared, values that do not change.

    `reads` says, of the section of a study, what records the study takes.
    """

    reads: ClassVar[Record] = "tables"
    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)
