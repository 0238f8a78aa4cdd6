"""The command `kam`: thin, with every heavy import inside the command that needs it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import kamlib._fastimports  # noqa: F401 – before anything imports nbformat

import typer  # isort: skip

if TYPE_CHECKING:
    from kamlib.params import Unit
    from kamlib.run.screen import Screen

app = typer.Typer(
    help="Key account management: studies of business units, run and published.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
Units = Annotated[list[str] | None, typer.Argument(help="names of business units; none: all")]


@app.command()
def run(
    units: Units = None,
    study: Annotated[list[str] | None, typer.Option(help="study to run; none: all")] = None,
    as_of: Annotated[str, typer.Option(help="last day that is known, YYYY-MM-DD")] = "",
    workers: Annotated[int, typer.Option(min=1, help="studies at work at the same time")] = 2,
    timeout: Annotated[float, typer.Option(min=1, help="seconds that one study may take")] = 3600,
    demo: Annotated[bool, typer.Option("--demo", help="run the demo units")] = False,
) -> None:
    """Run studies and publish their reports.

    Exit codes: 0 all well, 1 some failed, 2 refused before anything started, 75 unit busy in another run.
    """
    from kamlib.run.plan import plan_jobs

    jobs, faults = plan_jobs(units or (), study or (), as_of or None, demo=demo)
    if faults:
        _refuse(faults)
    from rich.console import Console

    from kamlib.run.runner import exit_code, run_jobs, signals_as_interrupt
    from kamlib.run.screen import Screen
    from kamlib.run.watch import Limits

    screen = Screen(Console())
    if not units and not demo and all(job.unit.book.demo for job in jobs):
        screen.say("There is no unit of your own in params/ yet, so the demo units run.")
    if not units and not demo and "customer_value" in {job.study for job in jobs}:
        with signals_as_interrupt():
            units_read = [job.unit for job in jobs if job.study == "customer_value"]
            _pool_first(units_read, as_of, timeout, screen)
    limits = Limits(job=timeout, cell=max(min(timeout, Limits().cell), timeout / 2))
    records = run_jobs(jobs, workers=workers, limits=limits, screen=screen)
    screen.summary(records)
    raise typer.Exit(exit_code(records))


def _pool_first(units: Sequence[Unit], as_of: str, timeout: float, screen: Screen) -> None:
    """Let comparable units learn from each other before their studies start.

    In a process of its own (docs/decisions/0009): whatever becomes of it, the studies go on.
    """
    from kamlib.value.lifetime.pool_store import worth_pooling

    if not worth_pooling({unit.business_unit: unit for unit in units}.values()):
        return
    import os
    import subprocess

    try:
        done = subprocess.run(  # noqa: S603 - this program itself
            [sys.executable, "-m", "kamlib.cli", "pool", f"--as-of={as_of}"],
            env=os.environ | {"PYTHONUTF8": "1"},
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=timeout,
            check=True,
        )
    except subprocess.TimeoutExpired:
        why = f"it took more than {timeout:.0f} seconds"
    except subprocess.CalledProcessError as error:
        last = error.stderr.strip().splitlines()[-1:]
        why = last[0].rstrip(".") if last else f"it ended with exit code {error.returncode}"
    except OSError as error:
        why = error.strerror or str(error)
    else:
        screen.say(done.stdout.strip())
        return
    screen.say(
        f"Comparable units could not be pooled: {why}. Studies go on with the pooled prior that "
        "lies there, else with the weak one."
    )


@app.command()
def pool(
    as_of: Annotated[str, typer.Option(help="last day that is known, YYYY-MM-DD")] = "",
) -> None:
    """Learn what comparable units have in common; studies of small units lean on it."""
    from kamlib.run.plan import plan_jobs

    jobs, faults = plan_jobs(as_of=as_of or None)
    if faults:
        _refuse(faults)
    from kamlib.run import store
    from kamlib.value.lifetime.pool_store import pool_files, pool_folder
    from kamlib.value.lifetime.pool_units import pool_units, told

    with store.lock(store.outputs() / "_pool" / ".lock", wait=True):
        every = {
            job.unit.business_unit: job.unit for job in jobs if job.unit.book.gives == "tables"
        }
        found = pool_units(every.values())
        for day, groups in found.items():
            store.replace_files(pool_folder(day), pool_files(day, groups))
    typer.echo("\n".join(told(found)))


@app.command()
def params(
    unit: Annotated[str, typer.Argument(help="business unit; none: the defaults")] = "",
    schema: Annotated[
        bool, typer.Option("--schema", help="write the JSON Schema by which editors check files")
    ] = False,
) -> None:
    """Print every parameter with its meaning, range and value."""
    import json

    from kamlib.params import SCHEMA_FILE, annotated_yaml, home, json_schema, load_unit

    if schema:
        path = home() / "params" / SCHEMA_FILE
        text = json.dumps(json_schema(), ensure_ascii=False, indent=2)
        path.write_text(f"{text}\n", encoding="utf-8")
        typer.echo(path)
        return
    typer.echo(annotated_yaml(load_unit(unit) if unit else None), nl=False)


@app.command()
def check(units: Units = None) -> None:
    """Open each unit's records and count what was read, kept and set aside; no study runs."""
    from kamlib.errors import KamError
    from kamlib.params import load_unit, unit_names

    faults: list[str] = []
    for name in units or unit_names():
        try:
            lines = list(_found(load_unit(name)))
        except KamError as error:
            faults += error.faults
        else:
            typer.echo("\n".join((name, *lines)))
    if faults:
        _refuse(faults)


def _found(unit: Unit) -> Iterator[str]:
    from kamlib.book import open_records
    from kamlib.book.faults import first_found
    from kamlib.glossary import Sentence

    book = open_records(unit)
    yield str(book.counts.to_string(index=False))
    for fault in book.faults.to_dict("records"):
        where = ".".join(part for part in (fault["table"], fault["column"]) if part)
        rule, first = Sentence(f"rule.{fault['rule']}"), first_found(fault)
        yield f"{where}: {rule} – {fault['n_rows']:,} rows set aside{first}"
    for check in book.checks:
        yield str(check.note)


@app.command("list")
def list_() -> None:
    """List units, studies and what became of them last."""
    from kamlib.params import unit_names
    from kamlib.run.catalogue import manifests
    from kamlib.run.plan import find_studies

    last: dict[tuple[str, str], dict[str, str]] = {}
    for _, manifest in manifests():
        key = manifest["business_unit"], manifest["study"]
        if key not in last or manifest["finished"] > last[key]["finished"]:
            last[key] = manifest
    for unit in unit_names():
        for study in filter(_suits(unit), find_studies()):
            known = last.get((unit, study))
            state = "not run yet"
            if known:
                state = f"{known['status']}, as of {known['as_of'] or '–'}, run {known['finished']}"
            typer.echo(f"{unit}  {study}  {state}")


def _suits(name: str) -> Callable[[str], bool]:
    """Return whether a unit runs a study; a unit that cannot be read might run any."""
    from kamlib.errors import KamError
    from kamlib.params import load_unit

    try:
        return load_unit(name).suits
    except KamError:
        return bool


@app.command()
def report(
    notebook: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="run notebook")],
    output: Annotated[Path | None, typer.Option("-o", "--output", help="HTML file")] = None,
) -> None:
    """Make one self-contained HTML page of a notebook that has been run."""
    from kamlib.report.render import render_report
    from kamlib.run.notebook import parse
    from kamlib.run.store import replace_text

    path = output or notebook.with_suffix(".html")
    page = render_report(parse(notebook.read_bytes()))
    replace_text(path.absolute(), page)
    typer.echo(path)


@app.command()
def demo(
    size: Annotated[float, typer.Option(min=0.01, help="size of the books; 1: as usual")] = 1.0,
    seed: Annotated[int | None, typer.Option(help="seed of the random draws")] = None,
) -> None:
    """Write the demo units' books, which lie in outputs/_demo."""
    from kamlib.book.simulate import DEMO_UNITS, write_demo
    from kamlib.book.simulate.mailing import write_mailing
    from kamlib.book.simulate.subscribers import write_subscribers
    from kamlib.params import home

    folder = home() / "outputs" / "_demo"
    for unit in DEMO_UNITS:
        typer.echo(write_demo(unit, folder, size=size, seed=seed))
    typer.echo(write_subscribers(folder).parent)
    typer.echo(write_mailing(folder).parent)


@app.command("import")
def import_(
    adapter: Annotated[str, typer.Argument(help="reader for a public record")],
    file: Annotated[Path, typer.Argument(help="the file that it reads")],
) -> None:
    """Make parameter files for the business units in a public record."""
    from kamlib.book.adapters import import_record
    from kamlib.params import home

    written = import_record(adapter, file, home() / "params")
    for path in written:
        typer.echo(path)
    typer.echo(f"next: kam run {' '.join(path.stem for path in written)}")


def _refuse(faults: Sequence[str]) -> None:
    for fault in dict.fromkeys(faults):
        typer.echo(fault, err=True)
    raise typer.Exit(2)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; a user's error is told in plain sentences, one per line."""
    from kamlib.errors import KamError, Locked

    try:
        app(args=arguments, prog_name="kam")
    except KamError as error:
        for fault in error.faults:
            typer.echo(fault, err=True)
        sys.exit(75 if isinstance(error, Locked) else 2)


if __name__ == "__main__":
    main()
