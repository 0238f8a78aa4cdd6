"""Attitude: what accounts say in surveys, from 0 to 100, kept apart from what they do.

Three parts: would they recommend, would they buy again, and do they rate us above a competitor on the
same question. Satisfaction is in none of them. Each part is placed on a frozen scale, as behaviour is:
an account that was not asked to compare stands neither higher nor lower for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd
from scipy.stats import t

from kamlib.accounts import each_day, latest, months_before, owner
from kamlib.book import Book
from kamlib.glossary import Sentence
from kamlib.loyalty.indicators.facts import KEY
from kamlib.loyalty.indicators.scales import Scales, freeze, place
from kamlib.results import Check, Estimate, one_row, refusal

STATED = ("recommend", "repurchase")
PARTS = (*STATED, "preference")
ATTITUDE = "attitude"
# what an account expects or finds important is no rating of a supplier, and satisfaction is kept out
_NO_RATING = ("satisfaction", "expectation", "importance")
FEW = 30
_ANSWERS = (*PARTS, "n_responses", "n_interviews")


def attitude_facts(book: Book, dates: Sequence[date], *, survey_months: int = 24) -> ir.Table:
    """Return the attitude of each account on each day, from the last wave that it answered.

    Parameters
    ----------
    book
        The unit's book; without `surveys` and `survey_items` there are no rows.
    dates
        Days; none gives a table without rows.
    survey_months
        Months before a day in which an answer counts.

    Returns
    -------
    Table
        One row per account and day with an answer: `account_id`, `evaluated_on`, `recommend` and
        `repurchase` (mean answer, its scale stretched to 0–100), `preference` (50 + half the mean
        difference to a competitor that the same response rates on the same item), `n_responses`,
        `n_interviews` (of them, taken in an interview).
    """
    days = each_day(dates or [book.as_of])
    said = owner(book, book["surveys"])
    said = said.filter(said.score.notnull(), said.scale_max > said.scale_min)
    items = book["survey_items"].select(asked="item", construct="construct")
    said = said.join(items, said.item == items.asked)
    said = said.mutate(
        points=100.0 * (said.score - said.scale_min) / (said.scale_max - said.scale_min),
        known=ibis.greatest(said.recorded_on.fill_null(said.date), said.date),
    )
    rival = said.filter(said.competitor.notnull(), said.construct.notin(list(_NO_RATING)))
    rival = rival.group_by("response_id", "item").agg(rival=rival.points.mean())
    own = said.filter(said.competitor.isnull())
    own = own.left_join(rival, ["response_id", "item"])
    gap = own.points - own.rival
    own = own.mutate(gap=gap).filter(own.construct.isin(list(STATED)) | gap.notnull())
    seen = own.join(
        days,
        [
            own.date > months_before(days.evaluated_on, survey_months),
            own.known <= days.evaluated_on,
        ],
    )
    last = latest(seen, KEY, [ibis.desc("date"), ibis.desc("wave"), "response_id", "item"])
    rows = seen.join(last.select(*KEY, "wave"), [*KEY, "wave"])
    is_interview = rows.method == "interview"
    found = rows.group_by(*KEY).agg(
        **{name: rows.points.mean(where=rows.construct == name) for name in STATED},
        gap=rows.gap.mean(),
        n_responses=rows.response_id.nunique().cast("float64"),
        n_interviews=rows.response_id.nunique(where=is_interview).cast("float64"),
    )
    found = found.mutate(preference=50.0 + found.gap / 2.0)
    found = found.select(*KEY, *PARTS, "n_responses", "n_interviews")
    return found if dates else found.limit(0)


def with_attitude(
    rows: pd.DataFrame, answers: pd.DataFrame, *, scales: Scales | None = None
) -> pd.DataFrame:
    """Return listed accounts with what they answered and their attitude; unknown without an answer.

    Parameters
    ----------
    rows
        One row per account and date: `Scored.rows`.
    answers
        As `attitude_facts` gives them, as a frame.
    scales
        Frozen scales of the three parts; None: frozen here, each on the first date with twenty answers.

    Returns
    -------
    DataFrame
        The rows with `recommend`, `repurchase`, `preference` (answers, 0–100), `n_responses`,
        `n_interviews` and `attitude`: the mean of the places of the parts known, 50 being the middle
        of those that had answered by the reference date.
    """
    found = rows.merge(answers[[*KEY, *_ANSWERS]], on=KEY, how="left")
    scales = freeze(found, PARTS) if scales is None else scales
    return found.assign(**{ATTITUDE: place(found, PARTS, scales).mean(axis=1)})


def attitude(rows: pd.DataFrame, day: pd.Timestamp, *, conf_level: float = 0.95) -> Estimate:
    """What the accounts of one day answered, and their attitude, with how many answered.

    Parameters
    ----------
    rows
        As `with_attitude` returns it: every listed account, also those that were never asked.
    day
        Evaluation date.
    conf_level
        Level of the intervals of means, which hold for accounts like those that answered.

    Returns
    -------
    Estimate
        Frame: one row per part (mean answer) and `attitude` (mean place), in `indicator`: `n_accounts`,
        `n_responses`, `n_unknown` (accounts without it), `score_mean`, `score_from`, `score_to` (its
        interval), `conf_level`. Checks: how many accounts answered, and how many in an interview.
    """
    listed = rows[rows["evaluated_on"] == day]
    answered = listed[listed[ATTITUDE].notna()]
    if answered.empty:
        return refusal("attitude", "loyalty.no_attitude", n=len(listed), day=day)
    frame = pd.DataFrame([_mean(listed, name, conf_level) for name in (*PARTS, ATTITUDE)])
    n, of = len(answered), len(listed)
    interviews = int((answered["n_interviews"] > 0).sum())
    told = {
        "day": day, "n": n, "of": of, "share": n / of, "mean": frame["score_mean"].iloc[-1],
        "low": frame["score_from"].iloc[-1], "high": frame["score_to"].iloc[-1],
        "level": conf_level, "responses": int(answered["n_responses"].sum()),
    }  # fmt: skip
    counts = {"n": n, "of": of, "share": n / of, "need": FEW}
    mode = {"n": interviews, "of": n}
    checks = (
        Check("attitude_answers", n >= FEW, Sentence(
            "loyalty.answers_enough" if n >= FEW else "loyalty.answers_few", counts)),
        Check("attitude_interviews", interviews == 0, Sentence(
            "loyalty.interviews" if interviews else "loyalty.no_interviews", mode)),
    )  # fmt: skip
    summary = one_row(n, "t interval of a mean", conf_level, n_unknown=of - n)
    return Estimate("attitude", frame, summary, Sentence("loyalty.attitude", told), checks)


def _mean(rows: pd.DataFrame, name: str, conf_level: float) -> dict[str, object]:
    known = rows[rows[name].notna()]
    n, mean = len(known), known[name].mean()
    half = np.nan
    if n > 1:
        half = float(t(n - 1).ppf((1 + conf_level) / 2)) * known[name].std() / np.sqrt(n)
    return {
        "indicator": name, "n_accounts": n, "n_responses": int(known["n_responses"].sum()),
        "n_unknown": len(rows) - n, "score_mean": mean, "score_from": max(mean - half, 0.0),
        "score_to": min(mean + half, 100.0), "conf_level": conf_level,
    }  # fmt: skip
