"""The notebooks read well, say what they were asked for, and run without the runner."""

import ast
import itertools
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest

from kamlib.glossary import headings
from kamlib.run.session import MIME

ROOT = Path(__file__).parents[2]
BOOK = "10_customer_value.ipynb"
CHECKED = "nbval-check-output"
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
STUDIES = [path for path in NOTEBOOKS if not path.name.startswith("00_")]
SQL = re.compile(r"\b(SELECT|FROM|WHERE|JOIN|INSERT|UPDATE|DELETE)\b|\.sql\(")
MACHINE = re.compile(
    r"(?<![\w./])/(?:home|root|tmp|usr|opt|var|work|mnt|Users|private)/|\b[A-Z]:\\|object at 0x"
)
CLOCK = re.compile(r"\b\d{1,2}:\d\d\b|\b\d+(?:\.\d+)?\s?(?:ms|µs|seconds?|minutes?)\b")

every_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
every_study = pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.stem)


def read(path: Path) -> Any:
    return nbformat.read(path, as_version=4)


def code(book: Any) -> list[Any]:
    return [cell for cell in book.cells if cell.cell_type == "code"]


def prose(book: Any) -> list[Any]:
    return [cell for cell in book.cells if cell.cell_type == "markdown"]


def tags(cell: Any) -> list[str]:
    return list(cell.metadata.get("tags", ()))


def titles(cell: Any) -> Iterator[tuple[int, str]]:
    """Yield level and words of each heading in a markdown cell."""
    fenced = False
    for line in cell.source.splitlines():
        fenced ^= line.startswith("```")
        found = re.match(r"(#+)\s+(.+)", line)
        if found and not fenced:
            yield len(found[1]), found[2].strip()


def shown(cell: Any) -> str:
    """Return all text that a cell shows."""
    parts = []
    for output in cell.outputs:
        data = output.get("data", {})
        parts += [data[kind] for kind in ("text/plain", "text/html") if kind in data]
        parts += [output.get("text", ""), *output.get("traceback", ())]
    return "\n".join(parts)


def test_there_are_studies():
    assert ROOT / "notebooks" / BOOK in STUDIES


@every_notebook
def test_the_file_is_sound(path):
    book = read(path)
    nbformat.validate(book)
    ids = [cell.id for cell in book.cells]
    assert len(ids) == len(set(ids))
    assert book.metadata.kernelspec.name == "python3"


@every_notebook
def test_the_question_is_the_only_title(path):
    book = read(path)
    first = book.cells[0]
    assert first.cell_type == "markdown"
    assert next(titles(first))[0] == 1
    levels = [level for cell in prose(book) for level, _ in titles(cell)]
    assert levels.count(1) == 1
    deeper = [below - above for above, below in itertools.pairwise(levels)]
    assert max(deeper, default=0) <= 1, "a level of headings is left out"


@every_study
def test_the_parameters_cell_holds_three_names(path):
    book = read(path)
    (cell,) = [cell for cell in code(book) if "parameters" in tags(cell)]
    assert code(book)[0] is cell
    assigned = ast.parse(cell.source).body
    names = [target.id for line in assigned for target in line.targets]
    assert names == ["business_unit", "as_of", "overrides"]
    business_unit, as_of, overrides = (ast.literal_eval(line.value) for line in assigned)
    assert (ROOT / "params" / f"{business_unit}.yaml").is_file()
    assert (as_of, overrides) == ("", {})


@every_notebook
def test_it_reads_like_a_book(path):
    book = read(path)
    assert len(prose(book)) >= len(code(book))
    lengths = [len(cell.source.splitlines()) for cell in code(book)]
    if lengths:
        assert 2 <= statistics.median(lengths) <= 6
    for cell in code(book):
        tree = ast.walk(ast.parse(cell.source))
        defined = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
        assert not [node for node in tree if isinstance(node, defined)], cell.source
        assert not SQL.search(cell.source), cell.source
        assert not re.match(r"\s*[%!]", cell.source), cell.source


@every_study
def test_no_number_is_typed_into_the_conclusion(path):
    conclusion = [cell for cell in read(path).cells if "conclude" in tags(cell)]
    assert {cell.cell_type for cell in conclusion} == {"markdown", "code"}
    for cell in conclusion:
        if cell.cell_type == "markdown":
            assert not re.search(r"\d", cell.source), cell.source
        else:
            constants = [n for n in ast.walk(ast.parse(cell.source)) if isinstance(n, ast.Constant)]
            assert not [c.value for c in constants if isinstance(c.value, int | float)], cell.source


def captions(book: Any) -> Iterator[str]:
    """Yield a pattern for the caption of every `study.table(…)`; `By {by}` gives `By .+`."""
    for cell in code(book):
        for node in ast.walk(ast.parse(cell.source)):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "study.table":
                named = [word.value for word in node.keywords if word.arg == "caption"]
                for caption in [*node.args[2:3], *named]:
                    parts = caption.values if isinstance(caption, ast.JoinedStr) else [caption]
                    yield "".join(
                        re.escape(part.value) if isinstance(part, ast.Constant) else ".+"
                        for part in parts
                    )


@every_study
def test_every_heading_and_caption_has_a_chinese_one(path):
    book = read(path)
    words = [words for cell in prose(book) for _, words in titles(cell)]
    words += [
        output.metadata.kam.caption
        for cell in code(book)
        for output in cell.outputs
        if output.get("metadata", {}).get("kam", {}).get("caption")
    ]
    assert sorted(set(words) - set(headings())) == []
    patterns = list(captions(book))
    assert patterns
    known = "\n".join(headings())
    assert [p for p in patterns if not re.search(f"^{p}$", known, re.MULTILINE)] == []


@every_notebook
def test_nothing_of_the_machine_or_the_run_is_kept(path):
    for cell in read(path).cells:
        seen = cell.source + (shown(cell) if cell.cell_type == "code" else "")
        assert not MACHINE.search(seen), cell.id
        # the times of a run would change the file at every run
        assert not {"execution", "papermill"} & set(cell.metadata), cell.id
        kinds = {output.output_type for output in cell.get("outputs", ())}
        assert not kinds & {"error", "stream"}, cell.id


@every_study
def test_outputs_of_checked_cells_are_kept_and_can_be_compared(path):
    checked = [cell for cell in code(read(path)) if CHECKED in tags(cell)]
    assert len(checked) >= 2
    # nbval compares nothing where the count is missing
    bare = [cell.id for cell in checked if not shown(cell).strip() or cell.execution_count is None]
    assert bare == [], f"run `make notebooks`: {path.name} is committed without its outputs"
    headed = [c.id for c in checked if any(MIME in o.get("data", {}) for o in c.outputs)]
    assert headed == [], "the header of the study holds versions, which differ by machine"
    assert [cell.id for cell in checked if CLOCK.search(shown(cell))] == []


def make_project(root: Path) -> Path:
    """Give a folder our notebooks and parameters; the first run makes the demo books."""
    for folder in ("notebooks", "params"):
        shutil.copytree(ROOT / folder, root / folder)
    return root


def start(command: list[str], folder: Path, **more: str) -> subprocess.Popen[str]:
    """Start a Python module in a folder, in an environment that names no project."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("KAM_", "PYTEST_"))}
    return subprocess.Popen(
        [sys.executable, "-m", *command],
        cwd=folder,
        env=inherited | more,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def finish(process: subprocess.Popen[str], seconds: float) -> str:
    """Return what a process said; end it in every case."""
    try:
        return process.communicate(timeout=seconds)[0]
    finally:
        end(process)


def end(process: subprocess.Popen[str]) -> None:
    """End a process and, since it is asked to and not forced, the kernel that it started."""
    if process.poll() is None:
        process.terminate()
    process.communicate()


@pytest.fixture(scope="module")
def by_papermill(tmp_path_factory) -> Iterator[dict[str, tuple[Path, Path, subprocess.Popen[str]]]]:
    """Start plain papermill from three places at once: place -> project, its output, process."""
    started = {}
    for place in ("root", "notebooks", "elsewhere"):
        root = make_project(tmp_path_factory.mktemp(place))
        path = root / "notebooks" / BOOK
        folder = {"root": root, "notebooks": path.parent}.get(place)
        named = {} if folder else {"KAM_HOME": str(root)}
        folder = folder or tmp_path_factory.mktemp("empty")
        asked = path.relative_to(folder) if path.is_relative_to(folder) else path
        command = ["papermill", str(asked), "out.ipynb", "-p", "business_unit", "telecom_lines"]
        started[place] = root, folder / "out.ipynb", start(command, folder, **named)
    yield started
    for _, _, process in started.values():
        end(process)


@pytest.mark.parametrize("place", ["root", "notebooks", "elsewhere"])
def test_plain_papermill_runs_a_study(by_papermill, place):
    root, out, process = by_papermill[place]
    said = finish(process, 120)
    assert process.returncode == 0, said[-3000:]
    book = read(out)
    assert [tags(cell) for cell in code(book)][:2] == [["parameters"], ["injected-parameters"]]
    assert all(cell.execution_count for cell in code(book))
    draft = root / "outputs" / "_draft" / "telecom_lines" / "2025-12-31" / "customer_value"
    facts = json.loads((draft / "study.json").read_text("utf-8"))
    assert facts["business_unit"] == "telecom_lines"
    assert list((draft / "figures").glob("*.png"))
    if place == "elsewhere":
        assert [path.name for path in out.parent.iterdir()] == ["out.ipynb"]


def altered(book: Any) -> tuple[Any, int]:
    """Return a book with another digit in what its last cell shows, and that cell's number."""
    changed = nbformat.from_dict(json.loads(json.dumps(book)))
    data = changed.cells[-1].outputs[0].data
    digit = re.search(r"\d", data["text/plain"])
    assert digit, "the checked cell shows no number"
    other = str((int(digit[0]) + 1) % 10)
    data["text/plain"] = re.sub(r"\d", other, data["text/plain"], count=1)
    return changed, len(code(changed)) - 1


def test_a_changed_number_is_found(tmp_path):
    folder = make_project(tmp_path) / "notebooks"
    book = read(folder / BOOK)
    # up to the first cell that is compared: what comes after takes time and tells no more
    last = next(n for n, cell in enumerate(book.cells) if CHECKED in tags(cell))
    book.cells = book.cells[: last + 1]
    assert book.cells[-1].outputs, "run `make notebooks`: the notebook has no outputs"
    changed, number = altered(book)
    nbformat.write(book, folder / "kept.ipynb")
    nbformat.write(changed, folder / "changed.ipynb")
    shutil.copy(ROOT / "tests" / "nbval.cfg", folder)
    command = [
        "pytest", "-p", "kamlib._fastimports", "-p", "no:cacheprovider", "--nbval-lax",
        "--nbval-current-env", "--nbval-sanitize-with", "nbval.cfg",
        "--color=no", "-rf", "kept.ipynb", "changed.ipynb",
    ]  # fmt: skip
    process = start(command, folder)
    said = finish(process, 90)
    assert process.returncode == 1, said
    assert re.findall(r"^FAILED (.+?)(?: - .*)?$", said, re.MULTILINE) == [
        f"changed.ipynb::Cell {number}"
    ], said
    assert "Cell outputs differ" in said
    assert f"1 failed, {2 * len(code(book)) - 1} passed" in said
