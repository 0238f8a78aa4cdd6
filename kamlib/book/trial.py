"""The record of a finished trial, opened and checked: one line per customer that was drawn."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from kamlib.book.layouts import CONTROL, TRIAL_LAYOUTS, TrialLayout
from kamlib.book.listing import (
    Listing,
    Rule,
    account_rules,
    covariate_rules,
    covariates,
    read_lines,
    settle,
    text,
)
from kamlib.book.raw import ROW
from kamlib.errors import BookError
from kamlib.params import Unit

_SAYS = {"yes": 1.0, "no": 0.0, "true": 1.0, "false": 0.0}


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Trial(Listing):
    """All customers of a trial, what each was sent, and what came after.

    Attributes
    ----------
    layout
        Which column of the record says what.
    customers
        One row per customer kept: `account_id`, `arm` ("control": nothing was sent), one column per
        outcome (money not below zero; shares 0 or 1), and the covariates from before the draw by name,
        missing where the record says nothing.
    """

    layout: TrialLayout


def open_trial(unit: Unit) -> Trial:
    """Open and check the record of a unit that is one of a finished trial.

    A line without a readable outcome is set aside and counted: what did not happen must stand as zero.

    Raises
    ------
    BookError
        No such record, or nothing usable in it; no day stated under which to file what is found.
    """
    if unit.book.gives != "trial":
        raise BookError("book: the unit has no record of a trial that this study reads")
    layout = TRIAL_LAYOUTS[unit.book.adapter or unit.book.demo]
    lines = read_lines(unit, _demo, layout.check)
    raw, known = lines.raw, {arm.lower(): arm for arm in layout.arms}
    said = text(raw[layout.arm])
    arm = said.str.lower().map(known | {layout.control.lower(): CONTROL})
    # a record that names no customers is told by its rows
    account = text(raw[layout.account] if layout.account else raw[ROW])
    outcomes = {name: _number(raw[column]) for column, name in layout.outcomes.items()}
    customers = pd.DataFrame(
        {"account_id": account, "arm": arm}
        | outcomes
        | covariates(raw, layout.covariates, layout.groups)
    )
    rules: list[Rule] = [
        *(account_rules(raw, layout.account, account) if layout.account else ()),
        (layout.arm, "missing", said.isna()),
        (layout.arm, "not_allowed", arm.isna() & said.notna()),
        *covariate_rules(raw, layout.covariates, customers),
    ]
    for column, name in layout.outcomes.items():
        stands, value = text(raw[column]).notna(), outcomes[name]
        rules += [(column, "missing", ~stands), (column, "not_a_number", stands & value.isna())]
        rules += (
            [(column, "too_small", value < 0)]
            if column in layout.money
            else [(column, "not_yes_or_no", value.notna() & ~value.isin([0, 1]))]
        )
    return Trial(layout=layout, **settle(lines, customers, rules))


def _number(column: pd.Series) -> pd.Series:
    words = text(column)
    number = pd.to_numeric(words, errors="coerce").replace([float("inf"), -float("inf")], None)
    return number.astype(float).fillna(words.str.lower().map(_SAYS))


def _demo(folder: Path) -> Path:
    from kamlib.book.simulate.mailing import write_mailing

    return write_mailing(folder)
