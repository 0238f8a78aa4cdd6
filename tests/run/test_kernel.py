"""Kernels are private: their sockets, their folder, their environment."""

import asyncio
import json
import os
import stat
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import zmq

from kamlib.run import kernel
from kamlib.run.kernel import PrivateKernel


def listening(pid):
    """Return the TCP ports on which a process listens."""
    rows = [line.split() for line in Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]]
    ports = {row[9]: int(row[1].split(":")[1], 16) for row in rows if row[3] == "0A"}
    links = [os.readlink(link) for link in Path(f"/proc/{pid}/fd").iterdir()]
    inodes = [link.removeprefix("socket:[").rstrip("]") for link in links]
    return [ports[inode] for inode in inodes if inode in ports]


@contextmanager
def eavesdropping(ports):
    """Subscribe to all that is sent on the ports, as any process of the machine could."""
    with zmq.Context() as context, context.socket(zmq.SUB) as socket:
        socket.subscribe(b"")
        for port in ports:
            socket.connect(f"tcp://127.0.0.1:{port}")
        yield lambda: socket.poll(300)


def is_gone(pid):
    """Wait until a process has ended, at most two seconds; Linux keeps the ended ones as Z."""
    for _ in range(100):
        try:
            if Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z":
                return True
        except FileNotFoundError:
            return True
        time.sleep(0.02)
    return False


async def say_hello(private):
    """Start a kernel, run a line in it, and return what it printed, with its connection."""
    manager = private.manager()
    await manager.start_kernel(extra_arguments=["--HistoryManager.enabled=False"])
    client = manager.client()
    client.start_channels()
    try:
        await client.wait_for_ready(timeout=60)
        printed = []
        # ipykernel keeps one port to receive what forked children print; it sends nothing there
        ports = listening(private.process.pid) if sys.platform == "linux" else []
        with eavesdropping(ports) as heard:
            await client.execute_interactive(
                "import os, sys, tempfile; open(tempfile.mkstemp()[1], 'w').close();"
                "print(os.environ['KAM_JOB_DIR'], sys.executable, tempfile.gettempdir())",
                output_hook=lambda msg: printed.append(msg["content"].get("text", "")),
            )
            leaked = heard()
        return "".join(printed).split(), manager.get_connection_info(), ports, leaked
    finally:
        client.stop_channels()
        await manager.shutdown_kernel(now=True)


@pytest.mark.skipif(os.name != "posix", reason="sockets in files are Unix's")
def test_four_kernels_at_once_over_private_sockets(tmp_path, monkeypatch):
    foreign = tmp_path / "kernels" / "python3"  # a colleague's environment under the usual name
    foreign.mkdir(parents=True)
    spec = {"argv": ["/no/such/python", "{connection_file}"], "display_name": "x", "language": "R"}
    (foreign / "kernel.json").write_text(json.dumps(spec))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    monkeypatch.delenv("KAM_JOB_DIR", raising=False)

    async def together(kernels):
        return await asyncio.gather(*(say_hello(private) for private in kernels))

    with ExitStack() as stack:
        kernels = [PrivateKernel({"KAM_JOB_DIR": f"job{n}"}) for n in range(4)]
        for private in kernels:
            stack.enter_context(private)
        came = asyncio.run(together(kernels))
        modes = [stat.S_IMODE(private.folder.stat().st_mode) & 0o777 for private in kernels]
    assert [printed for printed, *_ in came] == [
        [f"job{n}", sys.executable, str(private.folder / "tmp")]
        for n, private in enumerate(kernels)
    ]
    assert {info["transport"] for _, info, *_ in came} == {"ipc"}
    assert len({info["ip"] for _, info, *_ in came}) == 4
    assert all(len(ports) <= 1 for _, _, ports, _ in came)
    assert not any(leaked for *_, leaked in came)
    assert modes == [0o700] * 4
    assert not any(private.folder.exists() for private in kernels)
    assert "KAM_JOB_DIR" not in os.environ


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_a_kernel_ends_with_all_it_started():
    with PrivateKernel({}) as private:
        sleeper = (
            "import subprocess, time; print(subprocess.Popen(['sleep', '60']).pid, flush=True)"
        )
        process = subprocess.Popen(
            [sys.executable, "-c", f"{sleeper}; time.sleep(60)"],
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        private.started(process)
        child = int(process.stdout.readline())
        assert private.exit_code is None
    assert process.returncode == -9
    process.stdout.close()
    assert is_gone(child)
    private.kill()  # once more does no harm


def test_a_kernel_that_was_stopped_before_it_started():
    class Process:
        pid = None
        killed = False

    with PrivateKernel({}) as private:
        private.kill()
        calls = []
        private.kill = lambda: calls.append("killed")
        private.started(Process())
        assert calls == ["killed"]
        del private.kill
        private.process = None


def test_a_long_temporary_folder_is_left_aside(tmp_path, monkeypatch):
    deep = tmp_path / ("x" * 100)
    deep.mkdir()
    monkeypatch.setattr(kernel.tempfile, "gettempdir", lambda: str(deep))
    with PrivateKernel({}) as private:
        assert private.manager().transport == "ipc"
        assert len(str(private.folder)) < 60


def test_where_sockets_cannot_be_files_tcp_is_encrypted(monkeypatch):
    monkeypatch.setattr(kernel.zmq, "has", lambda name: name != "ipc")
    with PrivateKernel({}) as private:
        manager = private.manager()
        assert manager.transport == "tcp"
        assert getattr(manager, "transport_encryption", "auto") == "auto"


def test_last_words_are_the_end_of_the_log():
    with PrivateKernel({}) as private:
        private.log.write(b"noise " * 1000 + b"Segmentation fault\n")
        private.log.flush()
        assert private.last_words().endswith("Segmentation fault")
        assert private.last_words(5) == "ault"
    assert private.last_words() == ""
