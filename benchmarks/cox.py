"""Cox regression beside lifelines, and beside R's coxph where Rscript and its survival are installed.

`python -m benchmarks.cox` measures, in CPU seconds of one process and thread, on data made here:

* a fit of 10 covariates to 1,000,000 account-months (start, stop] of 60 distinct months, against
  lifelines' CoxTimeVaryingFitter;
* the same in one row per account, times in months and times that are all distinct, 100,000 rows;
* errors by cluster: 200 managers at 10,000 accounts against lifelines' CoxPHFitter, whose work
  grows with the square of the accounts, and 100,000 accounts of a million account-months;
* a test of proportional hazards, a concordance and a survival with errors, which have no peer there.

Read the ratios: seconds are of one machine at one time. Peers are measured once where they take
long. A fit counts everything from the arrays on: checking, sorting, scaling.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from kamlib.stats.cox import fit_cox
from kamlib.stats.cox_concordance import concordance
from kamlib.stats.cox_data import CoxData, cox_data
from kamlib.stats.cox_paths import paths
from kamlib.stats.cox_survival import survival
from kamlib.stats.cox_zph import proportional_hazards
from kamlib.stats.preflight import preflight

NAMES = [f"x{number}" for number in range(10)]
TRUTH = np.linspace(-0.5, 0.5, 10)


def account_months(n_rows: int, seed: int) -> tuple[pd.DataFrame, np.ndarray]:
    """Return about n rows of accounts seen for up to 60 months, and the account of each row."""
    rng = np.random.default_rng(seed)
    n = n_rows // 10
    x = rng.normal(size=(n, 10))
    rate = 0.05 * np.exp(x @ TRUTH)
    begin = rng.integers(0, 50, n)
    life = np.ceil(rng.exponential(1 / rate)).astype(int)
    seen = np.minimum(np.minimum(life, rng.integers(1, 30, n)), 60 - begin)
    owner = np.repeat(np.arange(n), seen)
    month = np.arange(len(owner)) - np.repeat(np.cumsum(seen) - seen, seen)
    frame = pd.DataFrame(x[owner] + 0.3 * rng.normal(size=(len(owner), 10)), columns=NAMES)
    frame["start"] = begin[owner] + month
    frame["stop"] = frame["start"] + 1
    frame["event"] = month + 1 == life[owner]
    return frame, owner


def accounts(n: int, seed: int, *, months: bool) -> pd.DataFrame:
    """Return one row per account; times in whole months up to 60, or all distinct."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 10))
    life = 30 * rng.weibull(1.2, n) * np.exp(-x @ TRUTH / 1.2)
    life = np.ceil(life) if months else life
    end = rng.integers(10, 61, n) if months else 60 * rng.random(n)
    frame = pd.DataFrame(x, columns=NAMES)
    frame["stop"], frame["event"] = np.minimum(life, end), life <= end
    frame["manager"] = rng.integers(0, 200, n)
    return frame


def data_of(frame: pd.DataFrame) -> CoxData:
    entry = frame["start"].to_numpy() if "start" in frame else None
    return cox_data(
        frame[NAMES].to_numpy(), frame["stop"].to_numpy(), frame["event"].to_numpy(), names=NAMES, entry=entry
    )  # fmt: skip


def cpu(work: Callable[[], object], runs: int) -> float:
    """Return the median of CPU seconds, after one run that is not counted where there are several."""
    found = []
    for run in range(runs + (runs > 1)):
        begin = time.process_time()
        work()
        if run or runs == 1:
            found.append(time.process_time() - begin)
    return statistics.median(found)


R_CODE = """
library(survival)
d <- readBin("data.bin", "double", n = file.size("data.bin") / 8)
d <- as.data.frame(matrix(d, ncol = COLUMNS)); names(d) <- strsplit("HEADER", ",")[[1]]
f <- as.formula(paste(RESPONSE, "~", paste0("x", 0:9, collapse = "+")))
s <- proc.time(); m <- coxph(f, d CLUSTER); e <- proc.time() - s
cat(e[["user.self"]] + e[["sys.self"]], coef(m))
"""


def r_coxph(frame: pd.DataFrame, cluster: str = "") -> tuple[float, np.ndarray] | None:
    """Return CPU seconds and coefficients of R's coxph, or None where R is not installed."""
    if shutil.which("Rscript") is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        frame.to_numpy(dtype=np.float64).T.tofile(Path(folder) / "data.bin")
        response = "Surv(start, stop, event)" if "start" in frame else "Surv(stop, event)"
        code = R_CODE.replace("COLUMNS", str(frame.shape[1])).replace("HEADER", ",".join(frame))
        code = code.replace("RESPONSE", f'"{response}"')
        code = code.replace("CLUSTER", f", cluster = {cluster}" if cluster else "")
        told = subprocess.run(
            ["Rscript", "-e", code], cwd=folder, capture_output=True, text=True, check=False
        )
    if told.returncode:
        print(f"  R could not be used: {told.stderr.strip().splitlines()[-1]}")
        return None
    seconds, *coefficients = map(float, told.stdout.split())
    return seconds, np.array(coefficients)


def lifelines_fit(frame: pd.DataFrame, **more: object) -> np.ndarray:
    """Return lifelines' coefficients."""
    from lifelines import CoxPHFitter, CoxTimeVaryingFitter

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if "start" in frame:
            frame = frame.assign(row=np.arange(len(frame)))
            names = {"id_col": "row", "start_col": "start", "stop_col": "stop"}
            return CoxTimeVaryingFitter().fit(frame, event_col="event", **names).params_[NAMES]
        used = [*NAMES, "stop", "event", *more.values()]
        fitter = CoxPHFitter().fit(frame[used], "stop", "event", **more)
        return fitter.params_[NAMES].to_numpy()


def row(name: str, ours: float, peers: dict[str, float]) -> None:
    """Print one measurement: own seconds, each peer's, and how many times as many those are."""
    beside = "  ".join(f"{peer} {cost:.3g} s ({cost / ours:.0f} times)" for peer, cost in peers.items())  # fmt: skip
    print(f"{name:52}{ours:9.3f} s  {beside}", flush=True)


def compared(name: str, frame: pd.DataFrame, runs: int) -> None:
    """Measure a fit beside its peers, which must find the same coefficients."""
    mine = fit_cox(data_of(frame)).coefficients
    ours = cpu(lambda: fit_cox(data_of(frame)), runs)
    begin = time.process_time()
    theirs = lifelines_fit(frame.drop(columns="manager", errors="ignore"))
    peers = {"lifelines": time.process_time() - begin}
    found = r_coxph(frame)
    both = [theirs] if found is None else [theirs, found[1]]
    if found is not None:
        peers["R"] = found[0]
    apart = max(float(np.abs(other - mine).max()) for other in both)
    if apart > 1e-5:
        raise SystemExit(f"{name}: coefficients differ by {apart:.1e}")
    row(name, ours, peers)


def main(n_rows: int = 1_000_000) -> None:
    """Measure and print."""
    print(f"{'':52}{'own CPU':>11}")
    long, owner = account_months(n_rows, 1)
    months, distinct = accounts(n_rows // 10, 2, months=True), accounts(n_rows // 10, 3, months=False)  # fmt: skip
    compared(f"fit, {len(long):,} account-months", long, 3)
    compared(f"fit, {len(months):,} accounts, whole months", months, 5)
    compared(f"fit, {len(distinct):,} accounts, distinct times", distinct, 3)

    few = accounts(n_rows // 100, 4, months=True)
    short = cpu(lambda: fit_cox(data_of(few)), 9)
    cluster = cpu(lambda: fit_cox(data_of(few), cluster=few["manager"]), 9)
    begin = time.process_time()
    lifelines_fit(few, cluster_col="manager")
    peers = {"lifelines": time.process_time() - begin}
    found = r_coxph(few, "manager")
    if found is not None:
        peers["R"] = found[0]
    row(f"fit and errors of 200 managers, {len(few):,} accounts", cluster, peers)
    print(f"{'  of these the errors':52}{cluster - short:9.3f} s")

    data = data_of(long)
    plain = cpu(lambda: fit_cox(data), 3)
    robust = cpu(lambda: fit_cox(data, cluster=owner), 3)
    n = len(np.unique(owner))
    print(f"{f'errors of {n:,} accounts, {len(long):,} account-months':52}{robust - plain:9.3f} s")
    print(f"{'preflight of these':52}{cpu(lambda: preflight(data), 1):9.3f} s")
    fit = fit_cox(data)
    score = data.covariates @ fit.coefficients
    who = paths(fit.baseline, data.covariates[:10_000])
    parts = {
        "test of proportional hazards": lambda: proportional_hazards(fit, data),
        "concordance": lambda: concordance(data, score),
        "survival of 10,000 at 3, 6, 12 months, with errors": lambda: survival(
            fit.baseline, fit.covariance, who, [13, 16, 22], alive_at=10
        ),
    }
    for name, work in parts.items():
        print(f"{name:52}{cpu(work, 1):9.3f} s", flush=True)


if __name__ == "__main__":
    main(*(int(number) for number in sys.argv[1:2]))
