"""Groups of a record without dates: who left of each, and who would have, had all of one age left alike."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from kamlib.churn.curves import N_GROUP, at_risk, survival_by
from kamlib.churn.groups import large_groups
from kamlib.churn.snapshot_ages import carrying, within
from kamlib.errors import FitError
from kamlib.glossary import Sentence
from kamlib.results import Check, Estimate, one_row, refusal
from kamlib.stats.kaplan_meier import at_times
from kamlib.stats.logrank import LogRank, logrank

_SMALLEST_P = 0.001
_EXPECTED = 5  # events that a chi-squared statistic wants to expect of every group


def group_curves(rows: pd.DataFrame, by: str, *, conf_level: float = 0.95) -> Estimate:
    """Share of each group that is still there after each age.

    Parameters
    ----------
    rows
        As `snapshot.snapshot_rows` returns them.
    by
        The covariate that says the group.
    conf_level
        Of the intervals.

    Returns
    -------
    Estimate
        As `curves.survival_by`, over the ages at which enough customers of every group were there
        wherever one left. Refused where that is no stretch of a year, or there are no two groups.
    """
    grouped = _grouped(rows, by)
    ages = carrying(grouped)
    if ages is None or not grouped["event"].any() or grouped["group"].nunique() < 2:
        return refusal(f"survival_by_{by}", "snapshot.no_group_curves", by=by)
    return survival_by(within(grouped, *ages), by, n_risk_min=1, conf_level=conf_level)


def group_counts(rows: pd.DataFrame, by: str, months: Sequence[float]) -> pd.DataFrame | None:
    """Return how many of each group are at risk at stated ages; None where no group is large enough."""
    grouped = _grouped(rows, by)
    return None if grouped.empty else at_risk(grouped, months)


def compare(
    rows: pd.DataFrame,
    by: str,
    curves: Estimate | None = None,
    *,
    horizon: float,
    conf_level: float = 0.95,
) -> Estimate:
    """Whether groups of customers leave at different rates, those of one age compared.

    Which group leaves more often holds for any window, so all ages count, also those at which a curve
    could not be drawn.

    Parameters
    ----------
    rows, by
        As for `group_curves`.
    curves
        Of `group_curves`, where the height of curves may be read; None: it may not.
    horizon
        Age in months at which the share still there is read from `curves`.
    conf_level
        Of the intervals, and one less the chance below which groups are said to differ.

    Returns
    -------
    Estimate
        Frame: one row per group of ten or more: `group`, `n_accounts`, `n_event`, `n_expected` (who would
        have left, had all groups of one age left alike) and, with `curves`, `remaining` with
        `share_low`, `share_high`, `conf_level`. Summary: `statistic`, `df`, `p_value` of the log-rank
        test. Refused where customers of two groups were never of one age when one left.

    References
    ----------
    Peto, R. and Peto, J. (1972). Asymptotically efficient rank invariant test procedures. Journal of
    the Royal Statistical Society A 135, 185–207. doi:10.2307/2344317
    """
    grouped, name = _grouped(rows, by), f"compare_groups_{by}"
    try:
        test = logrank(
            grouped["duration_days"], grouped["event"], grouped["group"],
            entry=grouped["entry_days"],
        )  # fmt: skip
    except FitError:
        return refusal(name, "snapshot.nothing_to_compare", by=by, n=len(rows))
    table = test.frame.rename(columns={"n_obs": "n_accounts"})
    if curves is not None and not curves.refused:
        table = table.merge(_read(curves.frame, horizon), on="group", how="left")
        table["conf_level"] = conf_level
    summary = one_row(
        len(grouped), "log-rank", conf_level, statistic=test.statistic, df=test.df,
        p_value=test.p_value,
    )  # fmt: skip
    few = int((table["n_expected"] < _EXPECTED).sum())
    told = {"n": few, "of": len(table), "need": _EXPECTED}
    key = "curves.few_losses" if few else "curves.enough_losses"
    check = Check(f"losses_enough_{by}", not few, Sentence(key, told))
    note = _note(table, test, by, len(grouped), conf_level)
    return Estimate(name, table, summary, note, (check,))


def _grouped(rows: pd.DataFrame, by: str) -> pd.DataFrame:
    return large_groups(rows.assign(group=rows[by]), least=N_GROUP, join_small=False)[0]


def _read(frame: pd.DataFrame, horizon: float) -> pd.DataFrame:
    """Return the share of each group still there at an age: `remaining`, `share_low`, `share_high`."""
    parts = [
        at_times(curve, [horizon]).assign(group=group) for group, curve in frame.groupby("group")
    ]
    names = {"estimate": "remaining", "conf_low": "share_low", "conf_high": "share_high"}
    return pd.concat(parts).rename(columns=names)[["group", *names.values()]]


def _note(table: pd.DataFrame, test: LogRank, by: str, n: int, conf_level: float) -> Sentence:
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = (table["n_event"] / table["n_expected"]).fillna(1.0)
    least, most = table.loc[ratio.idxmin()], table.loc[ratio.idxmax()]
    verdict = "curves.differ" if test.p_value < 1 - conf_level else "curves.alike"
    values = {
        "by": by, "n": n, "verdict": Sentence(verdict, {"p": max(test.p_value, _SMALLEST_P)}),
        "least": least["group"], "least_events": least["n_event"],
        "least_expected": least["n_expected"], "most": most["group"],
        "most_events": most["n_event"], "most_expected": most["n_expected"],
    }  # fmt: skip
    return Sentence("snapshot.order", values)
