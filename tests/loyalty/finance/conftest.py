"""What tests of finance share."""

from __future__ import annotations

import pytest

from kamlib.glossary import Style, say
from kamlib.loyalty.finance.programme import Programme


@pytest.fixture(scope="session")
def said():
    """Return every sentence of an estimate with plain blanks, in both languages, one after the other."""

    def told(estimate):
        sentences = [estimate.note, *(check.note for check in estimate.checks)]
        texts = [say(s, Style(language, "EUR")) for s in sentences for language in ("en", "zh")]
        return [text.replace("\u00a0", " ") for text in texts]

    return told


@pytest.fixture(scope="session")
def shop():
    """Ten accounts that buy for 100 more a month at a margin of 0.3, for a year."""
    return Programme(
        effect=100, margin=0.3, n_accounts=10, months=12, months_seen=12, set_up=1_000,
        running=50, rewards=100, breakage=0.25, discount_rate=0.10,
    )  # fmt: skip
