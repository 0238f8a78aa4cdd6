"""Every way in which a notebook can end is told for what it is, and nothing else is a success."""

import os
from concurrent.futures import ThreadPoolExecutor

import nbformat
import pytest

from kamlib.glossary import Style
from kamlib.run import execute as room
from kamlib.run import notebook
from kamlib.run.execute import NOTEBOOK_FILE, execute
from kamlib.run.scrub import Scrubber
from kamlib.run.watch import Limits

SECRET = "s3cret/v@lue"
FOREIGN = {"kernelspec": {"name": "conda-env-x", "display_name": "x", "language": "R"}}
RUNS = {
    "good": ["import sys; print(business_unit, as_of, overrides, os.getcwd())", ""],
    "error": ["x = 1", "{}['revenue']", "y = 2"],
    "kam_error": [
        "from kamlib.errors import BookError; raise BookError('one fault', 'two faults')"
    ],
    "left": ["raise SystemExit(0)"],
    "died": ["os._exit(3)"],
    "killed": ["import signal; os.kill(os.getpid(), signal.SIGKILL)"],
    "slow_cell": ["import time; time.sleep(60)"],
    "slow_job": ["import time; time.sleep(60)"],
    "full_kernel": ["raise OSError(28, 'No space left on device')"],
    # from now on every saving of the notebook meets a full device
    "full_runner": [
        "path = pathlib.Path(os.environ['KAM_JOB_DIR']) / 'study.ipynb'\n"
        "path.unlink(); path.symlink_to('/dev/full')"
    ],
    "chatty": ["for _ in range(50): print('x' * 20_000, flush=True)\nprint('end')"],
    "secret": [
        "print('postgresql://kam:s3cret%2Fv%40lue@host')\nprint('s3cret/', end='', flush=True)\n"
        "import time; time.sleep(.3); print('v' + '@lue')",
        "raise ValueError('cannot log in with s3cret/v@lue')",
    ],
    "threads": ["print(os.environ['OMP_NUM_THREADS'])"],
    "allowed": ["1 / 0"],
}
LIMITS = {"slow_cell": Limits(cell=1.0), "slow_job": Limits(job=3.0)}


@pytest.fixture(scope="module")
def came(shared_project, tmp_path_factory):
    """Run all of them once, four at a time."""
    shared_project.unit("north")
    for number, (name, code) in enumerate(RUNS.items(), start=1):
        metadata = FOREIGN if name == "good" else {}
        path = shared_project.study(number, name, *code, publish=False, metadata=metadata)
        if name == "allowed":
            nb = nbformat.read(path, as_version=4)
            nb.cells[-1].metadata["tags"] = ["raises-exception"]
            nbformat.write(nb, path)

    def run(job):
        build = tmp_path_factory.mktemp("build{}")  # papermill formats paths
        limits = LIMITS.get(job.study, Limits())
        scrub = Scrubber([SECRET])
        cells = []
        done = execute(
            job,
            build,
            limits=limits,
            scrub=scrub,
            style=Style(),
            on_cell=lambda *n: cells.append(n),
        )
        return done, build, cells

    jobs = shared_project.jobs("north", as_of="2025-12-31")
    with ThreadPoolExecutor(4) as pool:
        return dict(zip(RUNS, pool.map(run, jobs), strict=True))


def streams(nb):
    return "".join(o.text for cell in nb.cells for o in cell.get("outputs", []) if "text" in o)


def statuses(nb):
    return [c.metadata.papermill["status"] for c in nb.cells if c.cell_type == "code"]


def test_a_good_notebook_in_this_interpreter_whatever_kernel_it_names(came, shared_project):
    done, _, cells = came["good"]
    assert done.failure is None
    # parameters as given, and the notebooks' folder as the kernel's, though this process's is another
    folder = shared_project.root / "notebooks"
    assert streams(done.nb) == f"north 2025-12-31 {{}} {folder}\n"
    assert str(folder) != os.getcwd()
    # cells: title, parameters, injected, set-up, heading, step, heading, empty step; 1, 2, 3, 5 run
    assert cells == [(1, 8), (2, 8), (3, 8), (5, 8)]


def test_what_is_kept_names_no_path_of_this_machine(came):
    done, build, _ = came["good"]
    assert str(build) not in nbformat.writes(done.nb)
    assert done.nb.metadata.papermill["parameters"] == {
        "business_unit": "north",
        "as_of": "2025-12-31",
        "overrides": {},
    }


def test_the_kernel_leaves_this_process_as_it_is(came):
    assert came["good"][0].failure is None
    assert "KAM_JOB_DIR" not in os.environ


def test_one_thread_of_linear_algebra_unless_somebody_wants_more(came):
    assert streams(came["threads"][0].nb) == os.environ.get("OMP_NUM_THREADS", "1") + "\n"


def test_an_error_is_found_by_its_cell_and_heading(came):
    done, build, _ = came["error"]
    failed = done.failure
    assert (failed.kind, failed.ename, failed.heading) == ("cell-error", "KeyError", "Step 2")
    assert "\x1b" not in failed.traceback
    cells = {cell.id: cell for cell in done.nb.cells}
    assert cells[failed.cell_id].source == "{}['revenue']"
    # parameters, injected, set-up, x = 1, the error, y = 2
    assert statuses(done.nb) == ["completed"] * 4 + ["failed", "pending"]
    assert not any("papermill" in str(cell.source) for cell in done.nb.cells)
    assert (build / NOTEBOOK_FILE).is_file()


def test_faults_of_the_data_stay_sentences(came):
    failed = came["kam_error"][0].failure
    assert (failed.kind, failed.faults) == ("data", ("one fault", "two faults"))


def test_a_study_that_leaves_early_is_no_success(came):
    failed = came["left"][0].failure
    assert (failed.kind, failed.heading) == ("stopped-early", "Step 1")


@pytest.mark.parametrize(("name", "code"), [("died", "3"), ("killed", "-9")])
def test_a_dead_kernel(came, name, code):
    done, _, _ = came[name]
    assert (done.failure.kind, done.failure.heading) == ("kernel-died", "Step 1")
    assert f"(exit code {code})" in done.failure.faults[0]
    assert statuses(done.nb)[-1] == "failed"


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("slow_cell", "One step of the study took longer than the 1 seconds"),
        ("slow_job", "the 3 seconds"),
    ],
)
def test_bounds_of_cell_and_job(came, name, told):
    done, _, _ = came[name]
    assert (done.failure.kind, done.failure.heading) == ("timeout", "Step 1")
    assert told in done.failure.faults[0]
    assert statuses(done.nb)[-1] == "failed"


@pytest.mark.parametrize("name", ["full_kernel", "full_runner"])
def test_a_full_disk(came, name):
    if name == "full_runner" and not os.path.exists("/dev/full"):
        pytest.skip("no /dev/full here")
    failed = came[name][0].failure
    assert failed.kind == "disk-full"
    assert failed.faults == (
        "The disk is full, or the space allotted to you is used up. Free some and run the study "
        "again; the last good report has not been touched.",
    )


def test_long_output_is_cut_and_said_to_be(came):
    done, build, _ = came["chatty"]
    assert done.failure is None
    printed = streams(done.nb)
    assert notebook.STREAM_LIMIT < len(printed) < notebook.STREAM_LIMIT + 200
    # 50 × (20,000 + 1) + 4 characters
    assert "1,000,054 characters were written here in all" in printed
    assert (build / NOTEBOOK_FILE).stat().st_size < 2 * notebook.STREAM_LIMIT


def test_secrets_reach_neither_notebook_nor_record(came):
    done, _, _ = came["secret"]
    kept = nbformat.writes(done.nb)
    for form in ("v@lue", "s3cret%2Fv%40lue"):
        assert form not in kept
        assert form not in str(done.failure)
    assert "postgresql://kam:***@host\n***\n" in streams(done.nb)
    assert done.failure.evalue == "cannot log in with ***"


def test_no_cell_may_raise_whatever_its_tags(came):
    assert came["allowed"][0].failure.ename == "ZeroDivisionError"


def test_refused_before_any_kernel_starts(project, tmp_path):
    project.unit("north")
    project.study(10, "untagged", tags=())
    project.study(20, "unknown", parameters='business_unit = ""\nas_of = ""\nregion = ""')
    (project.root / "notebooks" / "30_broken.ipynb").write_text("{")
    kernels = []
    told = []
    for job in project.jobs("north"):
        done = execute(
            job,
            tmp_path,
            limits=Limits(),
            scrub=Scrubber(()),
            style=Style(),
            on_kernel=kernels.append,
        )
        assert done.failure.kind == "parameters"
        assert not done.nb.cells
        told += done.failure.faults
    assert kernels == []
    assert "exactly one code cell with the tag `parameters` (0 found)" in told[0]
    assert "it holds business_unit, as_of, region" in told[1]
    assert "30_broken.ipynb cannot be read as a notebook" in told[2]


def test_a_kernel_that_does_not_start(project, tmp_path, monkeypatch):
    project.unit("north")
    project.study(10, "value")

    class Broken(room.PrivateKernel):
        def manager(self):
            manager = super().manager()
            manager.kernel_spec.argv = ["/no/such/python", "{connection_file}"]
            return manager

    monkeypatch.setattr(room, "PrivateKernel", Broken)
    (job,) = project.jobs("north")
    done = execute(job, tmp_path, limits=Limits(), scrub=Scrubber(()), style=Style())
    assert done.failure.kind == "kernel-died"
    assert "did not start" in done.failure.faults[0]
    assert "/no/such/python" in done.failure.evalue
    assert not done.nb.cells
