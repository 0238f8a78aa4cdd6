"""The step before the studies: open every unit's records, and learn what comparable units share."""

from __future__ import annotations

import traceback
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path

from kamlib.book import Book, open_book
from kamlib.errors import KamError
from kamlib.glossary import Sentence
from kamlib.params import Unit
from kamlib.value.lifetime.contract_facts import relation_of
from kamlib.value.lifetime.facts import occasions, purchase_summary
from kamlib.value.lifetime.pool_store import Group, Kind
from kamlib.value.lifetime.pooling import MIN_UNITS, pool
from kamlib.value.lifetime.purchase_history import first_day_read
from kamlib.value.lifetime.purchases.bg_nbd import BG_NBD, too_few_repeat
from kamlib.value.lifetime.purchases.fit import Model
from kamlib.value.lifetime.purchases.mbg_cnbd_k import mbg_cnbd
from kamlib.value.lifetime.purchases.pareto_nbd import PARETO_NBD
from kamlib.value.lifetime.purchases.summary import Purchases, compress

# regular buyers have a rhythm of their own: a unit's k is chosen by itself, its prior is that of its k
MODELS: tuple[Model, ...] = (*(mbg_cnbd(k) for k in range(1, 7)), BG_NBD, PARETO_NBD)


def pool_units(units: Iterable[Unit]) -> dict[date, list[Group]]:
    """Return what comparable units have in common, by the day as of which it is known.

    Units of one group and one day are pooled together. A unit whose accounts are bound by
    contracts, whose records cannot be read, or of which too few accounts bought again takes no part; the
    reason is kept and the others go on.

    Parameters
    ----------
    units
        Checked parameters. Where they state no `as_of`, the records do.

    Returns
    -------
    dict
        Day -> groups, in the order in which they were met. A unit that could not be opened and states
        no day is left out of every day of its group.
    """
    taking: dict[tuple[Kind, date], dict[str, Purchases]] = defaultdict(dict)
    left_out: dict[tuple[Kind, date | None], dict[str, str]] = defaultdict(dict)
    for unit in units:
        day, found = _looked_at(unit)
        key, name = Kind.of(unit), unit.business_unit
        if isinstance(found, str):
            left_out[key, day][name] = found
        else:
            assert day is not None  # noqa: S101 - records that were read have a day
            taking[key, day][name] = found
    days: dict[date, list[Group]] = defaultdict(list)
    for kind, day in dict.fromkeys([*taking, *left_out]):
        if day is not None:
            missing = left_out[kind, day] | left_out[kind, None]
            days[day].append(_group(kind, taking[kind, day], missing))
    return dict(days)


def told(found: Mapping[date, Iterable[Group]]) -> list[str]:
    """Return what `pool_units` came to: a line per group that has a prior, or one that says why none."""
    groups = [(day, group) for day, every in found.items() for group in every]
    lines = []
    for day, group in groups:
        if group.pools:
            name = f" of group {group.kind.comparable}" if group.kind.comparable else ""
            out = f" (left out: {', '.join(group.left_out)})" if group.left_out else ""
            lines.append(f"As of {day}, {len(group.units)} units{name} learn from each other{out}.")
    most = max((len(group.units) for _, group in groups), default=0)
    none = f"Units do not learn from each other: at the most {most} comparable have one day, and it takes {MIN_UNITS}."
    return lines or [none]


def _group(kind: Kind, units: dict[str, Purchases], left_out: dict[str, str]) -> Group:
    pools = {model.name: pool(model, units) for model in MODELS}
    return Group(kind, units, left_out, {n: one for n, one in pools.items() if one is not None})


def _looked_at(unit: Unit) -> tuple[date | None, Purchases | str]:
    """Return the day of a unit's records, and its purchase summaries or why it takes no part."""
    try:
        book = open_book(unit)
        try:
            return book.as_of, _summaries(book)
        finally:
            book.con.disconnect()
    except KamError as error:
        return unit.as_of, " ".join(error.faults)
    except Exception as error:  # whatever it is, one unit must not stop another
        # its text could hold a credential; where it arose cannot
        at = traceback.extract_tb(error.__traceback__)[-1]
        values = {"ename": type(error).__name__, "place": f"{Path(at.filename).name}:{at.lineno}"}
        return unit.as_of, str(Sentence("pooling.unexpected", values))


def _summaries(book: Book) -> Purchases | str:
    params = book.unit.customer_value.lifetime
    if relation_of(book, book.as_of, params)[0] == "contracts":
        return str(Sentence("pooling.contracts"))
    # the rows that the fit of the unit reads, else the prior would be one of other rows
    since = first_day_read(book.as_of, params.fit_years)
    each = purchase_summary(occasions(book, book.as_of, since=since), book.as_of)
    course = ["frequency", "recency_days", "age_days"]
    rows = each.group_by(course).agg(n_accounts=each.count()).to_pandas()
    if rows.empty:
        return str(Sentence("pooling.no_purchase"))
    found = compress(*(rows[name] for name in course), weights=rows["n_accounts"])
    few = too_few_repeat(found)
    return found if few is None else str(few)
