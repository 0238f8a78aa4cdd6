from __future__ import annotations

from kamlib.report.exporter import ReportExporter
from kamlib.report.render import render_report


def test_nbconvert_makes_the_same_page(make):
    nb = make.notebook(make.md("## Facts"), make.code("x", make.note("A fact.")))
    page, resources = ReportExporter().from_notebook_node(nb)
    assert page == render_report(nb)
    assert resources["output_extension"] == ".html"
