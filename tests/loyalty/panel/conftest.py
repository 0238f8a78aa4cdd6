"""Panels that several tests share."""

from __future__ import annotations

import json
from math import cos, sin
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from kamlib.glossary import Style, say
from kamlib.loyalty.panel.grid import panel_of
from kamlib.loyalty.panel.scores import Effects


@pytest.fixture(scope="session")
def reference():
    """Published and measured figures, with their source."""
    return json.loads(Path(__file__).with_name("panel_reference.json").read_text("utf-8"))


@pytest.fixture(scope="session")
def fixture_rows():
    """24 units × 8 periods without random numbers; two cohorts and a never-treated half."""
    rows = []
    for i in range(24):
        g = 4 if i < 6 else 6 if i < 12 else 0
        for t in range(1, 9):
            noise = 0.3 * sin(1.7 * i + 2.3 * t) + 0.2 * cos(0.9 * i * t)
            effect = 0.5 + 0.1 * (t - g) if g and t >= g else 0
            y = round(5 + 0.1 * i + 0.15 * t + noise + effect, 6)
            rows.append((i, t, g or None, y, round(sin(i), 6)))
    return pd.DataFrame(rows, columns=["unit", "period", "cohort", "outcome", "x"])


@pytest.fixture(scope="session")
def fixture_panel(fixture_rows):
    return panel_of(fixture_rows)


@pytest.fixture(scope="session")
def mpdta_rows(data_folder):
    names = {"countyreal": "unit", "year": "period", "first_treat": "cohort", "lemp": "outcome"}
    rows = pd.read_parquet(data_folder / "causal" / "mpdta.parquet").rename(columns=names)
    return rows.assign(cohort=rows["cohort"].replace(0, np.nan))


@pytest.fixture(scope="session")
def mpdta(mpdta_rows):
    return panel_of(mpdta_rows)


@pytest.fixture(scope="session")
def df_het_rows(data_folder):
    names = {"year": "period", "g": "cohort", "dep_var": "outcome"}
    rows = pd.read_parquet(data_folder / "causal" / "df_het.parquet").rename(columns=names)
    return rows.assign(cohort=rows["cohort"].astype(float).replace(0, np.nan))


@pytest.fixture(scope="session")
def printed():
    """Return what prints as six digits do: half of the last one, and a hair for a tie."""
    return lambda values, digits=6: pytest.approx(np.array(values), abs=0.51 * 10**-digits)


@pytest.fixture(scope="session")
def world():
    """Return a maker of panels: AR(1) months, units of two levels, growing effects; and its truth."""

    def made(rng, *, n=60, periods=24, cohorts=(12, 16), share=0.2, effect=0.1, rho=0.7):
        start = np.full(n, periods)
        size = max(int(share * n), 1)
        for k, cohort in enumerate(cohorts):
            start[k * size : (k + 1) * size] = cohort
        shock = rng.normal(size=(n, periods)) * 0.25
        noise = np.empty_like(shock)
        noise[:, 0] = shock[:, 0] / np.sqrt(1 - rho**2)
        for t in range(1, periods):
            noise[:, t] = rho * noise[:, t - 1] + shock[:, t]
        at = np.arange(periods)
        gain = effect * (1 + 0.05 * (at - start[:, None])) * (at >= start[:, None])
        y = rng.normal(size=(n, 1)) + 0.01 * at + noise + gain
        rows = pd.DataFrame(
            {
                "unit": np.repeat(np.arange(n), periods),
                "period": np.tile(at, n),
                "cohort": np.repeat(np.where(start < periods, start, np.nan), periods),
                "outcome": y.ravel(),
            }
        )
        after = at >= start[:, None]
        return panel_of(rows), float(gain[after].mean())

    return made


@pytest.fixture(scope="session")
def effects():
    """Return a maker of event studies by hand: independent effects of one error, base at −1."""

    def made(before, after, error=1.0, df=40):
        rel = [*range(-1 - len(before), -1), *range(len(after))]
        frame = pd.DataFrame({"rel_period": rel, "n_obs": df + 1})
        k = len(rel)
        scores = error * np.eye(k)
        return Effects(frame, np.array([*before, *after], float), scores, np.arange(k), df)

    return made


@pytest.fixture(scope="session")
def checks():
    """Return what the checks of an estimate say, by name."""
    return lambda estimate: {check.name: check.passed for check in estimate.checks}


@pytest.fixture(scope="session")
def said():
    """Return every sentence of an estimate, each in both languages, one after the other."""

    def told(estimate):
        sentences = [estimate.note, *(check.note for check in estimate.checks)]
        return [say(s, Style(language, "EUR")) for s in sentences for language in ("en", "zh")]

    return told
