"""Online Retail II: three forms of a small copy, and the facts of the real record."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from kamlib.book import Book, open_book
from kamlib.book.adapters import import_record
from kamlib.errors import BookError, ParamError
from kamlib.params import unit_from
from kamlib.value.concentration import concentration

HEADINGS = (
    "Invoice",
    "StockCode",
    "Description",
    "Quantity",
    "InvoiceDate",
    "Price",
    "Customer ID",
    "Country",
)
LINES = [
    # invoice, code, quantity, moment, price, customer, country, sheet
    ("489434", "85048", 12, "2010-12-01 07:45:00", 6.95, 13085, "United Kingdom", "Year 2009-2010"),
    ("489434", "85048", 12, "2010-12-01 07:45:00", 6.95, 13085, "United Kingdom", "Year 2010-2011"),
    ("C49444", "85048", -2, "2010-12-20 09:00:00", 6.95, 13085, "United Kingdom", "Year 2010-2011"),
    ("489435", "POST", 1, "2010-12-02 08:00:00", 18.0, 12681, "France", "Year 2009-2010"),
    ("489435", "22423", 4, "2010-12-02 08:00:00", 12.75, 12681, "France", "Year 2009-2010"),
    ("489436", "22423", 1, "2010-12-03 08:00:00", 12.75, None, "EIRE", "Year 2009-2010"),
    ("489437", "D", -1, "2010-12-04 08:00:00", 5.0, 12681, "France", "Year 2009-2010"),
    ("489438", "M", 1, "2010-12-05 08:00:00", 3.0, 13085, "United Kingdom", "Year 2009-2010"),
]  # fmt: skip


def frame() -> pd.DataFrame:
    rows = [(i, c, "thing", q, m, p, k, land, s) for i, c, q, m, p, k, land, s in LINES]
    found = pd.DataFrame(rows, columns=[*HEADINGS, "sheet"])
    found["InvoiceDate"] = pd.to_datetime(found["InvoiceDate"])
    return found


def opened(path: Path, **book: object) -> Book:
    raw = {"book": {"adapter": "online-retail-ii", "file": path.name, **book}, "currency": "GBP"}
    return open_book(unit_from(raw, name="retail", folder=path.parent))


@pytest.fixture(scope="module", params=["parquet", "csv", "xlsx"])
def file(request, tmp_path_factory, xlsx) -> Path:
    path = tmp_path_factory.mktemp("retail") / f"retail.{request.param}"
    table = frame()
    if request.param == "parquet":
        table.to_parquet(path, index=False)
    elif request.param == "csv":
        table.to_csv(path, index=False)
    else:
        sheets = {}
        for name, rows in table.groupby("sheet", sort=False):
            cells = rows[list(HEADINGS)].itertuples(index=False)
            body = [[None if pd.isna(v) else _plain(v) for v in row] for row in cells]
            sheets[name] = [list(HEADINGS), *body]
        xlsx(path, sheets)
    return path


def _plain(value):
    return value.to_pydatetime() if isinstance(value, pd.Timestamp) else value


def test_all_forms_give_the_same_rows(file):
    book = opened(file)
    kept = book["transactions"].execute().sort_values(["date", "product"], ignore_index=True)
    assert list(zip(kept["account_id"], kept["product"], kept["amount"].round(2), strict=True)) == [
        ("13085", "85048", 83.4), ("12681", "22423", 51.0), ("12681", "D", -5.0),
        ("13085", "M", 3.0), ("13085", "85048", -13.9),
    ]  # fmt: skip
    faults = book.faults.set_index("rule")["n_rows"].to_dict()
    assert faults == {"on_two_sheets": 1, "not_goods": 1, "missing": 1}
    regions = book["accounts"].execute().set_index("account_id")["region"].to_dict()
    assert regions == {"12681": "France", "13085": "United Kingdom"}


def test_units_are_groups_of_countries(file, tmp_path):
    written = import_record("online-retail-ii", file, tmp_path)
    assert [path.stem for path in written] == [
        "online_retail_uk", "online_retail_ireland", "online_retail_europe",
    ]  # fmt: skip
    read = {}
    for path in written:
        raw = yaml.safe_load(path.read_text("utf-8"))
        # the only line of Ireland has no customer, so that unit cannot be opened
        if path.stem == "online_retail_ireland":
            with pytest.raises(BookError, match="none of the 1 rows read can be used"):
                open_book(unit_from(raw, name=path.stem, folder=path.parent))
            continue
        book = open_book(unit_from(raw, name=path.stem, folder=path.parent))
        read[path.stem] = int(book.counts["n_read"].iloc[0])
    assert read == {"online_retail_uk": 4, "online_retail_europe": 3}


def test_another_record_is_refused_with_its_columns(tmp_path):
    path = tmp_path / "sales.csv"
    path.write_text("a,b\n1,2\n")
    with pytest.raises(BookError, match="not Online Retail II: no column Invoice"):
        opened(path)


def test_unknown_adapter_names_the_known_one(file, tmp_path):
    with pytest.raises(ParamError, match="online-retail-ii"):
        import_record("online-retail", file, tmp_path)
    with pytest.raises(ParamError, match="no file"):
        import_record("online-retail-ii", tmp_path / "none.csv", tmp_path)


@pytest.fixture(scope="module")
def real(data_folder) -> Path:
    return data_folder / "online_retail_II.parquet"


def test_the_real_record_is_read_whole(real):
    raw = pd.read_parquet(real, columns=["Invoice", "Customer ID", "sheet"])
    assert raw["sheet"].value_counts().tolist() == [541_910, 525_461]
    assert raw["Invoice"].nunique() == 53_628
    book = opened(real)
    counts = book.counts.set_index("table").loc["transactions"]
    assert counts["n_read"] == 1_067_371
    assert counts["n_kept"] + counts["n_set_aside"] + counts["n_later"] == counts["n_read"]
    faults = book.faults.set_index("rule")["n_rows"]
    assert faults["missing"] == 243_007
    # the second sheet repeats the first nine days of December 2010
    assert faults["on_two_sheets"] == 22_523
    assert len(book["accounts"].execute()) == 5_942


def test_units_of_the_real_record_hold_every_row_once(real, tmp_path):
    total = 0
    for path in import_record("online-retail-ii", real, tmp_path):
        raw = yaml.safe_load(path.read_text("utf-8"))
        book = open_book(unit_from(raw, name=path.stem, folder=path.parent))
        counts = book.counts.set_index("table").loc["transactions"]
        assert counts["n_kept"] + counts["n_set_aside"] + counts["n_later"] == counts["n_read"]
        total += counts["n_read"]
    assert total == 1_067_371


def test_the_usual_cleaning_gives_the_usual_concentration(real):
    lines = pd.read_parquet(real).drop(columns="sheet")
    clean = lines[
        lines["Customer ID"].notna()
        & ~lines["Invoice"].str.startswith("C")
        & (lines["Price"] > 0)
        & (lines["Quantity"] > 0)
    ].drop_duplicates()
    assert len(clean) == 779_425
    revenue = (clean["Quantity"] * clean["Price"]).groupby(clean["Customer ID"]).sum()
    assert len(revenue) == 5_878
    found = concentration(
        pd.DataFrame({"revenue": revenue.to_numpy()}), top_share=0.2, bulk_share=0.8,
        conf_level=0.95, draws=200, rng=np.random.default_rng(1),
    )  # fmt: skip
    share = found.frame.set_index("term")["estimate"]["top_share_revenue"]
    assert round(share, 3) == 0.772
