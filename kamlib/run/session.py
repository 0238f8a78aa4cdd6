"""What a notebook holds while it runs: the unit, its book, and the page that it shows and publishes."""

from __future__ import annotations

import hashlib
import json
import math
import os
import platform
import shutil
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from importlib import metadata
from pathlib import Path
from typing import Any

import pandas as pd
from IPython.display import display

from kamlib.book import Book, Listing, open_records
from kamlib.errors import ParamError
from kamlib.glossary import Sentence, Style, heading, say
from kamlib.glossary import display as shown_as
from kamlib.params import RECORDS, Unit, home, load_unit
from kamlib.results import Check, Estimate
from kamlib.show.csv import safe_csv
from kamlib.show.excel import write_excel
from kamlib.show.page import Page
from kamlib.show.theme import use_theme

MIME = "application/vnd.kam.study+json"
JOB_DIR = "KAM_JOB_DIR"
Headline = Mapping[str, tuple[float, Sentence | None]]
_PACKAGES = ("kamlib", "pandas", "numpy", "ibis-framework", "duckdb", "matplotlib")


class Session:
    """One study of one unit, from its parameters to what it publishes.

    Attributes
    ----------
    study
        Name of the study, as in "customer_value".
    unit, book
        Parameters and records of the business unit; the latter are a `Listing` where the study reads
        a record of one day or of one trial.
    params
        The study's own section of the parameters.
    page
        What is shown; its figures and tables are what is published.
    """

    def __init__(self, study: str, unit: Unit, book: Book | Listing) -> None:
        self.study = study
        self.unit = unit
        self.book = book
        self.params: Any = getattr(unit, study)
        self.style = Style(unit.language, book.currency)
        self.page = Page(self.style)
        self._period: tuple[date, date] | None = None
        self._workbooks: dict[str, dict[str, pd.DataFrame]] = {}
        self._checks: dict[str, Check] = {check.name: check for check in book.checks}

    def cover(self, start: date, end: date) -> None:
        """State the days that the study's figures cover, for the header of the report."""
        self._period = (start, end)
        self._header()

    def show(
        self,
        estimate: Estimate,
        plot: Callable[..., Any] | None = None,
        *,
        caption: Sentence | str = "",
        **options: Any,
    ) -> None:
        """Show an estimate's note and, unless it was refused, its figure; remember its checks.

        Parameters
        ----------
        estimate
            What to show.
        plot
            Takes the estimate's frame, `style` and `options`, and returns axes.
        caption
            Text under the figure.
        options
            Further arguments of `plot`.
        """
        for check in estimate.checks:
            self._checks[check.name] = check
        self.page.note(estimate)
        if plot is not None and not estimate.refused:
            drawn = plot(estimate.frame, style=self.style, **options)
            self.page.figure(drawn, f"figure_{estimate.name}", estimate.note, caption)

    def table(
        self,
        frame: pd.DataFrame | Estimate,
        id: str,
        caption: str = "",
        *,
        rows: int | None = None,
        folded: bool = False,
    ) -> None:
        """Show a table; one without rows is left out, since its section has said why."""
        if isinstance(frame, Estimate):
            frame = frame.frame
        if not frame.empty:
            words = heading(caption, self.style)
            self.page.table(frame, id, words, rows=rows, folded=folded)

    def conclude(self, *findings: Estimate) -> None:
        """Show the notes of the findings once more; what was refused concludes nothing."""
        told = [finding for finding in findings if not finding.refused]
        for finding in told:
            self.page.note(finding)
        if not told:
            self.page.note(Sentence("report.nothing_concluded"))

    def steps(self, steps: Iterable[Sentence]) -> None:
        """Show what the reader does now, numbered."""
        for number, step in enumerate(steps, 1):
            self.page.note(f"{number}. {say(step, self.style)}")

    def checks(self, *more: Check) -> None:
        """Show all checks so far."""
        for check in more:
            self._checks[check.name] = check
        self.page.checks(self._checks.values())

    def read(self) -> None:
        """Show how many rows were read and, where any were set aside, why and from which tables."""
        counts, faults = self.book.counts, self.book.faults
        totals = counts[["n_read", "n_kept", "n_set_aside", "n_later"]].sum()
        names = ("n", "kept", "aside", "later")
        values = dict(zip(names, (int(total) for total in totals), strict=True))
        known = {"n_tables": len(counts), "as_of": self.book.as_of}
        key = "snapshot.read" if isinstance(self.book, Listing) else "book.read"
        self.page.note(Sentence(key, values | known))
        self.table(counts[counts["n_read"] != counts["n_kept"]], "rows_read", "What was read")
        if len(faults):
            meaning = [say(Sentence(f"rule.{rule}"), self.style) for rule in faults["rule"]]
            shown = faults.assign(meaning=meaning).drop(columns="rule")
            self.table(shown, "rows_set_aside", "Rows set aside")

    def workbook(self, id: str, **sheets: pd.DataFrame | Estimate) -> None:
        """Publish frames as an Excel workbook too, for those who work on from it.

        Parameters
        ----------
        id
            Name of the file, without its ending.
        sheets
            Name of each sheet, a heading with underscores for blanks -> frame; what was refused has none.
        """
        frames = {
            heading(name.replace("_", " "), self.style): found.frame
            if isinstance(found, Estimate)
            else found
            for name, found in sheets.items()
        }
        kept = {name: frame for name, frame in frames.items() if not frame.empty}
        if kept:
            self._workbooks[id] = kept
            self.page.note(Sentence("report.workbook", {"file": f"tables/{id}.xlsx"}))

    def publish(self, headline: Headline | None = None, **tables: pd.DataFrame) -> Path:
        """Write everything shown, and `tables` besides, where the run or a draft keeps it.

        Parameters
        ----------
        headline
            Glossary column -> value and its own label, if any: the key figures, for the top of
            the report and the index.
        tables
            Further frames to publish by id, not shown on the page.

        Returns
        -------
        Path
            The folder written: the job's own under `kam run`, else
            `outputs/_draft/<unit>/<as_of>/<study>/`.
        """
        folder = self._folder()
        for name, frame in (self.page.tables | tables).items():
            _write_table(frame, folder / "tables", name)
        for name, sheets in self._workbooks.items():
            write_excel(sheets, folder / "tables" / f"{name}.xlsx", self.style)
        for name, png in self.page.figures.items():
            path = folder / "figures" / f"{name}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(png)
        self.book.write_rejected(folder / "rejected")
        facts = self._facts() | {
            "headline": self._headline(headline or {}),
            "checks": [
                {"name": c.name, "passed": c.passed, "note": say(c.note, self.style)}
                for c in self._checks.values()
            ],
        }
        text = json.dumps(facts, ensure_ascii=False, indent=1, allow_nan=False)
        (folder / "study.json").write_text(text, "utf-8")
        self._display(facts)
        return folder

    def _folder(self) -> Path:
        job = os.environ.get(JOB_DIR)
        if job:
            return Path(job)
        parts = ("_draft", self.unit.business_unit, self.book.as_of.isoformat(), self.study)
        folder = home().joinpath("outputs", *parts)
        folder.mkdir(parents=True, exist_ok=True)
        # what an earlier draft had and this one lacks must not look like its own
        for part in ("tables", "figures", "rejected"):
            shutil.rmtree(folder / part, ignore_errors=True)
        return folder

    def _headline(self, headline: Headline) -> list[dict[str, Any]]:
        from kamlib.glossary import label, term

        entries = []
        for name, (value, words) in headline.items():
            kind = "short" if term(name).display == "money" else term(name).display
            text = shown_as(value, kind, self.style)
            # JSON has neither NaN nor infinity
            known = float(value) if math.isfinite(value) else None
            if kind in ("short", "cents") and self.style.currency and known is not None:
                text = f"{self.style.currency}\u00a0{text}"
            shown = say(words, self.style) if words else label(name, Style(self.style.language))
            entries.append({"name": name, "label": shown, "value": known, "text": text})
        return entries

    def _facts(self) -> dict[str, Any]:
        book, unit = self.book, self.unit
        found = _days(book)
        counts = book.counts.rename(columns=lambda c: c.removeprefix("n_"))
        shown = unit.model_dump_json(exclude={"book": {"database"}})
        return {
            "study": self.study,
            "business_unit": unit.business_unit,
            "unit_title": unit.shown_title,
            "language": unit.language,
            "currency": book.currency,
            "as_of": _iso(book.as_of),
            "period": _range(self._period or found),
            "data": _range(found),
            "fingerprint": book.fingerprint,
            "params_sha256": hashlib.sha256(shown.encode()).hexdigest(),
            "versions": {"python": platform.python_version()}
            | {name: metadata.version(name) for name in _PACKAGES},
            "tables": json.loads(counts.to_json(orient="records")),
        }

    def _header(self) -> None:
        self._display(self._facts())

    def _display(self, facts: dict[str, Any]) -> None:
        words = facts["unit_title"]
        if facts["period"]:
            first, last = (date.fromisoformat(day) for day in facts["period"].values())
            covered = say(Sentence("report.range", {"first": first, "last": last}), self.style)
            words = f"{words}, {covered}"
        display({MIME: facts, "text/plain": words}, raw=True)  # type: ignore[no-untyped-call]


def _days(book: Book | Listing) -> tuple[Any, Any] | None:
    """Return the first and the last day of the records; None where they have no days."""
    if isinstance(book, Listing):
        return None
    sales = book["transactions"]
    found = sales.aggregate(first=sales.date.min(), last=sales.date.max()).execute().iloc[0]
    return found["first"], found["last"]


def _range(days: tuple[Any, Any] | None) -> dict[str, str] | None:
    return days and {"from": _iso(days[0]), "to": _iso(days[1])}


def _iso(day: Any) -> str:
    return pd.Timestamp(day).date().isoformat()


def _write_table(frame: pd.DataFrame, folder: Path, name: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    frame.to_parquet(folder / f"{name}.parquet", index=False)
    safe_csv(frame, folder / f"{name}.csv")


def open_study(study: str, business_unit: str, as_of: str = "", overrides: Any = None) -> Session:
    """Open a study of a business unit: read its parameters and its records, set the theme.

    Parameters
    ----------
    study
        Name of the study, as in "customer_value".
    business_unit, as_of, overrides
        What the parameters cell of a notebook holds.

    Raises
    ------
    KamError
        Parameters or records that cannot be used, with every fault.
    """
    unit = load_unit(business_unit, as_of=as_of, overrides=overrides)
    if not unit.suits(study):
        raise ParamError(
            f"params/{business_unit}.yaml: the unit gives {RECORDS[unit.book.gives]}, which study "
            f"'{study}' cannot read; `kam list` names the studies of the unit"
        )
    use_theme()
    pd.options.display.max_columns = 30
    return Session(study, unit, open_records(unit))
