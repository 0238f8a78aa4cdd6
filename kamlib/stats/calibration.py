"""Whether chances mean what they say: observed against predicted, by group and along the chance."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from kamlib.errors import FitError
from kamlib.stats.censoring import chances, follow_up, known_by
from kamlib.stats.cox import fit_cox
from kamlib.stats.cox_data import cox_data
from kamlib.stats.cox_paths import paths
from kamlib.stats.cox_survival import survival
from kamlib.stats.observed_share import observed_share

Floats = NDArray[np.float64]
_KNOTS = (0.1, 0.5, 0.9)
_CERTAIN = (1e-9, 1 - 1e-15)  # 0 and 1 have no place on the log–log scale


def calibration_by_group(
    chance: ArrayLike,
    exit_: ArrayLike,
    event: ArrayLike,
    group: ArrayLike,
    *,
    horizon: float,
    conf_level: float = 0.95,
) -> pd.DataFrame:
    """Compare the mean chance of each group with the share that had the event within the horizon.

    Parameters
    ----------
    chance
        Chance of the event within the horizon, shape (n,).
    exit_, event
        As in `brier.brier_score`: 0 censored, 1 the event, 2 another end that rules it out.
    group
        Group of each account, such as its tier, or `quantile_groups(chance, 5)`.
    horizon
        Time since the day of the prediction.
    conf_level
        Of the interval of the observed share.

    Returns
    -------
    DataFrame
        One row per group, sorted: `group`, `n_obs`, `n_event` (known, within the horizon), `expected`
        (mean chance), `observed` (Kaplan–Meier, or Aalen–Johansen where there are other ends),
        `observed_low`, `observed_high`, `term` ("observed_to_expected"), `estimate` (observed ÷
        expected; above 1: more left than foretold), `conf_low`, `conf_high` (of the observed share, the
        expected taken as given), `conf_level`. Unknown for a group of which nobody was followed so far.

    Raises
    ------
    FitError
        Faults of chances and spells; a horizon that no account is followed to; missing groups.

    Examples
    --------
    >>> found = calibration_by_group(
    ...     [0.5, 0.5, 0.1, 0.1], [1, 3, 3, 3], [1, 0, 0, 0], ["a", "a", "b", "b"], horizon=2)
    >>> found["observed"].tolist(), found["estimate"].tolist()
    ([0.5, 0.0], [1.0, 0.0])
    """
    seen = follow_up(exit_, event)
    given = chances(chance, seen.exit.size, np.array([horizon]))[:, 0]
    known_by(seen, horizon)
    code, names = pd.factorize(pd.Series(group).astype(object), sort=True)
    if len(code) != given.size or (code < 0).any():
        n = int((code >= 0).sum())
        raise FitError(f"calibration: {n:,} rows have a group, and {given.size:,} a chance")
    rows = []
    for g, name in enumerate(names):
        part = code == g
        found = observed_share(seen.exit[part], seen.event[part], horizon, conf_level)
        expected = float(given[part].mean())
        scale = expected if expected > 0 else float("nan")
        rows.append(
            {
                "group": name, "n_obs": int(part.sum()), "n_event": found.n_event,
                "expected": expected, "observed": found.share, "observed_low": found.low,
                "observed_high": found.high, "term": "observed_to_expected",
                "estimate": found.share / scale, "conf_low": found.low / scale,
                "conf_high": found.high / scale, "conf_level": conf_level,
            }
        )  # fmt: skip
    return pd.DataFrame(rows)


def quantile_groups(chance: ArrayLike, groups: int) -> NDArray[np.int64]:
    """Return the number, from 1, of the group of equal size that each chance falls into.

    Equal chances fall into the same group: there may be fewer groups than asked for.

    >>> quantile_groups([0.1, 0.4, 0.2, 0.3], 2).tolist()
    [1, 2, 1, 2]
    """
    values = np.asarray(chance, dtype=np.float64)
    cuts = np.unique(np.quantile(values, np.arange(1, groups) / groups))
    place = np.searchsorted(cuts, values, side="left")
    return np.unique(place, return_inverse=True)[1].astype(np.int64) + 1


def calibration_curve(
    chance: ArrayLike,
    exit_: ArrayLike,
    event: ArrayLike,
    *,
    horizon: float,
    conf_level: float = 0.95,
) -> pd.DataFrame:
    """Smooth the observed share along the predicted chance.

    A Cox model of a restricted cubic spline of log(−log(1 − chance)), knots at its 10th, 50th and 90th
    percentile, gives for each chance the share that had the event within the horizon.

    Parameters
    ----------
    chance, exit_, event, horizon, conf_level
        As in `calibration_by_group`; there are no other ends (`event` 2) here.

    Returns
    -------
    DataFrame
        One row per account, in their order: `expected` (its chance), `observed` (smoothed),
        `observed_low`, `observed_high`, `conf_level`.

    Raises
    ------
    FitError
        Faults of chances and spells, other ends, a horizon beyond follow-up, too few distinct chances
        or events for a spline.

    References
    ----------
    Austin, P. C., Harrell, F. E. and van Klaveren, D. (2020). Graphical calibration curves and the
    integrated calibration index (ICI) for survival models. Statistics in Medicine 39, 2714–2742.
    doi:10.1002/sim.8570
    """
    seen = follow_up(exit_, event)
    given = chances(chance, seen.exit.size, np.array([horizon]))[:, 0]
    known_by(seen, horizon)
    if (seen.event == 2).any():
        raise FitError(
            "calibration: a smooth curve knows one kind of end only; calibration_by_group takes others "
            "into account"
        )
    x = _spline(np.log(-np.log1p(-np.clip(given, *_CERTAIN))))
    fit = fit_cox(cox_data(x, seen.exit, seen.event == 1, names=["chance", "bend"]))
    if fit.trouble is not None:
        raise FitError(f"calibration: {fit.trouble}")
    smooth = survival(
        fit.baseline, fit.covariance, paths(fit.baseline, x), [horizon], conf_level=conf_level
    )
    return pd.DataFrame(
        {
            "expected": given, "observed": 1 - smooth.survival[:, 0],
            "observed_low": 1 - smooth.conf_high[:, 0], "observed_high": 1 - smooth.conf_low[:, 0],
            "conf_level": conf_level,
        }
    )  # fmt: skip


def _spline(values: Floats) -> Floats:
    """Return the values and their bend, which is straight beyond the outer knots."""
    low, middle, high = np.quantile(values, _KNOTS)
    if not low < middle < high:
        raise FitError(
            f"calibration: {np.unique(values).size} distinct chances are too few for a smooth curve"
        )

    def cube(knot: float) -> Floats:
        return np.maximum(values - knot, 0.0) ** 3

    bend = cube(low) - (cube(middle) * (high - low) - cube(high) * (middle - low)) / (high - middle)
    return np.column_stack([values, bend / (high - low) ** 2])


def calibration_error(curve: pd.DataFrame) -> pd.DataFrame:
    """Sum up how far chances lie from the smoothed observed share.

    Parameters
    ----------
    curve
        Frame of `calibration_curve`.

    Returns
    -------
    DataFrame
        One row each of `term` "ici" (mean distance, the integrated calibration index), "e50" (median)
        and "e90" (90th percentile): `term`, `estimate`, `n_obs`.

    References
    ----------
    Austin, P. C., Harrell, F. E. and van Klaveren, D. (2020), as above.
    """
    distance = (curve["observed"] - curve["expected"]).abs().to_numpy(dtype=np.float64)
    return pd.DataFrame(
        {
            "term": ["ici", "e50", "e90"],
            "estimate": [distance.mean(), *np.quantile(distance, [0.5, 0.9])],
            "n_obs": distance.size,
        }
    )
