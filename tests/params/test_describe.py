"""The parameters described, for a reader and for an editor."""

import json

import yaml

from kamlib import params
from kamlib.params import Unit

BOOK = "book:\n  tables:\n    transactions: sales.csv\n"


def test_the_commented_list_of_parameters(load):
    unit = load(f"language: zh\nledger: {{financing_rate: 0.1}}\n{BOOK}")
    text = params.annotated_yaml(unit)
    assert "financing_rate: 0.1  # cost of money tied up in receivables, share per year" in text
    assert "[≥ 0, ≤ 1] – default: 0.08" in text
    # it is YAML that a parameter file can begin with
    read = yaml.safe_load(text)
    assert read["language"] == "zh"
    assert read["customer_value"]["draws"] == 1000
    assert set(yaml.safe_load(params.annotated_yaml())) == set(Unit.model_fields) - {"folder"}


def test_the_schema_for_editors(load):
    schema = params.json_schema()
    json.dumps(schema)
    assert schema["additionalProperties"] is False
    assert "folder" not in schema["properties"]
    tables = schema["$defs"]["BookSource"]["properties"]["tables"]
    # a table may be given by the name of its file alone
    assert {"type": "string"} in tables["additionalProperties"]["anyOf"]
    assert set(tables["propertyNames"]["enum"]) >= {"transactions", "accounts"}
