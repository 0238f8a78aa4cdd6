"""Readers for public records, so that a study can be tried on business that really happened.

UCI Online Retail II (doi 10.24432/C5CG6D): order lines of a UK wholesaler of gift ware from December
2009 to December 2011; many of its customers are shops. Each line is read as follows.

==========================================  ==========================================================
found                                       done
==========================================  ==========================================================
no `Customer ID`                            set aside (missing account)
an `Invoice` that stands on both sheets     its lines on the second sheet are set aside (`on_two_sheets`)
postage, carriage, bank and market-place    set aside (`not_goods`): POST, DOT, C2, C3, BANK CHARGES,
fees, commission, samples, bad debt,        AMAZONFEE, CRUK, S, B, ADJUST…, TEST…
adjustments, test products
manual corrections (M), discounts (D)       kept: they change what a customer paid for goods
credit notes (`Invoice` begins with C)      kept: negative amounts of their own date
==========================================  ==========================================================

IBM's Telco sample is a record of one day, without dates, and MineThatData's e-mail test (Hillstrom) one of
a finished trial: `layouts` says which column is what, `snapshot` and `trial` open them; here only their
parameter files are written.
"""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path
from typing import Any

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir
import yaml
from ibis.backends.duckdb import Backend

from kamlib.book import files
from kamlib.book.engine import embedded
from kamlib.book.layouts import LAYOUTS, TRIAL_LAYOUTS
from kamlib.book.parse import parse
from kamlib.book.raw import FAULT, ROW, SOURCE, Raw
from kamlib.errors import BookError, ParamError, nearest
from kamlib.params import BookSource, TableSource

ADAPTERS = ("online-retail-ii", "telco", "hillstrom")
_HEADINGS = ("Invoice", "StockCode", "Quantity", "InvoiceDate", "Price", "Customer ID", "Country")
_NOT_GOODS = r"^(POST|DOT|C2|C3|BANK CHARGES|AMAZONFEE|CRUK|S|B|ADJUST.*|TEST.*)$"
_EUROPE = (
    "Austria", "Belgium", "Cyprus", "Czech Republic", "Denmark", "European Community", "Finland",
    "France", "Germany", "Greece", "Iceland", "Italy", "Lithuania", "Malta", "Netherlands", "Norway",
    "Poland", "Portugal", "Spain", "Sweden", "Switzerland",
)  # fmt: skip
_GROUPS: dict[str, tuple[str, tuple[str, ...]]] = {
    "online_retail_uk": ("Online Retail – United Kingdom", ("United Kingdom",)),
    "online_retail_ireland": ("Online Retail – Ireland and islands", ("EIRE", "Channel Islands")),
    "online_retail_europe": ("Online Retail – continental Europe", _EUROPE),
}
_REST = ("online_retail_overseas", "Online Retail – overseas")
_NO_DATE = (
    "# The record has no date. as_of is the day on which it was imported and names the folder of its\n"
    "# report; put the day that the record shows, if you know it.\n"
)
# records without dates: what their parameter files say, and a remark on it
_LISTED: dict[str, tuple[dict[str, Any], str]] = {
    "telco": ({"title": "Telco subscribers", "title_zh": "电信用户"}, ""),
    "hillstrom": (
        {
            "title": "E-mail trial", "title_zh": "邮件试验", "currency": "USD",
            "loyalty_trial": {"margin": 0.30, "cost_per_contact": 0.10},
        },
        "# margin and cost_per_contact are assumptions: the record has neither. Put what holds for you, or\n"
        "# take them out; then the report tells revenue and no return.\n",
    ),
}  # fmt: skip


def open_record(con: Backend, path: Path, book: BookSource) -> dict[str, Raw]:
    """Return the raw tables of a public record.

    Raises
    ------
    BookError
        The file is not the record that the adapter reads.
    """
    if book.adapter not in ADAPTERS:
        known = nearest(book.adapter, ADAPTERS) or f" (known: {', '.join(ADAPTERS)})"
        raise BookError(f"book.adapter: '{book.adapter}' is not known{known}")
    lines, opened = _lines(con, path)
    if book.countries:
        lines = lines.filter(lines.Country.isin(book.countries))
    settings = TableSource()
    kinds = {"Quantity": dt.float64, "Price": dt.float64, "Customer ID": dt.string}
    lines, parsed = parse(lines, kinds, settings)
    quantity, price, customer = (parsed[column].value for column in kinds)
    # in text the numbers of customers carry the decimals of a column with gaps
    customer = customer.re_replace(r"\.0$", "")
    places = {c: lines[c] for c in (ROW, SOURCE) if c in lines.columns}
    typed = lines.select(
        account_id=customer,
        date=lines.InvoiceDate,
        amount=quantity * price,
        order_id=lines.Invoice,
        quantity=quantity,
        product=lines.StockCode,
        **places,
        **{FAULT: _fault(lines)},
    )
    named = lines.filter(customer.notnull()).select(account_id=customer, region=lines.Country)
    # the country that most of its lines name, the first by name where two name as many
    counted = named.group_by("account_id", "region").agg(n=named.count())
    order = ibis.window(group_by="account_id", order_by=[ibis.desc("n"), "region"])
    ranked = counted.mutate(place=ibis.row_number().over(order))
    accounts = ranked.filter(ranked.place == 0).select("account_id", "region")
    return {
        "transactions": Raw("transactions", typed, path.name, settings, opened.malformed),
        "accounts": Raw("accounts", con.create_table("record_accounts", accounts), path.name),
    }


def _lines(con: Backend, path: Path) -> tuple[ir.Table, files.Opened]:
    opened = files.open_file(con, path, TableSource(sheet="*"), "transactions")
    missing = [heading for heading in _HEADINGS if heading not in opened.table.columns]
    if missing:
        found = ", ".join(c for c in opened.table.columns if c not in (ROW, SOURCE))
        raise BookError(
            f"{path.name} is not Online Retail II: no column {', '.join(missing)} "
            f"(columns found: {found})"
        )
    lines = opened.table
    if "sheet" in lines.columns:
        firsts = lines.group_by("Invoice").agg(first_sheet=lines.sheet.min())
        lines = lines.join(firsts, "Invoice")
    return lines, opened


def _fault(lines: ir.Table) -> Any:
    code = lines.StockCode.cast("string").strip().upper()
    branches = [(code.re_search(_NOT_GOODS), ibis.literal("product:not_goods"))]
    if "first_sheet" in lines.columns:
        again = lines.sheet != lines.first_sheet
        branches.insert(0, (again, ibis.literal("order_id:on_two_sheets")))
    return ibis.cases(*branches, else_=ibis.null("string"))


def import_record(adapter: str, file: Path, params_folder: Path) -> list[Path]:
    """Write a ready parameter file per business unit for a public record.

    Parameters
    ----------
    adapter
        Name of the adapter.
    file
        The record as its source gives it (CSV, XLSX) or as Parquet.
    params_folder
        Folder `params/`; files of the same name are replaced.

    Returns
    -------
    list of Path
        The files written: one per group of countries that Online Retail II holds, one of any other.
    """
    if adapter not in ADAPTERS:
        known = nearest(adapter, ADAPTERS) or f" (known: {', '.join(ADAPTERS)})"
        raise ParamError(f"'{adapter}' is not an adapter{known}")
    if not file.is_file():
        raise ParamError(f"no file {file}")
    if adapter in _LISTED:
        return [_import_listing(adapter, file, params_folder)]
    lines, _ = _lines(embedded("UTC"), file)
    there = sorted(str(c) for c in lines.Country.name("c").as_table().distinct().c.execute() if c)
    assigned = {country for _, countries in _GROUPS.values() for country in countries}
    rest = tuple(country for country in there if country not in assigned)
    groups = _GROUPS | {_REST[0]: (_REST[1], rest)}
    written = []
    for unit, (title, countries) in groups.items():
        chosen = [country for country in countries if country in there]
        if not chosen:
            continue
        path = params_folder / f"{unit}.yaml"
        book = {"adapter": adapter, "file": _relative(file, params_folder), "countries": chosen}
        content = {
            "title": title, "currency": "GBP", "time_zone": "Europe/London", "book": book,
            # the record's first eighteen months forecast the rest
            "customer_value": {"lifetime": {"holdout_from": "2011-06-01"}},
            # its customers order irregularly: at three usual gaps half of the losses would prove false
            "churn_survival": {"k": 8, "floor_days": 90},
        }  # fmt: skip
        written.append(_write(path, content))
    return written


def _import_listing(adapter: str, file: Path, params_folder: Path) -> Path:
    opened = files.open_file(embedded("UTC"), file, TableSource(), "customers").table
    layout = LAYOUTS.get(adapter) or TRIAL_LAYOUTS[adapter]
    layout.check((c for c in opened.columns if c not in (ROW, SOURCE)), file.name)
    book = {"adapter": adapter, "file": _relative(file, params_folder)}
    content, remark = _LISTED[adapter]
    told = content | {"as_of": date.today(), "book": book}
    return _write(params_folder / f"{adapter}.yaml", told, _NO_DATE + remark)


def _write(path: Path, content: dict[str, Any], remark: str = "") -> Path:
    text = yaml.safe_dump(content, allow_unicode=True, sort_keys=False, width=100)
    path.write_text(f"# yaml-language-server: $schema=kam.schema.json\n{remark}{text}", "utf-8")
    return path


def _relative(file: Path, folder: Path) -> str:
    return Path(os.path.relpath(file.resolve(), folder.resolve())).as_posix()
