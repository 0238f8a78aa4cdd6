"""JupyterLab itself: change a parameter, run all cells, and see another figure."""

import contextlib
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import nbformat
import pytest

ROOT = Path(__file__).parents[2]
BOOK = "10_customer_value.ipynb"
SHARE = 0.1
# pop-ups would cover the menu, and cells out of sight would not be in the page
SETTINGS = {
    "notebook-extension/tracker": {"windowingMode": "none"},
    "apputils-extension/notification": {
        "fetchNews": "false",
        "checkForUpdates": False,
        "doNotDisturbMode": True,
    },
}
# the counts of all code cells, or what stands in the way of getting them
STATE = """() => {
  const book = document.querySelector('.jp-NotebookPanel:not(.lm-mod-hidden)');
  const error = book.querySelector('[data-mime-type="application/vnd.jupyter.stderr"]');
  const prompts = [...book.querySelectorAll('.jp-CodeCell .jp-InputArea-prompt')];
  return {error: error && error.textContent,
          counts: prompts.map(prompt => Number((prompt.textContent.match(/\\d+/) || [0])[0]))};
}"""


@dataclass(frozen=True)
class Server:
    url: str
    token: str


@dataclass(frozen=True)
class Seen:
    """What a reader of the notebook has before them."""

    picture: str
    note: str


@pytest.fixture
def project(tmp_path) -> Path:
    """Return a project with the notebooks as yet unrun; its first run makes the demo books."""
    for name in ("notebooks", "params"):
        shutil.copytree(ROOT / name, tmp_path / name)
    for path in (tmp_path / "notebooks").glob("*.ipynb"):
        book = nbformat.read(path, as_version=4)
        for cell in book.cells:
            if cell.cell_type == "code":
                cell.outputs, cell.execution_count = [], None
        nbformat.write(book, path)
    return tmp_path


@pytest.fixture
def server(project, tmp_path_factory) -> Iterator[Server]:
    own = tmp_path_factory.mktemp("jupyter")
    for name, settings in SETTINGS.items():
        path = own / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(settings))
    folders = {
        "JUPYTER_CONFIG_DIR": "config", "JUPYTER_DATA_DIR": "data", "IPYTHONDIR": "ipython",
        "JUPYTER_RUNTIME_DIR": "runtime", "JUPYTERLAB_SETTINGS_DIR": "settings",
        "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
    }  # fmt: skip
    token = secrets.token_hex(16)
    ours = {name: str(own / folder) for name, folder in folders.items()}
    ours |= {"JUPYTER_TOKEN": token, "JUPYTER_PREFER_ENV_PATH": "1"}
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("JUPYTER", "KAM_"))}
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1",
        f"--port={port}", f"--ServerApp.root_dir={project / 'notebooks'}", "--LabApp.extension_manager=readonly",
        "--LabApp.news_url=None",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ]  # fmt: skip
    log = own / "log"
    with log.open("wb") as written:
        process = subprocess.Popen(
            command,
            cwd=project / "notebooks",
            env=inherited | ours,
            stdin=subprocess.DEVNULL,
            stdout=written,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        # the file names the port that was taken, also where ours was gone by then
        facts = own / "runtime" / f"jpserver-{process.pid}.json"
        url = _wait(lambda: _url_of(facts, process), seconds=45, log=log)
        yield Server(url, token)
    finally:
        _stop(process)
    assert not list((own / "runtime").glob("kernel-*.json")), "a kernel outlived its server"


def _url_of(facts: Path, process: subprocess.Popen[bytes]) -> str | None:
    assert process.poll() is None, "JupyterLab did not start"
    try:
        url: str = json.loads(facts.read_text())["url"]
        with urllib.request.urlopen(f"{url}api", timeout=5):
            return url
    except (OSError, ValueError):
        return None


def _wait(look: Any, *, seconds: float, log: Path) -> Any:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = look()
        if found:
            return found
        time.sleep(0.1)
    pytest.fail(f"not within {seconds} seconds:\n{log.read_text()[-3000:]}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End the server, which ends its kernels; by force only where asking does not do."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        if process.poll() is None:
            os.killpg(process.pid, number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(20)


def _is_of(url: str, server: Server) -> bool:
    return urlsplit(url).netloc == urlsplit(server.url).netloc


@pytest.fixture
def page(chromium, server) -> Iterator[Any]:
    """Return an empty page that can reach the server and nothing else."""
    asked: list[str] = []

    def only_here(route: Any) -> None:
        if _is_of(route.request.url, server):
            route.continue_()
        else:
            asked.append(route.request.url)
            route.abort()

    context = chromium.new_context(viewport={"width": 1400, "height": 1000})
    try:
        context.route("**/*", only_here)
        page = context.new_page()
        page.on("websocket", lambda s: None if _is_of(s.url, server) else asked.append(s.url))
        yield page
        assert asked == []
    finally:
        context.close()


def _run_all(page: Any, n_code: int, *, after: int, seconds: float = 60) -> None:
    """Run all cells by the menu, and wait until each has a count above `after`."""
    page.locator(".lm-MenuBar-itemLabel").get_by_text("Run", exact=True).click()
    page.locator(".lm-Menu-itemLabel").get_by_text("Run All Cells", exact=True).click()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        state = page.evaluate(STATE)
        assert state["error"] is None, state["error"]
        counts = state["counts"]
        if len(counts) == n_code and min(counts) > after:
            return
        page.wait_for_timeout(100)
    pytest.fail(f"not all cells ran within {seconds} seconds: {state['counts']}")


def _look(page: Any, places: dict[str, int]) -> Seen:
    cells = page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Notebook .jp-Cell")
    picture = cells.nth(places["lorenz"]).locator(".jp-OutputArea img")
    note = cells.nth(places["concentration"]).locator(".jp-OutputArea-output").first
    return Seen(picture.get_attribute("src") or "", " ".join(note.inner_text().split()))


def test_a_parameter_is_changed_and_all_cells_run_again(project, server, page):
    path = project / "notebooks" / BOOK
    cells = nbformat.read(path, as_version=4).cells
    places = {cell.id: place for place, cell in enumerate(cells)}
    n_code = sum(cell.cell_type == "code" for cell in cells)

    page.goto(f"{server.url}lab/tree/{BOOK}?token={server.token}")
    # what is run before the kernel answers is dropped without a word
    page.locator("#jp-main-statusbar").get_by_text("| Idle").wait_for(timeout=40_000)
    _run_all(page, n_code, after=0)
    first = _look(page, places)
    assert first.picture.startswith("data:image/png;base64,")
    assert "largest 20 % of accounts" in first.note

    editor = page.locator(".jp-Notebook .jp-Cell").nth(places["parameters"]).locator(".cm-content")
    editor.click()
    page.keyboard.press("ControlOrMeta+End")
    page.keyboard.press("Enter")
    page.keyboard.insert_text(f'overrides = {{"customer_value.top_share": {SHARE}}}')
    _run_all(page, n_code, after=n_code)
    second = _look(page, places)
    assert second.picture.startswith("data:image/png;base64,")
    assert second.picture != first.picture
    assert "largest 10 % of accounts" in second.note

    (draft,) = project.glob("outputs/_draft/commercial_vehicles/*/customer_value/study.json")
    published = json.loads(draft.read_text("utf-8"))
    assert published["business_unit"] == "commercial_vehicles"


@pytest.mark.slow
@pytest.mark.parametrize("book", sorted(p.name for p in (ROOT / "notebooks").glob("[1-9]*.ipynb")))
def test_every_study_runs_all_its_cells(project, server, page, book):
    cells = nbformat.read(project / "notebooks" / book, as_version=4).cells
    page.goto(f"{server.url}lab/tree/{book}?token={server.token}")
    page.locator("#jp-main-statusbar").get_by_text("| Idle").wait_for(timeout=40_000)
    _run_all(page, sum(cell.cell_type == "code" for cell in cells), after=0, seconds=400)
    assert list(project.glob("outputs/_draft/*/*/*/study.json"))
