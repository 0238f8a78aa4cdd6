"""From the raw records of Online Retail II to one row per account.

`python -m benchmarks.online_retail FILE` (or KAM_DATA_DIR) measures, each as a whole process:

* imports alone, of kamlib and of pandas;
* the book: 1,067,371 rows typed, judged, cut, counted and fingerprinted;
* the book and the account facts of the study;
* pandas doing far less: reading the columns, dropping rows without a customer, revenue per account.

The last line is the whole run, `kam run` on four units of the record with two workers.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from benchmarks.measure import compare, run, table

_OPEN = """
import sys
from pathlib import Path
from kamlib.params import unit_from
from kamlib.book import open_book
raw = {"book": {"adapter": "online-retail-ii", "file": sys.argv[1]}, "currency": "GBP"}
book = open_book(unit_from(raw, name="all", folder=Path(".")))
"""
PIECES = {
    "pandas: imports": "import pandas, pyarrow.parquet",
    "pandas: revenue per account": """
import sys, pandas as pd
d = pd.read_parquet(sys.argv[1], columns=["Customer ID", "InvoiceDate", "Quantity", "Price"])
d = d.dropna(subset="Customer ID")
d.assign(amount=d.Quantity * d.Price).groupby("Customer ID").agg(
    {"amount": "sum", "InvoiceDate": "max"})
""",
    "kamlib: imports": "import kamlib.book, kamlib.accounts, kamlib.value.facts",
    "kamlib: book": _OPEN,
    "kamlib: book and account facts": _OPEN
    + """
from kamlib import accounts
from kamlib.value import facts
period = accounts.period(book)
facts.collect(facts.account_facts(book, accounts.ledger(book), period))
""",
}
_WHOLE = """
import os, shutil, sys
from pathlib import Path
home = Path(sys.argv[2])
os.environ["KAM_HOME"] = str(home)
from kamlib.book.adapters import import_record
(home / "params").mkdir(exist_ok=True)
shutil.copytree("notebooks", home / "notebooks", dirs_exist_ok=True)
import_record("online-retail-ii", Path(sys.argv[1]), home / "params")
from kamlib.cli import main
sys.argv = ["kam", "run"]
main()
"""


def main() -> None:
    """Measure and print."""
    folder = os.environ.get("KAM_DATA_DIR", "")
    file = sys.argv[1] if len(sys.argv) > 1 else f"{folder}/online_retail_II.parquet"
    if not Path(file).is_file():
        raise SystemExit("give the file of Online Retail II, or set KAM_DATA_DIR to its folder")
    print(table(compare(PIECES, file), base="pandas: revenue per account"))
    with tempfile.TemporaryDirectory() as home:
        whole = run(_WHOLE, file, home)
    print(f"whole run, four units, two workers: {whole.wall:.1f} s wall, {whole.cpu:.1f} s CPU,")
    print(f"largest single process {whole.peak_mb:.0f} MB")


if __name__ == "__main__":
    main()
