"""What goes with leaving in a record without dates: hazard ratios among customers of one age."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from kamlib.churn.drivers import drivers
from kamlib.churn.factors import ON_ONE_DAY
from kamlib.churn.stretch import MONTH_DAYS
from kamlib.glossary import Sentence
from kamlib.params import ChurnParams
from kamlib.results import Estimate


def snapshot_drivers(rows: pd.DataFrame, *, fits: bool, conf_level: float = 0.95) -> Estimate:
    """Hazard ratios of what a record says of its customers, by Cox regression with late entry.

    Parameters
    ----------
    rows
        As `snapshot.snapshot_rows` returns them.
    fits
        Whether levels may be read (`snapshot_curves.levels_hold`); else the note says that only the
        direction of a ratio may.
    conf_level
        Of the intervals.

    Returns
    -------
    Estimate
        As `drivers.drivers`; covariates are those of the day of the record, and of those who left as it
        last knew them.
    """
    ages = {
        name: rows[column] / MONTH_DAYS
        for name, column in (("entry_months", "entry_days"), ("exit_months", "duration_days"))
    }
    lives = rows.assign(**ages, cluster=rows["account_id"])
    found = drivers(lives, "contracts", ChurnParams(conf_level=conf_level), ON_ONE_DAY)
    if found.refused:
        return found
    key = "snapshot.drivers" if found.note.key == "drivers.note" else "snapshot.no_driver"
    doubt = "" if fits else Sentence("snapshot.ratio_doubt")
    return replace(found, note=Sentence(key, dict(found.note.values) | {"doubt": doubt}))
