"""One kernel process per job, on sockets that nobody else on the machine can reach.

Over TCP any local process can read what a kernel prints, and two kernels that start together may pick
the same port. Here each kernel has its own folder (mode 0700) with its sockets, its connection file, its
IPython profile (no start-up file of a colleague changes a report), its temporary files and its log.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from subprocess import Popen, TimeoutExpired
from types import TracebackType
from typing import IO, Any

import zmq
from jupyter_client.kernelspec import NATIVE_KERNEL_NAME, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager, KernelManager

_LONGEST_SOCKET_PATH = 100  # systems allow 104 to 108 bytes, with "-5" and the closing zero


class _Manager(AsyncKernelManager):
    """Starts the kernel with the job's environment and keeps hold of its process."""

    home: PrivateKernel

    async def _async_launch_kernel(self, kernel_cmd: list[str], **kw: Any) -> None:
        kw["env"] = {**kw["env"], **self.home.environment}
        kw["stdout"] = kw["stderr"] = self.home.log
        await super()._async_launch_kernel(kernel_cmd, **kw)
        self.home.started(getattr(self.provisioner, "process", None))


class PrivateKernel:
    """Folder, environment, log and process of one kernel; a context that leaves nothing behind.

    Parameters
    ----------
    environment
        Variables for the kernel, on top of this process's own, which stay as they are.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.environment = dict(environment)
        self.process: Popen[bytes] | None = None
        self.log: IO[bytes]
        self._killed = False

    def __enter__(self) -> PrivateKernel:
        self.folder = _make_folder()
        self.environment["IPYTHONDIR"] = str(self.folder / "ipython")
        scratch = self.folder / "tmp"  # a kernel that is killed cannot clear up after itself
        scratch.mkdir()
        self.environment |= dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(scratch))
        self.log = (self.folder / "log").open("wb")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.kill()
        if self.process is not None:
            with contextlib.suppress(TimeoutExpired):  # held by the system, e.g. a disk gone away
                self.process.wait(timeout=10)
            self.process = None  # its number may soon be another's
        self.log.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def manager(self) -> KernelManager:
        """Return a manager whose kernel is this interpreter, whatever kernels are registered."""
        native_only = KernelSpecManager(kernel_dirs=[])
        manager = _Manager(kernel_name=NATIVE_KERNEL_NAME, kernel_spec_manager=native_only)
        manager.home = self
        manager.connection_file = str(self.folder / "kernel.json")
        socket = str(self.folder / "s")
        if (
            os.name == "posix"
            and zmq.has("ipc")
            and len(os.fsencode(socket)) < _LONGEST_SOCKET_PATH
        ):
            manager.transport, manager.ip = "ipc", socket
        elif manager.has_trait("transport_encryption") and zmq.has("curve"):
            manager.transport_encryption = "auto"
        return manager

    def started(self, process: Popen[bytes] | None) -> None:
        """Take note of the process; end it at once where `kill` came first."""
        self.process = process
        if self._killed:
            self.kill()

    def kill(self) -> None:
        """End the kernel and all that it started."""
        self._killed = True
        if self.process is None:
            return
        try:
            if hasattr(os, "killpg"):
                os.killpg(self.process.pid, signal.SIGKILL)  # kernels lead a group of their own
            else:
                self.process.kill()
        except (ProcessLookupError, PermissionError):
            pass  # gone already

    @property
    def exit_code(self) -> int | None:
        """Exit code of a kernel that has ended; a signal's number is negative."""
        return self.process.poll() if self.process else None

    def last_words(self, length: int = 4000) -> str:
        """Return the end of what the kernel wrote outside its cells, e.g. a crash report."""
        try:
            return (self.folder / "log").read_bytes()[-length:].decode("utf-8", "replace").strip()
        except OSError:
            return ""


def _make_folder() -> Path:
    """Make a folder only we can enter; a long TMPDIR is left aside for the sake of the sockets."""
    usual = tempfile.gettempdir()
    short = "/tmp" if sys.platform != "win32" and len(os.fsencode(usual)) > 60 else usual  # noqa: S108 – sockets need a short path
    return Path(tempfile.mkdtemp(prefix="kam-", dir=short if os.path.isdir(short) else usual))
