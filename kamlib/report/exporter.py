"""The report as a format of nbconvert: JupyterLab and `jupyter nbconvert` can make it too."""

from __future__ import annotations

from typing import Any

from nbconvert.exporters import Exporter, HTMLExporter
from nbformat import NotebookNode

from kamlib.report.render import render_report


class ReportExporter(HTMLExporter):
    """Exports an executed notebook with this project's own template.

    nbconvert's preprocessors run as for any exporter; its templates and its rewriting of the
    finished HTML are left out, since they would undo the page's escaping and its script hash.
    """

    export_from_notebook = "KAM report"

    def from_notebook_node(  # type: ignore[override]  # nbconvert's own exporters do the same
        self, nb: NotebookNode, resources: dict[str, Any] | None = None, **kw: Any
    ) -> tuple[str, dict[str, Any]]:
        """Return the page and nbconvert's resources."""
        prepared, resources = Exporter.from_notebook_node(self, nb, resources, **kw)
        return render_report(prepared), resources
