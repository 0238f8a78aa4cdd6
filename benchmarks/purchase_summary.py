"""From transactions to what a purchase model reads: one row per account.

`python -m benchmarks.purchase_summary [ROWS ...]` (10,000,000 rows unless told) makes records of
three years and measures, each in a process of its own:

* kamlib: the expressions of `kamlib.value.lifetime.facts` in the embedded engine, up to the frame;
* lifetimes: `summary_data_from_transaction_data`; PyMC-Marketing: `rfm_summary`, where they can be
  imported (`pip install -e '.[bench]'`); neither is asked for by any command of the README.

Everybody begins with the same Parquet file (account, time, amount) and ends with a frame in memory;
imports are not timed, memory is that of the whole process. Three kinds of records: order lines, four
to an order, of accounts that are named by text, which is what a book of business holds; orders of
one line; and the same of accounts that are numbers, which is easier for everybody. There are no
returns: the peers count a day of returns as a purchase, so that results could not be held against
each other.
"""

from __future__ import annotations

import importlib.util
import json
import sys
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.measure import After, Cost, compare, table

_OURS = """
import sys
from datetime import date
import kamlib._fastimports
from kamlib.book.source import embedded
from kamlib.value.lifetime.facts import collect, purchase_days, purchase_summary
"""
_READ = """
lines = embedded("UTC").read_parquet(sys.argv[1])
lines = lines.mutate(date=lines.date.cast("date"))
"""
_TOLD = "print([round(float(found[c].sum()), 2) for c in {columns}])"
_OUR_COLUMNS = ["frequency", "recency_days", "age_days", "monetary_value"]
_PEER_COLUMNS = ["frequency", "recency", "T", "monetary_value"]


def _ours(options: str = "") -> After:
    work = f"found = collect(purchase_summary(purchase_days(lines), date(2024, 12, 31){options}))\n"
    return After(_OURS, _READ + work + _TOLD.format(columns=_OUR_COLUMNS))


def _peer(imports: str, call: str) -> After:
    work = f"""
lines = pd.read_parquet(sys.argv[1])
found = {call}(
    lines, "account_id", "date", "amount", observation_period_end="2024-12-31")
"""
    preparation = f"import sys, pandas as pd, pyarrow.parquet\n{imports}"
    return After(preparation, work + _TOLD.format(columns=_PEER_COLUMNS))


PEERS = {
    "lifetimes": (
        "from lifetimes import utils",
        "utils.summary_data_from_transaction_data",
    ),
    "pymc_marketing": ("from pymc_marketing.clv import utils", "utils.rfm_summary"),
}


def pieces() -> dict[str, After]:
    """Return what is measured: kamlib, and the peers that are there."""
    there = {name: peer for name, peer in PEERS.items() if importlib.util.find_spec(name)}
    return {
        "kamlib": _ours(),
        "kamlib, with gaps": _ours(", with_gaps=True"),
        **{name: _peer(*peer) for name, peer in there.items()},
    }


RECORDS = {"order lines": (4, True), "one line to an order": (1, True), "numbers": (1, False)}


def write(n: int, file: Path, *, lines: int, text: bool) -> None:
    """Write n rows of the three years up to the end of 2024, by time.

    An account has eleven orders on average, at a rate that is gamma with shape ½, so that some buy
    daily and many once; it is named by eight letters and digits or by a number.
    """
    rng = np.random.default_rng(n)
    n_orders = n // lines
    n_accounts = n_orders // 11
    rate = rng.gamma(0.5, 1.0, n_accounts)
    who = rng.choice(n_accounts, n_orders, p=rate / rate.sum())
    when = np.sort(rng.integers(0, 1096 * 86400, n_orders)).astype("timedelta64[s]")
    order = np.sort(rng.integers(0, n_orders, n)) if lines > 1 else np.arange(n)
    numbers = np.arange(n_accounts)
    names = np.char.add("A", np.char.zfill(numbers.astype(str), 7)) if text else numbers
    records = {
        "account_id": pa.array(names).take(pa.array(who[order])),
        "date": (np.datetime64("2022-01-01", "s") + when[order]).astype("datetime64[us]"),
        "amount": np.round(rng.gamma(2, 20, n), 2) + 0.01,
    }
    # groups of rows as the embedded engine writes them
    pq.write_table(pa.table(records), file, row_group_size=122_880)


def agreed(costs: dict[str, Cost]) -> None:
    """Raise unless all found the same sums (of rounded cents) for all accounts."""
    sums = [np.array(json.loads(cost.told)) for cost in costs.values()]
    if not all(np.allclose(found, sums[0], rtol=1e-9) for found in sums):
        raise SystemExit("\n".join(f"{name}: {cost.told}" for name, cost in costs.items()))


def main() -> None:
    """Measure and print."""
    for n in [int(told) for told in sys.argv[1:]] or [10_000_000]:
        for name, (lines, text) in RECORDS.items():
            with tempfile.TemporaryDirectory() as folder:
                file = Path(folder) / "records.parquet"
                write(n, file, lines=lines, text=text)
                costs = compare(pieces(), str(file), runs=3)
            agreed(costs)
            print(f"{n:,} rows, {name}")
            print(table(costs, base="kamlib"), flush=True)


if __name__ == "__main__":
    main()
