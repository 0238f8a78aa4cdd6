"""Runs as a whole: what is published, what stays, who is kept waiting, and what Ctrl-C leaves."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from kamlib.run import catalogue, store
from kamlib.run.attempt import Record
from kamlib.run.runner import exit_code, run_jobs

FAILS = "flag = pathlib.Path('fail').exists()\nassert not (flag and business_unit == 'north')"


@pytest.fixture(scope="module")
def runs(shared_project):
    """Run all; then again with one study failing; then that alone, while the other unit is busy."""
    project = shared_project
    project.unit("north", "book:\n  tables:\n    transactions: sales.csv\nas_of: 2025-12-31\n")
    project.unit("south")
    project.study(10, "value"), project.study(20, "churn", FAILS)
    flag = project.root / "notebooks" / "fail"
    came = [run_jobs(project.jobs(), workers=4)]
    flag.touch()
    came.append(run_jobs(project.jobs(study=("churn",)), workers=2))
    seen = {path: path.read_bytes() for path in project.outputs.rglob("*") if path.is_file()}
    flag.unlink()
    with store.lock(project.outputs / "south" / ".lock"):
        came.append(run_jobs(project.jobs(study=("churn",)), workers=2))
    return project, came, seen


def statuses(records):
    return [f"{record.job} {record.status}" for record in records]


def test_all_well(runs):
    _, came, _ = runs
    assert exit_code(came[0]) == 0
    assert statuses(came[0]) == [
        "north value ok", "north churn ok", "south value ok", "south churn ok",
    ]  # fmt: skip


def test_what_a_success_leaves(runs):
    project, came, _ = runs
    folder = project.outputs / "south" / "2025-12-31" / "value"
    files = [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]
    assert sorted(files) == ["manifest.json", "report.html", "study.ipynb", "tables/revenue.csv"]
    manifest = project.manifest("south", "2025-12-31", "value")
    assert manifest["run_id"] == came[0][0].manifest["run_id"]
    assert manifest["notebook"] == "10_value.ipynb"
    hashes = store.file_hashes(folder)
    del hashes["manifest.json"]  # it cannot hold its own
    assert manifest["files"] == hashes
    assert "failure" not in manifest


def test_one_failure_stops_no_other(runs):
    _, came, _ = runs
    assert exit_code(came[1]) == 1
    assert statuses(came[1]) == ["north churn failed", "south churn ok"]


def test_a_failure_leaves_the_last_good_report_and_a_page(runs):
    project, came, seen = runs
    folder = project.outputs / "north" / "2025-12-31"
    good = json.loads(seen[folder / "churn" / "manifest.json"])
    assert good["run_id"] == came[0][0].manifest["run_id"]
    failed = json.loads(seen[folder / "churn.failed" / "manifest.json"])
    assert failed["failure"]["ename"] == "AssertionError"
    assert failed["failure"]["heading"] == "Step 1"
    assert failed["facts"]["unit_title"] == "North"
    notebook = json.loads(seen[folder / "churn.failed" / "study.ipynb"])
    marks = [c["metadata"]["papermill"]["status"] for c in notebook["cells"]]
    assert marks[-4:] == ["completed", "failed", "pending", "pending"]
    page = seen[folder / "churn.failed" / "failure.html"].decode()
    assert 'href="../churn/report.html"' in page
    index = seen[project.outputs / "index.html"].decode()
    assert "north/2025-12-31/churn.failed/failure.html" in index
    assert "south/2025-12-31/churn/report.html" in index


def test_the_next_success_removes_the_failure(runs):
    project, came, _ = runs
    assert came[2][0].status == "ok"
    names = sorted(path.name for path in (project.outputs / "north" / "2025-12-31").iterdir())
    assert names == ["churn", "value"]
    assert "churn.failed" not in (project.outputs / "index.html").read_text("utf-8")


def test_a_busy_unit_is_told_at_once_and_the_other_runs(runs):
    _, came, _ = runs
    assert exit_code(came[2]) == 75
    assert came[2][1].status == "locked"
    assert came[2][1].faults[0].startswith("south: another run is at work on it (process")


def test_a_line_per_job_that_ran(runs):
    project, _, _ = runs
    text = (project.outputs / "runs.jsonl").read_text("utf-8")
    lines = [json.loads(line) for line in text.splitlines()]
    assert [line["status"] for line in lines].count("ok") == 6
    assert [line["status"] for line in lines].count("failed") == 1
    assert all({"run_id", "business_unit", "study", "seconds"} <= set(line) for line in lines)


def test_nothing_is_left_lying_about(runs):
    project, _, _ = runs
    assert [list(path.iterdir()) for path in project.outputs.glob("*/.building")] == [[], []]


def test_all_units_busy_starts_nothing(project):
    project.unit("north"), project.study(10, "value")
    with store.lock(project.outputs / "north" / ".lock"):
        records = run_jobs(project.jobs())
    assert exit_code(records) == 75
    assert not (project.outputs / "index.html").exists()


def test_left_overs_of_a_crash_are_mended_first(project, monkeypatch):
    project.unit("north"), project.study(10, "value", tags=())
    left = project.outputs / "north" / store.BUILDING / "2025-12-31~value.aside"
    left.mkdir(parents=True)
    (left / "report.html").write_text("old")
    run_jobs(project.jobs())
    assert (project.outputs / "north" / "2025-12-31" / "value" / "report.html").read_text() == "old"
    assert list(left.parent.iterdir()) == []


def test_an_index_that_cannot_be_written_is_told(project, monkeypatch):
    project.unit("north"), project.study(10, "value", tags=())

    def full():
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(catalogue, "write_index", full)
    (record,) = run_jobs(project.jobs())
    assert record.manifest["failure"]["kind"] == "parameters"


@pytest.mark.parametrize(
    ("statuses", "code"),
    [
        (["ok"], 0),
        (["ok", "failed"], 1),
        (["failed", "locked"], 1),
        (["ok", "locked"], 75),
        ([], 0),
    ],
)
def test_exit_codes(statuses, code):
    assert exit_code(Record(None, status) for status in statuses) == code


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_an_interrupted_run_leaves_no_process(project, signum, tmp_path_factory):
    project.unit("north")
    project.study(
        10, "value", "print(os.getpid(), file=open('pid', 'w'))\nimport time\ntime.sleep(60)"
    )
    project.study(20, "churn")
    scratch = tmp_path_factory.mktemp("t")
    run = subprocess.Popen(
        [sys.executable, "-m", "kamlib.cli", "run", "--workers", "1"],
        env=os.environ | {"TMPDIR": str(scratch)},
        stdout=subprocess.PIPE,
        text=True,
    )
    note = project.root / "notebooks" / "pid"
    deadline = time.monotonic() + 30
    while not (note.exists() and note.read_text().strip()) and time.monotonic() < deadline:
        time.sleep(0.05)
    kernel = Path(f"/proc/{note.read_text().strip()}")
    run.send_signal(signum)
    said, _ = run.communicate(timeout=30)
    if signum == signal.SIGKILL:  # nobody is left to end the kernel: it ends itself
        assert run.returncode == -9
        deadline = time.monotonic() + 10
        while kernel.exists() and time.monotonic() < deadline:
            time.sleep(0.05)
    else:
        assert run.returncode == 130
        assert "stopped" in said
        assert list(scratch.iterdir()) == []
        assert list((project.outputs / "north" / store.BUILDING).iterdir()) == []
    assert not kernel.exists()
    with store.lock(project.outputs / "north" / ".lock"):
        pass
    assert not (project.outputs / "north" / "2025-12-31").exists()
