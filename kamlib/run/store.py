"""Where results lie, and how they get there: built aside, then put in place in one step.

A reader sees the last good report or the new one, never half of either. A crash at any point loses at
most the new one: `recover` puts back what was moved aside and clears what was left.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import hashlib
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

from kamlib.errors import Locked, RunError
from kamlib.params import home

BUILDING = ".building"
_ASIDE = ".aside"
_AT_FDCWD, _RENAME_EXCHANGE = -100, 2


def outputs() -> Path:
    """Return the folder of all results."""
    return home() / "outputs"


@contextlib.contextmanager
def lock(path: Path, *, wait: bool = False) -> Iterator[None]:
    """Hold the file's lock; it ends with the process, however that ends.

    Raises
    ------
    Locked
        Another process holds it (unless `wait`).
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+", encoding="utf-8") as file:
        try:
            _lock_file(file.fileno(), wait=wait)
        except OSError as error:
            if error.errno not in (errno.EWOULDBLOCK, errno.EACCES, errno.EDEADLK):
                raise RunError(
                    f"{path.parent.name}: the disk of outputs/ cannot lock files ({error.strerror}); "
                    "let outputs/ lie on a disk of this machine"
                ) from error
            file.seek(0)
            holder = file.read().strip() or "another process"
            raise Locked(
                f"{path.parent.name}: another run is at work on it ({holder}); try again when it has ended"
            ) from None
        with contextlib.suppress(OSError):  # a full disk must not keep a run from saying so
            file.truncate(0)
            note = f"process {os.getpid()}, since {datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
            os.write(file.fileno(), note.encode())
        yield


if sys.platform == "win32":
    import msvcrt

    def _lock_file(descriptor: int, *, wait: bool) -> None:
        os.lseek(descriptor, 1 << 30, os.SEEK_SET)  # beyond the text, which stays readable
        msvcrt.locking(descriptor, msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lock_file(descriptor: int, *, wait: bool) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))


def new_build(build: Path) -> None:
    """Make a folder for one job's files, which only we can read until they are published."""
    build.parent.mkdir(parents=True, exist_ok=True)
    build.mkdir(mode=0o700)


def publish(build: Path, target: Path) -> None:
    """Put `build` in the place of `target`, which is there at every moment, old or new.

    Where the system cannot exchange two folders, the old one is moved aside for an instant; a crash right
    then is mended by `recover`.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    build.chmod(target.parent.stat().st_mode & 0o777)
    _sync(build)
    if not target.exists():
        os.rename(build, target)
        _sync_folder(target.parent)
        return
    aside = build.with_name(f"{target.parent.name}~{target.name}{_ASIDE}")
    if _exchange(build, target):
        aside = build
    else:
        os.rename(target, aside)
        try:
            os.rename(build, target)
        except OSError:
            os.rename(aside, target)
            raise
    _sync_folder(target.parent)
    shutil.rmtree(aside, ignore_errors=True)


def recover(unit: str) -> None:
    """Put back what a crash left aside and remove what it left unfinished; the unit must be locked."""
    folder = outputs() / unit / BUILDING
    for left in sorted(folder.iterdir()) if folder.is_dir() else ():
        as_of, _, name = left.name.removesuffix(_ASIDE).partition("~")
        target = outputs() / unit / as_of / name
        if left.name.endswith(_ASIDE) and name and not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            os.rename(left, target)
        else:
            remove(left)


def remove(path: Path) -> None:
    """Remove a folder or a file, if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def replace_text(path: Path, text: str) -> None:
    """Write a file so that a reader finds the old text or the new one."""
    replace_bytes(path, text.encode("utf-8"))


def replace_bytes(path: Path, content: bytes) -> None:
    """Write a file so that a reader finds the old content or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, path.parent.stat().st_mode & 0o666)
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise


def replace_files(folder: Path, files: Mapping[str, bytes]) -> None:
    """Put files in a folder one after the other, each in one step; what else lay there goes.

    Parameters
    ----------
    folder
        Locked by the caller; what a crash left in it goes as well.
    files
        Path within the folder -> content. A file that speaks of others stands last.
    """
    for name, content in files.items():
        replace_bytes(folder / name, content)
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.relative_to(folder).as_posix() not in files:
            remove(path)


def file_hashes(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of every file in a folder, by its path within it."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.is_symlink()
    }


def _sync(folder: Path) -> None:
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            with path.open("rb+") as file:
                os.fsync(file.fileno())
        elif path.is_dir():
            _sync_folder(path)
    _sync_folder(folder)


def _sync_folder(folder: Path) -> None:
    if os.name != "posix":
        return  # other systems cannot open folders
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _exchange(one: Path, other: Path) -> bool:
    """Swap two folders in one step; False where the system has no such step."""
    renameat2 = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None) if _linux() else None
    if renameat2 is None:
        return False
    done = renameat2(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE)
    if done == 0:
        return True
    code = ctypes.get_errno()
    if code in (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP):
        return False
    raise OSError(code, os.strerror(code), str(other))


def _linux() -> bool:
    return sys.platform == "linux"
