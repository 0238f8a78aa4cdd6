"""Why accounts leave: the share that each kind of end, or each reason, has taken by each time."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd

from kamlib.churn.statements import COMPETING
from kamlib.churn.stretch import start_size, stretch
from kamlib.glossary import Sentence
from kamlib.results import Check, Estimate, one_row, refusal
from kamlib.stats.aalen_johansen import aalen_johansen
from kamlib.stats.kaplan_meier import at_times

REASONS = ("competitor", "manager_left", "price", "service", "no_need", "other")
UNKNOWN, TAKEN = "no reason known", "a competitor"
_MOST = 0.5  # part of losses with a known reason from which on shares by reason can be read


def incidence(
    rows: pd.DataFrame,
    by: Literal["event_type", "reason"] = "event_type",
    *,
    horizon: float,
    n_risk_min: int = 30,
    conf_level: float = 0.95,
) -> Estimate:
    """Share of accounts that each kind of end, or each reason, has taken by each time.

    Shares of all kinds and the share that remains add up to one: who was lost to insolvency cannot
    be lost to a competitor any more.

    Parameters
    ----------
    rows
        One row per spell at risk, as `curve_rows.spell_rows` gives them: `entry_days`,
        `duration_days`, `event_type`, `reason`.
    by
        "event_type": churn, insolvent, merged, ended by us; "reason": churn is split by the reason
        that was known on the day of the loss.
    horizon
        Months for which the shares are stated; shortened where the records do not reach so far.
    n_risk_min, conf_level
        As for `curves.survival`.

    Returns
    -------
    Estimate
        Frame: as `stats.aalen_johansen.aalen_johansen` returns it, `time` in months, kinds that
        occurred in the order of the vocabulary. Summary: `n_event`, `start`, `horizon`, `event_free`,
        `top` (kind that took most), `top_share`. Refused where too few are at risk at once, nothing
        ended, or by reason where no reason is known.

    References
    ----------
    Aalen, O. O. and Johansen, S. (1978). An empirical transition matrix for non-homogeneous Markov
    chains based on censored observations. Scandinavian Journal of Statistics 5, 141–150.
    """
    name = f"incidence_by_{by}"
    named = rows if by == "event_type" else rows.assign(event_type=_by_reason(rows))
    begin = start_size(rows, n_risk_min)
    part = stretch(named, begin)
    if part is None:
        return refusal(name, "reasons.too_few", n=len(rows), need=begin)
    found = pd.Series(part.event_type)
    if found.isna().all():
        return refusal(name, "reasons.no_end", n=len(rows))
    if by == "reason" and not found.isin(REASONS).any():
        return refusal(name, "reasons.none_known", n=int((found == UNKNOWN).sum()))
    order = [kind for kind in ("churn", *REASONS, UNKNOWN, *COMPETING) if (found == kind).any()]
    frame = aalen_johansen(
        part.exit, found, entry=part.entry, kinds=order, start=part.start, conf_level=conf_level
    )
    # in the words that a reader meets: "ended by us", "a competitor"
    frame["event_type"] = frame["event_type"].str.replace("_", " ").replace("competitor", TAKEN)
    used = part.within(horizon)
    there = _at(frame, part.start + used)
    some = there[there["event_type"] != UNKNOWN] if by == "reason" else there
    top = some.loc[some["estimate"].idxmax()]
    values = {
        "horizon": used, "left": 1 - top["event_free"], "kind": top["event_type"],
        "share": top["estimate"], "low": top["conf_low"], "high": top["conf_high"],
        "level": conf_level, "n": len(rows), "events": int(found.notna().sum()),
    }  # fmt: skip
    checks = (_reasons_known(found),) if by == "reason" else ()
    summary = one_row(
        len(rows), "Aalen–Johansen", conf_level, n_event=values["events"], start=part.start,
        horizon=used, event_free=float(top["event_free"]), top=top["event_type"],
        top_share=float(top["estimate"]),
    )  # fmt: skip
    key = "reasons.kinds" if by == "event_type" else "reasons.reasons"
    return Estimate(name, frame, summary, Sentence(key, values), checks)


def naive_incidence(found: Estimate) -> Estimate:
    """How far off the shares are if each kind of end is counted as if there were no other.

    One less the Kaplan–Meier curve of one reason takes accounts that left otherwise for accounts
    that could still leave in this way. It is shown once, as the wrong answer.

    Parameters
    ----------
    found
        What `incidence` returned.

    Returns
    -------
    Estimate
        Frame: one row per kind at the horizon of `found`: `event_type`, `horizon`, `incidence`,
        `naive`, `naive_excess` (naive less incidence). Summary: `left` (share that left in any way),
        `naive_left` (the sum of the naive shares, which may pass 1).
    """
    if found.refused:
        return found
    there = _at(found.frame, found["start"] + found["horizon"])
    frame = pd.DataFrame(
        {
            "event_type": there["event_type"], "horizon": found["horizon"],
            "incidence": there["estimate"], "naive": there["naive"],
            "naive_excess": there["naive"] - there["estimate"],
        }
    )  # fmt: skip
    worst = frame.loc[frame["naive_excess"].idxmax()]
    left = float(1 - there["event_free"].iloc[0])
    values = {
        "horizon": found["horizon"], "left": left, "sum": float(frame["naive"].sum()),
        "kind": worst["event_type"], "naive": worst["naive"], "share": worst["incidence"],
        "n": found["n_obs"],
    }  # fmt: skip
    summary = one_row(found["n_obs"], "one less Kaplan–Meier", left=left, naive_left=values["sum"])
    return Estimate("naive_incidence", frame, summary, Sentence("reasons.naive", values))


def _by_reason(rows: pd.DataFrame) -> pd.Series:
    """Return why each row ended: of a loss its reason, else the kind of end."""
    reason = rows["reason"].where(rows["reason"].isin(REASONS), UNKNOWN)
    kind: pd.Series = rows["event_type"].mask(rows["event_type"] == "churn", reason)
    return kind


def _at(frame: pd.DataFrame, time: float) -> pd.DataFrame:
    """Return one row per kind, in their order, as at a time."""
    kinds = frame["event_type"].unique()
    parts = [at_times(frame[frame["event_type"] == kind], [time]) for kind in kinds]
    return pd.concat(parts, ignore_index=True)


def _reasons_known(found: pd.Series) -> Check:
    losses = found[found.isin((*REASONS, UNKNOWN))]
    n = int((losses == UNKNOWN).sum())
    share = 1 - n / len(losses) if len(losses) else float("nan")
    values = {"n": n, "of": len(losses), "share": share}
    enough = bool(np.greater_equal(share, _MOST))
    return Check("reasons_known", enough,
                 Sentence("reasons.known" if enough else "reasons.unknown", values))  # fmt: skip
