"""A log gets plain lines, a terminal a table; nothing is taken for markup."""

import io
from pathlib import Path
from types import SimpleNamespace

import pytest
from rich.console import Console

from kamlib.run.attempt import Record
from kamlib.run.screen import Screen

FAILED = {"failure": {"heading": "Part"}}


class Job:
    unit = SimpleNamespace(business_unit="north")
    study = "value"

    def __str__(self):
        return "north value"


def shown(terminal):
    file = io.StringIO()
    screen = Screen(Console(file=file, force_terminal=terminal, width=100, no_color=True))
    job = Job()
    records = [
        Record(job, "ok", 1.25, Path.cwd() / "outputs" / "report.html"),
        Record(Job(), "failed", 2.0, None, ("a [red] fault " + "x" * 120, "another"), FAILED),
    ]
    with screen:
        screen.started(job)
        screen.cell(job, 1, 2)
        for record in records:
            screen.finished(record)
    screen.summary(records)
    return file.getvalue()


def test_a_log_has_one_line_each_and_no_bar():
    assert shown(terminal=False).splitlines() == [
        "ok      north value  1.2 s  outputs/report.html",
        "failed  north value  2.0 s",
        "        in the section “Part”",
        "        a [red] fault " + "x" * 120,
        "        another",
        "1 ok, 1 failed",
    ]


@pytest.mark.parametrize("text", ["Status", "a [red] fault", "1 ok, 1 failed", "\x1b"])
def test_a_terminal_has_a_table(text):
    assert text in shown(terminal=True)


def test_no_console_shows_nothing(capsys):
    screen = Screen(None)
    with screen:
        screen.say("hello")
    assert capsys.readouterr() == ("", "")
