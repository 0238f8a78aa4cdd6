"""One job from empty folder to page, with a stand-in for the kernel: whatever goes wrong is told."""

import errno
import json

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from kamlib.report import failure as failure_page
from kamlib.report import render
from kamlib.run import attempt, store
from kamlib.run.attempt import Attempt
from kamlib.run.execute import Executed
from kamlib.run.failure import Failure
from kamlib.run.notebook import FACTS
from kamlib.run.watch import Limits

FULL = OSError(errno.ENOSPC, "No space left on device")


def facts(**changed):
    return {
        "study": "value", "business_unit": "north", "unit_title": "North", "language": "en",
        "currency": "CNY", "as_of": "2025-12-31",
        "period": {"from": "2025-01-01", "to": "2025-12-31"},
        "data": {"from": "2021-01-01", "to": "2025-12-31"},
        "fingerprint": "ab" * 32, "versions": {"pandas": "2.3.3"}, "tables": [],
    } | changed  # fmt: skip


@pytest.fixture
def make(project, monkeypatch):
    """Return a function that makes one attempt; the kernel's part is played here."""
    project.unit("north")
    project.study(10, "value")

    def made(published=None, failure=None, shown=None, as_of=None, stopped=False):
        def execute(job, build, **_):
            if published is not None:
                (build / "study.json").write_text(json.dumps(published))
            header = new_output("display_data", {FACTS: shown or facts()})
            cells = [new_markdown_cell("# What?"), new_code_cell("1", outputs=[header])]
            nb = new_notebook(cells=cells if failure is None or failure.cell_id else [])
            return Executed("c0ffee", nb, failure)

        monkeypatch.setattr(attempt, "execute", execute)
        (job,) = project.jobs("north", as_of=as_of)
        return Attempt(
            job,
            "run1",
            Limits(),
            on_cell=lambda *_: None,
            on_kernel=lambda _: None,
            stopped=lambda: stopped,
        ).make()

    return made


def reports(project):
    return sorted(path.parent.name for path in project.outputs.rglob("*.html"))


def test_a_success(make, project):
    record = make(facts(headline=[], checks=[]))
    assert (record.status, record.faults) == ("ok", ())
    manifest = project.manifest("north", "2025-12-31", "value")
    assert manifest == record.manifest
    assert manifest["facts"] == facts(headline=[], checks=[])
    assert manifest["versions"]["pandas"] == "2.3.3"
    assert sorted(manifest["files"]) == ["report.html", "study.ipynb"]


def test_numbers_that_are_none_do_not_spoil_the_manifest(make, project):
    record = make(facts(headline=[{"name": "revenue", "value": float("nan")}]))
    assert record.status == "ok"
    assert project.manifest("north", "2025-12-31", "value")["facts"]["headline"][0]["value"] is None


@pytest.mark.parametrize(
    ("published", "kind", "told"),
    [
        (None, "stopped-early", "did not publish its results"),
        (facts(business_unit="south"), "runner-error", "results of south, value, 2025-12-31"),
        (facts(study="churn"), "runner-error", "results of north, churn, 2025-12-31"),
        (facts(as_of="../../etc"), "runner-error", "results of north, value, ../../etc"),
        (facts(as_of=None), "runner-error", "but was asked for north, value, YYYY-MM-DD"),
    ],
)
def test_results_of_anything_else_are_not_published(make, project, published, kind, told):
    record = make(published)
    assert (record.status, record.manifest["failure"]["kind"]) == ("failed", kind)
    assert told in record.faults[0]
    assert reports(project) == ["value.failed"]


def test_results_of_another_day_than_asked_for(make):
    record = make(facts(), as_of="2025-06-30")
    assert "asked for north, value, 2025-06-30" in record.faults[0]


def test_a_failure_before_the_kernel_knows_no_day(make, project):
    make(failure=Failure("parameters", ("no such cell",)))
    assert project.manifest("north", "undated", "value.failed")["as_of"] == ""
    assert not (project.outputs / "north" / "undated" / "value.failed" / "study.ipynb").exists()
    make(facts())
    assert reports(project) == ["value"]


def test_a_failure_lies_beside_the_last_good_report_and_links_to_it(make, project):
    make(facts())
    failed = Failure("cell-error", ("a fault",), "Part", "c1")
    record = make(failure=failed)
    folder = project.outputs / "north" / "2025-12-31"
    assert sorted(path.name for path in folder.iterdir()) == ["value", "value.failed"]
    assert sorted(path.name for path in (folder / "value.failed").iterdir()) == [
        "failure.html",
        "manifest.json",
        "study.ipynb",
    ]
    assert 'href="../value/report.html"' in record.page.read_text("utf-8")
    assert record.manifest["failure"]["faults"] == ["a fault"]
    make(facts())
    assert reports(project) == ["value"]


@pytest.mark.parametrize("where", ["render", "publish", "build"])
def test_a_full_disk_leaves_the_last_good_report(make, project, monkeypatch, where):
    before = make(facts()).manifest["run_id"]

    def full(*_, **__):
        monkeypatch.undo()  # there is room again once the build is gone
        monkeypatch.setenv("KAM_HOME", str(project.root))
        raise FULL

    target = {"render": (render, "render_report"), "publish": (store, "publish")}
    monkeypatch.setattr(*target.get(where, (store, "new_build")), full)
    record = make(facts())
    assert record.manifest["failure"]["kind"] == "disk-full"
    assert record.page.is_file()
    assert project.manifest("north", "2025-12-31", "value")["run_id"] == before
    assert not list((project.outputs / "north" / store.BUILDING).iterdir())


def test_a_disk_that_stays_full_leaves_the_record(make, project, monkeypatch):
    make(facts())

    def full(*_, **__):
        raise FULL

    monkeypatch.setattr(store, "publish", full)
    monkeypatch.setattr(attempt.catalogue, "append_runs", full)
    record = make(facts())
    assert (record.status, record.page) == ("failed", None)
    assert record.manifest["failure"]["kind"] == "disk-full"
    assert reports(project) == ["value"]


def test_a_fault_of_the_report_room_is_a_failure_too(make, project, monkeypatch):
    def broken(*_, **__):
        raise RuntimeError("odd")

    monkeypatch.setattr(render, "render_report", broken)
    assert make(facts()).manifest["failure"]["ename"] == "RuntimeError"
    monkeypatch.setattr(failure_page, "render_failure", broken)
    record = make(facts())
    assert record.page is None
    assert "no failure page: RuntimeError('odd')" in record.manifest["failure"]["traceback"]


def test_secrets_are_scrubbed_from_manifest_and_pages(project, make, monkeypatch):
    monkeypatch.setenv("KAM_TEST_SECRET", "s3cret/v@lue")
    project.unit("north", "book:\n  database: postgresql://u:${KAM_TEST_SECRET}@host/db\n")
    failed = Failure("data", ("no login as s3cret%2Fv%40lue",), traceback="s3cret/v@lue")
    make(failure=failed)
    make(facts(source="postgresql://u:s3cret%2Fv%40lue@host/db"))
    texts = [path.read_text("utf-8") for path in project.outputs.rglob("*") if path.is_file()]
    assert len(texts) >= 4
    assert not any("v@lue" in text or "v%40lue" in text for text in texts)
    assert "postgresql://u:***@host/db" in "".join(texts)


def test_a_job_that_was_stopped_is_no_failure(make, project):
    failed = Failure("kernel-died", ("killed",), "Part", "c1")
    assert make(failure=failed, stopped=True).status == "stopped"
    assert reports(project) == []
