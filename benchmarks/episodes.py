"""Account-months at risk from ten million order lines, in CPU seconds and peak memory.

`python -m benchmarks.episodes [LINES]` draws orders of 100 lines per account over five years, a tenth
of the accounts lost on the way, writes them as Parquet to a temporary folder, and measures, each as a
whole process:

* the imports;
* reading and counting the lines in the engine alone;
* months of orders and spells by own rhythm;
* spells and account-months with all covariates that order lines bring;
* lifelines' `add_covariate_to_timeline` (where lifelines can be imported) with one covariate, the order
  amounts so far, for a few accounts, in CPU seconds per million rows beside ours.

The rows of order lines stand as the book holds them: reading, typing and judging is another matter,
which `benchmarks.online_retail` measures.
"""

from __future__ import annotations

import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.measure import After, Cost, run, table

PER_ACCOUNT, DAYS, CHUNK = 100, 1826, 1_000_000

_IMPORTS = """
import sys, dataclasses
import pandas as pd
from datetime import date
from pathlib import Path
from kamlib.book.book import Book
from kamlib.book.engine import embedded
from kamlib.book.schemas import schema
from kamlib.params import unit_from
from kamlib.churn.spells import spells
from kamlib.churn.episodes import episodes
import ibis
"""
_OPEN = (
    _IMPORTS
    + """
con = embedded("UTC")
lines = con.read_parquet(sys.argv[1])
unit = unit_from({"book": {"tables": {"transactions": "none.csv"}}}, name="many", folder=Path("."))
columns = schema("transactions").columns
full = lines.select(**{
    c: lines[c] if c in lines.columns else ibis.null(spec.dtype.type) for c, spec in columns.items()
})
people = schema("accounts").columns
accounts = lines.select("account_id").distinct()
accounts = accounts.select(account_id=accounts.account_id, **{
    c: ibis.null(spec.dtype.type) for c, spec in people.items() if c != "account_id"
})
book = Book(
    unit=unit, as_of=date(2025, 12, 31), currency="CNY", con=con,
    tables={"transactions": full, "accounts": accounts},
    present={"transactions": tuple(lines.columns), "accounts": ("account_id",)},
    counts=pd.DataFrame(), faults=pd.DataFrame(), fingerprint="", checks=(), rejected=None,
)
rules = unit.churn_survival
"""
)
PIECES = {
    "imports": _IMPORTS,
    "lines counted": _OPEN + "lines.aggregate(n=lines.count(), s=lines.amount.sum()).execute()\n",
    "spells": _OPEN + "print(spells(book, rules).table.count().execute())\n",
    "spells and account-months": _OPEN
    + """
found = episodes(book, rules, spells(book, rules))
print(found.table.count().execute())
""",
}
_FEW = 500
_LIFELINES = After(
    """
import sys
import duckdb
from lifelines.utils import add_covariate_to_timeline, to_long_format
lines = duckdb.read_parquet(sys.argv[1])
few = f"account_id <= 'A{int(sys.argv[2]) - 1:07}'"
months = lines.filter(few).aggregate(
    "account_id, datediff('month', date '2021-01-01', date) + 1 as month, sum(amount) as amount"
).df()
people = months.groupby("account_id", as_index=False).agg(life=("month", "max"))
people["life"] += 1.0
people["event"] = False
""",
    """
long = to_long_format(people, "life")
found = add_covariate_to_timeline(
    long, months, "account_id", "month", "event", cumulative_sum=True, cumulative_sum_prefix=""
)
print(len(found))
""",
)


def write_lines(file: Path, n_lines: int, seed: int = 1) -> None:
    """Write order lines: `account_id`, `date`, `amount`, `list_amount`, `product_line`."""
    rng = np.random.default_rng(seed)
    first = np.datetime64("2021-01-01", "D")
    names = pa.array([f"line {n}" for n in range(8)])
    writer = None
    per_chunk = CHUNK // PER_ACCOUNT
    for start in range(0, n_lines // PER_ACCOUNT, per_chunk):
        count = min(per_chunk, n_lines // PER_ACCOUNT - start)
        begins = rng.integers(0, DAYS // 2, count) * (rng.random(count) < 0.5)
        ends = np.where(rng.random(count) < 0.1, rng.integers(DAYS // 2, DAYS, count), DAYS)
        at = begins[:, None] + rng.random((count, PER_ACCOUNT)) * (ends - begins)[:, None]
        size = np.exp(rng.standard_normal(count))[:, None]
        amount = np.round(100 * size * rng.gamma(2.0, 1.0, (count, PER_ACCOUNT)), 2)
        ids = np.char.add("A", np.char.zfill(np.arange(start, start + count).astype(str), 7))
        taken = (np.arange(count)[:, None] + rng.integers(0, 3, (count, PER_ACCOUNT))) % 8
        chunk = pa.table(
            {
                "account_id": pa.array(np.repeat(ids, PER_ACCOUNT)),
                "date": pa.array(first + np.floor(at).astype("m8[D]").ravel()),
                "amount": amount.ravel(),
                "list_amount": np.round(amount * 1.1, 2).ravel(),
                "product_line": pa.DictionaryArray.from_arrays(
                    pa.array(taken.ravel().astype(np.int32)), names
                ).cast(pa.string()),
            }
        )
        writer = writer or pq.ParquetWriter(file, chunk.schema, compression="zstd")
        writer.write_table(chunk)
    if writer is not None:
        writer.close()


def main() -> None:
    """Draw, measure and print."""
    n_lines = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000_000
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "lines.parquet"
        write_lines(file, n_lines)
        print(f"{n_lines:,} order lines of {n_lines // PER_ACCOUNT:,} accounts")
        costs = {name: run(code, str(file)) for name, code in PIECES.items()}
        print(table(costs, base="lines counted"))
        made = costs["spells and account-months"]
        print(f"{int(costs['spells'].told):,} spells, {int(made.told):,} account-months")
        ours = _per_million(made, less=costs["imports"].cpu)
        if find_spec("lifelines"):
            theirs = _per_million(run(_LIFELINES, str(file), str(_FEW)))
            print(f"CPU s per million rows: {ours:.1f}; lifelines, one covariate: {theirs:.0f} "
                  f"({theirs / ours:.0f} times)")  # fmt: skip


def _per_million(cost: Cost, less: float = 0.0) -> float:
    return (cost.cpu - less) / int(cost.told) * 1e6


if __name__ == "__main__":
    main()
