"""Files of every kind as tables whose rows know where they stand."""

import csv
import sqlite3
from datetime import date, datetime

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kamlib.book import files
from kamlib.book.engine import embedded
from kamlib.errors import BookError
from kamlib.params import TableSource

TWO = "a,b\n1,x\n2,y\n"


@pytest.fixture(scope="module")
def con():
    return embedded("UTC")


@pytest.fixture
def opened(con, tmp_path):
    """Return a function: content -> ({row: cells}, [(row, line) that is no record])."""

    def call(content, name="file.csv", **settings):
        path = tmp_path / name
        if content is not None:
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        found = files.open_file(con, path, TableSource(**settings), "transactions")
        frame = found.table.execute()
        places = frame.pop(files.ROW)
        assert not places.duplicated().any()
        records = [tuple(None if pd.isna(cell) else cell for cell in row) for row in frame.values]
        lines = found.malformed[["row", "value"]].itertuples(index=False, name=None)
        return dict(sorted(zip(places, records, strict=True))), [*lines]

    return call


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16", "utf-16-be"])
def test_text_in_any_encoding(opened, encoding):
    text = "客户,金额\n大连港务,1\n"
    if encoding == "utf-16-be":
        text = "\ufeff" + text
    rows, _ = opened(text.encode(encoding))
    assert rows == {2: ("大连港务", "1")}


def test_an_encoding_that_is_stated(opened):
    assert opened("n\ncafé\nMüller\n".encode("cp1252"), encoding="cp1252")[0] == {
        2: ("café",),
        3: ("Müller",),
    }


def test_western_text_is_not_taken_for_chinese(opened):
    # in GB18030 these bytes would be the nonsense characters 黮, 鰊: wrong without a word
    with pytest.raises(BookError, match=r"file\.csv is not text in UTF-8 or GB18030.*cp1252"):
        opened("n\nMüller\nNîmes\n".encode("cp1252"))


def test_an_encoding_that_does_not_exist(opened):
    with pytest.raises(BookError, match="'utf-88' is not a known text encoding"):
        opened(TWO, encoding="utf-88")


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
def test_separators_are_found_out(opened, mark):
    # the heading holds every other separator within its quotation marks
    others = "".join({",", ";", "\t", "|"} - {mark}) * 3
    rows, _ = opened(f'"a{others}"{mark}b\n1{mark}"2{mark}3"\n')
    assert rows == {2: ("1", f"2{mark}3")}


def test_a_separator_that_is_stated(opened):
    assert opened("a:b\n1:2\n", delimiter=":")[0] == {2: ("1", "2")}


@pytest.mark.parametrize(
    ("text", "rows", "lines"),
    [
        # line 1 is the header wherever it is the first that is not blank
        ("a,b\n1,x\n2,y\n", {2: ("1", "x"), 3: ("2", "y")}, []),
        ("a,b\r\n1,x\r\n2,y", {2: ("1", "x"), 3: ("2", "y")}, []),
        ("a,b\r1,x\r2,y\r", {2: ("1", "x"), 3: ("2", "y")}, []),
        ("\n\na,b\n1,x\n", {4: ("1", "x")}, []),
        ("\r\na,b\r\n1,x\r\n", {3: ("1", "x")}, []),
        ("a,b\n\n1,x\n\n\n2,y\n\n\n", {3: ("1", "x"), 6: ("2", "y")}, []),
        ("a,b\n  \n1,x\n , \n2,y\n", {3: ("1", "x"), 5: ("2", "y")}, []),
        ("a,b\n,\n1,x\n", {3: ("1", "x")}, []),
        # too few, too many
        ("a,b\n1\n1,x\n1,x,2\n2,y\n", {3: ("1", "x"), 5: ("2", "y")}, [(2, "1"), (4, "1,x,2")]),
        # a record over two lines stands where it begins
        ('a,b\n1,"x\ny"\n2,y\n', {2: ("1", "x\ny"), 4: ("2", "y")}, []),
        ('a,b\n1,"x\n\ny"\n2\n2,y\n', {2: ("1", "x\n\ny"), 6: ("2", "y")}, [(5, "2")]),
        # a mark that is never closed costs its own line, not the rest of the file
        ('a,b\n1,"x\n2,y\n3,z\n', {3: ("2", "y"), 4: ("3", "z")}, [(2, '1,"x')]),
        ('a,b\n1,"x\n2,y\n3,"z"\n', {3: ("2", "y"), 4: ("3", "z")}, [(2, '1,"x')]),
        ('a,b\n1,"x"y\n2,y\n', {3: ("2", "y")}, [(2, '1,"x"y')]),
        # what is no fault
        ('a,b\n1,5" pipe\n', {2: ("1", '5" pipe')}, []),
        ('a,b\n1,"he said ""no"""\n', {2: ("1", 'he said "no"')}, []),
        ('a,b\n1, "x, y"\n', {2: ("1", "x, y")}, []),
        ("a,b,\n1,x,\n2,y,,\n", {2: ("1", "x"), 3: ("2", "y")}, []),
        ("a\n1\n\n2\n", {2: ("1",), 4: ("2",)}, []),
        ("a,,c\n1,2,3\n", {2: ("1", "2", "3")}, []),
        ("a,b\n1,\n,x\n", {2: ("1", None), 3: (None, "x")}, []),
        ("a,b\n", {}, []),
    ],
)
def test_rows_stand_where_a_person_finds_them(opened, text, rows, lines):
    found, malformed = opened(text)
    assert {row: tuple(cell or None for cell in cells) for row, cells in found.items()} == rows
    assert malformed == lines


def test_a_heading_over_two_lines(opened):
    assert opened('a,"b\nc"\n1,2\n')[0] == {3: ("1", "2")}


# a carriage return alone is left out: programs differ in whether it ends a line
CELLS = st.text(
    st.characters(codec="utf-8", exclude_characters="\x00\r") | st.sampled_from('",;\n\t ='),
    max_size=6,
)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(CELLS, CELLS), max_size=6), st.booleans())
def test_what_a_csv_writer_wrote_is_read_back(tmp_path_factory, rows, careful):
    path = tmp_path_factory.mktemp("csv") / "file.csv"
    rows = [*rows, ("end", "x")]
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, quoting=csv.QUOTE_ALL, lineterminator="\n")
        writer.writerows([("a", "b"), *rows])
        # an empty line before the last record calls for the careful pass
        stream.write("\nlast,y\n" if careful else "last,y\n")
    found = files.open_file(embedded("UTC"), path, TableSource(), "t")
    frame = found.table.order_by(files.ROW).select(files.ROW, "a", "b").execute().fillna("")
    expected, line = [], 2
    for a, b in rows:
        if a.strip(" ") or b.strip(" "):
            expected.append((line, a, b))
        line += 1 + a.count("\n") + b.count("\n")
    expected.append((line + careful, "last", "y"))
    assert [*frame.itertuples(index=False, name=None)] == expected
    assert found.malformed.empty


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"the file file\.csv is empty; export it again, with a header line"),
        ("\n \n\r\n", r"the file file\.csv is empty; export it again, with a header line"),
        ("a,b,a\n1,2,3\n", r"file\.csv has the heading 'a' twice; rename one"),
        (",,\n1,2,3\n", r"file\.csv has no header line; the first line must name columns"),
    ],
)
def test_headers_that_cannot_be_used(opened, text, message):
    with pytest.raises(BookError, match=message):
        opened(text)


@pytest.mark.parametrize("extra", ["", "\n"], ids=["fast", "careful"])
def test_headings_may_be_words_of_the_engine(opened, extra):
    text = 'rowid,_row,"select","a""b",c0\n1,2,3,4,5\n'
    assert opened(text + extra + "6,7,8,9,10\n")[0] == {
        2: ("1", "2", "3", "4", "5"),
        3 + len(extra): ("6", "7", "8", "9", "10"),
    }


@pytest.mark.parametrize("name", ["sales[1].csv", "what?*.csv", "it's.csv", "a b#c%20.csv"])
def test_file_names_are_no_patterns(opened, name):
    assert opened(TWO, name)[0] == {2: ("1", "x"), 3: ("2", "y")}


@pytest.mark.parametrize("name", ["book.docx", "book", "book.json"])
def test_files_of_other_kinds(opened, name):
    with pytest.raises(BookError, match=rf"{name} is of no kind that can be read; give CSV, Excel"):
        opened(TWO, name)


@pytest.mark.parametrize("name", ["sales.xlsx", "sales.xls", "sales.ods", "sales.parquet"])
def test_files_that_are_not_what_they_are_called(opened, name):
    kind = name.split(".")[1]
    with pytest.raises(BookError, match=rf"{name} cannot be read as a {kind} file .*save it again"):
        opened(TWO, name)


def test_a_temporary_copy_is_not_left_behind(opened, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    opened("a,b\n大连,1\n".encode("gb18030"))
    with pytest.raises(BookError, match="twice"):
        opened("a,a\n大连,1\n".encode("gb18030"))
    assert [path.name for path in tmp_path.iterdir()] == ["file.csv"]


def test_excel_cells_become_text_as_a_person_reads_them(opened, tmp_path, xlsx):
    cells = ["A1", 12345.0, 0.5, date(2024, 1, 5), datetime(2024, 1, 5, 9, 30), None, "=1+1"]
    xlsx(tmp_path / "f.xlsx", {"S": [["t", "id", "x", "day", "time", "none", "f"], cells]})
    rows, _ = opened(None, "f.xlsx")
    assert rows == {2: ("A1", "12345", "0.5", "2024-01-05", "2024-01-05 09:30:00", None, "=1+1")}


def test_excel_rows_stand_where_a_person_finds_them(opened, tmp_path, xlsx):
    xlsx(tmp_path / "f.xlsx", {"S": [[], [None, "a", "b"], [], [None, 1, "x"], [], [None, 2, "y"]]})
    # the header stands in the second row and second column
    assert opened(None, "f.xlsx")[0] == {4: ("1", "x"), 6: ("2", "y")}


def test_excel_sheets(opened, con, tmp_path, xlsx):
    path = tmp_path / "f.xlsx"
    sheets = {"2023": [["a", "b"], [1, "x"]], "notes": [], "2024": [["b", "a"], ["y", 2], ["z", 3]]}
    xlsx(path, sheets)
    assert opened(None, "f.xlsx")[0] == {2: ("1", "x")}
    assert opened(None, "f.xlsx", sheet="2024")[0] == {2: ("y", "2"), 3: ("z", "3")}
    table = files.open_file(con, path, TableSource(sheet="*"), "t").table
    found = (
        table.order_by("sheet", files.ROW)
        .select("a", "b", "sheet", files.ROW, files.SOURCE)
        .execute()
    )
    assert found.values.tolist() == [
        ["1", "x", "2023", 2, "f.xlsx, sheet 2023"],
        ["2", "y", "2024", 2, "f.xlsx, sheet 2024"],
        ["3", "z", "2024", 3, "f.xlsx, sheet 2024"],
    ]
    with pytest.raises(BookError, match=r"f\.xlsx has no sheet '2025'; it has 2023, notes, 2024"):
        opened(None, "f.xlsx", sheet="2025")


def test_a_heading_named_sheet(opened, tmp_path, xlsx):
    xlsx(tmp_path / "f.xlsx", {"S": [["a", "sheet"], [1, "mine"]]})
    assert opened(None, "f.xlsx")[0] == {2: ("1", "mine")}


def test_an_empty_workbook(opened, tmp_path, xlsx):
    xlsx(tmp_path / "f.xlsx", {"S": [], "T": []})
    with pytest.raises(BookError, match=r"f\.xlsx has no header line"):
        opened(None, "f.xlsx")
    with pytest.raises(BookError, match=r"the file f\.xlsx is empty"):
        opened(None, "f.xlsx", sheet="*")


def test_parquet_records_are_numbered(opened, tmp_path):
    pd.DataFrame({"a": [7, 8], "b": ["x", None]}).to_parquet(tmp_path / "f [1].parquet")
    assert opened(None, "f [1].parquet")[0] == {1: (7, "x"), 2: (8, None)}


def test_sqlite_tables_are_read_as_text_and_left_alone(con, tmp_path):
    path = tmp_path / "it's #1 100%.sqlite"
    link = sqlite3.connect(path)
    link.execute('create table "my sales" (id integer, "day" text, amount real, note blob)')
    link.execute("""insert into "my sales" values (1, '2024-01-05', 2.5, null), (2, null, 3, '')""")
    link.commit()
    link.close()
    before = path.read_bytes()
    assert files.sqlite_tables(path) == ["my sales"]
    found = files.open_sqlite(con, path, "my sales", "transactions").table.execute()
    assert found.astype(object).where(found.notna(), None).values.tolist() == [
        ["1", "2024-01-05", "2.5", None, 1],
        ["2", None, "3", None, 2],
    ]
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
