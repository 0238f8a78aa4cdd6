"""Every kind of failure reaches its reader as a plain sentence."""

import errno

import pytest

from kamlib.errors import BookError, ParamError
from kamlib.glossary import Style
from kamlib.run import failure

ENGLISH = Style("en")


def of_cell(ename, evalue, trace=()):
    error = {"ename": ename, "evalue": evalue, "traceback": list(trace)}
    return failure.from_cell_error(error, ENGLISH, heading="Part", cell_id="c1")


@pytest.mark.parametrize(
    ("ename", "kind"),
    [
        ("ParamError", "parameters"),
        ("BookError", "data"),
        ("FitError", "data"),
        ("KamError", "cell-error"),
    ],
)
def test_the_faults_of_our_own_errors_stay_sentences(ename, kind):
    found = of_cell(ename, "first fault\nsecond fault")
    assert (found.kind, found.faults) == (kind, ("first fault", "second fault"))


def test_any_other_error_is_said_to_be_the_programs():
    found = of_cell("KeyError", "'revenue'", ["\x1b[0;31mKeyError\x1b[0m: 'revenue'"])
    assert found.kind == "cell-error"
    assert "KeyError: 'revenue'" in found.faults[0]
    assert found.traceback == "KeyError: 'revenue'"


@pytest.mark.parametrize(
    "evalue",
    [
        "[Errno 28] No space left on device",
        "[Errno 122] Disk quota exceeded: 'x'",
        'IO Error: Could not write file "x": No space left on device',
        "database or disk is full",
        "[Errno 27] File too large",
    ],
)
def test_a_full_disk_in_the_kernel(evalue):
    assert of_cell("OSError", evalue).kind == "disk-full"


def test_leaving_early_is_no_success():
    assert of_cell("SystemExit", "0").kind == "stopped-early"


def test_errors_of_the_runner():
    assert failure.from_exception(OSError(errno.ENOSPC, "full"), ENGLISH).kind == "disk-full"
    assert failure.from_exception(ParamError("a", "b"), ENGLISH).faults == ("a", "b")
    assert failure.from_exception(BookError("a"), ENGLISH).kind == "data"
    odd = failure.from_exception(RuntimeError("odd"), Style("zh"))
    assert odd.kind == "runner-error"
    assert odd.faults == ("生成报告的程序因 RuntimeError 停止：odd",)
    assert "RuntimeError: odd" in odd.traceback


def test_a_full_disk_behind_another_error():
    error = RuntimeError("could not save")
    error.__cause__ = OSError(errno.ENOSPC, "full")
    assert failure.is_full(error)
    assert not failure.is_full(OSError(errno.ENOENT, "none"))
    assert not failure.is_full(None)
