"""Online Retail II: a small record in its three forms, and the real one where it is there."""

from datetime import datetime
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest
import yaml

from kamlib.book import adapters, open_book
from kamlib.book.engine import quoted
from kamlib.book.source import open_origin
from kamlib.errors import BookError, ParamError
from kamlib.params import load_unit, unit_from
from kamlib.value.concentration import concentration

HEAD = ["Invoice", "StockCode", "Description", "Quantity", "InvoiceDate", "Price", "Customer ID",
        "Country"]  # fmt: skip
FIRST, SECOND = "Year 2009-2010", "Year 2010-2011"
MORNING = datetime(2010, 12, 1, 8, 26)
LINES = [
    # an order of two lines, of which the second sheet repeats one
    (FIRST, ["536365", "85123A", "HEART, HANGING", 6, MORNING, 2.55, 17850, "United Kingdom"]),
    (FIRST, ["536365", "71053", 'LANTERN "WHITE"', 6, MORNING, 3.39, 17850, "United Kingdom"]),
    (SECOND, ["536365", "85123A", "HEART, HANGING", 6, MORNING, 2.55, 17850, "United Kingdom"]),
    # a credit note, a correction and a discount count
    (FIRST, ["C536379", "85123A", "HEART", -1, datetime(2010, 11, 2), 2.55, 17850, "United Kingdom"]),
    (FIRST, ["C536380", "D", "Discount", -1, datetime(2010, 11, 2), 7.5, 17850, "United Kingdom"]),
    (FIRST, ["536390", "M", "Manual", 1, datetime(2010, 11, 3), 1.25, 12583, "France"]),
    # no customer; no goods, whatever their case
    (FIRST, ["536391", "22086", "CHAIN", 2, datetime(2010, 11, 4), 3.0, None, "United Kingdom"]),
    (FIRST, ["536392", "POST", "POSTAGE", 3, datetime(2010, 11, 4), 18.0, 12583, "France"]),
    (FIRST, ["536393", "BANK CHARGES", "", 1, datetime(2010, 11, 4), 15.0, 12583, "France"]),
    (FIRST, ["536394", "TEST001", "test", 5, datetime(2010, 11, 4), 4.5, 12346, "United Kingdom"]),
    (FIRST, ["536395", "adjust2", "", 1, datetime(2010, 11, 4), 1.0, 12346, "United Kingdom"]),
    (SECOND, ["540000", "22086", "CHAIN", 10, datetime(2011, 1, 4), 0.5, 12583, "Spain"]),
    (SECOND, ["540001", "22086", "CHAIN", 10, datetime(2011, 1, 5), 0.5, 12583, "Spain"]),
    (SECOND, ["540002", "22086", "CHAIN", 10, datetime(2011, 1, 6), 0.5, 99999, "EIRE"]),
    (SECOND, ["540003", "22086", "CHAIN", 1, datetime(2011, 1, 7), 2.0, 77777, "Japan"]),
]  # fmt: skip
KEPT = [
    # account, day, amount = quantity · price, order, product
    ("12583", "2010-11-03", 1.25, "536390", "M"),
    ("12583", "2011-01-04", 5.0, "540000", "22086"),
    ("12583", "2011-01-05", 5.0, "540001", "22086"),
    ("17850", "2010-11-02", -7.5, "C536380", "D"),
    ("17850", "2010-11-02", -2.55, "C536379", "85123A"),
    ("17850", "2010-12-01", 15.3, "536365", "85123A"),
    ("17850", "2010-12-01", 20.34, "536365", "71053"),
    ("77777", "2011-01-07", 2.0, "540003", "22086"),
    ("99999", "2011-01-06", 5.0, "540002", "22086"),
]


@pytest.fixture(scope="module")
def records(tmp_path_factory, xlsx) -> dict[str, Path]:
    """The record as its source gives it (XLSX), as CSV and as Parquet."""
    folder = tmp_path_factory.mktemp("record")
    frame = pd.DataFrame([[*line, sheet] for sheet, line in LINES], columns=[*HEAD, "sheet"])
    frame["Customer ID"] = frame["Customer ID"].astype("Int64")
    paths = {kind: folder / f"online_retail_II.{kind}" for kind in ("csv", "xlsx", "parquet")}
    frame.to_csv(paths["csv"], index=False)
    frame.to_parquet(paths["parquet"], index=False)
    sheets = {s: [HEAD, *(line for sheet, line in LINES if sheet == s)] for s in (FIRST, SECOND)}
    xlsx(paths["xlsx"], sheets)
    return paths


def open_record(path, *countries):
    book = {"adapter": "online-retail-ii", "file": str(path), "countries": list(countries)}
    raw = {"book": book, "currency": "GBP", "time_zone": "Europe/London"}
    return open_book(unit_from(raw, name="record", folder=path.parent))


@pytest.mark.parametrize("kind", ["csv", "xlsx", "parquet"])
def test_every_form_gives_the_same_rows(records, kind):
    book = open_record(records[kind])
    columns = ["account_id", "date", "amount", "order_id", "product"]
    rows = book["transactions"].select(*columns).execute()
    rows["date"] = rows["date"].astype(str)
    rows["amount"] = rows["amount"].round(9)
    assert sorted(rows.itertuples(index=False, name=None)) == KEPT
    # 15 lines: one stands on two sheets, one has no customer, four are no goods
    assert book.counts.iloc[0].tolist() == ["transactions", 15, 9, 6, 0]
    found = book.faults.set_index("rule")["n_rows"].to_dict()
    assert found == {"not_goods": 4, "missing": 1, "on_two_sheets": 1}


def test_rows_set_aside_stand_where_a_person_finds_them(records):
    rows = open_record(records["xlsx"]).rejected.execute()
    found = {(r.source, r.row, r.rule, r.value) for r in rows.itertuples()}
    name = "online_retail_II.xlsx, sheet"
    assert found == {
        (f"{name} {SECOND}", 2, "on_two_sheets", "536365"),
        (f"{name} {FIRST}", 6 + 1, "missing", None),
        (f"{name} {FIRST}", 8, "not_goods", "POST"),
        (f"{name} {FIRST}", 9, "not_goods", "BANK CHARGES"),
        (f"{name} {FIRST}", 10, "not_goods", "TEST001"),
        (f"{name} {FIRST}", 11, "not_goods", "adjust2"),
    }


def test_an_account_belongs_to_the_country_of_most_of_its_lines(records):
    found = dict(open_record(records["parquet"])["accounts"].select("account_id", "region")
                 .execute().values)  # fmt: skip
    # 12583 has three lines in France (two of them no goods) and two in Spain
    assert found == {"17850": "United Kingdom", "12583": "France", "12346": "United Kingdom",
                     "77777": "Japan", "99999": "EIRE"}  # fmt: skip


def test_units_by_country_read_every_line_once(records, root):
    written = adapters.import_record("online-retail-ii", records["csv"], root / "params")
    assert [path.name for path in written] == [
        "online_retail_uk.yaml", "online_retail_ireland.yaml", "online_retail_europe.yaml",
        "online_retail_overseas.yaml",
    ]  # fmt: skip
    counts = {p.stem: open_book(load_unit(p.stem)).counts.n_read.iloc[0] for p in written}
    # seven lines of the United Kingdom and one without customer, one of EIRE, five of France and
    # Spain, one of Japan: 8 + 1 + 5 + 1
    assert counts == {
        "online_retail_uk": 8, "online_retail_ireland": 1, "online_retail_europe": 5,
        "online_retail_overseas": 1,
    }  # fmt: skip
    unit = load_unit("online_retail_europe")
    assert unit.currency == "GBP"
    assert unit.shown_title == "Online Retail – continental Europe"


def test_a_group_without_a_line_has_no_unit(records, root):
    frame = pd.read_parquet(records["parquet"])
    frame[frame["Country"] == "Japan"].to_parquet(root / "japan.parquet")
    written = adapters.import_record("online-retail-ii", root / "japan.parquet", root / "params")
    assert [path.stem for path in written] == ["online_retail_overseas"]
    # the file is named relative to the folder of the parameters
    assert yaml.safe_load(written[0].read_text())["book"]["file"] == "../japan.parquet"


def test_what_is_no_such_record(records, root):
    (root / "other.csv").write_text("Invoice,StockCode,Qty\n1,2,3\n")
    with pytest.raises(BookError) as caught:
        open_record(root / "other.csv")
    assert caught.value.faults == (
        "other.csv is not Online Retail II: no column Quantity, InvoiceDate, Price, Customer ID, "
        "Country (columns found: Invoice, StockCode, Qty)",
    )
    with pytest.raises(ParamError, match=r"'online-retail' is not an adapter.*'online-retail-ii'"):
        adapters.import_record("online-retail", records["csv"], root / "params")
    with pytest.raises(ParamError, match=r"no file .*nowhere\.csv"):
        adapters.import_record("online-retail-ii", root / "nowhere.csv", root / "params")
    raw = {"book": {"adapter": "online-retail-iii", "file": str(records["csv"])}}
    with pytest.raises(BookError, match=r"book\.adapter: .*did you mean 'online-retail-ii'"):
        open_book(unit_from(raw, name="record", folder=root))


def test_countries_that_the_record_lacks(records):
    with pytest.raises(BookError, match="no rows"):
        open_record(records["csv"], "Atlantis")


@pytest.fixture(scope="module")
def real(data_folder, require) -> Path:
    path = data_folder / "online_retail_II.parquet"
    return require(
        "data", path.is_file() and path, "online_retail_II.parquet is not in KAM_DATA_DIR"
    )


def sql(path, query):
    return duckdb.sql(query.replace("RECORD", quoted(str(path)))).fetchall()


def test_the_real_record_is_whole(real):
    assert sql(real, "select sheet, count(*) from RECORD group by all order by all") == [
        (FIRST, 525_461),
        (SECOND, 541_910),
    ]
    assert sql(
        real, 'select count(distinct Invoice), count(distinct "Customer ID") from RECORD'
    ) == [(53_628, 5_942)]
    book = open_record(real)
    counts = book.counts.set_index("table").loc["transactions"]
    assert counts.n_read == 525_461 + 541_910 == 1_067_371
    assert counts.n_read == counts.n_kept + counts.n_set_aside + counts.n_later
    found = book.faults.set_index("rule")["n_rows"]
    assert found["missing"] == 243_007
    assert book.counts.set_index("table").n_kept["accounts"] == 5_942
    # an invoice on both sheets counts once: those of 1 to 9 December 2010
    twice = sql(real, "select count(*) from RECORD r where sheet = 'Year 2010-2011' and Invoice in "
                      "(select Invoice from RECORD where sheet = 'Year 2009-2010')")  # fmt: skip
    assert found["on_two_sheets"] == twice[0][0]


def test_units_of_the_real_record_read_every_line_once(real, root):
    written = adapters.import_record("online-retail-ii", real, root / "params")
    tables = [open_origin(load_unit(path.stem)).tables["transactions"].table for path in written]
    assert len(written) == 4
    assert sum(table.count().execute() for table in tables) == 1_067_371


def test_the_usual_cleaning_of_the_real_record(real):
    """The figures that others publish, by other rules than the adapter's: to tell the file is theirs."""
    frame = duckdb.sql(
        'select count(*) as n, sum(Quantity * Price) as revenue, "Customer ID" as account_id from '
        '(select distinct * exclude (sheet) from RECORD where "Customer ID" is not null and Quantity > 0 '
        "and Price > 0 and Invoice not like 'C%') group by all".replace("RECORD", quoted(str(real)))
    ).df()
    assert frame["n"].sum() == 779_425
    assert len(frame) == 5_878
    estimate = concentration(
        frame, top_share=0.2, bulk_share=0.8, conf_level=0.95, draws=200,
        rng=np.random.default_rng(1),
    )  # fmt: skip
    held = estimate.frame.set_index("term").estimate["top_share_revenue"]
    assert round(held, 3) == 0.772
