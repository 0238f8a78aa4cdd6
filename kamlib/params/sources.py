"""Where the records of a unit come from: `book`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from kamlib.params.section import Record, Section

# an adapter and a demo each; all others give tables
SNAPSHOTS = ("telco", "mobile_subscribers")
TRIALS = ("hillstrom", "mail_trial")

TableName = Literal[
    "accounts", "account_history", "transactions", "contracts", "invoices", "payments",
    "service_events", "standards", "tier_decisions", "visits", "contacts", "assignments",
    "survey_frame", "survey_items", "surveys", "programme", "trials", "programme_costs", "points",
    "referrals", "defections", "acquisition_costs",
]  # fmt: skip


class TableSource(Section):
    """Where one table comes from and how its text is to be read."""

    file: str = Field(
        "", description="CSV, Excel or Parquet file or glob, relative to the parameter file"
    )
    sheet: str = Field("", description="Excel sheet; empty: the first one, *: all of them")
    table: str = Field("", description="table or view in `book.database`; empty: the table's name")
    columns: dict[str, str] = Field(
        default_factory=dict, description="our column name: the heading that stands in your file"
    )
    decimal: Literal[".", ","] = Field(".", description="decimal mark in numbers written as text")
    date_order: Literal["ymd", "dmy", "mdy"] = Field(
        "ymd", description="order of day, month and year in dates written as text"
    )
    encoding: str = Field("", description="text encoding of a CSV file; empty: found out")
    delimiter: str = Field("", description="column separator of a CSV file; empty: found out")


class BookSource(Section):
    """Where the records of the unit come from: a demo, a public record, a database, or files."""

    demo: str = Field("", description="name of a simulated demo unit")
    adapter: str = Field(
        "", description="reader for a public record: online-retail-ii, telco, hillstrom"
    )
    file: str = Field("", description="file that the adapter reads, relative to this file")
    countries: tuple[str, ...] = Field(
        (), description="countries that make up the unit (adapter online-retail-ii); empty: all"
    )
    database: str = Field(
        "", description="DuckDB or SQLite file, or a database URL; credentials as ${NAME}"
    )
    tables: dict[TableName, TableSource] = Field(
        default_factory=dict, description="one entry per table that the unit has"
    )
    max_amount: float = Field(
        1e12, gt=0, description="largest money amount of one row taken for real, in currency units"
    )

    @property
    def gives(self) -> Record:
        """What the records are: tables, a snapshot of one day, or a finished trial."""
        origin = {self.adapter, self.demo}
        if origin & set(SNAPSHOTS):
            return "snapshot"
        return "trial" if origin & set(TRIALS) else "tables"

    @model_validator(mode="after")
    def _one_origin(self) -> BookSource:
        origins = [name for name in ("demo", "adapter", "database") if getattr(self, name)]
        if len(origins) > 1:
            raise ValueError(f"give only one of demo, adapter, database (found {origins})")
        if self.adapter and not self.file:
            raise ValueError("an adapter needs the `file` that it reads")
        if self.file and not self.adapter:
            raise ValueError("`file` belongs to an adapter; give your own files under `tables`")
        if not origins and not self.tables:
            raise ValueError("say where the records are: tables, database, adapter or demo")
        if self.tables and (self.demo or self.adapter):
            raise ValueError(
                "`tables` goes with files or a database, not with a demo or an adapter"
            )
        if self.tables and "transactions" not in self.tables:
            raise ValueError("tables.transactions is required")
        given = {name: source.file for name, source in self.tables.items()}
        astray = [name for name, file in given.items() if bool(file) == bool(self.database)]
        if astray and self.database:
            raise ValueError(f"{', '.join(astray)}: with a database give `table`, not `file`")
        if astray:
            raise ValueError(f"no `file` given for {', '.join(astray)}")
        return self
