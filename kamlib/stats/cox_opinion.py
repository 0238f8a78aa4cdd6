"""The same model fitted by other hands: lifelines' coefficients beside the own ones."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd

from kamlib.glossary import Sentence
from kamlib.results import Check
from kamlib.stats.cox import CoxFit
from kamlib.stats.cox_data import CoxData, Floats

AGREE = 1e-5


def second_opinion(fit: CoxFit, data: CoxData) -> Check:
    """Check that lifelines finds the same coefficients of the same rows, without a penalty.

    Compared are log hazard ratios per standard deviation of each covariate; they must agree to
    1e-5. lifelines has Efron's ties only, and no offset: other fits, and fits with a penalty or in
    trouble, are not judged. It is imported here, since that takes a second or two.

    Parameters
    ----------
    fit, data
        A fit and the rows that it was fitted to.

    Returns
    -------
    Check
        With the largest difference; None where there is nothing to compare, or where lifelines
        does not converge.
    """
    plain = fit.ties == "efron" and fit.penalty == 0 and data.offset is None
    if fit.trouble is not None or not plain or not fit.names:
        return Check("cox_second_opinion", None, Sentence("cox.no_second_opinion"))
    from lifelines.exceptions import ConvergenceError

    scale = data.covariates.std(axis=0)
    scaled = (data.covariates - data.covariates.mean(axis=0)) / scale
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            theirs = _lifelines(data, scaled)
    except (ConvergenceError, np.linalg.LinAlgError):
        return Check("cox_second_opinion", None, Sentence("cox.other_not_converged"))
    apart = np.abs(theirs - fit.coefficients * scale)
    values = {"largest": float(apart.max()), "name": fit.names[int(apart.argmax())]}
    agrees = bool(apart.max() <= AGREE)
    key = "cox.second_opinion" if agrees else "cox.second_opinion_differs"
    shown = {"largest": f"{values['largest']:.1e}", "name": values["name"], "limit": f"{AGREE:.0e}"}
    return Check("cox_second_opinion", agrees, Sentence(key, shown))


def _lifelines(data: CoxData, scaled: Floats) -> Floats:
    """Return lifelines' coefficients of the scaled covariates."""
    from lifelines import CoxPHFitter, CoxTimeVaryingFitter

    columns = [f"x{number}" for number in range(scaled.shape[1])]
    frame = pd.DataFrame(scaled, columns=columns)
    frame["stop"], frame["event"] = data.exit, data.event
    more: dict[str, object] = {"event_col": "event", "fit_options": {"precision": 1e-10}}
    if data.weight is not None:
        frame["weight"] = data.weight
        frame, more["weights_col"] = frame[frame["weight"] > 0], "weight"
    if len(data.strata) > 1:
        frame["stratum"], more["strata"] = data.stratum[frame.index], ["stratum"]
    if not np.isfinite(data.entry).any():
        plain = CoxPHFitter().fit(frame, duration_col="stop", **more)
        return np.asarray(plain.params_[columns], dtype=np.float64)
    # late entry and pieces of time alike; it wants every row to have an owner and a begin
    first = min(float(data.entry[np.isfinite(data.entry)].min()), float(data.exit.min())) - 1
    frame["start"] = np.maximum(data.entry, first)[frame.index]
    frame["row"] = np.arange(len(frame))
    fitter = CoxTimeVaryingFitter().fit(
        frame, id_col="row", start_col="start", stop_col="stop", **more
    )
    return np.asarray(fitter.params_[columns], dtype=np.float64)
