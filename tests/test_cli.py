"""The command line: thin, fast to answer, plain in what it refuses."""

import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pandas as pd
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

import kamlib.book.adapters
import kamlib.book.simulate
from kamlib import cli
from kamlib.errors import BookError, Locked
from kamlib.run import runner
from kamlib.run.attempt import Record

UNIT = "book:\n  tables:\n    transactions: sales.csv\n"
FACTS = {
    "study": "value", "business_unit": "north", "unit_title": "North", "language": "en",
    "currency": "CNY", "as_of": "2025-12-31", "versions": {}, "tables": [],
    "period": {"from": "2025-01-01", "to": "2025-12-31"},
    "data": {"from": "2021-01-01", "to": "2025-12-31"}, "fingerprint": "ab" * 32,
}  # fmt: skip


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.setenv("KAM_HOME", str(tmp_path))
    (tmp_path / "params").mkdir()
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "params" / "north.yaml").write_text(UNIT)
    cells = [new_code_cell("x = 1")]
    nbformat.write(new_notebook(cells=cells), tmp_path / "notebooks" / "10_value.ipynb")
    return tmp_path


@pytest.fixture
def kam(capsys):
    """Return a function that calls the command and gives exit code, output and errors."""

    def call(*arguments):
        with pytest.raises(SystemExit) as stop:
            cli.main([str(argument) for argument in arguments])
        said = capsys.readouterr()
        return stop.value.code or 0, said.out, said.err

    return call


def test_help_imports_nothing_heavy():
    code = (
        "import sys\nfrom kamlib.cli import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit: pass\n"
        "heavy = {'pandas', 'papermill', 'nbformat', 'numpy', 'matplotlib', 'ibis', 'pydantic'}\n"
        "print(sorted(heavy & set(sys.modules)), sys.modules['rfc3987_syntax'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "run" in done.stdout
    assert done.stdout.splitlines()[-1] == "[] None"


def test_nbformat_is_imported_without_the_slow_parsers():
    code = "import kamlib.run.notebook, sys; print(sys.modules['rfc3987_syntax'])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "None"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            UNIT + "langauge: en\n",
            "params/north.yaml: 'langauge' is not a parameter – did you mean",
        ),
        (
            UNIT + "language: en\nlanguage: zh\n",
            "params/north.yaml: line 5: 'language' stands twice",
        ),
    ],
)
def test_bad_parameters_are_refused_and_no_kernel_starts(project, kam, monkeypatch, text, told):
    monkeypatch.setattr(runner, "run_jobs", lambda *_, **__: pytest.fail("started"))
    (project / "params" / "north.yaml").write_text(text)
    (project / "params" / "south.yaml").write_text(UNIT + "as_of: soon\n")
    code, out, err = kam("run")
    assert (code, out) == (2, "")
    assert told in err
    assert "params/south.yaml: as_of" in err
    assert not (project / "outputs").exists()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["../north"], "'../north' cannot name a business unit"),
        (["nroth"], "no parameter file params/nroth.yaml – did you mean 'north'?"),
        (["--study", "vaule"], "there is no study 'vaule' – did you mean 'value'?"),
        (["--as-of", "31.12.2025"], "as_of: '31.12.2025' is not a date; expected YYYY-MM-DD"),
        (["--workers", "0"], "--workers"),
        (["--demo"], "there is no demo unit"),
    ],
)
def test_wrong_usage(project, kam, arguments, told):
    code, _, err = kam("run", *arguments)
    assert code == 2
    assert told in err


def test_run_hands_over_what_was_asked_for(project, kam, monkeypatch):
    asked = {}

    def run_jobs(jobs, **options):
        asked.update(options, jobs=[(str(job), job.as_of) for job in jobs])
        return [Record(job, "failed", faults=("a fault",)) for job in jobs]

    monkeypatch.setattr(runner, "run_jobs", run_jobs)
    code, out, _ = kam("run", "--as-of", "2025-06-30", "--timeout", "60", "--workers", "3")
    assert (code, out.splitlines()[-1]) == (1, "1 failed")
    assert asked["jobs"] == [("north value", "2025-06-30")]
    assert (asked["workers"], asked["limits"].job, asked["limits"].cell) == (3, 60, 60)
    kam("run", "--timeout", "7200")
    assert asked["limits"].cell == 3600  # half of it, so that a longer bound can be asked for


@pytest.fixture
def six(project):
    """Six units of one day, with a study of customer value."""
    (project / "params" / "north.yaml").unlink()
    for name in ("a", "b", "c", "d", "e", "北方"):
        (project / "params" / f"{name}.yaml").write_text(f"{UNIT}as_of: 2025-12-31\n", "utf-8")
    notebook = project / "notebooks" / "10_value.ipynb"
    notebook.rename(notebook.with_name("10_customer_value.ipynb"))
    return project


@pytest.fixture
def pooling(monkeypatch):
    """Catch the process that pools, and say what became of it before any job started."""
    seen = []

    def run(command, **options):
        seen.append((command[3:], options["timeout"]))
        if isinstance(pooling.result, Exception):
            raise pooling.result
        done = subprocess.CompletedProcess(command, *pooling.result)
        done.check_returncode()
        return done

    def run_jobs(jobs, **_):
        seen.append(len(jobs))
        return [Record(job, "ok") for job in jobs]

    pooling = SimpleNamespace(seen=seen, result=(0, "As of today, 6 units.\n", ""))
    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.setattr(runner, "run_jobs", run_jobs)
    return pooling


def test_units_are_pooled_before_their_studies(six, kam, pooling):
    code, out, _ = kam("run", "--timeout", "60")
    assert (code, out) == (0, "As of today, 6 units.\n6 ok\n")
    assert pooling.seen == [(["pool", "--as-of="], 60), 6]
    kam("run", "--as-of", "2025-06-30")
    assert pooling.seen[2][0] == ["pool", "--as-of=2025-06-30"]


@pytest.mark.parametrize(
    ("result", "told"),
    [
        ((1, "", "Traceback\nOSError: No space left on device\n"), "No space left on device. St"),
        ((-9, "", ""), "pooled: it ended with exit code -9. Studies go on"),
        (subprocess.TimeoutExpired("kam", 60), "pooled: it took more than 3600 seconds. Studies"),
        (OSError("no process left"), "pooled: no process left. Studies go on"),
    ],
)
def test_studies_run_whatever_becomes_of_the_pooling(six, kam, pooling, result, told):
    pooling.result = result
    code, out, err = kam("run")
    assert (code, err) == (0, "")
    assert told in out
    assert out.count("\n") == 2  # one line of it, and one of the jobs
    assert pooling.seen[-1] == 6


def test_a_pool_stays_as_it_is_where_not_all_units_run(six, kam, pooling):
    names = ["a", "b", "c", "d", "e", "北方"]
    kam("run", *names)
    (six / "notebooks" / "20_churn.ipynb").write_bytes(
        (six / "notebooks" / "10_customer_value.ipynb").read_bytes()
    )
    kam("run", "--study", "churn")
    for name in names[:2]:
        (six / "params" / f"{name}.yaml").write_text(f"{UNIT}as_of: 2025-06-30\n")
    kam("run")  # four of one day and two of another
    assert pooling.seen == [6, 6, 12]


def test_pool_writes_what_units_have_in_common(six, kam):
    lines = ["account_id,date,amount"]
    for account in range(30):
        days = range(1, 300, 10 + account)
        lines += [f"{account},{date(2025, 1, 1) + timedelta(days=d)},5" for d in days]
    (six / "params" / "sales.csv").write_text("\n".join(lines))
    (six / "params" / "f.yaml").write_text(
        "as_of: 2025-12-31\nbook:\n  tables:\n    transactions: no.csv\n"
    )
    assert kam("pool") == (
        0, "As of 2025-12-31, 6 units learn from each other (left out: f).\n", "",
    )  # fmt: skip
    folder = six / "outputs" / "_pool" / "2025-12-31"
    assert (folder / "pool.json").is_file()
    assert kam("list")[1].count("not run yet") == 7
    (six / "params" / "a.yaml").write_text("as_of: soon\n")
    code, out, err = kam("pool")
    assert (code, out) == (2, "")
    assert "params/a.yaml: as_of" in err


def test_demo_units_are_announced(project, kam, monkeypatch):
    monkeypatch.setattr(runner, "run_jobs", lambda jobs, **_: [Record(job, "ok") for job in jobs])
    remark = "There is no unit of your own"
    assert remark not in kam("run")[1]
    (project / "params" / "north.yaml").unlink()
    (project / "params" / "show.yaml").write_text("book:\n  demo: DEMO\n")
    assert remark in kam("run")[1]
    assert remark not in kam("run", "--demo")[1]


def test_params(project, kam):
    assert "language: en" in kam("params")[1]
    assert "business_unit: north" in kam("params", "north")[1]
    code, out, _ = kam("params", "--schema")
    assert code == 0
    assert Path(out.strip()) == project / "params" / "kam.schema.json"
    assert '"langauge"' not in (project / "params" / "kam.schema.json").read_text("utf-8")


def test_check_counts_and_lists_all_faults(project, kam, monkeypatch):
    class Book:
        counts = pd.DataFrame({"table": ["transactions"], "n_read": [12], "n_kept": [11]})
        faults = pd.DataFrame(
            {
                "table": ["transactions"],
                "column": ["amount"],
                "rule": ["not_a_number"],
                "n_rows": [1],
                "first_row": [7],
                "first_value": ["x"],
            }
        )
        checks = ()

    def open_book(unit):
        if unit.business_unit == "north":
            return Book()
        raise BookError(f"{unit.business_unit}: no such file", "and another")

    monkeypatch.setattr(kamlib.book, "open_book", open_book)
    assert kam("check")[0] == 0
    (project / "params" / "south.yaml").write_text(UNIT)
    code, out, err = kam("check")
    assert code == 2
    assert "north\n       table  n_read  n_kept\ntransactions      12      11\n" in out
    assert "transactions.amount: not a number" in out
    assert '– 1 rows set aside (first: row 7, "x")' in out
    assert err == "south: no such file\nand another\n"


def test_list(project, kam):
    assert kam("list")[1] == "north  value  not run yet\n"
    folder = project / "outputs" / "north" / "2025-12-31" / "value"
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text(
        '{"business_unit": "north", "study": "value", "status": "ok", "as_of": "2025-12-31",'
        ' "finished": "2026-01-01T00:00:00Z"}'
    )
    assert kam("list")[1] == "north  value  ok, as of 2025-12-31, run 2026-01-01T00:00:00Z\n"


LIST = "as_of: 2025-06-30\nbook:\n  demo: mobile_subscribers\n"


def test_a_record_of_one_day_is_listed_checked_and_never_pooled(project, kam, monkeypatch):
    (project / "notebooks" / "21_churn_snapshot.ipynb").touch()
    (project / "params" / "day.yaml").write_text(LIST)
    (project / "params" / "odd.yaml").write_text("as_of: soon\n")
    # of a unit that cannot be read nobody knows which studies it runs
    assert [line.split()[:2] for line in kam("list")[1].splitlines()] == [
        ["day", "churn_snapshot"], ["north", "value"], ["odd", "value"], ["odd", "churn_snapshot"],
    ]  # fmt: skip
    assert "customers    3000    3000" in kam("check", "day")[1]
    (project / "params" / "odd.yaml").unlink()
    pooled = []

    def pool_units(units):
        pooled.extend(unit.business_unit for unit in units)
        return {}

    monkeypatch.setattr("kamlib.value.lifetime.pool_units.pool_units", pool_units)
    assert kam("pool")[0] == 0
    assert pooled == ["north"]


def test_demo_and_import_say_what_they_wrote(project, kam, monkeypatch):
    made = {}

    def write_demo(unit, folder, *, size, seed):
        made[unit] = (folder, size, seed)
        return folder / unit

    def import_record(adapter, file, folder):
        made[adapter] = (file, folder)
        return [folder / "a.yaml", folder / "b.yaml"]

    monkeypatch.setattr(kamlib.book.simulate, "write_demo", write_demo)
    monkeypatch.setattr(kamlib.book.adapters, "import_record", import_record)
    demo = project / "outputs" / "_demo"
    assert str(demo / "telecom_lines") in kam("demo", "--size", "0.5", "--seed", "7")[1].split()
    assert made["telecom_lines"] == (demo, 0.5, 7)
    for name in ("mobile_subscribers", "mail_trial"):
        assert (demo / name / "customers.parquet").is_file()
    assert kam("import", "online-retail-ii", "x.csv")[1].splitlines()[-1] == "next: kam run a b"
    assert made["online-retail-ii"] == (Path("x.csv"), project / "params")


def test_report(project, kam):
    header = new_output("display_data", {"application/vnd.kam.study+json": FACTS})
    cells = [new_markdown_cell("# What of it?"), new_code_cell("1", outputs=[header])]
    nbformat.write(new_notebook(cells=cells), project / "study.ipynb")
    assert kam("report", project / "study.ipynb")[0] == 0
    assert "What of it?" in (project / "study.html").read_text("utf-8")
    assert kam("report", project / "study.ipynb", "-o", project / "other.html")[0] == 0
    assert (project / "other.html").is_file()
    assert kam("report", project / "none.ipynb")[0] == 2


def test_a_busy_unit_has_its_own_exit_code(project, kam, monkeypatch):
    def busy(*_, **__):
        raise Locked("north: another run is at work on it")

    monkeypatch.setattr(runner, "run_jobs", busy)
    assert kam("run") == (75, "", "north: another run is at work on it\n")


def test_an_unexpected_error_keeps_its_traceback(project, monkeypatch):
    def odd(*_, **__):
        raise RuntimeError("odd")

    monkeypatch.setattr(runner, "run_jobs", odd)
    with pytest.raises(RuntimeError, match="odd"):
        cli.main(["run"])
