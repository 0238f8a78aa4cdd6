"""Would the forecast have held? Learnt from what was known a year ago, judged by what then came.

What a team asks comes first: of the value that left, how much stood on the list of accounts that it
had time to visit – against lists by revenue and by the drop of revenue, which need no model. Then
whether chances mean what they say, tier by tier; whether acting on them pays; and last what analysts
ask for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kamlib.churn.covariates import MONTH
from kamlib.churn.landmarks import MONTH_DAYS, Landmarks, known_at
from kamlib.churn.leave_model import LeaveModel, Parameters, course, estimated, learn
from kamlib.glossary import Sentence
from kamlib.params import ChurnParams
from kamlib.results import Check, Estimate, one_row, refusal
from kamlib.stats.brier import brier_score
from kamlib.stats.calibration import calibration_by_group
from kamlib.stats.concordance import auc_at, uno_concordance
from kamlib.stats.net_benefit import net_benefit
from kamlib.stats.top_list import top_list

Floats = NDArray[np.float64]
HELD = 12  # months
EXPECTED_LOSS, CHANCE = "chance × value", "chance to leave"
REVENUE, DROP = "revenue", "drop of revenue"
FEW = 10
_ALL = "all accounts"
_SIMPLE = {REVENUE: "churn_validation.revenue", DROP: "churn_validation.revenue_drop"}


@dataclass(frozen=True, slots=True, eq=False)
class Rehearsal:
    """A forecast made a year ago, with what came of it.

    Attributes
    ----------
    accounts
        One row per account that lived then: `account_id`, `tier_in_force`, `left_months` (1 to 12:
        months until it ended, or that it was seen), `event` (0 it stayed or was not seen any
        further, 1 it left, 2 another end).
    chances
        Chance to leave within each horizon, as stated then, shape (n, number of horizons).
    before
        Chances within the last horizon without the level of the last year, shape (n,).
    model
        What was learnt then.
    past
        Landmarks as they were known then.
    day
        Last day known to it.
    horizons
        Those that a year holds.
    """

    accounts: pd.DataFrame
    chances: Floats
    before: Floats
    model: LeaveModel
    past: Landmarks
    day: Any
    horizons: tuple[int, ...]


def rehearse(found: Landmarks, rules: ChurnParams) -> Rehearsal | Sentence:
    """Make the forecast of a year ago from what was known then; where it cannot be, say why.

    Parameters
    ----------
    found
        Landmarks as of today; cut at the day, they are what a book of that day would give.
    rules
        As for the forecast of today; horizons beyond a year cannot be judged and are left out.
    """
    then = found.over - HELD
    horizons = tuple(h for h in rules.horizons if h <= HELD)
    past = known_at(found, then)
    if not horizons:
        return Sentence("churn_validation.too_far", {"months": rules.horizons[0]})
    short = _too_short(found, past, rules)
    if short is not None:
        return short
    model = learn(past, rules.model_copy(update={"horizons": horizons}))
    if isinstance(model, Sentence):
        values = {"day": past.as_of, "why": model}
        return Sentence("churn_validation.not_learnt", values)
    rows = found.rows[found.rows[MONTH] == then].reset_index(drop=True)
    # an end falls into the month after those that were seen in full
    ended = rows["event"].to_numpy() > 0
    last = np.minimum(rows["followed"].to_numpy() + ended, HELD)
    within = ended & (rows["followed"].to_numpy() < HELD)
    keep = last > 0
    at = estimated(model)
    chances = course(model, rows, at).left
    bare = course(model, rows, Parameters(at.near, at.far, at.apart, at.other_rate, 0.0)).left
    accounts = rows[["account_id", "tier_in_force"]].assign(
        left_months=last.astype("float64"), event=np.where(within, rows["event"], 0)
    )
    lost = accounts[keep & (accounts["event"] == 1) & (accounts["left_months"] <= horizons[-1])]
    if len(lost) == 0:
        return Sentence("churn_validation.none_left", {"day": past.as_of, "n": len(accounts)})
    accounts = accounts[keep].reset_index(drop=True)
    return Rehearsal(accounts, chances[keep], bare[keep, -1], model, past, past.as_of, horizons)


def _too_short(found: Landmarks, past: Landmarks, rules: ChurnParams) -> Sentence | None:
    """Return why records were too short for silences to have shown, or None where they were not."""
    if found.definition == "contracts" or past.rows.empty:
        return None
    longest = rules.cap_days / MONTH_DAYS
    if found.definition == "fixed_months":
        longest = float(rules.silent_months)
    known = found.over - HELD - int(past.rows[MONTH].min())
    need = int(np.ceil(longest)) + found.step
    if known >= need:
        return None
    values = {"day": past.as_of, "known": known, "wait": int(np.ceil(longest)), "need": need}
    return Sentence("churn_validation.too_short", values)


def captured(
    tried: Rehearsal | Sentence,
    worth: pd.DataFrame,
    rules: ChurnParams,
    rng: np.random.Generator,
) -> Estimate:
    """Of the value that left within the horizon, the part that stood on the list, list by list.

    Parameters
    ----------
    tried
        What `rehearse` returns.
    worth
        What was known of accounts on that day: `account_id`, `value` (what a year brings, which is
        lost with the account), `revenue`, `revenue_drop` (by which the last three months × 4 lie
        below the year).
    rules
        `visits_per_month`, `draws`, `conf_level`. Lists are as long as what can be visited in one
        month, in three and in six; lists longer than half of the accounts are left out.
    rng
        Source of randomness.

    Returns
    -------
    Estimate
        Frame: that of `top_list.top_list`, `ranking` being "chance × value", "chance to leave", "revenue"
        or "drop of revenue", compared with the last two.
    """
    if isinstance(tried, Sentence):
        return refusal("churn_captured", tried.key, **tried.values)
    rows = tried.accounts.merge(worth, on="account_id", how="left")
    known = rows[["value", "revenue", "revenue_drop"]].fillna(0.0)
    value = known["value"].clip(lower=0.0).to_numpy()
    chance = tried.chances[:, -1]
    lost = (rows["event"] == 1) & (rows["left_months"] <= tried.horizons[-1])
    if not (value[lost.to_numpy()] > 0).any():
        return refusal("churn_captured", "churn_validation.no_value", n=int(lost.sum()))
    visits = [rules.visits_per_month * months for months in (1, 3, 6)]
    listed = [k for k in visits if k <= len(rows) / 2] or [max(len(rows) // 4, 1)]
    rankings = {EXPECTED_LOSS: chance * value, CHANCE: chance, REVENUE: known["revenue"],
                DROP: known["revenue_drop"]}  # fmt: skip
    frame = top_list(
        rankings, rows["left_months"], rows["event"], value, horizon=float(tried.horizons[-1]),
        listed=listed, draws=rules.draws, rng=rng, against=(REVENUE, DROP),
        conf_level=rules.conf_level,
    )  # fmt: skip
    frame = frame.assign(against=frame["against"].astype(object).where(frame["against"].notna()))
    own = frame[(frame["term"] == "value_captured") & (frame["listed"] == listed[0])]
    plain = own[own["against"].isna()].set_index("ranking")
    best = str(plain.loc[[REVENUE, DROP], "estimate"].idxmax())
    gain = own[(own["ranking"] == EXPECTED_LOSS) & (own["against"] == best)].iloc[0]
    model = plain.loc[EXPECTED_LOSS]
    values = {
        "k": listed[0], "share": model["estimate"], "low": model["conf_low"],
        "high": model["conf_high"], "level": rules.conf_level,
        "best": Sentence(_SIMPLE[best]), "other": plain.loc[best, "estimate"], "day": tried.day,
        "n": len(rows),
        "lost": int(lost.sum()), "gain": gain["estimate"], "gain_low": gain["conf_low"],
        "gain_high": gain["conf_high"],
    }  # fmt: skip
    better = bool(gain["conf_low"] > 0)
    worse = bool(gain["conf_high"] < 0)
    few = values["lost"] < FEW
    key = ("churn_validation.worth_it" if better else
           "churn_validation.not_worth" if worse else "churn_validation.undecided")  # fmt: skip
    passed = None if few or not (better or worse) else better
    check = Check("churn_list_beats_simple", passed, Sentence(key, values))
    summary = one_row(len(rows), "out of time", rules.conf_level, n_event=values["lost"])
    note = Sentence("churn_validation.captured", values)
    return Estimate("churn_captured", frame, summary, note, (check,))


def on_the_list(held: Estimate) -> pd.DataFrame:
    """Return what a reader sees of `captured`: the share of lost value by list, without comparisons."""
    if held.refused:
        return held.frame
    frame = held.frame
    rows = frame[(frame["term"] == "value_captured") & frame["against"].isna()]
    names = {"ranking": "ranking", "listed": "listed", "estimate": "value_captured",
             "conf_low": "share_low", "conf_high": "share_high", "conf_level": "conf_level"}  # fmt: skip
    return rows[list(names)].rename(columns=names).reset_index(drop=True)


def calibrated(tried: Rehearsal | Sentence, rules: ChurnParams) -> Estimate:
    """Losses that came against those that were expected, tier by tier.

    Parameters
    ----------
    tried
        What `rehearse` returns.
    rules
        `conf_level`.

    Returns
    -------
    Estimate
        Frame: that of `calibration.calibration_by_group`, one row per tier and one for all accounts,
        which stands first. Checks: the total, the tier that is farthest off, and what setting the
        level by the last year did.
    """
    if isinstance(tried, Sentence):
        return refusal("churn_calibration", tried.key, **tried.values)
    rows, level = tried.accounts, rules.conf_level
    horizon = float(tried.horizons[-1])
    chance = tried.chances[:, -1]
    tier = rows["tier_in_force"].astype(object).fillna("unknown")
    every = np.full(len(rows), _ALL, dtype=object)

    def judged(chances: Floats, group: Any) -> pd.DataFrame:
        return calibration_by_group(
            chances, rows["left_months"], rows["event"], group, horizon=horizon, conf_level=level
        )

    total = judged(chance, every)
    before = judged(tried.before, every)["estimate"].iloc[0]
    frame = pd.concat([total, judged(chance, tier)], ignore_index=True)
    whole = total.iloc[0]
    values = {
        "day": tried.day, "n": len(rows), "expected": whole["expected"] * len(rows),
        "observed": whole["observed"] * len(rows), "low": whole["observed_low"] * len(rows),
        "high": whole["observed_high"] * len(rows), "level": level, "ratio": whole["estimate"],
        "before": float(before),
    }  # fmt: skip
    held = _inside(whole)
    by_tier = frame.iloc[1:]
    off = by_tier[~by_tier.apply(_inside, axis=1)]
    checks = [
        Check(
            "churn_level", held,
            Sentence("churn_validation.level_held" if held else "churn_validation.level_off", values),
        ),
        Check("churn_recalibrated", None, Sentence("churn_validation.recalibrated", values)),
    ]  # fmt: skip
    if off.empty:
        note = Sentence("churn_validation.tiers_held", {"n": len(by_tier), "level": level})
        checks.append(Check("churn_level_by_tier", True, note))
    else:
        worst = off.iloc[int(np.log(off["estimate"].clip(lower=0.01)).abs().to_numpy().argmax())]
        told = {"tier": worst["group"], "expected": worst["expected"], "observed": worst["observed"],
                "low": worst["observed_low"], "high": worst["observed_high"], "n": int(worst["n_obs"]),
                "level": level}  # fmt: skip
        note = Sentence("churn_validation.tier_off", told)
        checks.append(Check("churn_level_by_tier", False, note))
    summary = one_row(len(rows), "out of time", level, n_event=int(whole["n_event"]))
    return Estimate(
        "churn_calibration", frame, summary, Sentence("churn_validation.calibrated", values),
        tuple(checks),
    )  # fmt: skip


def benefit(tried: Rehearsal | Sentence, rules: ChurnParams) -> Estimate:
    """Whether acting on the chance would have paid, by the chance from which one acts.

    Parameters
    ----------
    tried
        What `rehearse` returns.
    rules
        `act_from`, `conf_level`.

    Returns
    -------
    Estimate
        Frame: that of `net_benefit.net_benefit`, one row per threshold of `act_from`.
    """
    if isinstance(tried, Sentence):
        return refusal("churn_net_benefit", tried.key, **tried.values)
    rows = tried.accounts
    frame = net_benefit(
        tried.chances[:, -1], rows["left_months"], rows["event"], list(rules.act_from),
        horizon=float(tried.horizons[-1]), conf_level=rules.conf_level,
    )  # fmt: skip
    best = frame["estimate"] > np.maximum(frame["treat_all"], 0.0)
    values = {"n": len(rows), "of": len(frame), "better": int(best.sum()), "day": tried.day,
              "from": frame["threshold"].where(best).min(), "to": frame["threshold"].where(best).max()}  # fmt: skip
    key = "churn_validation.benefit" if best.any() else "churn_validation.no_benefit"
    summary = one_row(len(rows), "decision curve, out of time", rules.conf_level)
    return Estimate("churn_net_benefit", frame, summary, Sentence(key, values))


def told_apart(tried: Rehearsal | Sentence, rules: ChurnParams) -> Estimate:
    """Whether those who left had been given the higher chance; for analysts.

    Parameters
    ----------
    tried
        What `rehearse` returns.
    rules
        `conf_level`.

    Returns
    -------
    Estimate
        Frame: one row per figure and horizon: `time` (months), `term` ("concordance_uno", "auc",
        "brier_scaled"), `n_obs`, `n_event`, `estimate`, `conf_low`, `conf_high`, `conf_level`. For the
        concordance other ends count as not seen any further.
    """
    if isinstance(tried, Sentence):
        return refusal("churn_told_apart", tried.key, **tried.values)
    rows, level = tried.accounts, rules.conf_level
    chances = tried.chances
    exit_, event = rows["left_months"], rows["event"]
    last = float(tried.horizons[-1])
    uno = uno_concordance(
        chances[:, -1], exit_, event == 1, tau=last + 0.5, conf_level=level
    )  # fmt: skip
    area = auc_at(chances, exit_, event, list(tried.horizons), conf_level=level)
    score = brier_score(chances, exit_, event, list(tried.horizons), conf_level=level)
    # the share taken away moves against the score, whose null is taken as given
    null = score["brier_null"]
    scaled = score.assign(
        term="brier_scaled", estimate=score["brier_scaled"], conf_low=1 - score["conf_high"] / null,
        conf_high=1 - score["conf_low"] / null,
    )  # fmt: skip
    columns = [
        "time",
        "term",
        "n_obs",
        "n_event",
        "estimate",
        "conf_low",
        "conf_high",
        "conf_level",
    ]
    frame = pd.concat(
        [uno.assign(time=last), area, scaled.assign(n_event=area["n_event"])], ignore_index=True
    )[columns]
    told = area.iloc[-1]
    values = {"auc": told["estimate"], "low": told["conf_low"], "high": told["conf_high"],
              "level": level, "months": tried.horizons[-1], "day": tried.day, "n": len(rows),
              "events": int(told["n_event"]), "scaled": scaled["estimate"].iloc[-1]}  # fmt: skip
    summary = one_row(len(rows), "out of time", level, n_event=int(told["n_event"]))
    note = Sentence("churn_validation.told_apart", values)
    return Estimate("churn_told_apart", frame, summary, note)


def _inside(row: pd.Series) -> bool:
    return bool(row["observed_low"] <= row["expected"] <= row["observed_high"])
