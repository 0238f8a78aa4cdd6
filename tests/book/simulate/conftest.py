"""Small books, simulated once for all tests of the simulator."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import pytest

from kamlib.book.simulate import DEMO_UNITS, Simulated, simulate

SIZES = {"commercial_vehicles": 0.6, "telecom_lines": 0.15, "industrial_supplies": 0.3}


@cache
def _book(unit: str, size: float, seed: int | None) -> Simulated:
    return simulate(unit, size=size, seed=seed)


@pytest.fixture(scope="session")
def book() -> Callable[..., Simulated]:
    """Return a function that gives a book; the same one each time it is asked for."""

    def get(unit: str, size: float | None = None, seed: int | None = None) -> Simulated:
        return _book(unit, SIZES[unit] if size is None else size, seed)

    return get


@pytest.fixture(params=DEMO_UNITS)
def small(request: pytest.FixtureRequest, book: Callable[..., Simulated]) -> Simulated:
    """Each unit in turn, small."""
    return book(request.param)
