"""The catalogue tells what is there, what failed, and what still stands."""

import json

import pytest

from kamlib.run import catalogue


@pytest.fixture
def result(project):
    def write(unit, as_of, name, status="ok", finished="2026-01-01T00:00:00Z"):
        folder = project.outputs / unit / as_of / name
        folder.mkdir(parents=True)
        study = name.removesuffix(".failed")
        manifest = {"business_unit": unit, "study": study, "status": status, "finished": finished}
        (folder / "manifest.json").write_text(json.dumps(manifest))
        return folder

    return write


def test_entries_link_to_reports_and_failures(result):
    result("north", "2025-06-30", "value")
    result("north", "2025-12-31", "value")
    result("north", "2026-01-31", "value.failed", "failed")
    result("süd", "2026-01-31", "value.failed", "failed")
    entries = {entry["href"]: entry for entry in catalogue.entries()}
    assert list(entries) == [
        "north/2025-06-30/value/report.html",
        "north/2025-12-31/value/report.html",
        "north/2026-01-31/value.failed/failure.html",
        "s%C3%BCd/2026-01-31/value.failed/failure.html",
    ]
    failed = entries["north/2026-01-31/value.failed/failure.html"]
    assert failed["last_good"]["href"] == "north/2025-12-31/value/report.html"
    assert entries["s%C3%BCd/2026-01-31/value.failed/failure.html"]["last_good"] is None


def test_the_last_good_report_of_the_same_date_comes_first(result):
    result("north", "2025-06-30", "value")
    result("north", "2025-12-31", "value")
    folder, _ = catalogue.last_good("north", "value", "2025-06-30")
    assert folder.parent.name == "2025-06-30"


def test_a_failure_made_good_is_left_out(result):
    result("north", "2025-12-31", "value", finished="2026-01-02T00:00:00Z")
    result("north", "2025-12-31", "value.failed", "failed", finished="2026-01-01T00:00:00Z")
    assert [entry["status"] for entry in catalogue.entries()] == ["ok"]


def test_drafts_demo_books_unfinished_and_broken_results_are_left_out(result):
    result("_draft", "2025-12-31", "value")
    result("north", ".building", "run1-value")
    (result("north", "2025-12-31", "value") / "manifest.json").write_text("{")
    assert catalogue.entries() == []


def test_the_index_is_written(result, project):
    result("north", "2025-12-31", "value")
    path = catalogue.write_index()
    assert path == project.outputs / "index.html"
    assert "north/2025-12-31/value/report.html" in path.read_text("utf-8")


def test_a_line_per_job(project):
    failed = {"kind": "timeout", "traceback": "long"}
    catalogue.append_runs([{"status": "failed", "failure": failed, "files": {}, "facts": {}}])
    catalogue.append_runs([{"status": "ok"}])
    lines = (project.outputs / "runs.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == [
        {"status": "failed", "failure": {"kind": "timeout"}},
        {"status": "ok"},
    ]
