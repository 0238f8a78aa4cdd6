"""Workbooks: read back by another program, part by part, and safe from hostile names."""

from __future__ import annotations

import zipfile
from datetime import date
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from python_calamine import CalamineWorkbook

from kamlib.errors import KamError
from kamlib.glossary import Style
from kamlib.show.excel import write_excel

MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
FRAME = pd.DataFrame(
    {
        "account_id": ["a1", "a2", "a3"],
        "name": ["Acme & Söhne <Ltd>", "大连港", None],
        "tier_in_force": ["gold", None, "iron"],
        "p_leave": [0.25, np.nan, 1.0],
        "expected_loss": [1234.5, -7.0, np.inf],
        "open_complaints": [0.0, 2.0, np.nan],
        "last_contact_on": pd.to_datetime(["2025-12-01", None, "2024-02-29"]),
    }
)


def rows_of(path: Path, sheet: int = 0) -> list[list[object]]:
    return CalamineWorkbook.from_path(str(path)).get_sheet_by_index(sheet).to_python()


def cells_of(path: Path) -> list[ElementTree.Element]:
    with zipfile.ZipFile(path) as book:
        parts = {name: ElementTree.fromstring(book.read(name)) for name in book.namelist()}
    return list(parts["xl/worksheets/sheet1.xml"].iter(f"{MAIN}c"))


def test_another_program_reads_what_was_written(tmp_path):
    path = tmp_path / "list.xlsx"
    write_excel({"Watch list": FRAME}, path, Style(currency="EUR"))
    assert CalamineWorkbook.from_path(str(path)).sheet_names == ["Watch list"]
    head, *rows = rows_of(path)
    assert head[0] == "Account"
    assert head[3:5] == ["Chance to leave", "Expected loss (EUR)"]
    assert rows[0][1:] == ["Acme & Söhne <Ltd>", "gold", 0.25, 1234.5, 0.0, date(2025, 12, 1)]
    # what is unknown, or infinite, is an empty cell
    assert rows[1][1:] == ["大连港", "", "", -7.0, 2.0, ""]
    assert rows[2][4:] == ["", "", date(2024, 2, 29)]


def test_headers_and_terms_in_chinese(tmp_path):
    path = tmp_path / "list.xlsx"
    write_excel({"Accounts": FRAME}, path, Style("zh", "CNY"))
    head, first, *_ = rows_of(path)
    assert head[4] == "预期流失价值（CNY）"
    assert first[2] == "黄金"


@pytest.mark.parametrize(
    "name",
    [
        '=HYPERLINK("http://x","y")',
        "+1",
        "-1+cmd",
        "@sum",
        "\t=1",
        " =1",
        chr(0xFF1D) + "1",
        "=a&b<c>",
    ],
)
def test_names_that_would_compute_are_text_and_marked_as_such(tmp_path, name):
    path = tmp_path / "list.xlsx"
    write_excel({"List": pd.DataFrame({"name": [name]})}, path)
    head, cell = cells_of(path)
    # a text of the workbook's list of texts, no formula
    assert cell.get("t") == head.get("t") == "s"
    assert cell.find(f"{MAIN}f") is None
    # as it was, without what nobody sees
    assert rows_of(path)[1] == [name.replace("\t", "")]
    with zipfile.ZipFile(path) as book:
        styles = ElementTree.fromstring(book.read("xl/styles.xml"))
    formats = styles.find(f"{MAIN}cellXfs")
    assert formats is not None
    assert formats[int(cell.get("s"))].get("quotePrefix") == "1"
    assert formats[int(head.get("s"))].get("quotePrefix") is None


def test_addresses_do_not_become_links(tmp_path):
    path = tmp_path / "list.xlsx"
    write_excel({"List": pd.DataFrame({"name": ["https://example.org", "mailto:a@b"]})}, path)
    with zipfile.ZipFile(path) as book:
        assert b"hyperlink" not in book.read("xl/worksheets/sheet1.xml")


def test_numbers_are_shown_as_in_the_report(tmp_path):
    path = tmp_path / "list.xlsx"
    write_excel({"List": FRAME.head(1)}, path)
    with zipfile.ZipFile(path) as book:
        styles = ElementTree.fromstring(book.read("xl/styles.xml"))
    codes = {f.get("numFmtId"): f.get("formatCode") for f in styles.iter(f"{MAIN}numFmt")}
    formats = styles.find(f"{MAIN}cellXfs")
    assert formats is not None
    assert formats.get("count") == str(len(formats))
    # 3 is a number of Excel's own
    codes["3"] = "#,##0"
    places = [int(c.get("s", "0")) for c in cells_of(path)[7:]]
    shown = [codes.get(formats[place].get("numFmtId")) for place in places]
    assert shown == [None, None, None, "0.0%", "#,##0", "#,##0", "yyyy-mm-dd"]


def test_an_estimate_is_shown_as_its_row_names_it(tmp_path):
    path = tmp_path / "list.xlsx"
    frame = pd.DataFrame({"term": ["auc", "brier_scaled"], "estimate": [0.75, 0.1]})
    write_excel({"List": frame}, path)
    ratio, share = (cell.get("s") for cell in cells_of(path)[3::2])
    assert ratio != share
    assert rows_of(path)[1:] == [["Told apart (AUC)", 0.75], ["Squared error taken away", 0.1]]


def test_sheet_names_are_such_as_excel_takes(tmp_path):
    path = tmp_path / "list.xlsx"
    frame = FRAME.head(1)
    long = "A name of more than thirty-one characters"
    write_excel({long: frame, long + "!": frame, "a/b": frame, "A:B": frame, "[]": frame}, path)
    names = CalamineWorkbook.from_path(str(path)).sheet_names
    assert names == [long[:31], long[:29] + " 2", "a b", "A B 2", "-"]
    assert all(len(rows_of(path, n)) == 2 for n in range(5))


def test_same_frames_same_bytes_and_no_row_is_fine(tmp_path):
    first, again, none = (tmp_path / f"{name}.xlsx" for name in "abc")
    write_excel({"List": FRAME}, first)
    write_excel({"List": FRAME}, again)
    assert first.read_bytes() == again.read_bytes()
    write_excel({"List": FRAME.head(0)}, none)
    assert len(rows_of(none)) == 1


def test_hostile_and_endless_text(tmp_path):
    path = tmp_path / "list.xlsx"
    names = ["a\x00b\x0bc\u202ed\ud800", "x" * 40_000]
    write_excel({"List": pd.DataFrame({"name": names})}, path)
    assert [row[0] for row in rows_of(path)[1:]] == ["abcd", "x" * 32_767]


def test_days_before_excel_counts_are_text(tmp_path):
    path = tmp_path / "list.xlsx"
    days = [pd.Timestamp("1899-05-01"), pd.Timestamp("2025-01-31")]
    write_excel({"List": pd.DataFrame({"last_contact_on": days})}, path)
    assert [row[0] for row in rows_of(path)[1:]] == ["1899-05-01", date(2025, 1, 31)]


def test_nothing_to_write_is_refused(tmp_path):
    with pytest.raises(KamError, match="at least one sheet"):
        write_excel({}, tmp_path / "list.xlsx")
