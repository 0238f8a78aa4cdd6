"""An executed notebook becomes one self-contained HTML page.

The conclusion stands first, whatever its place in the notebook; code is one click away. Only HTML
of outputs that carry `kam` metadata is taken as HTML; of any other output the page shows its text.

The page is filled by a template of its own and not by one of nbconvert's, whose templates do not
escape by themselves, load scripts from elsewhere and lose the text alternatives of figures.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from nbformat import NotebookNode

from kamlib.glossary import LANGUAGES, Style, heading
from kamlib.report.layout import LANGUAGE_TAGS, fill, study_title
from kamlib.report.markdown import Heading, Prose
from kamlib.report.translation import translated

STUDY = "application/vnd.kam.study+json"
_HIDDEN = {"hide", "setup"}
_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_BASE64 = re.compile(r"[A-Za-z0-9+/]+={0,2}")


@dataclass
class _Section:
    blocks: list[dict[str, Any]] = field(default_factory=list)
    code: list[str] = field(default_factory=list)
    headings: list[Heading] = field(default_factory=list)


def study_facts(nb: NotebookNode) -> dict[str, Any]:
    """Return what the notebook says about itself: its last header output; empty where none is."""
    facts: dict[str, Any] = {}
    for cell in nb.cells:
        for output in cell.get("outputs", ()):
            facts = output.get("data", {}).get(STUDY, facts)
    return facts


def render_report(nb: NotebookNode, *, run_id: str = "") -> str:
    """Return the page of an executed notebook.

    Parameters
    ----------
    nb
        The notebook with its outputs; it is not changed.
    run_id
        Shown in the header, so that page and run record can be matched.
    """
    facts = study_facts(nb)
    language = facts.get("language")
    style = Style(language if language in LANGUAGES else "en", facts.get("currency", ""))
    prose = Prose(style)
    study = facts.get("study", "")
    lead, conclusion, sections = _sections(nb, prose, study, style.language)
    anchors = _unique_anchors([conclusion, *sections])
    checks = facts.get("checks", [])
    attention = [
        {"note": check["note"], "anchor": anchor if anchor in anchors else ""}
        for check in checks
        if check["passed"] is False
        for anchor in ["check-" + "-".join(check["name"].split())]
    ]
    return fill(
        "report.html.j2",
        style,
        facts=facts,
        run_id=run_id,
        question=prose.question or heading(study_title(study), style),
        lead=lead,
        conclusion=conclusion,
        sections=sections,
        contents=[item for part in (conclusion, *sections) for item in part.headings],
        checked=len(checks),
        attention=attention,
        left_out=sum(check["passed"] is None for check in checks),
    )


def _sections(
    nb: NotebookNode, prose: Prose, study: str, language: str
) -> tuple[dict[str, Any] | None, _Section, list[_Section]]:
    """Return the text under the question, the conclusion, and the other sections."""
    lead = None
    conclusion, sections = _Section(), [_Section()]
    for cell in nb.cells:
        tags = set(cell.metadata.get("tags", ()))
        if tags & _HIDDEN:
            continue
        part = conclusion if "conclude" in tags else sections[-1]
        if cell.cell_type == "code":
            part.code.append(cell.source)
            part.blocks += [block for output in cell.outputs for block in _blocks(output)]
        elif cell.cell_type == "markdown":
            asked = bool(prose.question)
            source, spoken = translated(cell, study, language)
            html, headings = prose.html(source)
            # marked only where it is not the language of the page
            lang = "" if spoken == language else LANGUAGE_TAGS[spoken]
            block = {"kind": "prose", "html": html, "lang": lang}
            if prose.question and not asked and not headings:
                lead = block
                continue
            opens = any(item.level == 2 for item in headings)
            # Code above the first heading (the parameters) goes with the first section.
            if opens and part is not conclusion and part.blocks:
                part = _Section()
                sections.append(part)
            part.headings += headings
            part.blocks.append(block)
    return lead, conclusion, [part for part in sections if part.blocks or part.code]


def _blocks(output: NotebookNode) -> list[dict[str, Any]]:
    """Return what the page shows of one output: one block or none."""
    if output.output_type == "stream":
        return _text(output.text) if output.name == "stdout" else []
    if output.output_type == "error":
        return _text("\n".join(output.traceback) or f"{output.ename}: {output.evalue}")
    data = output.data
    kam = output.metadata.get("kam", {})
    if STUDY in data:
        return []
    if "image/png" in data:
        return _picture(data["image/png"], output.metadata)
    if kam.get("kind") in ("table", "note", "checks") and "text/html" in data:
        return [{**kam, "html": _joined(data["text/html"])}]
    return _text(data.get("text/plain", ""))


def _joined(text: str | list[str]) -> str:
    return text if isinstance(text, str) else "".join(text)


def _text(text: str | list[str]) -> list[dict[str, Any]]:
    plain = _ANSI.sub("", _joined(text)).strip("\n")
    return [{"kind": "text", "text": plain}] if plain else []


def _picture(data: str | list[str], metadata: NotebookNode) -> list[dict[str, Any]]:
    png = re.sub(r"\s", "", _joined(data))
    if not _BASE64.fullmatch(png):
        return []
    size = metadata.get("image/png", {})
    kam = metadata.get("kam", {})
    return [
        {
            "kind": "figure",
            "id": kam.get("id", ""),
            "png": png,
            "alt": kam.get("alt") or size.get("alt") or "",
            "caption": kam.get("caption", ""),
            "width": size.get("width"),
            "height": size.get("height"),
        }
    ]


def _unique_anchors(parts: list[_Section]) -> set[str]:
    """Return all ids of tables and checks; take an id away where it stands a second time."""
    seen: set[str] = set()

    def first_only(match: re.Match[str]) -> str:
        if match[1] in seen:
            return ""
        seen.add(match[1])
        return match[0]

    for block in (block for part in parts for block in part.blocks):
        if block["kind"] in ("table", "checks"):
            block["html"] = re.sub(r' id="([^"]*)"', first_only, block["html"])
    return seen
