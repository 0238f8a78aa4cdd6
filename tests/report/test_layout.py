from __future__ import annotations

import base64
import hashlib
import re
from importlib import resources

import pytest

from kamlib import glossary
from kamlib.glossary import Style
from kamlib.report.failure import render_failure
from kamlib.report.index import render_index

TEMPLATES = resources.files("kamlib.report") / "templates"
FAILED = {"business_unit": "u", "study": "s", "status": "failed", "failure": {"kind": "data"}}


def pages():
    return {
        "index": render_index([], generated=""),
        "failure": render_failure(FAILED, style=Style(), last_good=None),
    }


def digest(text: str) -> str:
    hashed = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return f"'sha256-{hashed}'"


@pytest.mark.parametrize("name", ["index", "failure"])
def test_policy_allows_this_style_and_this_script_only(name):
    page = pages()[name]
    [policy] = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)
    policy = policy.replace("&#39;", "'")
    [style] = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    [script] = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    assert rules == {
        "default-src": "'none'",
        "img-src": "data:",
        "style-src": digest(style),
        "script-src": digest(script),
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    assert page.index("Content-Security-Policy") < page.index("<style>")


@pytest.mark.parametrize("name", ["index", "failure"])
def test_pages_name_nothing_outside(name):
    assert "http:" not in pages()[name]
    assert "https:" not in pages()[name]
    assert " style=" not in pages()[name]


def test_style_and_script_stay_small():
    assert len((TEMPLATES / "page.css").read_bytes()) < 9 * 1024
    assert len((TEMPLATES / "page.js").read_bytes()) < 3 * 1024


def test_every_fixed_text_has_a_chinese_form():
    used = set()
    for template in TEMPLATES.iterdir():
        source = template.read_text("utf-8")
        used |= set(re.findall(r"\bh\('([^']+)'\)", source))
        assert set(re.findall(r"say\('([^']+)'", source)) <= set(glossary.sentences())
    assert len(used) > 20
    assert used <= set(glossary.headings())


def test_every_sentence_of_this_room_is_said_in_both_languages():
    keys = [key for key in glossary.sentences() if key.startswith(("report", "show."))]
    assert len(keys) > 20
    for key in keys:
        texts = glossary.sentences()[key]
        assert texts["en"]
        assert re.search(r"[\u4e00-\u9fff]", texts["zh"])
        fields = [re.findall(r"{(\w+)", texts[language]) for language in ("en", "zh")]
        assert set(fields[0]) == set(fields[1]), key
