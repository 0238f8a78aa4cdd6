"""Which jobs are to run: units × studies, checked before any kernel starts.

A study is a notebook `notebooks/NN_name.ipynb`; its name is the file's without the number, and 00 is no
study. Every parameter file is read first, and every fault of every file is reported at once. A study runs
for the units whose records it takes: most take tables, some a record of one day or of one trial
(`Section.reads`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from kamlib.errors import ParamError, nearest
from kamlib.params import RECORDS, Unit, home, load_unit, resolve_secrets, unit_names

_STUDY = re.compile(r"(?!00)(\d\d)_(\w+)\.ipynb")


@dataclass(frozen=True, slots=True)
class Job:
    """One study of one unit.

    Attributes
    ----------
    unit
        Checked parameters of the business unit.
    study
        Name of the study, e.g. "customer_value".
    notebook
        The notebook that makes it.
    as_of
        Last day that is known, as YYYY-MM-DD; empty where only the data can tell.
    """

    unit: Unit
    study: str
    notebook: Path
    as_of: str = ""

    def __str__(self) -> str:
        return f"{self.unit.business_unit} {self.study}"


def find_studies() -> dict[str, Path]:
    """Return the project's studies by name, in the order of their numbers.

    Raises
    ------
    ParamError
        Where two notebooks carry the same name.
    """
    found: dict[str, Path] = {}
    for path in sorted((home() / "notebooks").glob("*.ipynb")):
        matched = _STUDY.fullmatch(path.name)
        if not matched:
            continue
        if matched[2] in found:
            other = found[matched[2]].name
            raise ParamError(f"notebooks {other} and {path.name} name the same study; rename one")
        found[matched[2]] = path
    return found


def plan_jobs(
    units: Iterable[str] = (),
    studies: Iterable[str] = (),
    as_of: str | None = None,
    *,
    demo: bool = False,
) -> tuple[list[Job], list[str]]:
    """Return the jobs to run and all reasons why they cannot.

    Parameters
    ----------
    units
        Names of units; empty: all real units, or the demo units while there is no real one.
    studies
        Names of studies; empty: all.
    as_of
        Last day that is known, as YYYY-MM-DD; empty: what each unit's file says. A record without
        dates keeps its own.
    demo
        Take demo units only.

    Returns
    -------
    tuple
        The jobs, unit by unit, and one sentence per fault. Where there is any fault, nothing may start.
    """
    try:
        day = date.fromisoformat(as_of).isoformat() if as_of else ""
    except ValueError:
        return [], [f"as_of: '{as_of}' is not a date; expected YYYY-MM-DD"]
    loaded, unit_faults = _load(list(dict.fromkeys(units)), day, demo=demo)
    chosen, study_faults = _choose_studies(list(dict.fromkeys(studies)))
    faults = unit_faults + study_faults
    jobs = [
        Job(unit, study, notebook, unit.as_of.isoformat() if unit.as_of else "")
        for unit in loaded
        for study, notebook in chosen.items()
        if unit.suits(study)
    ]
    if not faults:
        faults = list(_idle(loaded if units else [], chosen, jobs))
    return ([], faults) if faults else (jobs, [])


def _idle(named: list[Unit], chosen: dict[str, Path], jobs: list[Job]) -> Iterator[str]:
    """Yield why units that were named have nothing to run, or why nobody has."""
    studies = ", ".join(chosen)
    busy = {job.unit.business_unit for job in jobs}
    for unit in named:
        if unit.business_unit not in busy:
            yield f"{unit.business_unit} gives {RECORDS[unit.book.gives]}, which {studies} cannot read"
    if not named and not jobs:
        yield f"no unit gives the records that {studies} can read"


def _load(named: list[str], as_of: str, *, demo: bool) -> tuple[list[Unit], list[str]]:
    names = named or unit_names()
    if not names:
        return [], ["there is no parameter file params/<unit>.yaml; write one per business unit"]
    loaded, faults = [], []
    for name in names:
        try:
            unit = load_unit(name, as_of=as_of)
            if as_of and unit.book.gives != "tables":
                unit = load_unit(name)
            resolve_secrets(unit.book.database)
        except ParamError as error:
            faults += [f if name in f else f"params/{name}.yaml: {f}" for f in error.faults]
        else:
            loaded.append(unit)
    demos = [unit for unit in loaded if unit.book.demo]
    if demo:
        faults += [
            f"{unit.business_unit} is not a demo unit"
            for unit in loaded
            if named and not unit.book.demo
        ]
        if not demos and not faults:
            faults.append("there is no demo unit (a parameter file whose book is `demo`)")
        return demos, faults
    return loaded if named else [unit for unit in loaded if not unit.book.demo] or demos, faults


def _choose_studies(named: list[str]) -> tuple[dict[str, Path], list[str]]:
    known = find_studies()
    if not known:
        return {}, ["there is no study: no file notebooks/NN_name.ipynb"]
    listed = f" (known: {', '.join(known)})"
    faults = [
        f"there is no study '{name}'{nearest(name, known) or listed}"
        for name in named
        if name not in known
    ]
    return {name: path for name, path in known.items() if not named or name in named}, faults
