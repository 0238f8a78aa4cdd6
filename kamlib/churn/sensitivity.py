"""How much the churn rate owes to its definition: rates and false alarms by the patience of the rule."""

from __future__ import annotations

from collections.abc import Sequence

import ibis
import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import chdtri

from kamlib.book import Book
from kamlib.churn.clock import day_count, day_number
from kamlib.churn.engine import forget
from kamlib.churn.month_facts import month_facts
from kamlib.churn.spells import Spells, definition_of, spells
from kamlib.glossary import Sentence
from kamlib.params import ChurnParams
from kamlib.results import Check, Estimate, one_row, refusal
from kamlib.stats.proportions import wilson

Floats = NDArray[np.float64]
_YEAR_DAYS = 365.25
_SUMS = ("n_spells", "n_event", "days_at_risk", "n_returned")
_AROUND = (2 / 3, 1, 4 / 3)
_MANY = 0.25  # share of false alarms from which on the rule is called too impatient


def rhythm_sensitivity(book: Book, rules: ChurnParams, ks: Sequence[float] = ()) -> Estimate:
    """Churn rate of a unit under the own-rhythm definition, for several values of k.

    Parameters
    ----------
    book
        The unit's book.
    rules
        Section `churn_survival` of the parameters; its `k` is replaced, `conf_level` is that of the intervals.
    ks
        Usual gaps of silence after which an account is lost; empty: those of `rules`, a third fewer
        and a third more.

    Returns
    -------
    Estimate
        Frame: one row per k, rising: `k`, `n_spells` (at risk at any time), `n_event` (declared
        lost), `account_years` (at risk), `churn_rate` (losses per account-year at risk) with exact
        Poisson limits `rate_low`, `rate_high`; `n_returned` (declared lost, and ordered again by
        now), `false_alarm_share` (of those declared lost) with Wilson limits `share_low`,
        `share_high`; `conf_level`. Refused where no account is ever at risk.

    Notes
    -----
    Spells of one account are taken as independent, and losses as rare: where a few accounts are
    declared lost again and again the intervals are too short. A return counts up to `as_of`, so late
    losses had less time to prove false.

    References
    ----------
    Garwood, F. (1936). Fiducial limits for the Poisson distribution. Biometrika 28, 437–442.
    doi:10.1093/biomet/28.3-4.437
    """
    rows, facts = [], month_facts(book)
    for k in sorted(ks or (rules.k * part for part in _AROUND)):
        changed = rules.model_copy(update={"definition": "own_rhythm", "k": float(k)})
        found = spells(book, changed, facts)
        rows.append({"k": float(k)} | _counts(book, found))
        forget(book, found.table)
    frame = pd.DataFrame(rows)
    if not (frame["days_at_risk"] > 0).any():
        return refusal("rhythm_sensitivity", "rhythm.nobody", as_of=book.as_of)
    level = rules.conf_level
    years = frame.pop("days_at_risk") / _YEAR_DAYS
    low, high = exact_poisson(frame["n_event"], level)
    frame = frame.assign(account_years=years, churn_rate=frame["n_event"] / years)
    frame = frame.assign(rate_low=low / years, rate_high=high / years)
    share_low, share_high = wilson(frame["n_returned"], frame["n_event"], level)
    frame = frame.assign(
        false_alarm_share=frame["n_returned"] / frame["n_event"].where(frame["n_event"] > 0),
        share_low=share_low, share_high=share_high, conf_level=level,
    )[list(_COLUMNS)]  # fmt: skip
    used = frame.iloc[int((frame["k"] - rules.k).abs().argmin())]
    values = {"k": used["k"], "rate": used["churn_rate"], "low": used["rate_low"],
              "high": used["rate_high"], "years": used["account_years"], "level": level,
              "share": used["false_alarm_share"], "n": int(used["n_event"]),
              "first": frame["churn_rate"].iloc[0], "last": frame["churn_rate"].iloc[-1],
              "k_first": frame["k"].iloc[0], "k_last": frame["k"].iloc[-1]}  # fmt: skip
    summary = one_row(int(used["n_spells"]), "own_rhythm", level, as_of=book.as_of)
    if not used["n_event"]:
        note = Sentence("rhythm.no_loss", values)
        return Estimate("rhythm_sensitivity", frame, summary, note)
    if definition_of(book, rules) != "own_rhythm":
        return Estimate("rhythm_sensitivity", frame, summary, Sentence("rhythm.instead", values))
    checks = (_alarm_check(used),)
    return Estimate("rhythm_sensitivity", frame, summary, Sentence("rhythm.rates", values), checks)


_COLUMNS = (
    "k", "n_spells", "n_event", "account_years", "churn_rate", "rate_low", "rate_high",
    "n_returned", "false_alarm_share", "share_low", "share_high", "conf_level",
)  # fmt: skip


def exact_poisson(events: ArrayLike, conf_level: float) -> tuple[Floats, Floats]:
    """Exact limits of the expected number of events, from the number that was seen.

    Returns
    -------
    tuple
        Lower and upper limits; no event: from 0.

    References
    ----------
    Garwood, F. (1936). Fiducial limits for the Poisson distribution. Biometrika 28, 437–442.
    doi:10.1093/biomet/28.3-4.437

    Examples
    --------
    >>> [limits.round(3).tolist() for limits in exact_poisson([0, 10], 0.95)]
    [[0.0, 4.795], [3.689, 18.39]]
    """
    n, tail = np.asarray(events, dtype=np.float64), (1 - conf_level) / 2
    low = np.where(n > 0, chdtri(2 * np.maximum(n, 1.0), 1 - tail) / 2, 0.0)
    return low, chdtri(2 * (n + 1), tail) / 2


def _counts(book: Book, found: Spells) -> dict[str, float]:
    """Return what one definition counts: spells, losses, days at risk, losses that proved false."""
    table = found.table
    end = day_number(table.ended_on).fill_null(day_count(book.as_of))
    order = ibis.window(group_by="account_id", order_by="spell_no")
    rows = table.select(
        days=end - day_number(table.at_risk_from) + 1,
        is_lost=(table.event_type == "churn").fill_null(False),
        is_back=table.spell_no.lead().over(order).notnull(),
    )
    rows = rows.filter(rows.days > 0)
    sums = rows.aggregate(
        n_spells=rows.count(),
        n_event=rows.is_lost.ifelse(1, 0).sum().fill_null(0),
        days_at_risk=rows.days.sum().fill_null(0),
        n_returned=(rows.is_lost & rows.is_back).ifelse(1, 0).sum().fill_null(0),
    )
    one = sums.execute().iloc[0]
    return {name: float(one[name]) for name in _SUMS}


def _alarm_check(used: pd.Series) -> Check:
    share = used["false_alarm_share"]
    if pd.isna(share):
        return Check("false_alarms", None, Sentence("rhythm.no_loss", {"k": used["k"]}))
    values = {"k": used["k"], "share": share, "n": int(used["n_event"]), "back": used["n_returned"]}
    key = "rhythm.alarms_few" if share <= _MANY else "rhythm.alarms_many"
    return Check("false_alarms", bool(share <= _MANY), Sentence(key, values))
