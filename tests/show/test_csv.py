from __future__ import annotations

import csv
from pathlib import Path

import pandas as pd
import pytest

from kamlib.show import safe_csv


def written(frame: pd.DataFrame, path: Path) -> list[list[str]]:
    safe_csv(frame, path)
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file))


@pytest.mark.parametrize(
    "name",
    [
        '=HYPERLINK("http://x","y")',
        "+1",
        "-1+cmd",
        "@sum",
        "\t=1",
        "\r=1",
        " =1",
        chr(0xFF1D) + "1",
    ],
)
def test_texts_that_would_compute_are_disarmed(tmp_path, name):
    assert written(pd.DataFrame({"name": [name]}), tmp_path / "t.csv") == [["name"], ["'" + name]]


def test_numbers_dates_and_plain_texts_are_untouched(tmp_path):
    frame = pd.DataFrame(
        {
            "name": ["Acme", "大连港", None],
            "amount": [-5.25, 0.1, float("nan")],
            "n": pd.array([1, None, -3], dtype="Int64"),
            "day": pd.to_datetime(["2025-01-31", None, "2025-02-28"]),
            "tier": pd.Categorical(["gold", "=1", None]),
        },
        index=[7, 7, 7],
    )
    before = frame.copy()
    assert written(frame, tmp_path / "t.csv") == [
        ["name", "amount", "n", "day", "tier"],
        ["Acme", "-5.25", "1", "2025-01-31", "gold"],
        ["大连港", "0.1", "", "", "'=1"],
        ["", "", "-3", "2025-02-28", ""],
    ]
    pd.testing.assert_frame_equal(frame, before)


def test_a_line_break_within_a_name_begins_no_row(tmp_path):
    name = "Acme\r=1\n=2"
    assert written(pd.DataFrame({"name": [name], "n": [1]}), tmp_path / "t.csv") == [
        ["name", "n"],
        [name, "1"],
    ]


def test_excel_is_told_that_it_is_utf8(tmp_path):
    safe_csv(pd.DataFrame({"name": ["大客户"]}), tmp_path / "t.csv")
    assert (tmp_path / "t.csv").read_bytes().startswith(b"\xef\xbb\xbfname\r\n")


def test_an_empty_frame_keeps_its_header(tmp_path):
    assert written(pd.DataFrame({"name": []}), tmp_path / "t.csv") == [["name"]]
