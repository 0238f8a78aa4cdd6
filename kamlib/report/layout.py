"""What all pages share: templates that escape by themselves, one style, one script, one lock.

The Content-Security-Policy of a page allows its own style and script, by their hash, and pictures
that stand within the page; nothing else runs and nothing is fetched, whatever stands in the data.
It is the second lock. The first is that every text is escaped: templates mark as `safe` only the
style, the script, and HTML that this library made from escaped text.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import re
import urllib.parse
from importlib import resources
from typing import Any

import jinja2

from kamlib import glossary
from kamlib.glossary import Sentence, Style

LANGUAGE_TAGS = {"en": "en", "zh": "zh-CN"}


def _read(name: str) -> str:
    return resources.files("kamlib.report").joinpath("templates", name).read_text("utf-8")


@functools.cache
def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        autoescape=True,
        loader=jinja2.FunctionLoader(_read),
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"


def _relative(address: str) -> str:
    """Return a relative address in which no character of a unit's name can start a scheme."""
    return urllib.parse.quote(address, safe="/%#~")


def moment(time: str) -> str:
    """Return a UTC time of a manifest as a reader sees it.

    >>> moment("2026-11-22T08:15:00Z")
    '2026-11-22 08:15 UTC'
    """
    return re.sub(r"^(\d{4}-\d\d-\d\d)T(\d\d:\d\d).*$", r"\1 \2 UTC", time)


def study_title(study: str) -> str:
    """Return the English title of a study, by which the glossary knows it in other languages.

    >>> study_title("customer_value"), study_title("loyalty_roi")
    ('Customer value', 'Loyalty ROI')
    """
    words = study.replace("_", " ").capitalize()
    return re.sub(r"\broi\b", "ROI", words)


def fill(template: str, style: Style, **values: Any) -> str:
    """Return a page: a template of this room, filled.

    Parameters
    ----------
    template
        File name under `templates/`.
    style
        Language of all fixed texts, which templates take by `h` (heading), `say` and `show`.
    values
        What else the template uses; plain text is escaped.
    """
    css, script = _read("page.css"), _read("page.js")
    policy = (
        f"default-src 'none'; img-src data:; style-src {_hash(css)}; script-src {_hash(script)}; "
        "base-uri 'none'; form-action 'none'"
    )
    return (
        _environment()
        .get_template(template)
        .render(
            css=css,
            script=script,
            policy=policy,
            lang=LANGUAGE_TAGS[style.language],
            h=lambda english: glossary.heading(english, style),
            say=lambda key, **named: glossary.say(Sentence(key, named), style),
            show=lambda value, kind: glossary.display(value, kind, style),
            relative=_relative,
            **values,
        )
    )
