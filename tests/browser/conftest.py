"""The system's Chromium, and pages in which every name is hostile."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import nbformat
import pandas as pd
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from kamlib import glossary, show
from kamlib.glossary import Style, Term
from kamlib.report.failure import render_failure
from kamlib.report.index import render_index
from kamlib.report.render import STUDY, render_report
from kamlib.results import Check
from kamlib.show import page as page_module

ARGUMENTS = (
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run",
    "--disable-component-update", "--disable-sync", "--disable-quic",
)  # fmt: skip
NAMES = (
    "<script>window.ran = 1</script>",
    '=HYPERLINK("http://x","y")',
    "a$b$c",
    "../../x",
    '"><img src=x onerror=alert(1)>',
    "Evil" + chr(0x202E) + "txt",
    "大连港务集团有限公司",
    "_Under " + "x" * 80,
)
COLUMNS = {
    name: Term(name, unit, display, "", label, label)
    for name, unit, display, label in (
        ("t_name", "", "text", "Name"),
        ("t_amount", "money", "money", "Amount"),
        ("t_share", "", "percent", "Share"),
        ("t_day", "", "date", "Day"),
        ("t_wait", "days", "days", "Wait"),
        ("t_ratio", "", "ratio", "Ratio"),
    )
}


@pytest.fixture(scope="module")  # its event loop must not outlive the browser tests
def chromium() -> Iterator[Any]:
    path = next(
        filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
    )
    if path is None:
        reason = "no Chromium on this machine (chromium, chromium-browser or google-chrome)"
        if "chromium" in os.environ.get("KAM_REQUIRE", "").split(","):
            pytest.fail(reason)
        pytest.skip(reason)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        yield browser
        browser.close()


def frame() -> pd.DataFrame:
    size = len(NAMES)
    return pd.DataFrame(
        {
            "t_name": NAMES,
            "t_amount": [5.0, 1_234_567.0, -3.0, None, 100.0, 20.0, 0.0, 9.0],
            "t_share": [0.5, 0.25, None, 0.1, 0.9, 0.3, 0.2, 0.05],
            "t_day": pd.to_datetime(
                ["2025-01-31", "2024-12-31", None, "2025-02-01", *["2025-03-01"] * 4]
            ),
            "t_wait": range(size),
            "t_ratio": [0.1] * size,
        }
    )


def draw() -> Any:
    labels, _ = show.names_or_ranks(NAMES)
    _, ax = plt.subplots()
    ax.barh(range(len(labels)), range(len(labels)))
    ax.set_yticks(range(len(labels)), labels)
    return ax


def study(language: str) -> nbformat.NotebookNode:
    """Return an executed study with three figures, three tables, notes, checks and a headline."""
    facts = {
        "study": "customer_value",
        "unit_title": NAMES[4],
        "language": language,
        "currency": "CNY",
        "as_of": "2025-12-31",
        "period": {"from": "2025-01-01", "to": "2025-12-31"},
        "data": {"from": "2021-01-04", "to": "2025-12-31"},
        "fingerprint": "9f" * 32,
        "versions": {"kamlib": "0.1.0", "python": "3.11.7"},
        "tables": [{"table": NAMES[0], "read": 9, "kept": 8, "set_aside": 1, "later": 0}],
        "headline": [
            {"name": str(n), "label": f"Figure {n}", "text": "CNY 1.23 million"} for n in range(5)
        ],
        "checks": [
            {"name": "weak", "passed": False, "note": NAMES[0]},
            {"name": "good", "passed": True, "note": "Good."},
        ],
    }
    cells: list[Any] = []
    outputs: list[Any] = []
    page = show.Page(Style(language, "CNY"))

    def catch(data: Any, *, raw: bool, metadata: Any) -> None:
        outputs.append(new_output("display_data", data=data, metadata=metadata))

    def code(source: str, *tags: str) -> None:
        taken = [*outputs]
        outputs.clear()
        cells.append(new_code_cell(source, outputs=taken, metadata={"tags": list(tags)}))

    def text(source: str, *tags: str) -> None:
        cells.append(new_markdown_cell(source, metadata={"tags": list(tags)}))

    with pytest.MonkeyPatch.context() as patch, mpl.rc_context():
        patch.setattr(glossary, "columns", lambda: COLUMNS)
        patch.setattr(page_module, "_display", catch)
        show.use_theme()
        text("# Who carries the business?\n\nThe director decides with it.")
        for n in range(3):
            text(f"## Part {n}\n\n| a | b |\n|---|--:|\n| {'wide ' * 30} | 1 |")
            page.note(NAMES[4])
            page.figure(draw(), f"figure_{n}", NAMES[0], NAMES[4])
            page.table(frame(), f"table_{n}", NAMES[0])
            code("x = '</script><script>window.ran = 1</script>'" + "y" * 200)
        page.checks([Check("weak", False, NAMES[0]), Check("good", True, "Good.")])  # type: ignore[arg-type]
        code("page.checks()")
        text("## Conclusion", "conclude")
        page.note("The answer.")
        code("page.note(answer)", "conclude")
        outputs.append(new_output("display_data", data={STUDY: facts, "text/plain": "done"}))
        code("study.publish()")
    return new_notebook(cells=cells)


@pytest.fixture(scope="session")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return the file of each kind of page."""
    good = {
        "status": "ok", "business_unit": "u", "study": "customer_value",
        "finished": "2026-01-04T08:15:00Z", "href": "u/report.html",
        "facts": {"unit_title": NAMES[7], "as_of": "2025-12-31",
                  "headline": [{"label": NAMES[0], "text": NAMES[4]}]},
    }  # fmt: skip
    bad = {
        "status": "failed", "business_unit": NAMES[4], "study": "customer_value", "href": "x.html",
        "failure": {"kind": "data", "faults": [*NAMES], "traceback": NAMES[0] + "z" * 300},
    }  # fmt: skip
    texts = {
        "report": render_report(study("en"), run_id="20261122T081500Z-3f2a9c"),
        "report_zh": render_report(study("zh")),
        "failure": render_failure(bad, style=Style(), last_good="last/report.html"),
        "index": render_index([good, bad], generated="2026-04-02 09:00 UTC"),
    }
    folder = tmp_path_factory.mktemp("pages")
    for name, html in texts.items():
        (folder / f"{name}.html").write_text(html, "utf-8")
    return {name: folder / f"{name}.html" for name in texts}
