"""Small books of which every spell and every covariate can be worked out by hand."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from kamlib.book import Book, open_book
from kamlib.book.simulate import write_demo
from kamlib.book.simulate.subscribers import SEED, simulate_subscribers
from kamlib.churn.engine import collect
from kamlib.churn.episodes import Episodes, episodes
from kamlib.churn.landmarks import landmarks
from kamlib.churn.spells import spells
from kamlib.params import unit_from

Frames = Callable[..., pd.DataFrame]


def built(book: Book) -> Episodes:
    return episodes(book, book.unit.churn_survival, spells(book, book.unit.churn_survival))


@pytest.fixture(scope="session")
def spells_of(small: Any) -> Frames:
    """Return a function: tables and rules -> spells, days as text and unknown ones as None."""

    def call(tables: Any, as_of: str = "2024-12-31", **rules: Any) -> pd.DataFrame:
        params = {"as_of": as_of, "churn_survival": rules} | rules.pop("unit", {})
        book = small.open(tables, **params)
        frame = collect(spells(book, book.unit.churn_survival).table)
        for column in frame.columns:
            if frame[column].dtype.kind == "M":
                text = frame[column].dt.strftime("%Y-%m-%d").astype(object)
                frame[column] = text.where(frame[column].notna(), None)
        return frame

    return call


@pytest.fixture(scope="session")
def orders() -> Callable[..., list[dict[str, Any]]]:
    """Return a function: account and days (text, or text and the day of recording) -> order lines."""

    def call(account: str, *days: Any, amount: float = 100.0) -> list[dict[str, Any]]:
        rows = []
        for day in days:
            on, told = day if isinstance(day, tuple) else (day, None)
            rows.append({"account_id": account, "date": on, "amount": amount, "recorded_on": told})
        if not any(row["recorded_on"] for row in rows):
            for row in rows:
                del row["recorded_on"]
        return rows

    return call


def monthly(account: str, first: str, n: int, **more: Any) -> list[dict[str, Any]]:
    days = [pd.Timestamp(first) + pd.DateOffset(months=k) for k in range(n)]
    return [{"account_id": account, "date": f"{day:%Y-%m-%d}"} | more for day in days]


@pytest.fixture(scope="session", name="monthly")
def _monthly() -> Callable[..., list[dict[str, Any]]]:
    """Return a function: account, first day, number of months, columns -> a line per month."""
    return monthly


def case(event: str, opened: str, response: str | None, resolved: str | None, **more: Any) -> Any:
    return {
        "event_id": event, "account_id": "a", "kind": "complaint", "stage": "in_sale",
        "opened_at": opened, "first_response_at": response, "resolved_at": resolved,
        "reopened_at": None, "recorded_on": None,
    } | more  # fmt: skip


def answer(response: str, day: str, item: str, score: float, **more: Any) -> Any:
    return {
        "response_id": response, "account_id": "a", "wave": "w", "date": day,
        "method": "phone", "item": item, "score": score, "scale_min": 1, "scale_max": 5,
        "competitor": None,
    } | more  # fmt: skip


# what is known of account a before July 2023 is worked out in the tests of each subject
RICH: dict[str, Any] = {
    "accounts": [{"account_id": "a", "onboarded_on": "2021-07-01", "segment": "today"},
                 {"account_id": "b", "onboarded_on": None, "segment": "today"}],
    "transactions": [
        *monthly("a", "2022-01-10", 18, amount=100, list_amount=125, product_line="x"),
        {"account_id": "a", "date": "2023-06-20", "amount": 50, "list_amount": None, "product_line": "y"},
        {"account_id": "a", "date": "2023-06-25", "amount": -20, "list_amount": None, "product_line": "y"},
        # dated June, recorded in July
        {"account_id": "a", "date": "2023-06-28", "amount": 999, "list_amount": 999, "product_line": "z",
         "recorded_on": "2023-07-01"},
        *monthly("a", "2023-07-10", 17, amount=100, list_amount=125, product_line="x"),
        *monthly("b", "2022-03-02", 20, amount=10, list_amount=10, product_line="x"),
    ],
    "contracts": [
        {"contract_id": "1", "account_id": "a", "starts_on": "2022-01-01", "ends_on": "2024-12-31",
         "value_per_year": 1200, "notice_on": "2024-09-10", "ended_on": "2024-11-30", "end_reason": "price"},
        # a month each, the last one not renewed
        *({"contract_id": f"b{k}", "account_id": "b", "starts_on": f"{day:%Y-%m-%d}",
           "ends_on": f"{day + pd.DateOffset(months=1) - timedelta(days=1):%Y-%m-%d}",
           "value_per_year": 120, "notice_on": None, "ended_on": None, "end_reason": None}
          for k, day in enumerate(pd.date_range("2022-03-01", periods=20, freq="MS"))),
    ],
    "service_events": [
        case("0", "2023-01-10 09:00", "2023-01-10 14:00", "2023-01-11 09:00"),
        case("1", "2023-05-03 09:00", "2023-05-03 12:00", "2023-07-05 09:00"),
        case("2", "2023-03-20 09:00", "2023-03-20 10:00", "2023-03-25 09:00"),
        case("3", "2023-06-30 09:00", "2023-07-01 09:00", None, recorded_on="2023-07-02"),
        case("4", "2023-07-01 09:00", None, None),
        case("5", "2023-06-10 09:00", "2023-06-20 09:00", "2023-06-21 09:00", kind="grumble"),
    ],
    "standards": [
        {"valid_from": "2022-01-01", "tier": None, "kind": "complaint", "first_response_h": 4},
        {"valid_from": "2023-01-01", "tier": "gold", "kind": "complaint", "first_response_h": 2},
        {"valid_from": "2023-08-01", "tier": None, "kind": "complaint", "first_response_h": 1},
    ],
    "tier_decisions": [
        {"account_id": "a", "tier": "gold", "valid_from": "2023-02-01"},
        {"account_id": "a", "tier": "iron", "valid_from": "2023-07-01"},
    ],
    "visits": [
        {"account_id": "a", "date": "2023-06-24", "recorded_on": None},
        {"account_id": "a", "date": "2023-06-29", "recorded_on": "2023-07-03"},
    ],
    "assignments": [
        {"account_id": "a", "manager_id": "m0", "starts_on": "2022-01-01", "ends_on": "2022-12-31",
         "ended_because": "rotated"},
        {"account_id": "a", "manager_id": "m1", "starts_on": "2023-01-01", "ends_on": "2023-02-15",
         "ended_because": "left_company"},
        {"account_id": "a", "manager_id": "m2", "starts_on": "2023-02-16", "ends_on": None,
         "ended_because": None},
    ],
    "survey_items": [
        {"item": "s1", "construct": "satisfaction"}, {"item": "s2", "construct": "satisfaction"},
        {"item": "q", "construct": "quality"},
    ],
    "surveys": [
        answer("r0", "2023-02-01", "s1", 1),
        answer("r1", "2023-06-01", "s1", 4), answer("r1", "2023-06-01", "s2", 5),
        answer("r1", "2023-06-01", "q", 1), answer("r2", "2023-06-02", "s1", 1, competitor="other"),
        answer("r3", "2023-07-02", "s1", 1),
    ],
    "programme": [
        {"account_id": "a", "level": 1, "enrolled_on": "2022-05-01", "left_on": "2023-05-31"},
        {"account_id": "a", "level": 2, "enrolled_on": "2023-06-01", "left_on": None},
    ],
    "account_history": [
        {"account_id": "a", "valid_from": "2022-01-01", "attribute": "segment", "value": "mining",
         "recorded_on": None},
        {"account_id": "a", "valid_from": "2023-06-15", "attribute": "segment", "value": "farming",
         "recorded_on": "2023-07-10"},
        {"account_id": "a", "valid_from": "2022-01-01", "attribute": "role", "value": "end_customer",
         "recorded_on": None},
    ],
    "invoices": [
        {"invoice_id": "1", "account_id": "a", "issued_on": "2023-05-01", "due_on": "2023-05-31", "amount": 100},
        {"invoice_id": "2", "account_id": "a", "issued_on": "2023-06-15", "due_on": "2023-07-15", "amount": 300},
    ],
    "payments": [
        {"invoice_id": "1", "date": "2023-06-20", "amount": 40},
        {"invoice_id": "1", "date": "2023-07-01", "amount": 60},
    ],
    "defections": [
        {"account_id": "b", "date": "2023-03-10", "extent": "partial", "reason": "price",
         "competitor": "other", "recorded_on": "2023-03-12"},
    ],
}  # fmt: skip


@pytest.fixture(scope="session")
def rich_built(small: Any) -> Callable[[str], Episodes]:
    """Return a function: a day -> account-months of the book of all tables, as of that day."""

    @cache
    def call(as_of: str) -> Episodes:
        return built(small.open(RICH, as_of=as_of))

    return call


@pytest.fixture(scope="session")
def rich(rich_built: Callable[[str], Episodes]) -> pd.DataFrame:
    """Account-months of the book of all tables, as of the end of 2024."""
    return collect(rich_built("2024-12-31").table)


@pytest.fixture(scope="session")
def july(rich: pd.DataFrame) -> pd.Series:
    """Return the row of account a for July 2023."""
    rows = rich[(rich["account_id"] == "a") & (rich["month"] == "2023-07-01")]
    assert len(rows) == 1
    return rows.iloc[0]


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Book]:
    """Return a function: name, size and as_of -> a demo unit."""
    folder = tmp_path_factory.mktemp("demo")

    def call(name: str, size: float, as_of: str = "2025-12-31", **params: Any) -> Book:
        made = write_demo(name, folder / f"{size}", size=size)
        tables = {path.stem: {"file": str(path)} for path in sorted(made.glob("*.parquet"))}
        raw = {"book": {"tables": tables}, "as_of": date.fromisoformat(as_of)} | params
        return open_book(unit_from(raw, name=name, folder=Path(".")))

    return call


@pytest.fixture(scope="session", name="built")
def _built() -> Callable[[Book], Episodes]:
    """Return a function: book -> its account-months under its own parameters."""
    return built


@pytest.fixture(scope="session")
def study(demo: Callable[..., Book]) -> Callable[..., SimpleNamespace]:
    """Return a function: demo unit, size and rules -> all that a forecast of churn stands on."""

    @cache
    def call(name: str, size: float, as_of: str = "2025-12-31", **rules: Any) -> SimpleNamespace:
        book = demo(name, size, as_of, churn_survival=rules)
        found = spells(book, book.unit.churn_survival)
        months = episodes(book, book.unit.churn_survival, found)
        return SimpleNamespace(
            book=book, rules=book.unit.churn_survival, spells=found, episodes=months,
            landmarks=landmarks(book, book.unit.churn_survival, found, months),
        )  # fmt: skip

    return call


@pytest.fixture(scope="session")
def drawn_subscribers() -> Frames:
    """Return a function: seed -> the simulated record of one day, as `open_snapshot` gives it."""

    def call(seed: int) -> pd.DataFrame:
        record = simulate_subscribers(seed=seed)
        yes = {name: record[name].eq("Yes") for name in ("support", "paperless", "left")}
        names = {"subscriber": "account_id", "months": "tenure_months", "support": "tech_support"}
        flags = {name: yes[name].astype(float) for name in ("support", "paperless")}
        return record.assign(**flags, left=yes["left"]).rename(columns=names)

    return call


@pytest.fixture(scope="session")
def subscribers(drawn_subscribers: Frames) -> pd.DataFrame:
    """The customers of the demo unit that is a record of one day."""
    return drawn_subscribers(SEED)
