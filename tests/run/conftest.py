"""A small project of its own, with notebooks that write what a study would publish."""

import json
import os
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

PARAMETERS = 'business_unit = "nobody"\nas_of = ""\noverrides = {}'
SETUP = """
import json, os, pathlib
from IPython.display import publish_display_data
facts = {"study": STUDY, "business_unit": business_unit, "unit_title": business_unit.title(),
         "language": "en", "currency": "CNY", "as_of": as_of or "2025-12-31",
         "period": {"from": "2025-01-01", "to": "2025-12-31"},
         "data": {"from": "2021-01-01", "to": "2025-12-31"}, "fingerprint": "ab" * 32,
         "versions": {"pandas": "2.3.3"}, "tables": []}
publish_display_data({"application/vnd.kam.study+json": facts, "text/plain": "study"})
"""
PUBLISH = """
folder = pathlib.Path(os.environ["KAM_JOB_DIR"])
(folder / "tables").mkdir()
(folder / "tables" / "revenue.csv").write_text("revenue\\n1\\n")
(folder / "study.json").write_text(json.dumps(facts | {"headline": [], "checks": []}))
"""
UNIT = "book:\n  tables:\n    transactions: sales.csv\n"


@dataclass
class Project:
    """A folder with params/ and notebooks/, and shorthands to fill it."""

    root: Path

    def unit(self, name: str, text: str = UNIT) -> None:
        (self.root / "params" / f"{name}.yaml").write_text(text, "utf-8")

    def study(
        self,
        number: int,
        name: str,
        *code: str,
        parameters: str = PARAMETERS,
        tags: tuple[str, ...] = ("parameters",),
        metadata: dict | None = None,
        publish: bool = True,
    ) -> Path:
        """Write a study whose code cells stand below headings "Step 1", "Step 2", …"""
        cells = [
            new_markdown_cell(f"# What of {name}?\n\nThe board decides."),
            new_code_cell(parameters, metadata={"tags": list(tags)}),
            new_code_cell(SETUP.replace("STUDY", repr(name)), metadata={"tags": ["setup"]}),
        ]
        for step, source in enumerate(code, start=1):
            cells += [new_markdown_cell(f"## Step {step}"), new_code_cell(source)]
        if publish:
            cells += [new_markdown_cell("## Publish"), new_code_cell(PUBLISH)]
        path = self.root / "notebooks" / f"{number:02d}_{name}.ipynb"
        nbformat.write(new_notebook(cells=cells, metadata=metadata or {}), path)
        return path

    def jobs(self, *units: str, study: tuple[str, ...] = (), as_of: str | None = None) -> list:
        from kamlib.run.plan import plan_jobs

        jobs, faults = plan_jobs(units, study, as_of)
        assert not faults
        return jobs

    def manifest(self, *parts: str) -> dict:
        return json.loads((self.outputs.joinpath(*parts) / "manifest.json").read_text("utf-8"))

    @property
    def outputs(self) -> Path:
        return self.root / "outputs"


def _make(root: Path) -> Project:
    for name in ("params", "notebooks"):
        (root / name).mkdir()
    return Project(root)


@pytest.fixture
def project(tmp_path, monkeypatch) -> Project:
    """Give an empty project to one test."""
    monkeypatch.setenv("KAM_HOME", str(tmp_path))
    return _make(tmp_path)


@pytest.fixture(scope="module")
def shared_project(tmp_path_factory):
    """Give a project to all tests of a module, so that its kernels run once."""
    before = os.environ.get("KAM_HOME")
    root = tmp_path_factory.mktemp("project")
    os.environ["KAM_HOME"] = str(root)
    yield _make(root)
    os.environ.pop("KAM_HOME")
    if before is not None:
        os.environ["KAM_HOME"] = before
