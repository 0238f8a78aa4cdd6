"""lifelines' coefficients beside the own ones."""

from __future__ import annotations

import dataclasses
import subprocess
import sys

import numpy as np
import pytest
from lifelines.exceptions import ConvergenceError

from kamlib.glossary import Style, say
from kamlib.stats import cox_opinion
from kamlib.stats.cox import fit_cox
from kamlib.stats.cox_data import cox_data
from kamlib.stats.cox_opinion import second_opinion


def sample(**more):
    rng = np.random.default_rng(1)
    n = 300
    x = rng.normal(size=(n, 3)) * [1, 1e6, 1e-3] + [0, 1e7, 5]
    entry = rng.integers(0, 5, n).astype(float)
    exit_ = entry + rng.integers(1, 12, n)
    extra = {
        "entry": entry, "strata": rng.integers(0, 3, n), "weight": rng.integers(0, 4, n) / 2,
        "offset": rng.normal(size=n),
    }  # fmt: skip
    chosen = {name: extra[name] for name in more}
    return cox_data(x, exit_, rng.random(n) < 0.5, names=["a", "b", "c"], **chosen)


@pytest.mark.parametrize("more", [(), ("entry",), ("strata",), ("weight",),
                                  ("entry", "strata", "weight")])  # fmt: skip
def test_they_agree(more):
    data = sample(**dict.fromkeys(more))
    found = second_opinion(fit_cox(data), data)
    assert found.passed is True
    assert float(found.note.values["largest"]) < 1e-6


def test_a_difference_is_found_and_named():
    data = sample()
    fit = fit_cox(data)
    moved = fit.coefficients + np.array([0, 1e-10, 0])  # 1e-4 per standard deviation
    found = second_opinion(dataclasses.replace(fit, coefficients=moved), data)
    assert found.passed is False
    assert found.note.values["name"] == "b"
    largest = found.note.values["largest"]
    assert float(largest) == pytest.approx(1e-4, rel=0.1)
    assert largest in str(found.note)
    assert largest in say(found.note, Style("zh"))


def test_what_lifelines_does_not_fit_is_not_judged():
    data = sample()
    for fit in (fit_cox(data, ties="breslow"), fit_cox(data, penalty=1.0)):
        assert second_opinion(fit, data).passed is None
    offset = sample(offset=None)
    assert second_opinion(fit_cox(offset), offset).passed is None


@pytest.mark.parametrize("error", [ConvergenceError, np.linalg.LinAlgError])
def test_no_convergence_is_told(monkeypatch, error):
    def fails(*_):
        raise error("no")

    monkeypatch.setattr(cox_opinion, "_lifelines", fails)
    data = sample()
    found = second_opinion(fit_cox(data), data)
    assert found.passed is None
    assert found.note.key == "cox.other_not_converged"


def test_lifelines_is_not_imported_before_it_is_asked():
    code = "import sys, kamlib.stats.cox_opinion; sys.exit('lifelines' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
