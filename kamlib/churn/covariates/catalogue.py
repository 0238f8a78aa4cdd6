"""Which covariates there are, which table brings each, and which must not be fed to which model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from kamlib.book import Book
from kamlib.churn.covariates import orders, people, receivables, service, standing, terms
from kamlib.churn.covariates.stack import Source
from kamlib.churn.month_facts import MonthFacts
from kamlib.params import ChurnParams

_SILENT = ("own_rhythm", "fixed_months")


@dataclass(frozen=True, slots=True)
class Covariate:
    """One covariate of an account-month, as known before the month.

    Attributes
    ----------
    name
        Its column.
    needs
        Tables, or columns of tables, that bring it.
    leaks
        Definitions under which it says what the loss itself is made of: a model of account-months
        that holds accounts already silent must not read it.
    kind
        A number (0 and 1 for no and yes) or a text.
    """

    name: str
    needs: tuple[str, ...]
    leaks: tuple[str, ...] = ()
    kind: Literal["float64", "string"] = "float64"

    def known(self, book: Book) -> bool:
        """Return whether the unit gave what it needs."""
        return all(book.has(*need.split(".")) for need in self.needs)


_Subject = tuple[Callable[[Book, ChurnParams, MonthFacts], Source], tuple[Covariate, ...]]


def _dated(name: str) -> _Subject:
    covariate = Covariate(name, ("account_history",), kind="string")
    return lambda book, *_: standing.attribute(book, name), (covariate,)


_SERVICE = ("service_events.first_response_at", "standards.first_response_h")
_SUBJECTS: tuple[_Subject, ...] = (
    (
        lambda book, rules, facts: orders.revenue(facts),
        (
            Covariate("log_revenue_12m", ("transactions",)),
            Covariate("price_realisation", ("transactions.list_amount",)),
            Covariate("revenue_trend", ("transactions",), _SILENT),
            Covariate("days_since_last", ("transactions",), _SILENT),
        ),
    ),
    (
        lambda book, rules, facts: orders.breadth(facts),
        (Covariate("breadth", ("transactions.product_line",)),),
    ),
    (
        lambda book, *_: service.complaints(book),
        (
            Covariate("open_complaints", ("service_events",)),
            Covariate("complaints_3m", ("service_events",)),
        ),
    ),
    (
        lambda book, *_: service.late_responses(book),
        (
            Covariate("late_responses_6m", _SERVICE),
            Covariate("standard_broken", _SERVICE),
            Covariate("standard_broken_again", _SERVICE),
        ),
    ),
    (
        lambda book, *_: people.visits(book),
        (Covariate("weeks_since_visit", ("visits",)),),
    ),
    (
        lambda book, *_: people.satisfaction(book),
        (Covariate("satisfaction", ("surveys", "survey_items")),),
    ),
    (
        lambda book, *_: people.managers(book),
        tuple(Covariate(name, ("assignments.ended_because",)) for name in people.ENDINGS),
    ),
    (
        lambda book, *_: receivables.overdue(book),
        (
            Covariate("share_overdue", ("invoices", "payments")),
            Covariate("mean_days_overdue", ("invoices", "payments")),
        ),
    ),
    (
        lambda book, rules, _: terms.due(book, rules),
        (
            Covariate("contract_due", ("contracts",)),
            Covariate("days_to_due", ("contracts",)),
            Covariate("monthly_contract", ("contracts",)),
            # who has given notice leaves, unless he is won back
            Covariate("notice_given", ("contracts.notice_on",), ("contracts",)),
        ),
    ),
    (
        lambda book, *_: standing.programme(book),
        (Covariate("programme_level", ("programme",)),),
    ),
    (
        lambda book, *_: standing.tier(book),
        (Covariate("tier_in_force", ("tier_decisions",), kind="string"),),
    ),
    _dated("role"),
    _dated("segment"),
    _dated("region"),
)
# put together by `episodes` itself
_OWN = (
    Covariate("tenure_at_entry", ("transactions",)),
    Covariate("partial_loss", ("transactions",), _SILENT),
)
COVARIATES: tuple[Covariate, ...] = _OWN + tuple(c for _, some in _SUBJECTS for c in some)


def sources(book: Book, rules: ChurnParams, facts: MonthFacts) -> list[Source]:
    """Return the sources for which the unit has records."""
    there = [source for source, some in _SUBJECTS if any(c.known(book) for c in some)]
    return [source(book, rules, facts) for source in there]


def unknown(book: Book) -> dict[str, str]:
    """Return the covariates that the unit's tables cannot say, and what would bring each."""
    return {c.name: " + ".join(c.needs) for c in COVARIATES if not c.known(book)}


def leaking(definition: str) -> frozenset[str]:
    """Return the covariates that leak under a definition.

    >>> sorted(leaking("own_rhythm"))
    ['days_since_last', 'partial_loss', 'revenue_trend']
    """
    return frozenset(one.name for one in COVARIATES if definition in one.leaks)
