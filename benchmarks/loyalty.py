"""The study of loyalty and its return for 3,000 accounts × 60 months, in CPU seconds and peak memory.

`python -m benchmarks.loyalty [ACCOUNTS]` measures, each in a process of its own, imports and the making of
records not counted:

* the ladder of evidence, 200 draws, on made programmes from which it finds its answer by chance, by
  different starts (three months; any of 36), or by likeness (see `benchmarks.programme`);
* the same for months stayed;
* a simulated book of industrial supplies of as many accounts: opening it, and the parts of the study
  that stand on it.

The last line is the book and all its parts in one process, with imports.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import sys
import tempfile

from benchmarks.measure import After, Cost, run

MONTHS, UNIT_ACCOUNTS = 60, 900
_LADDER = """
import sys
import numpy as np
from benchmarks.programme import records, stays
from kamlib.loyalty.ladder.ladder import climb
from kamlib.loyalty.ladder.retained import climb_retention
n, rng = int(sys.argv[1]), np.random.default_rng(1)
"""
_MADE = "told = records({design!r}, n, {months}, {seed})\n"
_CLIMB = "print(climb(told, rng=rng).grade)\n"
_STAYS = f"stayed = stays(n, {MONTHS})\n"
_RETENTION = "print(climb_retention(stayed, rng=rng).grade)\n"
# seeds under which the design in question is the one that answers
SEEDS = {"chance": 1, "start": 1, "any start": 3, "likeness": 1}
_WRITE = """
import sys
from pathlib import Path
import pyarrow.parquet as pq
from kamlib.book.simulate import write_demo
made = write_demo("industrial_supplies", Path(sys.argv[2]), seed=1, size=int(sys.argv[1]) / {unit})
print(f"{{pq.read_metadata(made / 'transactions.parquet').num_rows:,}} order lines")
"""
_IMPORTS = """
import sys
from datetime import date
from pathlib import Path
import numpy as np
import pandas as pd
from kamlib.accounts import ledger as account_ledger
from kamlib.accounts.calendar import evaluation_dates
from kamlib.book import open_book
from kamlib.loyalty import budget, economics, ledger, referrals, retention_worth
from kamlib.loyalty.budget_facts import budget_facts
from kamlib.loyalty.economics_facts import economics_facts
from kamlib.loyalty.indicators.attitude import attitude, attitude_facts, with_attitude
from kamlib.loyalty.indicators.behaviour import behaviour, by_tier, measured
from kamlib.loyalty.indicators.facts import collect, loyalty_facts
from kamlib.loyalty.indicators.foretold import foretold
from kamlib.loyalty.indicators.matrix import matrix
from kamlib.loyalty.indicators.measures import score
from kamlib.loyalty.indicators.outcome import still_buying
from kamlib.loyalty.indicators.over_time import over_time
from kamlib.loyalty.members import members
from kamlib.loyalty.points_ledger import points_ledger
from kamlib.loyalty.programme_effects import Terms, effects, judge
from kamlib.loyalty.programme_facts import programme_facts
from kamlib.loyalty.programme_records import programme_records
from kamlib.loyalty.spending import spending
from kamlib.loyalty.win_or_keep import win_or_keep
from kamlib.params import unit_from
"""
_OPEN = """
found = (Path(sys.argv[2]) / "industrial_supplies").glob("*.parquet")
tables = {p.stem: {"file": str(p)} for p in found}
raw = {"book": {"tables": tables}, "as_of": "2025-12-31", "currency": "EUR"}
book = open_book(unit_from(raw, name="many", folder=Path(".")))
rules, day = book.unit.loyalty_roi, pd.Timestamp("2025-12-31")
"""
_INDICATORS = """
dates = evaluation_dates(date(2021, 1, 1), day.date())
scored = score(collect(loyalty_facts(book, dates)))
rows = with_attitude(scored.rows, collect(attitude_facts(book, dates)))
for one in (behaviour, measured, by_tier):
    one(scored, day)
attitude(rows, day), matrix(rows, day), over_time(rows)
"""
_FORETOLD = "foretold(rows, collect(still_buying(book, dates)), rng=np.random.default_rng(1))\n"
_LEDGER = """
facts = programme_facts(book)
spent = spending(facts, book.unit)
members(facts), points_ledger(facts, rules)
ledger.cost_by_item(spent), ledger.cost_by_month(spent, facts), ledger.cost_by_level(spent, facts)
"""
_ECONOMICS = """
known, rng = economics_facts(book, account_ledger(book)), np.random.default_rng(1)
won, kept = economics.cost_to_win(known, rules), economics.cost_to_keep(known, spent, rules)
win_or_keep(won, kept, rules)
retention_worth.retention_by_year(known, rules), retention_worth.worth_of_retention(known, rules, rng)
referrals.referral_value(known, rules), referrals.referrers(known, rules)
levels = budget_facts(book, known)
tried, fitted = budget.spend_tried(levels), budget.responses(levels, rules, rng)
budget.marginal_return(tried, fitted, rules), budget.allocation(tried, fitted, rules)
"""
_EFFECTS = """
recorded = programme_records(book, account_ledger(book))
rng = np.random.default_rng(1)
judged = judge(recorded, rules, Terms({}), margin_known=True, rng=rng)
effects(judged)
print(len(judged), "comparisons,", sum(len(one.findings) for one in judged), "ladders")
"""


def made(design: str) -> str:
    return _MADE.format(design=design, months=MONTHS, seed=SEEDS[design])


PIECES = {
    **{f"ladder, by {design}": After(_LADDER + made(design), _CLIMB) for design in SEEDS},
    "ladder of months stayed": After(_LADDER + _STAYS, _RETENTION),
    "book: opened": After(_IMPORTS, _OPEN),
    "book: indicators": After(_IMPORTS + _OPEN, _INDICATORS),
    "book: what indicators foretell": After(_IMPORTS + _OPEN + _INDICATORS, _FORETOLD),
    "book: ledger of the programme": After(_IMPORTS + _OPEN, _LEDGER),
    "book: economics": After(_IMPORTS + _OPEN + _LEDGER, _ECONOMICS),
    "book: effects of the programme": After(_IMPORTS + _OPEN, _EFFECTS),
    "all, with imports": _IMPORTS + _OPEN + _INDICATORS + _FORETOLD + _LEDGER + _ECONOMICS + _EFFECTS
    + "print()\n",
}  # fmt: skip


def line(name: str, cost: Cost) -> None:
    # the engine shows a bar where a query takes long
    told = "" if "▕" in cost.told else f"  {cost.told}"
    print(f"{name:34}{cost.wall:9.2f}{cost.cpu:9.2f}{cost.peak_mb:9.0f}{told}", flush=True)


def main() -> None:
    """Make, measure and print."""
    n = sys.argv[1] if len(sys.argv) > 1 else "3000"
    print(f"{'':34}{'wall s':>9}{'CPU s':>9}{'peak MB':>9}")
    with tempfile.TemporaryDirectory() as folder:
        line("book: made", run(_WRITE.format(unit=UNIT_ACCOUNTS), n, folder))
        for name, code in PIECES.items():
            line(name, run(code, n, folder))


if __name__ == "__main__":
    main()
