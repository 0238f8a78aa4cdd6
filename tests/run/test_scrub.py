"""Credentials are found in every form in which text may carry them."""

import html
import json
from urllib.parse import quote, quote_plus

import pytest

from kamlib.run.scrub import Scrubber

SECRET = "p@ss w/örd&'<\\1"


@pytest.mark.parametrize(
    "form",
    [
        SECRET,
        quote(SECRET, safe=""),
        quote(SECRET, safe="").lower(),
        quote(SECRET),
        quote_plus(SECRET),
        html.escape(SECRET),
        json.dumps(SECRET)[1:-1],
        repr(SECRET)[1:-1],
    ],
)
def test_every_form_is_replaced(form):
    assert Scrubber([SECRET]).text(f"url://kam:{form}@host") == "url://kam:***@host"


def test_a_word_is_replaced_only_as_a_word():
    scrub = Scrubber(["postgres", "kamlib1"])
    assert scrub.text("postgresql://postgres@host") == "postgresql://***@host"
    assert scrub.text("kamlib12 kamlib1") == "kamlib12 ***"


def test_a_long_value_is_replaced_inside_words_too():
    assert Scrubber(["s3cret-value"]).text(r"\ns3cret-valueX") == r"\n***X"


@pytest.mark.parametrize("secret", ["", "abc"])
def test_what_would_blot_out_the_report_is_left(secret):
    assert Scrubber([secret]).text("abc abc") == "abc abc"


def test_nested_values_are_scrubbed_in_place_and_pictures_left():
    outputs = {"data": {"text/plain": ["x s3cret-value"], "image/png": "s3cret-value"}, "n": 1}
    assert Scrubber(["s3cret-value"])(outputs) is outputs
    assert outputs == {"data": {"text/plain": ["x ***"], "image/png": "s3cret-value"}, "n": 1}
