"""Rows set aside: where they stand, what they are called, and a list that a spreadsheet opens safely."""

import csv

from kamlib.book import open_book


def sale(account="A", day="2024-01-05", amount="10", **more):
    return {"account_id": account, "date": day, "amount": amount} | more


def test_the_list_of_rows_set_aside(small, tmp_path):
    text = (
        "\n"  # line 1
        "account_id,date,amount,line_id\n"
        "A,2024-01-05,10,1\n"
        "\n"  # line 4
        "A,2024-01-05\n"  # line 5: too few
        'A,"2024-01-05",ten,2\n'
        "=cmd(),2024-01-06,-x,3\n"
        "A,2024-01-05,10,1\n"
    )
    book = small.open({"transactions": text}, as_of="2024-12-31")
    assert book.counts.iloc[0].tolist() == ["transactions", 5, 1, 4, 0]
    (path,) = book.write_rejected(tmp_path / "rejected")
    assert path.name == "transactions.csv"
    # the mark of UTF-8 lets a spreadsheet read Chinese
    assert path.read_bytes().startswith(b"\xef\xbb\xbftable,source,")
    with path.open(encoding="utf-8-sig", newline="") as stream:
        rows = [*csv.DictReader(stream)]
    assert [[row[c] for c in ("row", "record", "column", "rule", "value")] for row in rows] == [
        ["5", "", "", "not_a_record", "A,2024-01-05"],
        ["6", "2", "amount", "not_a_number", "ten"],
        # what a spreadsheet would compute is marked
        ["7", "3", "amount", "not_a_number", "'-x"],
        ["8", "1", "line_id", "repeated", "1"],
    ]
    assert {row["source"] for row in rows} == {"transactions.csv"}
    assert rows[1]["meaning"].startswith("not a number; expected e.g. 1234.50")


def test_the_list_in_chinese_beside_a_folder_with_an_apostrophe(small, tmp_path):
    rows = [sale(), sale("大连", amount="十")]
    book = small.open({"transactions": rows}, language="zh")
    (path,) = book.write_rejected(tmp_path / "it's")
    assert "不是数字" in path.read_text("utf-8-sig")
    assert ",大连,amount,not_a_number,十," in path.read_text("utf-8-sig")


def test_nothing_set_aside_writes_nothing(small, tmp_path):
    book = small.open({"transactions": [sale()]})
    assert book.write_rejected(tmp_path / "rejected") == []
    assert not (tmp_path / "rejected").exists()
    assert book.faults.empty


def test_rows_of_several_files_and_sheets_name_their_place(small, xlsx):
    unit = small.unit({"transactions": "account_id,date,amount\nA,2024-01-05,x\n"},
                      settings={"transactions": {"file": "*.*", "sheet": "*"}})  # fmt: skip
    head = ["account_id", "date", "amount"]
    xlsx(unit.folder / "b.xlsx", {"Q1": [head, ["A", "2024-01-05", 1]],
                                  "Q2": [head, [], ["A", "2024-01-05", "y"]]})  # fmt: skip
    rows = open_book(unit).rejected.execute()
    assert sorted(zip(rows.source, rows.row, rows.value, strict=True)) == [
        ("b.xlsx, sheet Q2", 3, "y"),
        ("transactions.csv", 2, "x"),
    ]
