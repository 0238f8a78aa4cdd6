"""Credentials: taken from the environment, written as a URL needs them."""

import pytest

from kamlib.errors import ParamError
from kamlib.params import resolve_secrets


def test_secrets_come_from_the_environment(monkeypatch):
    monkeypatch.setenv("KAM_TEST_USER", "me")
    monkeypatch.setenv("KAM_TEST_PASSWORD", "p@ss/w:rd#%")
    # a password is written as a URL needs it, everything else as it is
    text, secrets = resolve_secrets("postgres://${KAM_TEST_USER}:${KAM_TEST_PASSWORD}@host/db")
    assert text == "postgres://me:p%40ss%2Fw%3Ard%23%25@host/db"
    assert secrets == ("me", "p@ss/w:rd#%")
    monkeypatch.setenv("KAM_TEST_URL", "postgres://me:x@host:5432/db?sslmode=require")
    assert resolve_secrets("${KAM_TEST_URL}")[0] == "postgres://me:x@host:5432/db?sslmode=require"
    assert resolve_secrets("book.duckdb") == ("book.duckdb", ())


def test_every_missing_secret_is_named_once(monkeypatch):
    for name in ("KAM_TEST_A", "KAM_TEST_B"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ParamError) as caught:
        resolve_secrets("${KAM_TEST_A}${KAM_TEST_B}${KAM_TEST_A}")
    assert [fault.split(" is not set")[0] for fault in caught.value.faults] == [
        "book.database: the environment variable KAM_TEST_A",
        "book.database: the environment variable KAM_TEST_B",
    ]
