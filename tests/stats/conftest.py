"""Records that several tests of curves and of forecasts stand on."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest


@dataclass(frozen=True)
class Forecast:
    """German breast cancer: a Cox model of the even `pid`, to be judged on the odd ones.

    `line` is what multiplies the hazard (its logarithm), `exit` days, `event` death or relapse.
    """

    line: np.ndarray
    exit: np.ndarray
    event: np.ndarray
    _times: np.ndarray
    _hazard: dict[str, np.ndarray]

    def chance(self, times, ties="efron"):
        """Return chances of the event by each time, shape (n, k)."""
        place = np.searchsorted(self._times, times, side="right")
        reached = np.r_[0.0, np.cumsum(self._hazard[ties])][place]
        return -np.expm1(-np.exp(self.line)[:, None] * reached)


@pytest.fixture(scope="session")
def survival_folder(data_folder, require):
    folder = data_folder / "survival"
    return require("data", folder.is_dir() and folder, "no survival records here")


@pytest.fixture(scope="session")
def gbsg(survival_folder) -> Forecast:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from lifelines import CoxPHFitter

        names = ["age", "meno", "size", "grade", "nodes", "pgr", "er", "hormon"]
        train, test = (pd.read_csv(survival_folder / f"gbsg_{part}.csv") for part in ("tr", "te"))
        fit = CoxPHFitter().fit(train[[*names, "rfstime", "status"]], "rfstime", "status",
                                fit_options={"precision": 1e-12})  # fmt: skip
    # lifelines' coefficients are R's; its baseline is Breslow's only, and read between its steps
    beta = fit.params_[names].to_numpy()
    assert beta[0] == pytest.approx(-0.026012, abs=1e-6)
    assert beta[-1] == pytest.approx(-0.245946, abs=1e-6)
    assert fit.log_likelihood_ == pytest.approx(-689.362910, abs=1e-6)
    middle = train[names].mean()
    risk = np.exp((train[names] - middle).to_numpy() @ beta)
    exit_, event = train["rfstime"].to_numpy(), train["status"].to_numpy() == 1
    times = np.unique(exit_[event])
    hazard = {"breslow": np.zeros(times.size), "efron": np.zeros(times.size)}
    for i, time in enumerate(times):
        at_risk, own = risk[exit_ >= time].sum(), risk[(exit_ == time) & event]
        hazard["breslow"][i] = own.size / at_risk
        hazard["efron"][i] = sum(1 / (at_risk - j / own.size * own.sum()) for j in range(own.size))
    return Forecast((test[names] - middle).to_numpy() @ beta, test["rfstime"].to_numpy(float),
                    test["status"].to_numpy(), times, hazard)  # fmt: skip


@pytest.fixture(scope="session")
def rossi() -> pd.DataFrame:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from lifelines.datasets import load_rossi

        return load_rossi()


@pytest.fixture(scope="session")
def lung() -> pd.DataFrame:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from lifelines.datasets import load_lung

        return load_lung()
