"""Credentials never reach a file: their values are replaced wherever text is kept."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote, quote_plus

MASK = "***"


class Scrubber:
    """Replaces secret values, as they are and as URLs, HTML, JSON and Python write them.

    A value that cannot be told from ordinary words (short, or letters only) is replaced where it stands
    as a word of its own; one of fewer than four characters is left, since it would blot out the report.

    Parameters
    ----------
    secrets
        The values, as `kamlib.params.resolve_secrets` returns them.

    Examples
    --------
    >>> Scrubber(["p@ss/w0rd"]).text("postgresql://kam:p%40ss%2Fw0rd@host")
    'postgresql://kam:***@host'
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        patterns = {
            form: _pattern(form)
            for secret in secrets
            if len(secret) >= 4
            for form in (
                secret,
                quote(secret, safe=""),
                quote(secret),
                quote_plus(secret),
                html.escape(secret),
                json.dumps(secret)[1:-1],
                json.dumps(secret, ensure_ascii=False)[1:-1],
                repr(secret)[1:-1],
            )
        }
        longest_first = sorted(patterns, key=len, reverse=True)
        self._pattern = re.compile("|".join(patterns[form] for form in longest_first) or r"(?!)")

    def text(self, text: str) -> str:
        """Return `text` without the secrets."""
        return self._pattern.sub(MASK, text)

    def __call__(self, value: Any) -> Any:
        """Return nested lists and mappings with every text in them scrubbed; pictures stay."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            # in place, so that a notebook's cells stay the objects that the kernel client holds
            for key, inner in value.items():
                if not (isinstance(key, str) and key.startswith("image/") and "svg" not in key):
                    value[key] = self(inner)
            return value
        if isinstance(value, list | tuple):
            return type(value)(self(inner) for inner in value)
        return value


def _pattern(form: str) -> str:
    literal = re.escape(form)
    if "%" in form:
        literal = f"(?i:{literal})"  # %2f is %2F
    if len(form) < 8 or (form.isalpha() and len(form) < 12):
        return rf"(?<![A-Za-z0-9]){literal}(?![A-Za-z0-9])"
    return literal
