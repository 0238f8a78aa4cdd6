"""The prose of every notebook stands in Chinese beside it, and is that of its present words."""

import copy
import re
from pathlib import Path

import nbformat
import pytest
from bs4 import BeautifulSoup

from kamlib.glossary import headings
from kamlib.report.render import STUDY, render_report
from kamlib.report.translation import digest, translations

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("[1-9]*.ipynb"))
HEADING = re.compile(r"^(#+) +(.+)$", re.MULTILINE)
HAN = "\u4e00-\u9fff"
# names of the glossary's symbols aside, no run of Latin words belongs into Chinese prose
ENGLISH = re.compile(r"[A-Za-z]{2,}(?:\W+[A-Za-z]{2,})+")
HALF_WIDTH = re.compile(rf"[{HAN}][,.;:?!()]|[,;:?!()][{HAN}]")

every_study = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def study(path):
    return path.stem.partition("_")[2]


def visible(path):
    """Return the markdown cells that a page shows, by id."""
    cells = nbformat.read(path, as_version=4).cells
    return {
        cell.id: cell
        for cell in cells
        if cell.cell_type == "markdown" and "hide" not in cell.metadata.get("tags", ())
    }


def test_there_are_studies():
    assert {study(path) for path in NOTEBOOKS} == set(translations())


@every_study
def test_every_cell_is_translated_as_it_stands(path):
    cells, known = visible(path), translations().get(study(path), {})
    lacking = [
        f'[{name}]\nof = "{digest(cell.source)}"\nzh = …\n{cell.source}\n'
        for name, cell in cells.items()
        if known.get(name, {}).get("of") != digest(cell.source)
    ]
    gone = sorted(set(known) - set(cells))
    file = f"kamlib/text/prose/{study(path)}.toml"
    assert not lacking, (
        f"{len(lacking)} cell(s) of {path.name} are new or were changed since they were translated. "
        f"Bring these entries of {file} up to date, first `zh`, then `of`:\n\n" + "\n".join(lacking)
    )
    assert not gone, f"{path.name} no longer shows these cells; take them out of {file}: {gone}"


@every_study
def test_headings_are_those_of_the_glossary(path):
    for name, cell in visible(path).items():
        chinese = HEADING.findall(translations()[study(path)][name]["zh"])
        assert chinese == [
            (level, headings()[words]) for level, words in HEADING.findall(cell.source)
        ], name


@every_study
def test_translations_are_whole_and_well_set(path):
    for name, cell in visible(path).items():
        chinese = translations()[study(path)][name]["zh"].strip()
        parts = [re.split(r"\n\n|\n(?=- )", text.strip()) for text in (cell.source, chinese)]
        assert len(parts[0]) == len(parts[1]), f"{name}: a paragraph or an item is lost"
        assert not any("\n" in part for part in parts[1]), f"{name}: a break would show as a blank"
        assert all(re.search(f"[{HAN}]", part) for part in parts[1]), name
        assert not HALF_WIDTH.search(chinese), f"{name}: {HALF_WIDTH.search(chinese)}"


def in_chinese(path):
    """Return a committed notebook as a unit that reads Chinese would have it."""
    book = copy.deepcopy(nbformat.read(path, as_version=4))
    for cell in book.cells:
        for output in cell.get("outputs", ()):
            if STUDY in output.get("data", {}):
                output.data[STUDY]["language"] = "zh"
    return book


@every_study
def test_no_paragraph_of_a_chinese_page_is_english(path):
    page = BeautifulSoup(render_report(in_chinese(path)), "html.parser")
    assert page.html["lang"] == "zh-CN"
    prose = page.select(".prose")
    assert len(prose) > 5
    assert [part.get_text()[:60] for part in prose if part.has_attr("lang")] == []
    said = [part for block in prose for part in block.select("p, li, h2, h3, h4")]
    said += [page.h1, *page.select("nav li")]
    texts = [part.get_text(" ", strip=True) for part in said]
    assert [text for text in texts if not re.search(f"[{HAN}]", text)] == []
    assert [text for text in texts if ENGLISH.search(text)] == []
    # what is emphasised is a word and not its asterisks
    assert [text for text in texts if "*" in text] == []
    # contents lead to headings that are there
    ids = {tag["id"] for tag in page.find_all(id=True)}
    assert {link["href"].removeprefix("#") for link in page.select("nav li a")} <= ids
