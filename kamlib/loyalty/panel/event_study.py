"""The effect by time since the start, and whether accounts were on a course of their own before."""

from __future__ import annotations

import numpy as np

from kamlib.errors import FitError
from kamlib.glossary import Sentence
from kamlib.loyalty.panel.aggregation import aggregate, overall
from kamlib.loyalty.panel.drift import breakdown
from kamlib.loyalty.panel.grid import Panel
from kamlib.loyalty.panel.group_time import Control, group_time
from kamlib.loyalty.panel.pre_trend import Kind, erasing_slope, power, pre_trend
from kamlib.loyalty.panel.scores import Effects
from kamlib.loyalty.panel.staggered import TERMS, Scale, amount
from kamlib.loyalty.panel.two_by_two import NoOverlap
from kamlib.results import Check, Estimate, one_row, refusal

P_VALUE = 0.10
POWER = 0.5
MBAR = 1.0


def event_study(
    panel: Panel,
    *,
    outcome: str,
    scale: Scale = "money",
    control: Control = "never",
    needed: float = 0.0,
    horizon: int | None = None,
    conf_level: float = 0.95,
) -> Estimate:
    """Effect on the accounts that joined by periods since the start, against the period before it.

    Parameters
    ----------
    panel
        Of accounts.
    outcome, scale
        Name of the outcome's column, and in what it is.
    control
        Who is compared with.
    needed
        Effect at which the programme just pays, in the unit of the outcome.
    horizon
        Periods after the start that a cohort must have been seen for; all count unless given.
    conf_level
        Of each interval by itself.

    Returns
    -------
    Estimate
        One row per `rel_period` (none at −1, which is the zero): `term`, `estimate`, `std_error`,
        `conf_low`, `conf_high`, `conf_level`, `p_value`, `n_treated`. Checks: the joint test of the
        periods before (of their steady trend, where they are more than the treated can tell apart);
        its chance to find the trend that would leave no more than `needed`; and how many times the
        largest drift before the effect stands (one is asked), each None where it cannot be judged;
        and whether accounts that joined were left out. Refused where no cell has enough accounts.
    """
    try:
        cells = group_time(panel, control=control, base="universal")
        found = aggregate(panel, cells, "rel_period", horizon=horizon)
    except NoOverlap:
        return refusal("event_study", "event_study.no_overlap", n=panel.n_units)
    except FitError:
        treated = int(panel.treated.sum())
        return refusal("event_study", "event_study.no_cells", n_treated=treated, n=panel.n_units)
    frame = found.table(conf_level).rename(columns={"n_obs": "n_treated"})
    frame.insert(1, "term", TERMS[scale])
    frame["conf_level"] = conf_level
    whole = overall(panel, found).table(conf_level).iloc[0]
    values = whole[["estimate", "conf_low", "conf_high"]].to_numpy(np.float64)
    told = {
        "outcome": outcome, "periods": int((found.frame["rel_period"] >= 0).sum()),
        "n_treated": int(whole["n_obs"]), "amount": amount(scale, values, conf_level),
    }  # fmt: skip
    summary = one_row(panel.n_units, "group-time effects", conf_level, df=found.df)
    checks = (
        *_before(found, needed),
        _drift(found, needed, conf_level),
        _cohorts(panel, cells),
    )
    return Estimate("event_study", frame, summary, Sentence("event_study.note", told), checks)


def _before(found: Effects, needed: float) -> tuple[Check, Check]:
    periods = int((found.frame["rel_period"] < 0).sum())
    try:
        test = pre_trend(found)
        kind: Kind = "slope" if np.isnan(test.p_value) else "joint"
        seen = power(found, erasing_slope(found, needed), kind=kind)
    except FitError:
        unknown = Sentence("event_study.no_before", {"n": periods})
        return Check("pre_trend", None, unknown), Check("pre_trend_power", None, unknown)
    p_value = test.p_value if kind == "joint" else test.slope_p_value
    passed, strong = p_value > P_VALUE, seen >= POWER
    told = {"n": periods, "p": p_value}
    return (
        Check(
            "pre_trend",
            passed,
            Sentence("event_study.alike" if passed else "event_study.apart", told),
        ),
        Check(
            "pre_trend_power",
            strong,
            Sentence("event_study.telling" if strong else "event_study.blind", {"chance": seen}),
        ),
    )


def _drift(found: Effects, needed: float, conf_level: float) -> Check:
    try:
        mbar = breakdown(found, needed=needed, conf_level=conf_level)
    except FitError:
        return Check("drift", None, Sentence("event_study.no_drift"))
    if mbar == 0:
        return Check("drift", False, Sentence("event_study.unsure"))
    stands = mbar >= MBAR
    key = "event_study.stands" if stands else "event_study.falls"
    return Check("drift", stands, Sentence(key, {"mbar": mbar}))


def _cohorts(panel: Panel, cells: Effects) -> Check:
    kept = np.isin(panel.periods[0] + panel.start, cells.frame["cohort"])
    out, of = int((panel.treated & ~kept).sum()), int(panel.treated.sum())
    key = "event_study.left_out" if out else "event_study.all_in"
    return Check("cohorts", out == 0, Sentence(key, {"n": out, "of": of}))
