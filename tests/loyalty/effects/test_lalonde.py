"""Parity on the job-training trial of LaLonde (1986) and its observational twin, where its records are there.

The records are those of the package `causaldata` (extra `parity`): 185 trainees and 260 others drawn by lot
(Dehejia and Wahba 1999), and 15,992 people of the Current Population Survey in place of the latter. The figures
of likeness also stand in Imbens, G. W. and Xu, Y. (2025), Comparing experimental and nonexperimental methods.
"""

from __future__ import annotations

from functools import partial
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from kamlib.loyalty.effects.entropy import entropy_balanced
from kamlib.loyalty.effects.imputed import doubly_robust, imputed
from kamlib.loyalty.effects.overlap import effective_size
from kamlib.loyalty.effects.randomised import (
    common_slopes,
    cuped,
    difference_in_means,
    own_slopes,
)
from kamlib.loyalty.effects.sample import sample
from kamlib.loyalty.effects.weighting import weighted

EIGHT = ("age", "educ", "black", "hisp", "marr", "nodegree", "re74", "re75")
TEN = (*EIGHT, "u74", "u75")


def records(*names: str) -> pd.DataFrame:
    # found, not imported: its import asks for packages that reading records does not need
    package = find_spec("causaldata")
    if package is None or package.origin is None:
        pytest.skip("the records of LaLonde come with the extra 'parity'")
    folder = Path(package.origin).parent
    parts = [pd.read_stata(folder / name / f"{name}.dta") for name in names]
    rows = pd.concat(parts, ignore_index=True).drop(columns="data_id").astype(np.float64)
    return rows.assign(u74=rows["re74"] == 0, u75=rows["re75"] == 0).astype(np.float64)


@pytest.fixture(scope="module")
def drawn() -> pd.DataFrame:
    return records("nsw_mixtape")


@pytest.fixture(scope="module")
def twin(drawn) -> pd.DataFrame:
    return pd.concat([drawn[drawn["treat"] == 1], records("cps_mixtape")], ignore_index=True)


def close(value: float, printed: float, digits: int) -> bool:
    return abs(value - printed) <= 0.51 * 10.0**-digits


@pytest.mark.parametrize(
    ("of", "covariates", "value", "error"),
    [
        (difference_in_means, (), 1794.342382, 670.996544),
        (common_slopes, EIGHT, 1676.342625, 677.049144),
        (own_slopes, EIGHT, 1621.583082, 694.721569),
        (cuped, ("re75",), 1747.133990, 668.961908),
        (cuped, ("re74", "re75"), 1767.067532, 668.342921),
    ],
)
def test_by_lot(drawn, of, covariates, value, error):
    found = of(sample(drawn, "re78", "treat", covariates))
    assert close(found.value, value, 6)
    assert close(found.std_error, error, 6)


@pytest.mark.parametrize(
    ("covariates", "of", "value"),
    [
        ((), difference_in_means, -8497.516),
        (EIGHT, common_slopes, 699.132),
        (EIGHT, imputed, 689.858),
        (EIGHT, weighted, 1180.408),
        (EIGHT, doubly_robust, 1273.551),
        (EIGHT, entropy_balanced, 1270.735),
        (EIGHT, partial(weighted, estimand="ato"), 1149.299),
        (TEN, common_slopes, 1066.376),
        (TEN, imputed, 1133.275),
        (TEN, weighted, 1377.119),
        (TEN, doubly_robust, 1488.881),
        (TEN, entropy_balanced, 1406.304),
        (TEN, partial(weighted, estimand="ato"), 1093.042),
    ],
)
def test_by_likeness(twin, covariates, of, value):
    assert close(of(sample(twin, "re78", "treat", covariates)).value, value, 3)


@pytest.mark.parametrize(
    ("of", "value"),
    [
        (common_slopes, -1134.821),
        (imputed, -1096.698),
        (entropy_balanced, -1227.207),
        (doubly_robust, -1230.795),
    ],
)
def test_a_year_that_training_cannot_have_changed(twin, of, value):
    """The placebo fails by four errors, where the figures above look good."""
    names = tuple(n for n in TEN if n not in ("re75", "u75"))
    found = of(sample(twin, "re75", "treat", names))
    assert close(found.value, value, 3)


def test_how_few_of_the_survey_are_like_trainees(twin):
    found = sample(twin, "re78", "treat", TEN)
    assert round(effective_size(weighted(found).weights[~found.treated])) == 258


def test_the_placebo_by_lot(drawn):
    found = difference_in_means(sample(drawn, "re75", "treat"))
    assert (round(found.value, 1), round(found.std_error)) == (265.1, 305)
