"""How many accounts remain, and for how long: Kaplan–Meier of all, and by group.

An end by insolvency, merger or by us takes an account out of observation on that day; it is no loss. So
these curves say how many would remain if losses were the only ends (`incidence` counts all). Spells of
one account are taken as independent.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np
import pandas as pd

from kamlib.churn.groups import Groups, groups, in_order, large_groups
from kamlib.churn.statements import COMPETING
from kamlib.churn.stretch import MONTH_DAYS, Stretch, start_size, stretch
from kamlib.errors import FitError
from kamlib.glossary import Sentence
from kamlib.results import Check, Estimate, one_row, refusal
from kamlib.stats.kaplan_meier import at_risk_table, at_times, kaplan_meier, quantiles
from kamlib.stats.logrank import logrank
from kamlib.stats.restricted_mean import restricted_mean

N_START, N_GROUP = 30, 10
_MANY = 0.10  # part of ends that are no churn, from which on the curve is far from what really left
_REPEATS = 0.25  # part of spells after a return, from which on independence is doubtful
_SMALLEST_P = 0.001
_YEAR, _COUNTED = 12, 9
# a chi-squared statistic wants at least five expected in four of five groups, and one in each
_EXPECTED, _FEW_CELLS = 5, 0.2


def survival(
    rows: pd.DataFrame,
    *,
    horizon: float,
    landmark: date | None = None,
    n_risk_min: int = N_START,
    conf_level: float = 0.95,
) -> Estimate:
    """Share of accounts that are still there after each time, with delayed entry.

    Parameters
    ----------
    rows
        One row per spell at risk, as `curve_rows.spell_rows` or `curve_rows.landmark_rows` gives them:
        `account_id`, `spell_no`, `entry_days`, `duration_days`, `event_type`.
    horizon
        Months for which the remaining share and the mean stay are stated; shortened, and then stated
        so, where the records do not reach so far.
    landmark
        Day from which time counts; None: from the start of each spell.
    n_risk_min
        At risk at once where the curve begins; in a small unit a third of its accounts, and a check
        says so. Where that is after the start, all figures are of accounts that stayed so long.
    conf_level
        Of the intervals.

    Returns
    -------
    Estimate
        Frame: as `stats.kaplan_meier.kaplan_meier` returns it, `time` in months. Summary: `n_obs`
        (spells), `n_accounts`, `n_event` (losses), `n_competing`, `start`, `horizon`, `remaining` with
        `remaining_low`, `remaining_high`, `median`, `median_low`, `median_high`, `mean_stay`, `mean_low`,
        `mean_high` (restricted mean, months). Refused where too few are at risk at once, or nobody
        was lost.
    """
    begin = start_size(rows, n_risk_min)
    part = stretch(rows, begin)
    if part is None:
        return refusal("survival", "curves.too_few", n=len(rows), need=begin)
    lost = part.event_type == "churn"
    if not lost.any():
        years = float(np.sum(part.exit - part.entry)) / 12
        return refusal("survival", "curves.no_loss", n=len(rows), years=years)
    curve = _curve(part, conf_level)
    told = _figures(curve, part, horizon)
    accounts = int(rows["account_id"].nunique())
    if landmark is not None:
        who = Sentence("curves.who_landmark", {"day": landmark})
    elif part.start > 0:
        who = Sentence("curves.who_later", {"start": part.start})
    else:
        who = Sentence("curves.who_new")
    values = told | {"who": who, "half": _half(told, part), "level": conf_level, "n": len(rows),
                     "accounts": accounts, "events": int(lost.sum())}  # fmt: skip
    ends = pd.Series(part.event_type).isin(COMPETING).sum()
    summary = one_row(
        len(rows), "Kaplan–Meier", conf_level, n_accounts=accounts, n_event=int(lost.sum()),
        n_competing=int(ends), start=part.start, **told,
    )  # fmt: skip
    checks = (_competing(int(ends), int(lost.sum())), _repeats(rows), _sure(begin, n_risk_min))
    return Estimate("survival", curve, summary, Sentence("curves.all", values), checks)


def survival_by(
    rows: pd.DataFrame,
    by: str,
    *,
    least: int = N_GROUP,
    join_small: bool = False,
    landmark: date | None = None,
    n_risk_min: int = N_GROUP,
    conf_level: float = 0.95,
) -> Estimate:
    """Share of each group that is still there after each time.

    Parameters
    ----------
    rows
        As for `survival`, with `group`: of the landmark, or of each stretch of time
        (`curve_rows.membership_rows`), or the cohort (`groups.by_cohort`). Rows of no known group are left
        out.
    by
        What groups are: a glossary column.
    least, join_small
        A group of fewer accounts is left out, or joined with others of its size; a check says so.
    landmark
        Day from which time counts, and of which the groups are; None: groups vary with time.
    n_risk_min
        At risk at once in every group where the curves begin: all begin together, so that they say
        the same of all.
    conf_level
        Of the intervals.

    Returns
    -------
    Estimate
        Frame: `group` and the columns of `survival`, groups in order (tiers best first). Refused where
        fewer than two groups can be drawn.
    """
    found = groups(rows, by, least=least, join_small=join_small, n_risk_min=n_risk_min)
    parts = found.parts
    if len(parts) < 2:
        return _too_few(rows, by, found, n_risk_min, f"survival_by_{by}")
    curves = {group: _curve(part, conf_level) for group, part in parts.items()}
    frame = pd.concat(
        [curve.assign(group=group) for group, curve in curves.items()], ignore_index=True
    )
    frame.insert(0, "group", frame.pop("group"))
    n = found.n_distinct
    values = {"by": by, "n": len(parts), "start": found.start, "level": conf_level, "accounts": n,
              "day": landmark}  # fmt: skip
    summary = one_row(n, "Kaplan–Meier", conf_level, n_groups=len(parts), start=found.start)
    note = Sentence("curves.by_group_of_day" if landmark else "curves.by_group", values)
    return Estimate(f"survival_by_{by}", frame, summary, note, (found.check,))


def compare_groups(
    rows: pd.DataFrame,
    by: str,
    *,
    horizon: float,
    least: int = N_GROUP,
    join_small: bool = False,
    n_risk_min: int = N_GROUP,
    conf_level: float = 0.95,
) -> Estimate:
    """Whether groups leave at different rates, and how long accounts of each stay.

    Parameters
    ----------
    rows, by, least, join_small, n_risk_min, conf_level
        As for `survival_by`.
    horizon
        Months, the same for all groups; shortened to what the shortest curve reaches.

    Returns
    -------
    Estimate
        Frame: one row per group: `group`, `n_accounts`, `n_event` and `n_expected` (losses, and losses
        had all groups left at the same rate), `remaining` after `horizon` with `share_low`,
        `share_high`, `median_stay` with `median_low`, `median_high`, `restricted_mean` with `mean_low`,
        `mean_high` (all in months), `conf_level`. Summary: `statistic`, `df`, `p_value` of the log-rank
        test, `start`. A difference is no effect: groups differ in more than their name.

    References
    ----------
    Cochran, W. G. (1954). Some methods for strengthening the common χ² tests. Biometrics 10, 417–451
    (how few may be expected). doi:10.2307/3001616
    Peto, R. and Peto, J. (1972). Asymptotically efficient rank invariant test procedures. Journal of
    the Royal Statistical Society A 135, 185–207. doi:10.2307/2344317
    """
    found = groups(rows, by, least=least, join_small=join_small, n_risk_min=n_risk_min)
    parts = found.parts
    if len(parts) < 2:
        return _too_few(rows, by, found, n_risk_min, f"compare_groups_{by}")
    shortest = min(part.within(horizon) for part in parts.values())
    lost = {group: part.event_type == "churn" for group, part in parts.items()}
    if not any(happened.any() for happened in lost.values()):
        n = sum(len(part.exit) for part in parts.values())
        years = sum(float(np.sum(part.exit - part.entry)) for part in parts.values()) / 12
        return refusal(f"compare_groups_{by}", "curves.no_loss", n=n, years=years)
    table = pd.DataFrame(
        [
            {"group": group} | _figures(_curve(part, conf_level), part, shortest)
            for group, part in parts.items()
        ]
    )
    try:
        test = logrank(
            np.concatenate([part.exit for part in parts.values()]),
            np.concatenate(list(lost.values())),
            np.repeat(list(parts), [len(part.exit) for part in parts.values()]),
            entry=np.concatenate([part.entry for part in parts.values()]),
        )
    except FitError:
        return refusal(f"compare_groups_{by}", "curves.never_together", by=by, n=len(parts))
    table = table.merge(test.frame[["group", "n_event", "n_expected"]], on="group", validate="1:1")
    table["n_accounts"] = table["group"].map(found.n_accounts)
    table = table.rename(
        columns={"remaining_low": "share_low", "remaining_high": "share_high",
                 "median": "median_stay", "mean_stay": "restricted_mean"}
    ).assign(conf_level=conf_level)  # fmt: skip
    order = table.sort_values("remaining", kind="stable")
    best, worst = order.iloc[-1], order.iloc[0]
    told = {"p": max(test.p_value, _SMALLEST_P)}
    verdict = "curves.differ" if test.p_value < 1 - conf_level else "curves.alike"
    values = {
        "by": by, "horizon": shortest, "level": conf_level, "best": best["group"],
        "best_share": best["remaining"], "best_low": best["share_low"],
        "best_high": best["share_high"], "worst": worst["group"],
        "worst_share": worst["remaining"], "worst_low": worst["share_low"],
        "worst_high": worst["share_high"], "verdict": Sentence(verdict, told),
        "n": found.n_distinct, "events": int(table["n_event"].sum()),
    }  # fmt: skip
    summary = one_row(
        values["n"], "log-rank", conf_level, statistic=test.statistic, df=test.df,
        p_value=test.p_value, start=found.start, horizon=shortest,
    )  # fmt: skip
    note = Sentence("curves.compared", values)
    checks = (found.check, _enough(table["n_expected"], by))
    return Estimate(f"compare_groups_{by}", table[list(_TABLE)], summary, note, checks)


_TABLE = (
    "group", "n_accounts", "n_event", "n_expected", "remaining", "share_low", "share_high",
    "median_stay", "median_low", "median_high", "restricted_mean", "mean_low", "mean_high",
    "horizon", "conf_level",
)  # fmt: skip


def months_of(curve: Estimate) -> list[int]:
    """Return the months at which a figure of a curve counts who is at risk: whole years, at most nine."""
    if curve.refused:
        return []
    end = int(curve.frame["time"].max())
    step = _YEAR * max(1, -(-end // (_YEAR * (_COUNTED - 1))))
    return list(range(0, end + 1, step))


def at_risk(
    rows: pd.DataFrame,
    times: Sequence[float],
    *,
    least: int = N_GROUP,
    join_small: bool = False,
) -> pd.DataFrame:
    """Count who is at risk at stated months, and how they left since the month before.

    Parameters
    ----------
    rows
        As for `survival`, or with `group` as for `survival_by`.
    times
        Months, rising.
    least, join_small
        As for `survival_by`, so that the same groups stand in both.

    Returns
    -------
    DataFrame
        One row per `group` (where there are any) and `time`: `n_risk`, `n_event`, `n_censor`, as
        `stats.kaplan_meier.at_risk_table` counts them. Nothing is cut off at the beginning or end.
    """
    grouped = "group" in rows
    kept = rows.assign(group="")
    if grouped:
        kept = large_groups(rows, least=least, join_small=join_small)[0]
    parts = []
    if not len(times):
        return pd.DataFrame(columns=["time", "n_risk", "n_event", "n_censor"])
    for group in sorted(kept["group"].unique(), key=in_order):
        some = kept[kept["group"] == group]
        entry, exit_ = (some[name] / MONTH_DAYS for name in ("entry_days", "duration_days"))
        lost = (some["event_type"] == "churn").fillna(False).to_numpy(dtype=bool)
        counts = at_risk_table(exit_, lost, times, entry=entry)
        counts.insert(0, "group", group)
        parts.append(counts)
    frame = pd.concat(parts, ignore_index=True)
    return frame if grouped else frame.drop(columns="group")


def _curve(part: Stretch, conf_level: float) -> pd.DataFrame:
    lost = part.event_type == "churn"
    return kaplan_meier(part.exit, lost, entry=part.entry, start=part.start, conf_level=conf_level)


def _figures(curve: pd.DataFrame, part: Stretch, horizon: float) -> dict[str, float]:
    """Return what remains at the horizon, the median and the mean stay within the horizon."""
    used = part.within(horizon)
    there = at_times(curve, [part.start + used]).iloc[0]
    half = quantiles(curve).iloc[0]
    mean = restricted_mean(curve, used).iloc[0]
    return {
        "horizon": used, "remaining": there["estimate"], "remaining_low": there["conf_low"],
        "remaining_high": there["conf_high"], "median": half["estimate"],
        "median_low": half["conf_low"], "median_high": half["conf_high"],
        "mean_stay": mean["estimate"], "mean_low": mean["conf_low"], "mean_high": mean["conf_high"],
    }  # fmt: skip


def _half(told: dict[str, float], part: Stretch) -> Sentence:
    if np.isnan(told["median"]):
        return Sentence("curves.half_unknown", {"end": part.end})
    names = ("median", "median_low", "median_high")
    return Sentence("curves.half_known", {name: told[name] for name in names})


def _too_few(rows: pd.DataFrame, by: str, found: Groups, n_risk_min: int, name: str) -> Estimate:
    if rows["group"].isna().all():
        return refusal(name, "curves.no_group", by=by)
    return refusal(name, "curves.few_groups", by=by, n=len(found.parts), need=n_risk_min)


def _enough(expected: pd.Series, by: str) -> Check:
    few = int((expected < _EXPECTED).sum())
    values = {"n": few, "of": len(expected), "need": _EXPECTED}
    enough = few <= _FEW_CELLS * len(expected) and bool((expected >= 1).all())
    return Check(f"losses_enough_{by}", enough or None,
                 Sentence("curves.enough_losses" if enough else "curves.few_losses", values))  # fmt: skip


def _competing(ends: int, losses: int) -> Check:
    key = "curves.competing" if ends else "curves.no_competing"
    note = Sentence(key, {"n": ends, "of": ends + losses})
    # the curve answers another question then, and nothing is amiss
    return Check("other_ends_few", ends <= _MANY * (ends + losses) or None, note)


def _sure(begin: int, wanted: int) -> Check:
    key = "curves.begins_small" if begin < wanted else "curves.begins_well"
    return Check(
        "curve_begins_with_enough", begin >= wanted, Sentence(key, {"n": begin, "need": wanted})
    )


def _repeats(rows: pd.DataFrame) -> Check:
    again = int((rows["spell_no"] > 1).sum())
    values = {"n": again, "of": len(rows)}
    few = again <= _REPEATS * len(rows)
    return Check("spells_independent", few,
                 Sentence("curves.few_repeats" if few else "curves.many_repeats", values))  # fmt: skip
