"""The last good report is there at every moment; what a crash leaves is mended."""

import errno
import os
import stat
import subprocess
import sys

import pytest

from kamlib.errors import Locked, RunError
from kamlib.run import store

TARGET = ("north", "2025-12-31", "value")


class Crash(BaseException):
    """Ends the process as far as the code under test can tell."""


@pytest.fixture
def places(project):
    return project.outputs / "north" / store.BUILDING / "run1-value", project.outputs.joinpath(
        *TARGET
    )


def build(path, text):
    store.new_build(path)
    (path / "tables").mkdir()
    (path / "report.html").write_text(text)
    return path


def test_a_build_is_private_and_its_report_is_not(places):
    made, target = places
    build(made, "new")
    assert stat.S_IMODE(made.stat().st_mode) == 0o700
    store.publish(made, target)
    assert stat.S_IMODE(target.stat().st_mode) == stat.S_IMODE(target.parent.stat().st_mode)
    assert (target / "report.html").read_text() == "new"


@pytest.mark.parametrize("exchange", [True, False], ids=["in one step", "in two"])
def test_a_new_report_takes_the_place_of_the_old(places, monkeypatch, exchange):
    made, target = places
    if not exchange:
        monkeypatch.setattr(store, "_linux", lambda: False)
    store.publish(build(made, "old"), target)
    store.publish(build(made, "new"), target)
    assert (target / "report.html").read_text() == "new"
    assert list(made.parent.iterdir()) == []


@pytest.mark.skipif(sys.platform != "linux", reason="renameat2 is Linux's")
def test_linux_swaps_folders_in_one_step(places):
    made, target = places
    store.publish(build(made, "old"), target)
    build(made, "new")
    assert store._exchange(made, target) is True
    assert (made / "report.html").read_text() == "old"
    with pytest.raises(OSError, match="No such file"):
        store._exchange(made / "none", target)


def test_a_crash_between_the_two_renames_is_mended(places, monkeypatch):
    made, target = places
    store.publish(build(made, "old"), target)
    monkeypatch.setattr(store, "_linux", lambda: False)
    rename, calls = os.rename, []

    def crashing(one, other):
        calls.append(one)
        if len(calls) == 2:
            raise Crash
        rename(one, other)

    build(made, "new")
    with monkeypatch.context() as patch:
        patch.setattr(os, "rename", crashing)
        with pytest.raises(Crash):
            store.publish(made, target)
    assert not target.exists()
    store.recover("north")
    assert (target / "report.html").read_text() == "old"
    assert list(made.parent.iterdir()) == []


def test_a_failed_rename_puts_the_old_report_back(places, monkeypatch):
    made, target = places
    store.publish(build(made, "old"), target)
    monkeypatch.setattr(store, "_linux", lambda: False)
    rename = os.rename

    def full(one, other):
        if one == made:
            raise OSError(errno.ENOSPC, "full")
        rename(one, other)

    build(made, "new")
    monkeypatch.setattr(os, "rename", full)
    with pytest.raises(OSError, match="full"):
        store.publish(made, target)
    assert (target / "report.html").read_text() == "old"


def test_a_crash_after_the_new_report_is_in_place(places):
    made, target = places
    store.publish(build(made, "new"), target)
    build(made.with_name("2025-12-31~value.aside"), "old")
    store.recover("north")
    assert (target / "report.html").read_text() == "new"
    assert list(made.parent.iterdir()) == []


def test_nothing_to_recover(project):
    store.recover("north")
    assert not project.outputs.exists()


def test_a_lock_is_held_by_one_process_at_a_time(project):
    path = project.outputs / "north" / ".lock"
    code = (
        "import sys, pathlib\nfrom kamlib.errors import Locked\nfrom kamlib.run import store\n"
        "try:\n    with store.lock(pathlib.Path(sys.argv[1])): print('free')\n"
        "except Locked as error: print(error)"
    )

    def other():
        done = subprocess.run(
            [sys.executable, "-c", code, path], capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    with store.lock(path):
        assert other().startswith(
            f"north: another run is at work on it (process {os.getpid()}, since"
        )
    assert other() == "free"


def test_a_lock_in_the_same_process(project):
    path = project.outputs / "north" / ".lock"
    with store.lock(path), pytest.raises(Locked), store.lock(path):
        raise AssertionError


def test_a_disk_that_cannot_lock(project, monkeypatch):
    def refuse(descriptor, *, wait):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(store, "_lock_file", refuse)
    with pytest.raises(RunError, match="cannot lock files"), store.lock(project.outputs / ".lock"):
        raise AssertionError


def test_text_is_replaced_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "index.html"
    store.replace_text(path, "old")

    def full(descriptor):
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="full"):
        store.replace_text(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_files_are_put_in_order_and_others_go(tmp_path, monkeypatch):
    (tmp_path / "parts").mkdir()
    for name in ("old.json", "parts/old.parquet", ".pool.json.x1"):  # the last one a crash left
        (tmp_path / name).write_bytes(b"old")
    order = []
    put = store.replace_bytes
    monkeypatch.setattr(
        store, "replace_bytes", lambda path, content: (order.append(path.name), put(path, content))
    )
    store.replace_files(tmp_path, {"parts/new.parquet": b"new", "pool.json": b"all"})
    assert order == ["new.parquet", "pool.json"]
    left = {path.name for path in tmp_path.rglob("*") if path.is_file()}
    assert left == {"new.parquet", "pool.json"}


def test_hashes_of_files_leave_links_out(tmp_path):
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables" / "a.csv").write_bytes(b"")
    (tmp_path / "endless").symlink_to("/dev/zero")
    # SHA-256 of nothing, as FIPS 180-4's test vectors give it
    nothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert store.file_hashes(tmp_path) == {"tables/a.csv": nothing}
