"""Every word that a reader sees: names of columns, headings, sentences, in English and Chinese.

The texts lie in `kamlib/text/`: `columns.toml` (what a frame may carry: label, unit, display format,
meaning), `headings.toml` (English heading -> Chinese), `sentences.toml` (templates with named values).
A template writes `{value:kind}`; the kinds are those of `display`:

=========  =======================================  ===============  ===========
kind       input                                    English          Chinese
=========  =======================================  ===============  ===========
money      amount in the unit's currency            1,234,567        1,234,567
short      the same, shortened                      1.23 million     123 万
cents      small amount, to the hundredth           0.77             0.77
count      whole number                             1,234            1,234
percent    share, 0.123                             12.3 %           12.3%
level      share of few digits, 0.95                95 %             95%
ratio      plain number                             0.57             0.57
index      number of three decimals                0.048            0.048
score      number of one decimal                    3.4              3.4
days       number of days                           45               45
date       date                                     2025-12-31       2025年12月31日
month      date within a month                      2025-12          2025年12月
text       anything                                 as it is         as it is
term       name of a column or a heading            its label        its label
=========  =======================================  ===============  ===========

`{n:has|have}` chooses the word for one and the word for many. Unknown values (None, NaN, NaT) are shown as an en dash, never as zero.
"""

from __future__ import annotations

import functools
import math
import string
import tomllib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from importlib import resources
from numbers import Real
from typing import Any

import pandas as pd

from kamlib.errors import KamError, nearest

LANGUAGES = ("en", "zh")
UNKNOWN = "–"
_BLANK = "\u00a0"  # a number and its unit stay on one line
_DIGITS = {"score": 1, "ratio": 2, "cents": 2, "index": 3}


@dataclass(frozen=True, slots=True)
class Style:
    """How text is shown: language ("en", "zh") and the currency code of money columns."""

    language: str = "en"
    currency: str = ""


@dataclass(frozen=True, slots=True)
class Term:
    """One column that a frame may carry: its unit, display kind, meaning and labels."""

    name: str
    unit: str
    display: str
    meaning: str
    en: str
    zh: str


@dataclass(frozen=True, slots=True)
class Sentence:
    """A template of `sentences.toml` with its values, not yet in any language.

    >>> str(Sentence("concentration.too_few", {"n": 0}))
    'Concentration needs at least two accounts with revenue in the window; there are 0.'
    """

    key: str
    values: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return say(self, Style())


def _load(name: str) -> dict[str, Any]:
    return tomllib.loads(resources.files("kamlib.text").joinpath(name).read_text("utf-8"))


@functools.cache
def columns() -> dict[str, Term]:
    """Return all columns by name."""
    return {name: Term(name=name, **entry) for name, entry in _load("columns.toml").items()}


@functools.cache
def sentences() -> dict[str, dict[str, str]]:
    """Return all sentence templates: "group.name" -> language -> template."""
    return {
        f"{group}.{name}": texts
        for group, entries in _load("sentences.toml").items()
        for name, texts in entries.items()
    }


@functools.cache
def headings() -> dict[str, str]:
    """Return all headings and fixed labels: English -> Chinese."""
    return {en: zh for group in _load("headings.toml").values() for en, zh in group.items()}


def term(name: str) -> Term:
    """Return one column; an unknown name is an error with the nearest known one."""
    try:
        return columns()[name]
    except KeyError:
        hint = nearest(name, columns())
        raise KamError(f"column '{name}' is not in the glossary{hint}") from None


def label(name: str, style: Style = Style()) -> str:
    """Return the header of a column in the style's language, with its unit.

    >>> label("revenue", Style(currency="EUR"))
    'Revenue (EUR)'
    """
    entry = term(name)
    text = entry.zh if style.language == "zh" else entry.en
    unit = style.currency if entry.unit == "money" else heading(entry.unit, style)
    if not unit:
        return text
    return f"{text}（{unit}）" if style.language == "zh" else f"{text} ({unit})"


def heading(english: str, style: Style = Style()) -> str:
    """Return a heading or fixed label in the style's language; English where there is no other."""
    return headings().get(english, english) if style.language == "zh" else english


def clean(text: Any) -> str:
    """Return hostile text without control, direction-changing and broken characters.

    >>> clean("Acme" + chr(0x202E) + " Ltd")
    'Acme Ltd'
    """
    return "".join(c for c in str(text) if unicodedata.category(c) not in ("Cc", "Cf", "Cs"))


def display(value: Any, kind: str, style: Style = Style()) -> str:
    r"""Return one value as a reader sees it; kinds are listed in the module's docstring.

    >>> display(1234567, "short"), display(1234567, "short", Style("zh")), display(None, "money")
    ('1.23\xa0million', '123\xa0万', '–')
    """
    if pd.api.types.is_scalar(value) and pd.isna(value):
        return UNKNOWN
    if isinstance(value, Real) and math.isinf(value):
        return UNKNOWN
    chinese = style.language == "zh"
    if kind == "text":
        return clean(value)
    if kind == "term":
        known = columns().get(str(value))
        return (known.zh if chinese else known.en) if known else heading(clean(value), style)
    if kind in ("date", "month"):
        day = value if isinstance(value, date) else pd.Timestamp(value)
        month = f"{day.year}年{day.month}月" if chinese else f"{day.year}-{day.month:02d}"
        if kind == "month":
            return month
        return f"{month}{day.day}日" if chinese else f"{month}-{day.day:02d}"
    number = float(value)
    if kind in ("percent", "level"):
        digits = f"{100 * number:z.1f}" if kind == "percent" else f"{100 * number:z.4g}"
        return f"{digits}{'%' if chinese else f'{_BLANK}%'}".replace("-", "−")
    if kind in ("count", "days", "money"):
        return f"{round(number):,}".replace("-", "−")
    if kind == "short":
        return _shortened(number, chinese).replace("-", "−")
    if kind in _DIGITS:
        return f"{number:z,.{_DIGITS[kind]}f}".replace("-", "−")
    raise KamError(f"'{kind}' is not a display kind")


def _shortened(number: float, chinese: bool) -> str:
    steps = (
        ((1e8, f"{_BLANK}亿"), (1e4, f"{_BLANK}万"))
        if chinese
        else ((1e9, f"{_BLANK}billion"), (1e6, f"{_BLANK}million"), (1e3, f"{_BLANK}thousand"))
    )
    for size, name in steps:
        # from here on three figures round up to the next thousand
        if abs(number) >= 0.9995 * size:
            return f"{_three_figures(number / size)}{name}"
    return f"{number:z,.0f}"


def _three_figures(number: float) -> str:
    digits = max(0, 2 - math.floor(math.log10(abs(number) * 1.0005)))
    text = f"{number:,.{digits}f}"
    return text.rstrip("0").rstrip(".") if digits else text


class _Formatter(string.Formatter):
    def __init__(self, style: Style) -> None:
        self.style = style

    def format_field(self, value: Any, format_spec: str) -> str:
        if isinstance(value, Sentence):
            return say(value, self.style)
        if "|" in format_spec:
            one, many = format_spec.split("|")
            return one if value == 1 else many
        shown = display(value, format_spec or "text", self.style)
        if format_spec in ("money", "short", "cents") and self.style.currency and shown != UNKNOWN:
            return f"{self.style.currency}{_BLANK}{shown}"
        return shown


def say(sentence: Sentence, style: Style = Style()) -> str:
    """Return a sentence in the style's language; money carries the currency code."""
    try:
        texts = sentences()[sentence.key]
    except KeyError:
        hint = nearest(sentence.key, sentences())
        raise KamError(f"sentence '{sentence.key}' is not in the glossary{hint}") from None
    template = texts.get(style.language) or texts["en"]
    return _Formatter(style).vformat(template, (), sentence.values)
