"""How long accounts stay beyond what the records show: three curves, and how far they disagree.

Records of five years say nothing about the tenth. A curve of a stated form can be drawn on, and the
forms agree where accounts were seen and part ways where they were not: how far is the honest part of
the answer. Nothing is read beyond the cap.
"""

from __future__ import annotations

import warnings

import ibis.expr.types as ir
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kamlib.book import Book
from kamlib.churn.clock import day_count, day_number
from kamlib.churn.engine import collect
from kamlib.churn.spells import Spells
from kamlib.glossary import Sentence
from kamlib.params import ChurnParams
from kamlib.results import Check, Estimate, one_row, refusal

Floats = NDArray[np.float64]
MIN_LOSSES = 10
_YEAR_DAYS = 365.25
_GRID = 400
_APART = 0.1  # of the cap: forms that differ by more disagree
FORMS = {"weibull": "WeibullFitter", "log_normal": "LogNormalFitter",
         "log_logistic": "LogLogisticFitter"}  # fmt: skip


def observed_spells(book: Book, spells: Spells) -> pd.DataFrame:
    """Return the time under observation of each spell.

    Returns
    -------
    DataFrame
        One row per account and spell: `account_id`, `spell_no`, `entry_years` (since it began, when
        it was first at risk in sight), `exit_years`, `event` (1: churn).
    """
    table: ir.Table = spells.table
    end = day_number(table.ended_on).fill_null(day_count(book.as_of))
    rows = table.select(
        "account_id",
        "spell_no",
        entry_years=(day_number(table.at_risk_from) - day_number(table.started_on)) / _YEAR_DAYS,
        exit_years=(end - day_number(table.started_on) + 1) / _YEAR_DAYS,
        event=(table.event_type == "churn").fill_null(False).ifelse(1, 0),
    )
    return collect(rows.filter(rows.exit_years > rows.entry_years))


def long_run(rows: pd.DataFrame, rules: ChurnParams, rng: np.random.Generator) -> Estimate:
    """Expected stay of a new account within a cap, by Weibull, log-normal and log-logistic curves.

    Parameters
    ----------
    rows
        As `observed_spells` returns them.
    rules
        `long_run_years` (the cap), `draws`, `conf_level`.
    rng
        Source of randomness of the intervals.

    Returns
    -------
    Estimate
        Frame: one row per form, the best first: `curve_form`, `years_capped` (mean stay, who stays
        longer counts with the cap) with `years_low`, `years_high`, `share_at_cap` (still there),
        `aic` (the lower, the better the form fits what was seen), `conf_level`. Refused where fewer
        than ten were lost.

    Notes
    -----
    Fits by lifelines with late entry; limits are percentiles over draws from the normal distribution
    of the estimates, and hold if the form does. Competing ends count as censoring.
    """
    n_event = int(rows["event"].sum()) if len(rows) else 0
    if n_event < MIN_LOSSES:
        return refusal("long_run", "drivers.long_run_few", n=n_event, need=MIN_LOSSES)
    cap, level = rules.long_run_years, rules.conf_level
    found = [
        row
        for form in FORMS
        if (row := _fitted(form, rows, cap, level, rules.draws, rng)) is not None
    ]
    if not found:
        return refusal("long_run", "drivers.long_run_unsettled", n=len(rows))
    frame = pd.DataFrame(found).sort_values("aic", kind="stable", ignore_index=True)
    seen = float(rows["exit_years"].max())
    values = {
        "cap": cap, "best": frame["curve_form"].iloc[0], "years": frame["years_capped"].iloc[0],
        "low": frame["years_low"].iloc[0], "high": frame["years_high"].iloc[0], "level": level,
        "least": frame["years_capped"].min(), "most": frame["years_capped"].max(),
        "seen": seen, "n": len(rows), "events": n_event,
    }  # fmt: skip
    agree = values["most"] - values["least"] <= _APART * cap
    key = "drivers.forms_agree" if agree else "drivers.forms_differ"
    check = Check("long_run_forms", bool(agree), Sentence(key, values))
    summary = one_row(len(rows), "parametric curves, capped", level, n_event=n_event)
    return Estimate("long_run", frame, summary, Sentence("drivers.long_run", values), (check,))


def _fitted(
    form: str, rows: pd.DataFrame, cap: float, level: float, draws: int, rng: np.random.Generator
) -> dict[str, object] | None:
    import lifelines
    from lifelines.exceptions import ConvergenceError

    fitter = getattr(lifelines, FORMS[form])()
    # entry is None where nobody came late: zeros would do, and are slower
    late = rows["entry_years"].to_numpy(dtype=np.float64)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            fitter.fit(rows["exit_years"], rows["event"], entry=late if late.any() else None)
    except ConvergenceError:
        return None
    at = np.linspace(0.0, cap, _GRID + 1)
    centre = np.asarray(fitter._fitted_parameters_, dtype=np.float64)
    spread = np.asarray(fitter.variance_matrix_, dtype=np.float64)
    if not (np.isfinite(centre).all() and np.isfinite(spread).all()):
        return None

    def stay(parameters: Floats) -> tuple[float, float]:
        curve = np.exp(-np.asarray(fitter._cumulative_hazard(parameters, np.maximum(at, 1e-9))))
        return float(np.trapezoid(curve, at)), float(curve[-1])

    drawn = rng.multivariate_normal(centre, spread, size=draws)
    # a draw beyond what the form allows says nothing
    years = [stay(one)[0] for one in drawn if _allowed(form, one)]
    low, high = np.quantile(years, [(1 - level) / 2, (1 + level) / 2])
    mean, left = stay(centre)
    return {
        "curve_form": form, "years_capped": mean, "years_low": float(low),
        "years_high": float(high), "share_at_cap": left, "aic": float(fitter.AIC_),
        "conf_level": level,
    }  # fmt: skip


def _allowed(form: str, parameters: Floats) -> bool:
    scales = parameters[1:] if form == "log_normal" else parameters
    return bool((scales > 0).all())
