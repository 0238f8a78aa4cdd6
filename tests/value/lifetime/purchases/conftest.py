"""Purchase summaries that several modules are tested on."""

import pytest

from kamlib.value.lifetime.purchases.bg_nbd import BG_NBD, MBG_NBD
from kamlib.value.lifetime.purchases.fit import fit
from kamlib.value.lifetime.purchases.pareto_nbd import PARETO_NBD
from kamlib.value.lifetime.purchases.summary import compress


@pytest.fixture(scope="session")
def cdnow_fits(cdnow):
    """Maximum-likelihood fits by name of the model."""
    rows = compress(cdnow.x, cdnow.t_x, cdnow.age)
    return {model.name: fit(model, rows, prior=None) for model in (BG_NBD, MBG_NBD, PARETO_NBD)}
