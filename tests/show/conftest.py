"""Columns that only these tests know, and displays caught instead of shown."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import matplotlib as mpl
import pytest

from kamlib import glossary
from kamlib.glossary import Term
from kamlib.show import page as page_module
from kamlib.show import theme

COLUMNS = {
    name: Term(name, unit, display, "", en, zh)
    for name, unit, display, en, zh in (
        ("t_name", "", "text", "Name", "名称"),
        ("t_amount", "money", "money", "Amount", "金额"),
        ("t_share", "", "percent", "Share", "占比"),
        ("t_wait", "days", "days", "Wait", "等待"),
        ("t_day", "", "date", "Day", "日期"),
        ("t_key", "", "text", "Key", "大客户"),
    )
}


@pytest.fixture
def columns(monkeypatch: pytest.MonkeyPatch) -> dict[str, Term]:
    monkeypatch.setattr(glossary, "columns", lambda: COLUMNS)
    return COLUMNS


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[tuple[dict[str, str], dict[str, Any]]]:
    """Return what was displayed: (data, metadata) per output."""
    outputs: list[tuple[dict[str, str], dict[str, Any]]] = []

    def catch(data: dict[str, str], *, raw: bool, metadata: dict[str, Any]) -> None:
        assert raw
        outputs.append((data, metadata))

    monkeypatch.setattr(page_module, "_display", catch)
    return outputs


@pytest.fixture
def themed() -> Iterator[None]:
    with mpl.rc_context():
        theme.use_theme()
        yield


@pytest.fixture
def latin_only(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Draw with matplotlib's own font, whatever else this machine has."""
    monkeypatch.setattr(theme, "font_chain", lambda: ("DejaVu Sans",))
    theme._fonts.cache_clear()
    yield
    theme._fonts.cache_clear()
