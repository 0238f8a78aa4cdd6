"""Estimators of a programme with different starts, beside diff-diff and pyfixest where they can be imported.

`python -m benchmarks.staggered` makes 500 accounts × 5 periods (as many rows as the county panel that the
literature shows, mpdta), and 3,000 accounts × 60 months with three starts and with 36, and measures, in CPU
seconds of one process and thread:

* the mean of effects by cohort and period (Callaway and Sant'Anna) beside diff-diff's;
* the imputation (Borusyak, Jaravel and Spiess) beside diff-diff's;
* the two-stage regression (Gardner) beside diff-diff's and pyfixest's did2s; the latter for 2,500 rows
  alone, since its memory grows with the square of the rows;
* the two-way regression beside pyfixest's feols.

All start from the same frame of one row per account and month, so that checking it and laying it out
counts each time; `kamlib.loyalty` does so once for all its estimators. Estimates and errors, by account,
must agree. A first call, which for pyfixest compiles, is not counted.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("NUMBA_NUM_THREADS", "1")
os.environ.setdefault("RAYON_NUM_THREADS", "1")

import statistics
import time
import warnings
from collections.abc import Callable
from importlib.util import find_spec

import numpy as np
import pandas as pd

from benchmarks.programme import outcome, rows, starts
from kamlib.loyalty.panel.aggregation import simple
from kamlib.loyalty.panel.grid import Panel, panel_of
from kamlib.loyalty.panel.group_time import group_time
from kamlib.loyalty.panel.imputation import imputation, two_stage
from kamlib.loyalty.panel.scores import Effects
from kamlib.loyalty.panel.two_way_effect import two_way_effect

Figure = tuple[float, float]
Estimator = Callable[[pd.DataFrame], Figure]
RUNS = 3
_APART = 1e-5  # did2s stops its first stage at 4e-6; the others agree to rounding
_LARGEST_DID2S = 5_000
_COLUMNS = {"outcome": "outcome", "unit": "unit", "time": "period", "first_treat": "cohort"}


def own(estimator: Callable[[Panel], Effects]) -> Estimator:
    def found(frame: pd.DataFrame) -> Figure:
        effect = estimator(panel_of(frame))
        return float(effect.estimate[0]), float(effect.std_error[0])

    return found


def diff_diff(name: str) -> Estimator:
    import diff_diff as peer

    def found(frame: pd.DataFrame) -> Figure:
        result = getattr(peer, name)().fit(frame, **_COLUMNS)
        return float(result.overall_att), float(result.overall_se)

    return found


def feols(frame: pd.DataFrame) -> Figure:
    import pyfixest

    fit = pyfixest.feols("outcome ~ member | unit + period", frame, vcov={"CRV1": "unit"})
    return float(fit.coef()["member"]), float(fit.se()["member"])


def did2s(frame: pd.DataFrame) -> Figure:
    import pyfixest

    fit = pyfixest.did2s(
        frame, yname="outcome", first_stage="~ 0 | unit + period", treatment="member",
        second_stage="~ i(member, ref=0)", cluster="unit",
    )  # fmt: skip
    return float(fit.coef().iloc[0]), float(fit.se().iloc[0])


def measured(estimator: Estimator, frame: pd.DataFrame) -> tuple[float, Figure]:
    """Return the median of CPU seconds after one call that is not counted, and the figures."""
    costs = []
    for _ in range(RUNS + 1):
        begin = time.process_time()
        found = estimator(frame)
        costs.append(time.process_time() - begin)
    return statistics.median(costs[1:]), found


def beside(name: str, mine: Estimator, peers: dict[str, Estimator], frame: pd.DataFrame) -> None:
    """Print own seconds and figures, and how many times as long each peer takes for the same ones."""
    ours, figures = measured(mine, frame)
    told = []
    # peers know accounts that never join by a zero
    theirs = frame.assign(
        cohort=frame["cohort"].fillna(0).astype(int),
        member=(frame["period"] >= frame["cohort"]).astype(int),
    )
    for peer, estimator in peers.items():
        cost, found = measured(estimator, theirs)
        apart = float(np.abs(np.subtract(found, figures)).max())
        if apart > _APART:
            raise SystemExit(f"{name}: {peer} finds {found}, not {figures}")
        told.append(f"{peer} {cost / ours:.3g} times ({cost:.3g} s, {apart:.0e} apart)")
    value, error = figures
    print(f"  {name:12}{ours:8.4f} s  {value:9.6f} ({error:.6f})  {'; '.join(told)}", flush=True)


def panel(n: int, months: int, when: list[int]) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    start = starts(n, when, rng)
    return rows(outcome(start, rng.normal(size=n), months, rng), start)


def main() -> None:
    """Measure and print."""
    warnings.simplefilter("ignore")
    has_diff_diff, has_pyfixest = bool(find_spec("diff_diff")), bool(find_spec("pyfixest"))
    for n, months, when in (
        (500, 5, [2, 3, 4]), (3000, 60, [12, 18, 24]), (3000, 60, list(range(12, 48))),
    ):  # fmt: skip
        frame = panel(n, months, when)
        print(f"{n:,} accounts × {months} months, {len(when)} starts")
        others = {
            name: {"diff-diff": diff_diff(name)} if has_diff_diff else {}
            for name in ("CallawaySantAnna", "ImputationDiD", "TwoStageDiD")
        }
        if has_pyfixest and len(frame) <= _LARGEST_DID2S:
            others["TwoStageDiD"]["pyfixest"] = did2s
        two_way = {"pyfixest": feols} if has_pyfixest else {}
        beside("group-time", own(lambda p: simple(p, group_time(p))), others["CallawaySantAnna"], frame)  # fmt: skip
        beside("imputation", own(imputation), others["ImputationDiD"], frame)
        beside("two-stage", own(two_stage), others["TwoStageDiD"], frame)
        beside("two-way", own(two_way_effect), two_way, frame)


if __name__ == "__main__":
    main()
