"""Fits of purchase models, in CPU seconds of a warm process, beside the prototype's and peers'.

`python -m benchmarks.purchases [FILE]` (or KAM_DATA_DIR) measures, each as the median of several
runs in one process:

* BG/NBD, MBG/NBD, Pareto/NBD and gamma-gamma on CDNOW (2,357 customers), compression included;
* BG/NBD at 10,000 and 1,000,000 accounts, Pareto/NBD at 10,000: CDNOW drawn again by a simulator of
  BG/NBD at its own parameters, in days;
* 4,000 draws of the posterior for 200 accounts; 1,000 futures of 3,000 accounts.

lifetimes and PyMC-Marketing are measured beside them where they can be imported
(`pip install -e '.[bench]'`); neither is asked for by any command of the README. Each gets a row per
account, as its guide tells, and next to it ours is measured once more: ratios are of seconds that
passed on the same machine within a minute. PyMC-Marketing maximises under its default priors, ours
and lifetimes without any. The prototype's column is what a design study measured once, on another
machine: it says what was aimed at, not what is compared.
"""

from __future__ import annotations

import importlib.util
import os
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from kamlib.value.lifetime.posterior import posterior
from kamlib.value.lifetime.predict import Accounts, predict
from kamlib.value.lifetime.purchases.bg_nbd import BG_NBD, MBG_NBD
from kamlib.value.lifetime.purchases.fit import fit
from kamlib.value.lifetime.purchases.pareto_nbd import PARETO_NBD
from kamlib.value.lifetime.purchases.summary import compress
from kamlib.value.lifetime.spend import spenders
from kamlib.value.lifetime.spend_models import GAMMA_GAMMA

PROTOTYPE = {
    "BG/NBD, CDNOW": 0.013, "MBG/NBD, CDNOW": 0.011, "Pareto/NBD, CDNOW": 0.09,
    "gamma-gamma, CDNOW": 0.0045, "BG/NBD, 10,000": 0.028, "Pareto/NBD, 10,000": 0.27,
    "BG/NBD, 1,000,000": 0.66, "posterior BG/NBD, n = 200": 0.045,
    "posterior Pareto/NBD, n = 200": 0.82, "1,000 futures, n = 3,000": 3000 * 2.5 * 0.00077,
}  # fmt: skip


def cdnow(file: Path) -> dict[str, np.ndarray]:
    """Return frequency, recency, age and mean repeat spend, in days."""
    end = pd.Timestamp("1997-09-30")
    lines = pd.read_parquet(file).groupby(["sample_id", "date"])["spend"].sum().reset_index()
    each = lines[lines["date"] <= end].groupby("sample_id")
    ends = each["date"].agg(["min", "max", "size"])
    x = ends["size"].to_numpy(dtype=float) - 1
    repeat = (each["spend"].sum() - each["spend"].first()).to_numpy()
    return {
        "x": x,
        "t_x": (ends["max"] - ends["min"]).dt.days.to_numpy(dtype=float),
        "age": (end - ends["min"]).dt.days.to_numpy(dtype=float),
        "z": repeat / np.maximum(x, 1),
    }


def drawn(n: int, seed: int) -> dict[str, np.ndarray]:
    """Return summaries of n accounts of BG/NBD at CDNOW's parameters, ages of 189 to 272 days."""
    rng = np.random.default_rng(seed)
    rate = np.maximum(rng.gamma(0.2426, 1 / (7 * 4.4136), n), 1e-12)
    leave, age = rng.beta(0.7929, 2.4259, n), rng.integers(189, 273, n).astype(float)
    x, t_x, now = np.zeros(n), np.zeros(n), np.zeros(n)
    alive = np.arange(n)
    while len(alive):
        now[alive] += np.maximum(rng.standard_exponential(len(alive)) / rate[alive], 1.0)
        alive = alive[now[alive] <= age[alive]]
        x[alive] += 1
        t_x[alive] = np.floor(now[alive])
        alive = alive[rng.random(len(alive)) >= leave[alive]]
    return {"x": x, "t_x": t_x, "age": age}


def cpu(work: Callable[[], object], runs: int) -> float:
    """Return the median of CPU seconds, all threads, after one run that is not counted."""
    work()
    found = []
    for _ in range(runs):
        start = time.process_time()
        work()
        found.append(time.process_time() - start)
    return statistics.median(found)


def pieces(file: Path) -> dict[str, tuple[Callable[[], object], int]]:
    """Return what is measured, and how often."""
    one, ten, million = cdnow(file), drawn(10_000, 1), drawn(1_000_000, 2)
    rng = np.random.default_rng(3)

    def whole(model, data):
        return lambda: fit(model, compress(data["x"], data["t_x"], data["age"]), prior=None)

    pick = rng.choice(len(one["x"]), 200, replace=False)
    some = compress(*(one[name][pick] for name in ("x", "t_x", "age")))
    bg, pareto = fit(BG_NBD, some), fit(PARETO_NBD, some)
    spend_rows = spenders(one["x"], one["z"])[0]
    spend = fit(GAMMA_GAMMA, spend_rows)
    pick = np.arange(3000) % len(one["x"])
    accounts = Accounts(*(one[name][pick] for name in ("x", "t_x", "age", "z")))
    draws = posterior(bg, some, draws=1000, rng=rng).natural

    def futures():
        return predict(
            BG_NBD, draws, GAMMA_GAMMA, np.tile(spend.natural, (1000, 1)), accounts,
            horizon_days=365.0, discount=0.1 / 365, conf_level=0.95, rng=rng,
        )  # fmt: skip

    return {
        "BG/NBD, CDNOW": (whole(BG_NBD, one), 15),
        "MBG/NBD, CDNOW": (whole(MBG_NBD, one), 15),
        "Pareto/NBD, CDNOW": (whole(PARETO_NBD, one), 9),
        "gamma-gamma, CDNOW": (lambda: fit(GAMMA_GAMMA, spend_rows, prior=None), 15),
        "BG/NBD, 10,000": (whole(BG_NBD, ten), 9),
        "Pareto/NBD, 10,000": (whole(PARETO_NBD, ten), 3),
        "BG/NBD, 1,000,000": (whole(BG_NBD, million), 3),
        "posterior BG/NBD, n = 200": (lambda: posterior(bg, some, rng=rng), 9),
        "posterior Pareto/NBD, n = 200": (lambda: posterior(pareto, some, rng=rng), 3),
        "1,000 futures, n = 3,000": (futures, 3),
    }


def peers(file: Path) -> list[tuple[str, str, Callable[[], object], int]]:
    """Return fits of installed peers: our piece, name of the peer, work, runs."""
    found: list[tuple[str, str, Callable[[], object], int]] = []
    # in weeks: the peers' starting values are made for small numbers
    one, million = (
        {"frequency": data["x"], "recency": data["t_x"] / 7, "T": data["age"] / 7}
        for data in (cdnow(file), drawn(1_000_000, 2))
    )
    if importlib.util.find_spec("lifetimes"):
        from lifetimes import BetaGeoFitter, ParetoNBDFitter

        found += [
            ("BG/NBD, CDNOW", "lifetimes", lambda: BetaGeoFitter().fit(**one), 5),
            ("Pareto/NBD, CDNOW", "lifetimes", lambda: ParetoNBDFitter().fit(**one), 3),
            ("BG/NBD, 1,000,000", "lifetimes", lambda: BetaGeoFitter().fit(**million), 1),
        ]
    if importlib.util.find_spec("pymc_marketing"):
        from pymc_marketing import clv

        for piece, model, data, runs in (
            ("BG/NBD, CDNOW", clv.BetaGeoModel, one, 3),
            ("Pareto/NBD, CDNOW", clv.ParetoNBDModel, one, 1),
            ("BG/NBD, 1,000,000", clv.BetaGeoModel, million, 1),
        ):
            frame = pd.DataFrame({"customer_id": np.arange(len(data["T"])), **data})
            # cpu() leaves the first fit of the process, which compiles, uncounted
            work = partial(_map, model, frame)
            found.append((piece, "PyMC-Marketing MAP", work, runs))
    return found


def _map(model: Any, frame: pd.DataFrame) -> object:
    return model(data=frame).fit(method="map", progressbar=False)


def main() -> None:
    """Measure and print."""
    folder = os.environ.get("KAM_DATA_DIR", "")
    file = Path(sys.argv[1] if len(sys.argv) > 1 else f"{folder}/cdnow/cdnow_sample.parquet")
    if not file.is_file():
        raise SystemExit("give cdnow_sample.parquet, or set KAM_DATA_DIR to the folder above it")
    ours = pieces(file)
    print(f"{'':34}{'CPU s':>9}{'prototype':>11}")
    for name, (work, runs) in ours.items():
        print(f"{name:34}{cpu(work, runs):9.4f}{PROTOTYPE[name]:11.4f}", flush=True)
    for name, peer, work, runs in peers(file):
        cost, base = cpu(work, runs), cpu(*ours[name])
        told = f"{cost:9.3f} beside {base:.4f}: {cost / base:4.0f} times ours"
        print(f"{f'{name}: {peer}':44}{told}", flush=True)


if __name__ == "__main__":
    main()
