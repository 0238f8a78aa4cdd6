"""Markdown cells as HTML: no mathematics, no raw HTML, no pictures from elsewhere."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from html import escape, unescape
from typing import Any

import mistune

from kamlib.glossary import Style, heading
from kamlib.report.layout import LANGUAGE_TAGS


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading as it stands in the page: level 2 or deeper, element id, plain text."""

    level: int
    anchor: str
    text: str


class Prose(mistune.HTMLRenderer):
    """Renders the Markdown cells of one notebook and keeps account of their headings.

    Attributes
    ----------
    question
        Text of the first H1, which the page shows in its header; any later H1 becomes an H2.
    """

    def __init__(self, style: Style) -> None:
        super().__init__(escape=True)
        self.question = ""
        self._style = style
        self._found: list[Heading] = []
        self._times: Counter[str] = Counter()
        self._markdown = mistune.create_markdown(renderer=self, plugins=["table", "strikethrough"])

    def html(self, source: str) -> tuple[str, list[Heading]]:
        """Return the HTML of a cell and the headings within it, in order."""
        self._found = []
        return str(self._markdown(source)), self._found

    def heading(self, text: str, level: int, **attrs: Any) -> str:
        """Return a heading with a unique id, in the page's language where it is known there."""
        english = unescape(re.sub(r"<[^>]+>", "", text)).strip()
        plain = heading(english, self._style)
        if level == 1 and not self.question:
            self.question = plain
            return ""
        level = max(level, 2)
        tag = f"h{level}"
        anchor = self._anchor(plain)
        self._found.append(Heading(level, anchor, plain))
        if plain == english:
            return f'<{tag} id="{anchor}">{text}</{tag}>\n'
        lang = LANGUAGE_TAGS[self._style.language]
        return f'<{tag} id="{anchor}" lang="{lang}">{escape(plain)}</{tag}>\n'

    def _anchor(self, text: str) -> str:
        # The prefix keeps a heading apart from ids of tables, figures and checks.
        anchor = "s-" + re.sub(r"\W+", "-", text.lower()).strip("-")
        self._times[anchor] += 1
        times = self._times[anchor]
        return anchor if times == 1 else f"{anchor}--{times}"

    def image(self, text: str, url: str, title: str | None = None) -> str:
        """Return a picture that stands within the cell; of any other, its text alternative."""
        words = text or heading("Picture without a description", self._style)
        return super().image(words, url, title) if url.startswith("data:image/") else words

    def table(self, text: str) -> str:
        """Return a table in a box of its own, so that a wide one does not widen the page."""
        return f'<div class="scroll" tabindex="0"><table>\n{text}</table></div>\n'

    def table_cell(self, text: str, align: str | None = None, head: bool = False) -> str:
        """Return a cell, aligned by class: inline styles are locked out."""
        tag = "th" if head else "td"
        css = ' class="n"' if align == "right" else ""
        return f"<{tag}{css}>{text}</{tag}>"
