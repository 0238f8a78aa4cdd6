"""What a Cox model did not expect: residuals by row and by event."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kamlib.stats.cox import CoxFit
from kamlib.stats.cox_data import CoxData, Floats
from kamlib.stats.cox_likelihood import likelihood


def martingale(fit: CoxFit, data: CoxData) -> Floats:
    """Events less expected events of each row, shape (n_rows,); not weighted.

    Rows that are in no risk set have 0. With weights of one the sum is zero.

    References
    ----------
    Therneau, T. M., Grambsch, P. M. and Fleming, T. R. (1990). Martingale-based residuals for
    survival models. Biometrika 77, 147–160. doi:10.1093/biomet/77.1.147
    """
    found = likelihood(data, fit.ties)
    point = found.point(fit.coefficients * found.scale)
    sets, (full, part) = found.sets, point.hazard
    ratio = point.risk if found.weight is None else point.risk / found.weight
    left = -ratio * sets.over(full)
    left[sets.event] += 1 + ratio[sets.event] * part[sets.at]
    residual = np.zeros(data.n_obs)
    residual[sets.rows] = left
    return residual


@dataclass(frozen=True, slots=True, eq=False)
class Schoenfeld:
    """Covariates of those whose event it was, less the mean of those at risk then.

    Attributes
    ----------
    row, time
        Row of the data and time of each event, in the order of the rows, shape (n_event,).
    residual
        In units of the covariates, shape (n_event, k); the columns add up to zero without weights.
    scaled
        Coefficients as they would look at that event: smoothed over time they draw β(t).
    """

    row: NDArray[np.int64]
    time: Floats
    residual: Floats
    scaled: Floats


def schoenfeld(fit: CoxFit, data: CoxData) -> Schoenfeld:
    """Schoenfeld residuals, plain and scaled by the average information of an event.

    References
    ----------
    Schoenfeld, D. (1982). Partial residuals for the proportional hazards regression model.
    Biometrika 69, 239–241. doi:10.1093/biomet/69.1.239
    Grambsch, P. M. and Therneau, T. M. (1994). Proportional hazards tests and diagnostics based on
    weighted residuals. Biometrika 81, 515–526. doi:10.1093/biomet/81.3.515
    """
    found = likelihood(data, fit.ties)
    point = found.point(fit.coefficients * found.scale)
    sets, (full, part) = found.sets, point.hazard
    mean = full[:, None] * point.in_set_x - part[:, None] * point.of_events_x
    mean /= np.bincount(found.at, found.mass, sets.size)[:, None]
    plain = found.chosen - mean[sets.at]
    scaled = len(plain) * np.linalg.solve(found.information(point), plain.T).T
    row = sets.rows[sets.event]
    return Schoenfeld(
        row, data.exit[row], plain * found.scale, fit.coefficients + scaled / found.scale
    )
