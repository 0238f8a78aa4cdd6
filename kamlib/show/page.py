"""The page of a notebook: what a study shows, and what it will publish.

Every output carries `kam` metadata; the report shows HTML from such outputs only.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable
from html import escape
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
from IPython import get_ipython
from IPython.display import display as _display

from kamlib.errors import KamError
from kamlib.glossary import Sentence, Style, clean, heading, say
from kamlib.results import Check, Estimate
from kamlib.show.figures import figure_of, render
from kamlib.show.tables import ROWS, html_table, text_table

_STATES = {
    True: ("Passed", "kam-passed"),
    False: ("Needs attention", "kam-attention"),
    None: ("Not judged", "kam-unjudged"),
}


class Page:
    """Displays notes, figures, tables and checks in one style, and remembers what was shown.

    Attributes
    ----------
    style
        Language and currency of everything shown.
    figures
        PNG bytes by id, in the order shown.
    tables
        Full frames by id, in the order shown, also where the page shows only the first rows.
    """

    def __init__(self, style: Style) -> None:
        self.style = style
        self.figures: dict[str, bytes] = {}
        self.tables: dict[str, pd.DataFrame] = {}
        self._claims: dict[str, str | None] = {}

    def note(self, note: Estimate | Sentence | str) -> None:
        """Show one sentence: of an estimate, its note."""
        text = self._text(note.note if isinstance(note, Estimate) else note)
        # a date that is broken at its hyphen reads as two numbers
        whole = re.sub(r"\b\d{4}-\d\d-\d\d\b", r'<span class="date">\g<0></span>', escape(text))
        html = f'<p class="kam-note">{whole}</p>'
        self._show({"text/html": html, "text/plain": text}, {"kind": "note"})

    def figure(
        self, drawn: Any, id: str, alt: Sentence | str, caption: Sentence | str = ""
    ) -> None:
        """Show a figure, close it, and remember its picture.

        Parameters
        ----------
        drawn
            Matplotlib axes or figure.
        id
            Name of the figure, unique on the page; also the name of its file.
        alt
            What a reader who cannot see the figure must know; mostly the estimate's note.
        caption
            Plain text under the figure.

        Raises
        ------
        KamError
            The id is malformed or in use, or `alt` is empty.
        """
        self._claim(id)
        shown, words = self._text(caption), self._text(alt).strip()
        if not words:
            raise KamError(
                f"figure '{id}' has no text alternative; give `alt` the sentence that the figure "
                "shows, for readers who cannot see it"
            )
        figure = figure_of(drawn)
        picture = render(figure)
        plt.close(figure)  # else the notebook shows it a second time, without its alt text
        self.figures[id] = picture.png
        self._show(
            {"image/png": base64.b64encode(picture.png).decode("ascii")},
            {"kind": "figure", "id": id, "alt": words, "caption": shown},
            {"image/png": {"alt": words, "width": picture.width, "height": picture.height}},
        )

    def table(
        self,
        frame: pd.DataFrame,
        id: str,
        caption: Sentence | str = "",
        *,
        rows: int | None = None,
        folded: bool = False,
    ) -> None:
        """Show a table and remember the whole frame.

        Parameters
        ----------
        frame
            Glossary columns only.
        id
            Name of the table, unique on the page; also the name of its files.
        caption
            Plain text above the table.
        rows
            How many rows to show; the file always has all of them.
        folded
            Whether the report shows the caption alone until a reader opens it; for tables that
            repeat a figure, or that few readers look up.

        Raises
        ------
        KamError
            The id is malformed or in use, or a column is not in the glossary.
        """
        self._claim(id)
        shown = self._text(caption)
        limit = ROWS if rows is None else rows
        data = {
            "text/html": html_table(frame, id, shown, self.style, limit),
            "text/plain": text_table(frame, id, shown, self.style, limit),
        }
        self.tables[id] = frame
        kam = {"kind": "table", "id": id, "caption": shown}
        self._show(data, kam | ({"folded": "yes"} if folded else {}))

    def checks(self, checks: Iterable[Check]) -> None:
        """Show what was looked at, and what came of it; nothing where there is no check."""
        items, lines = [], []
        for check in checks:
            state, css = _STATES[check.passed]
            word, text = heading(state, self.style), self._text(check.note)
            anchor = escape("check-" + "-".join(check.name.split()))
            items.append(
                f'<li class="{css}" id="{anchor}"><strong>{escape(word)}</strong> '
                f"{escape(text)}</li>"
            )
            lines.append(f"{word}: {text}")
        if items:
            html = f'<ul class="kam-checks">{"".join(items)}</ul>'
            self._show({"text/html": html, "text/plain": "\n".join(lines)}, {"kind": "checks"})

    def _claim(self, id: str) -> None:
        if not re.fullmatch(r"[a-z0-9_]+", id):
            raise KamError(f"'{id}' cannot be an id: only a to z, 0 to 9 and _ are allowed")
        cell = _cell()
        # a researcher who runs one cell again replaces what it showed
        again = cell is not None and self._claims.get(id) == cell
        if (id in self.figures or id in self.tables) and not again:
            raise KamError(f"the id '{id}' is in use on this page already; choose another one")
        self._claims[id] = cell

    def _text(self, text: Sentence | str) -> str:
        if isinstance(text, Sentence):
            return say(text, self.style)
        return clean(" ".join(text.split()))

    def _show(
        self, data: dict[str, str], kam: dict[str, str], metadata: dict[str, Any] | None = None
    ) -> None:
        _display(  # type: ignore[no-untyped-call]
            data, raw=True, metadata={**(metadata or {}), "kam": kam}
        )


def _cell() -> str | None:
    """Return the id of the notebook cell that is running; None outside of one."""
    shell = get_ipython()
    kernel = getattr(shell, "kernel", None)
    if kernel is None:
        return None
    found = kernel.get_parent("shell").get("metadata", {}).get("cellId")
    return found if isinstance(found, str) else None
