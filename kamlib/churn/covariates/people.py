"""Those who hold the relation: visits, changes of account manager, what the account says in surveys."""

from __future__ import annotations

from typing import Any

import ibis

from kamlib.accounts import owner
from kamlib.book import Book
from kamlib.churn.clock import day_number, known_on, month_number
from kamlib.churn.covariates.stack import Source, during, entries, month_after, together
from kamlib.churn.engine import ONE, flag

CHANGE_MONTHS = 6
ENDINGS = {"manager_left_6m": "left_company", "manager_rotated_6m": "rotated"}
_WEEK = 7.0
# a mean between 0 and 10 in ten-thousandths, behind the month in which it was given
_PLACES, _ROOM = 10_000, 1_000_000


def visits(book: Book) -> Source:
    """Return the weeks since the last visit; measure: `visit_day`."""
    rows = owner(book, book["visits"])
    known = known_on(book, "visits", rows, rows.date)
    told = entries(rows, month_after(known), day_number(known), visit_day=day_number(rows.date))
    return Source(
        told,
        lambda t: {"weeks_since_visit": (t.start_day - t.visit_day).cast("float64") / _WEEK},
        lasts=("visit_day",),
    )


def managers(book: Book) -> Source:
    """Return whether an account manager left the company, or was rotated, within six months.

    The last day of the assignment falls in the six calendar months before. The measures have the
    names of the covariates.
    """
    rows = owner(book, book["assignments"])
    rows = rows.filter(
        rows.ends_on.notnull(), rows.part.fill_null("account_manager") == "account_manager"
    )
    rows = rows.mutate(known=ibis.greatest(known_on(book, "assignments", rows, rows.starts_on),
                                           rows.ends_on))  # fmt: skip
    parts = []
    for name, because in ENDINGS.items():
        some = rows.filter(rows.ended_because == because)
        after = month_number(some.ends_on) + 1 + CHANGE_MONTHS
        count = {name: ONE}
        parts.append(during(some, month_after(some.known), after, day_number(some.known), **count))

    def changed(t: Any) -> dict[str, Any]:
        return {name: flag(t[name] > 0) for name in ENDINGS}

    return Source(together(parts), changed, sums=tuple(ENDINGS))


def satisfaction(book: Book) -> Source:
    """Return satisfaction as last answered, from 0 to 10; measure: `satisfaction_key`.

    The mean over answers to items on satisfaction of the last month with any, each put on a scale
    from 0 to 10; answers about a competitor are left out.
    """
    items = book["survey_items"]
    items = items.filter(items.construct == "satisfaction").select("item").distinct()
    rows = owner(book, book["surveys"].semi_join(items, "item"))
    rows = rows.filter(
        rows.score.notnull(), rows.competitor.isnull(), rows.scale_max > rows.scale_min
    )
    known = known_on(book, "surveys", rows, rows.date)
    share = (rows.score - rows.scale_min) / (rows.scale_max - rows.scale_min)
    rows = rows.mutate(known=known, told=month_after(known), points=share * (10.0 * _PLACES))
    months = rows.group_by("account_id", "told").agg(
        points=rows.points.mean(), known=rows.known.max()
    )
    key = months.told * _ROOM + (months.points + 0.5).floor().cast("int64")
    told = entries(months, months.told, day_number(months.known), satisfaction_key=key)
    return Source(
        told,
        lambda t: {"satisfaction": (t.satisfaction_key % _ROOM).cast("float64") / _PLACES},
        lasts=("satisfaction_key",),
    )
