"""Parameters: every fault at once, in words; nothing guessed by YAML; no credential shown."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
import yaml

from kamlib.errors import ParamError
from kamlib.params import (
    Unit,
    annotated_yaml,
    home,
    json_schema,
    load_unit,
    resolve_secrets,
    unit_from,
    unit_names,
)

BOOK = {"book": {"demo": "telecom_lines"}}


def made(raw, name="north", **more) -> Unit:
    return unit_from(raw | BOOK, name=name, folder=Path("."), **more)


def faults(raw, name="north", **more) -> tuple[str, ...]:
    with pytest.raises(ParamError) as caught:
        unit_from(raw, name=name, folder=Path("."), **more)
    return caught.value.faults


def written(root: Path, text: str, name: str = "north") -> None:
    (root / "params" / f"{name}.yaml").write_text(text, "utf-8")


def test_the_file_says_only_what_differs():
    unit = made({"currency": "CNY", "customer_value": {"top_share": "0.1"}})
    assert unit.customer_value.top_share == 0.1
    assert unit.customer_value.bulk_share == 0.8
    assert unit.as_of is None
    assert unit.business_unit == "north"


def test_yaml_guesses_nothing(root):
    # YAML by itself makes False of NO, 7 of 007, a date of the date
    written(root, "title: NO\nas_of: 2024-01-05\ncurrency: NOK\nbook:\n  demo: telecom_lines\n")
    unit = load_unit("north")
    assert unit.title == "NO"
    assert unit.as_of == date(2024, 1, 5)
    written(root, "business_unit: 007\nbook:\n  demo: telecom_lines\n", name="007")
    assert load_unit("007").business_unit == "007"


def test_all_faults_are_told_at_once_with_the_nearest_name():
    raw = {
        "langauge": "en", "as_of": "2024-13-01", "currency": "euro",
        "customer_value": {"top_share": "2", "drwas": "100"}, "book": {"demo": "x", "tabels": {}},
    }  # fmt: skip
    told = faults(raw)
    assert len(told) == 6
    text = "\n".join(told)
    assert "'langauge' is not a parameter – did you mean 'language'?" in text
    assert (
        "'customer_value.drwas' is not a parameter – did you mean 'customer_value.draws'?" in (text)
        or "did you mean 'draws'?" in text
    )
    assert "did you mean 'tables'?" in text or "did you mean 'book.tables'?" in text
    assert "as_of" in text
    assert "'2024-13-01'" in text
    assert "top_share" in text
    assert all(fault.startswith("params/north.yaml") for fault in told)


def test_an_impossible_value_says_what_is_allowed():
    [fault] = faults(BOOK | {"ledger": {"financing_rate": "-0.1"}})
    assert "ledger.financing_rate" in fault
    assert "0" in fault
    assert "'-0.1'" in fault


def test_a_key_that_stands_twice_is_refused_with_its_line(root):
    written(root, "language: en\nbook:\n  demo: telecom_lines\nlanguage: zh\n")
    with pytest.raises(ParamError, match="line 4: 'language' stands twice"):
        load_unit("north")


def test_broken_yaml_is_told_with_its_line(root):
    written(root, "title: [north\nbook: x\n")
    with pytest.raises(ParamError, match=r"params/north.yaml: line \d+: not valid YAML"):
        load_unit("north")


@pytest.mark.parametrize("name", ["a/b", "../x", ".hidden", "a b", "", "x" * 65])
def test_a_name_that_cannot_name_a_folder_is_refused(root, name):
    with pytest.raises(ParamError, match="cannot name a business unit"):
        load_unit(name)


def test_a_chinese_name_is_fine(root):
    written(root, "book:\n  demo: telecom_lines\n", name="华东大区")
    assert load_unit("华东大区").business_unit == "华东大区"
    assert unit_names() == ["华东大区"]


def test_an_unknown_unit_names_the_nearest(root):
    written(root, "book:\n  demo: telecom_lines\n")
    with pytest.raises(ParamError, match="did you mean 'north'"):
        load_unit("nroth")


def test_file_and_content_must_agree_on_the_name():
    [fault] = faults(BOOK | {"business_unit": "south"})
    assert "south" in fault
    assert "north" in fault


def test_overrides_may_be_nested_dotted_or_text(root):
    written(root, "book:\n  demo: telecom_lines\ncustomer_value:\n  draws: 300\n")
    for overrides in (
        {"customer_value": {"top_share": 0.1}}, {"customer_value.top_share": 0.1},
        "customer_value.top_share: 0.1", '{"customer_value.top_share": 0.1}',
    ):  # fmt: skip
        unit = load_unit("north", overrides=overrides)
        assert (unit.customer_value.top_share, unit.customer_value.draws) == (0.1, 300)
    assert load_unit("north", as_of="2024-06-30").as_of == date(2024, 6, 30)
    with pytest.raises(ParamError, match="top_shrae"):
        load_unit("north", overrides={"customer_value.top_shrae": 0.1})


@pytest.mark.parametrize(
    ("book", "words"),
    [
        ({}, "say where the records are"),
        ({"demo": "a", "database": "b"}, "only one of"),
        ({"tables": {"accounts": {"file": "a.csv"}}}, "tables.transactions is required"),
        ({"adapter": "online-retail-ii"}, "needs the `file`"),
        ({"tables": {"transactions": {"columns": {}}}}, "no `file`"),
        ({"tables": {"transaction": {"file": "a.csv"}}}, "transactions"),
    ],
)
def test_a_book_without_records_is_refused(book, words):
    assert words in "\n".join(faults({"book": book}))


def test_a_file_name_alone_is_a_table():
    unit = unit_from({"book": {"tables": {"transactions": "a.csv"}}}, name="n", folder=Path("."))
    assert unit.book.tables["transactions"].file == "a.csv"


def test_credentials_come_from_the_environment_only(monkeypatch):
    monkeypatch.setenv("KAM_TEST_SECRET", "hush")
    address, values = resolve_secrets("postgresql://u:${KAM_TEST_SECRET}@host/db")
    assert address == "postgresql://u:hush@host/db"
    assert values == ("hush",)
    monkeypatch.delenv("KAM_TEST_SECRET")
    with pytest.raises(ParamError, match="KAM_TEST_SECRET is not set"):
        resolve_secrets("postgresql://u:${KAM_TEST_SECRET}@host/db")


def test_the_annotated_set_is_yaml_of_all_parameters():
    text = annotated_yaml()
    shown = yaml.safe_load(text)
    assert set(shown) == {n for n in Unit.model_fields if n != "folder"}
    assert set(shown["customer_value"]) >= {"top_share", "conf_level", "draws"}
    for line in text.splitlines():
        assert "#" in line
    unit = made({"customer_value": {"top_share": "0.1"}})
    assert "top_share: 0.1" in annotated_yaml(unit)
    assert "default: 0.2" in annotated_yaml(unit)


def test_the_schema_knows_every_parameter_and_no_internal():
    schema = json_schema()
    assert "folder" not in schema["properties"]
    assert schema["additionalProperties"] is False
    assert "transactions" in str(schema["$defs"]["BookSource"]["properties"]["tables"])


def test_home_is_the_nearest_folder_with_params(root, monkeypatch):
    inside = root / "notebooks" / "deep"
    inside.mkdir(parents=True)
    monkeypatch.delenv("KAM_HOME")
    monkeypatch.chdir(inside)
    assert home() == root
    monkeypatch.chdir("/")
    with pytest.raises(ParamError, match="KAM_HOME"):
        home()
