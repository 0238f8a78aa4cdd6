"""Which indicators, known a year before, went with accounts that were still buying a year later.

Each indicator by itself is judged on the last year whose end is known; together they are learnt on the
years before it and judged on that year. These are associations: an indicator that foretells does not
say that raising it keeps an account.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kamlib.errors import FitError
from kamlib.glossary import Sentence
from kamlib.loyalty.indicators.attitude import ATTITUDE
from kamlib.loyalty.indicators.facts import KEY
from kamlib.loyalty.indicators.measures import INDEX, INDICATORS
from kamlib.loyalty.indicators.outcome import HORIZON_MONTHS
from kamlib.results import Check, Estimate, one_row, refusal
from kamlib.stats.concordance import auc_at
from kamlib.stats.logistic import Logistic, ridge_logistic

Floats = NDArray[np.float64]
TOGETHER = "all five together"
MIN_EACH = 10  # accounts that stayed, and that left
_PENALTY = 1.0  # on slopes per standard deviation: no slope runs away where few left
_POINTS = 10.0
_OTHERS = 3  # accounts of each kind whose value is not the commonest one
_WORTH = 0.55  # below, a difference that is no chance is still of no use


@dataclass(frozen=True, slots=True, eq=False)
class _Design:
    """How indicators become columns: gaps filled with the mean, and a flag where many have one."""

    names: tuple[str, ...]
    means: Floats
    flags: tuple[str, ...]

    def matrix(self, rows: pd.DataFrame) -> Floats:
        values = rows[list(self.names)].to_numpy(dtype=np.float64)
        filled = np.where(np.isnan(values), self.means, values)
        gaps = rows[list(self.flags)].isna().to_numpy(dtype=np.float64)
        return np.column_stack([filled, gaps])


def foretold(
    rows: pd.DataFrame,
    outcome: pd.DataFrame,
    *,
    rng: np.random.Generator,
    draws: int = 300,
    conf_level: float = 0.95,
) -> Estimate:
    """Judge how well each indicator of a day tells apart who still bought twelve months later.

    Parameters
    ----------
    rows
        As `attitude.with_attitude` returns it, all dates.
    outcome
        One row per account that was buying and day, as `outcome.still_buying` gives it.
    rng, draws
        Accounts are redrawn whole for the intervals of odds ratios.
    conf_level
        Of all intervals, each by itself.

    Returns
    -------
    Estimate
        Frame: one row per `indicator` (the five, their index, attitude, revenue as a yardstick, and all
        five together, learnt on earlier years): `n_accounts` (of which it is known, on the day that
        is judged), `n_gone` (no longer buying), `told_apart` (chance that of one account that stayed and one that left the
        first had the higher value; 0.5: no better than a coin), `told_low`, `told_high`,
        `told_before` (the same on the years before), `odds_ratio` (odds of staying for ten points
        more, the other four held; from the earlier years), `odds_low`, `odds_high`, `conf_level`.
        Unknown where fewer than ten stayed or left, or where hardly any account differs. Summary: `n_event` (left), `evaluated_on`. Check:
        whether what was learnt holds on the later year.

    References
    ----------
    Hanley, J. A. and McNeil, B. J. (1982). The meaning and use of the area under a receiver operating
    characteristic (ROC) curve. Radiology 143, 29–36. doi:10.1148/radiology.143.1.7063747
    """
    both = outcome[outcome["still_buying"].notna()].merge(rows, on=KEY, how="inner")
    if both.empty:
        return refusal("foretold", "loyalty.no_year", months=HORIZON_MONTHS)
    day = both["evaluated_on"].max()
    year = both[both["evaluated_on"] == day]
    n_left, n = int((year["still_buying"] == 0).sum()), len(year)
    if min(n_left, n - n_left) < MIN_EACH:
        values = {"left": n_left, "stayed": n - n_left, "need": MIN_EACH, "day": day}
        return refusal("foretold", "loyalty.too_few_left", **values)
    earlier = both[both["evaluated_on"].isin(_years_before(day, both["evaluated_on"]))]
    judged = [*INDICATORS, INDEX, ATTITUDE, "revenue"]
    frame = pd.DataFrame([_apart(name, year, earlier, conf_level) for name in judged])
    frame = frame[frame["n_accounts"] > 0]
    learnt = _learn(earlier)
    odds = pd.DataFrame(columns=["indicator", "odds_ratio", "odds_low", "odds_high"])
    if learnt is not None:
        design, model = learnt
        chance = model.chance(design.matrix(year))
        together = year.assign(**{TOGETHER: chance})
        row = _apart(TOGETHER, together, together.iloc[:0], conf_level)
        frame = pd.concat([frame, pd.DataFrame([row])], ignore_index=True)
        odds = _odds(earlier, design, model, rng, draws, conf_level)
    frame = frame.merge(odds, on="indicator", how="left").assign(conf_level=conf_level)
    summary = one_row(n, "AUC, out of time", conf_level, n_event=n_left, evaluated_on=day)
    values = {"n": n, "left": n_left, "day": day, "months": HORIZON_MONTHS, "level": conf_level}
    note = _note(frame, values)
    return Estimate("foretold", frame, summary, note, _checks(frame, learnt is not None))


def _years_before(day: pd.Timestamp, days: pd.Series) -> list[pd.Timestamp]:
    """Return the dates whole years before a day: their twelve months were over by it and do not overlap."""
    known = [pd.Timestamp(one) for one in days.unique()]
    return [one for one in known if one < day and one.month == day.month]


def _apart(
    name: str, year: pd.DataFrame, earlier: pd.DataFrame, conf_level: float
) -> dict[str, object]:
    known = year[year[name].notna()]
    found = {"indicator": name, "n_accounts": len(known),
             "n_gone": int((known["still_buying"] == 0).sum())}  # fmt: skip
    now, then = (_area(part, name, conf_level) for part in (known, earlier[earlier[name].notna()]))
    return found | {
        "told_apart": now[0], "told_low": now[1], "told_high": now[2], "told_before": then[0],
    }  # fmt: skip


def _area(rows: pd.DataFrame, name: str, conf_level: float) -> tuple[float, float, float]:
    left = (rows["still_buying"] == 0).to_numpy()
    if min(left.sum(), (~left).sum()) < MIN_EACH or not _varies(rows, name):
        return (np.nan, np.nan, np.nan)
    # who left did so within the year, at time 1; the others are followed beyond it
    risk, end = -rows[name].to_numpy(dtype=np.float64), np.where(left, 1.0, 2.0)
    area = auc_at(risk, end, left.astype(int), [1.0], conf_level=conf_level).iloc[0]
    return float(area["estimate"]), float(area["conf_low"]), float(area["conf_high"])


def _varies(rows: pd.DataFrame, name: str) -> bool:
    """Return whether some that stayed and some that left have another value than the commonest.

    Where hardly anybody does, as with referrals, an interval would be far too short.
    """
    known = rows[rows[name].notna()]
    if known.empty:
        return False
    other = known[name] != known[name].mode().iloc[0]
    counts = other.groupby(known["still_buying"]).sum()
    return len(counts) == 2 and bool((counts >= _OTHERS).all())


def _learn(earlier: pd.DataFrame) -> tuple[_Design, Logistic] | None:
    """Return the model of all five on earlier years; None where too few stayed or left."""
    stayed = earlier["still_buying"].to_numpy(dtype=np.float64)
    if min((stayed == 0).sum(), (stayed == 1).sum()) < MIN_EACH:
        return None
    known = earlier[list(INDICATORS)].notna().mean()
    names = tuple(name for name in INDICATORS if known[name] > 0)
    flags = tuple(name for name in names if 0.05 <= known[name] <= 0.95)
    means = earlier[list(names)].mean().to_numpy(dtype=np.float64)
    design = _Design(names, means, flags)
    return design, ridge_logistic(design.matrix(earlier), stayed, penalty=_PENALTY)


def _odds(
    earlier: pd.DataFrame,
    design: _Design,
    model: Logistic,
    rng: np.random.Generator,
    draws: int,
    conf_level: float,
) -> pd.DataFrame:
    """Return odds ratios of ten points more, with percentile intervals from redrawn accounts."""
    x, y = design.matrix(earlier), earlier["still_buying"].to_numpy(dtype=np.float64)
    code, accounts = pd.factorize(earlier["account_id"])
    order = np.argsort(code, kind="stable")
    starts = np.searchsorted(code[order], np.arange(len(accounts) + 1))
    slopes = []
    for _ in range(draws):
        drawn = rng.integers(0, len(accounts), len(accounts))
        picked = order[np.concatenate([np.arange(starts[a], starts[a + 1]) for a in drawn])]
        try:
            slopes.append(_per_point(ridge_logistic(x[picked], y[picked], penalty=_PENALTY)))
        except FitError:  # a draw in which nobody left
            continue
    k = len(design.names)
    tails = [(1 - conf_level) / 2, (1 + conf_level) / 2]
    low, high = np.exp(_POINTS * np.quantile(np.array(slopes)[:, :k], tails, axis=0))
    odds = np.exp(_POINTS * _per_point(model)[:k])
    found = pd.DataFrame(
        {"indicator": design.names, "odds_ratio": odds, "odds_low": low, "odds_high": high}
    )
    return found[[_varies(earlier, name) for name in design.names]]


def _per_point(model: Logistic) -> Floats:
    slopes: Floats = model.slopes / model.scale
    return slopes


def _note(frame: pd.DataFrame, values: dict[str, object]) -> Sentence:
    five = frame[frame["indicator"].isin(INDICATORS) & frame["told_apart"].notna()]
    told = five[(five["told_low"] > 0.5) & (five["told_apart"] >= _WORTH)]
    if told.empty:
        return Sentence("loyalty.nothing_foretold", values | {"of": len(five)})
    best = told.loc[told["told_apart"].idxmax()]
    return Sentence(
        "loyalty.foretold",
        values
        | {
            "k": len(told), "of": len(five), "best": best["indicator"], "area": best["told_apart"],
            "low": best["told_low"], "high": best["told_high"], "known": best["n_accounts"],
        },
    )  # fmt: skip


def _checks(frame: pd.DataFrame, learnt: bool) -> tuple[Check, ...]:
    if not learnt:
        return (Check("foretold_holds", None, Sentence("loyalty.not_learnt", {"need": MIN_EACH})),)
    row = frame[frame["indicator"] == TOGETHER].iloc[0]
    size = frame.loc[frame["indicator"] == "revenue", "told_apart"]
    told = {"area": row["told_apart"], "low": row["told_low"], "high": row["told_high"],
            "size": size.iloc[0] if len(size) else np.nan}  # fmt: skip
    holds = bool(row["told_low"] > 0.5)
    key = "loyalty.learnt_holds" if holds else "loyalty.learnt_fails"
    return (Check("foretold_holds", holds, Sentence(key, told)),)
