"""Partial losses: who buys far less or has dropped a product line, and how often that ends in a loss."""

from __future__ import annotations

from datetime import date

import ibis
import ibis.expr.types as ir
import pandas as pd

from kamlib.accounts import attributes
from kamlib.book import Book
from kamlib.churn.clock import day_count, day_number
from kamlib.churn.episodes import Episodes
from kamlib.churn.spells import Spells
from kamlib.churn.statements import COMPETING
from kamlib.churn.stretch import MONTH_DAYS
from kamlib.glossary import Sentence
from kamlib.results import Check, Estimate, none_found, one_row
from kamlib.stats.aalen_johansen import aalen_johansen
from kamlib.stats.kaplan_meier import at_times

_HORIZON = 12  # months
_FEW = 10
KINDS = {"recorded": "on record", "line": "line dropped", "spend": "spending fell"}


def partial_rows(book: Book, spells: Spells, months: Episodes) -> ir.Table:
    """Return partial losses and what became of the account.

    Returns
    -------
    Table
        One row per account, spell, day, kind and product line: `account_id`, `spell_no`, `name`,
        `declared_on`, `kind` ("spend": less than a share of its own level, "line": a product line
        dropped, "recorded": the firm wrote it down), `product_line`, `followed_days` (to the end of the
        spell, or to `as_of`), `event_type` (of that end; null: stays), `partial_loss` (1: what was lost
        is missing today; of accounts that stay).
    """
    found, table = months.partial, spells.table
    ends = table.select(
        "account_id", "spell_no", "event_type",
        last=day_number(table.ended_on).fill_null(day_count(book.as_of)),
    )  # fmt: skip
    names = attributes(book, book.as_of).select("account_id", "name")
    rows = found.inner_join(ends, ["account_id", "spell_no"])
    today = months.living.select("account_id", "partial_loss")
    for other in (names, today):
        rows = rows.left_join(other, "account_id").drop("account_id_right")
    return rows.select(
        "account_id", "spell_no", "name", "declared_on", "kind", "product_line",
        "event_type", "partial_loss", followed_days=rows["last"] - day_number(rows.declared_on),
    ).order_by(ibis.desc("declared_on"), "account_id", "kind", "product_line")  # fmt: skip


def partial_losses(
    rows: pd.DataFrame, worth: pd.DataFrame, as_of: date, *, conf_level: float = 0.95
) -> Estimate:
    """Accounts that are partly lost, and the share of partial losses that end in a loss within a year.

    Parameters
    ----------
    rows
        As `partial_rows` gives them.
    worth
        Of today, as `worth.account_worth` gives it: `account_id`, `revenue` (of twelve months).
    as_of
        Last day that is known.
    conf_level
        Of the interval.

    Returns
    -------
    Estimate
        Frame: one row per account that was partly lost within the last twelve months and still is,
        largest revenue first: `account_id`, `name`, `declared_on` (last), `kind` (the clearest), `product_line` (those
        dropped), `revenue` (of the last twelve months). Summary: `n_event` (partial losses on record),
        `share_gone` (lost within twelve months of the first sign in a spell; Aalen–Johansen, other ends
        taken into account) with `share_low`, `share_high`. Nothing found where no partial loss is on
        record.

    Notes
    -----
    The share starts from the first sign of each spell; spells are taken as independent. Under a rule
    of silence a loss is declared after spending has fallen, so part of the share is the same event
    seen twice: read it as notice given, not as cause.
    """
    if rows.empty:
        return none_found("partial_losses", "partial.none")
    first = rows.sort_values("declared_on", kind="stable").drop_duplicates(
        ["account_id", "spell_no"]
    )
    first = first[first["followed_days"] > 0]
    share = low = high = float("nan")
    if len(first) >= _FEW and (first["event_type"] == "churn").any():
        kinds = [k for k in ("churn", *COMPETING) if (first["event_type"] == k).any()]
        curve = aalen_johansen(
            first["followed_days"] / MONTH_DAYS,
            first["event_type"],
            kinds=kinds,
            conf_level=conf_level,
        )
        churn = curve[curve["event_type"] == "churn"]
        there = at_times(churn, [min(_HORIZON, float(churn["time"].max()))]).iloc[0]
        share, low, high = (float(there[c]) for c in ("estimate", "conf_low", "conf_high"))
    recent = rows[(rows["partial_loss"] == 1) & (rows["followed_days"] <= _HORIZON * MONTH_DAYS)]
    if recent.empty:
        return none_found("partial_losses", "partial.none_now", months=_HORIZON, events=len(first))
    frame = _listed(recent, worth)
    values = {
        "n": len(frame), "revenue": float(frame["revenue"].sum()), "events": len(first),
        "lost": int((first["event_type"] == "churn").sum()), "share": share, "low": low,
        "high": high, "level": conf_level, "months": _HORIZON,
    }  # fmt: skip
    summary = one_row(
        len(first), "Aalen–Johansen", conf_level, as_of=as_of, n_event=len(rows), share_gone=share,
        share_low=low, share_high=high,
    )  # fmt: skip
    key = "partial.note" if share == share else "partial.few"
    check = Check("partial_losses_few", len(first) >= _FEW, Sentence("partial.counted", values))
    return Estimate("partial_losses", frame, summary, Sentence(key, values), (check,))


def _listed(recent: pd.DataFrame, worth: pd.DataFrame) -> pd.DataFrame:
    """Return one row per account, with all that was lost of it in the last year."""
    frame = recent.groupby("account_id", as_index=False).agg(
        name=("name", "first"), declared_on=("declared_on", "max"), kind=("kind", _clearest),
        product_line=("product_line", _joined),
    )  # fmt: skip
    frame = frame.merge(worth[["account_id", "revenue"]], on="account_id", how="left")
    return frame.sort_values(["revenue", "account_id"], ascending=[False, True], ignore_index=True)


def _clearest(kinds: pd.Series) -> str:
    """Return the kind that tells most: what the firm wrote down, a line, or spending."""
    return next(words for kind, words in KINDS.items() if (kinds == kind).any())


def _joined(values: pd.Series) -> str | None:
    return ", ".join(sorted(set(values.dropna()))) or None
