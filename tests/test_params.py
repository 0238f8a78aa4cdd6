"""Parameter files: what is read, and what a person is told who wrote one wrong."""

import json
from datetime import date
from pathlib import Path

import pytest
import yaml

from kamlib import params
from kamlib.errors import ParamError
from kamlib.params import Unit, load_unit, resolve_secrets, unit_from, unit_names

BOOK = "book:\n  tables:\n    transactions: sales.csv\n"


@pytest.fixture
def load(root):
    """Return a function: text of a parameter file -> the unit."""

    def call(text, name="north", **more):
        path = root / "params" / f"{name}.yaml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return load_unit(name, **more)

    return call


@pytest.fixture
def refused(load):
    """Return a function: text of a parameter file -> its faults, without the file's name."""

    def call(text, **more):
        with pytest.raises(ParamError) as caught:
            load(text, **more)
        return [fault.removeprefix("params/north.yaml: ") for fault in caught.value.faults]

    return call


def test_a_file_that_says_little(load, root):
    unit = load(BOOK)
    assert unit.business_unit == unit.shown_title == "north"
    assert (unit.language, unit.currency, unit.as_of, unit.time_zone) == ("en", "", None, "UTC")
    assert unit.book.tables["transactions"].file == "sales.csv"
    assert unit.folder == root / "params"
    assert unit.customer_value.top_share == 0.2
    assert unit.ledger.financing_rate == 0.08


def test_values_stay_what_they_are(load):
    """YAML would make NO a false, 007 a 7 and 1e3 a text; a column named `on` a true."""
    text = "title: NO\ntitle_zh: 007\nas_of: 2024-01-05\n"
    columns = "columns: {account_id: on, date: 2024-01-05, amount: 0x10}"
    unit = load(f"{text}book: {{tables: {{transactions: {{file: 1e3, {columns}}}}}}}\n")
    assert (unit.title, unit.title_zh, unit.as_of) == ("NO", "007", date(2024, 1, 5))
    source = unit.book.tables["transactions"]
    assert source.file == "1e3"
    assert source.columns == {"account_id": "on", "date": "2024-01-05", "amount": "0x10"}


def test_an_empty_value_means_the_default(load):
    unit = load(f"as_of:\ntitle: ''\nledger:\n  service_rate_per_hour:\n{BOOK}")
    assert unit.as_of is None
    assert unit.ledger.service_rate_per_hour is None


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_text_in_unicode(load, encoding):
    assert load(f"title: 大客户\n{BOOK}".encode(encoding)).title == "大客户"


def test_text_that_is_not_unicode(refused):
    assert refused(f"title: 大客户\n{BOOK}".encode("gb18030")) == [
        "not UTF-8 text; save it as UTF-8"
    ]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("langauge: zh\n", "'langauge' is not a parameter – did you mean 'language'?"),
        (
            "ledger: {financing: 0.1}\n",
            "'ledger.financing' is not a parameter – did you mean 'financing_rate'?",
        ),
        ("zzz: 1\n", "'zzz' is not a parameter (known: business_unit, title, title_zh, language,"),
        ("folder: /tmp\n", "'folder' is not a parameter"),
        ("language: fr\n", "language: must be 'en' or 'zh' (found 'fr')"),
        ("as_of: 2024-13-01\n", "as_of: must be a date written YYYY-MM-DD (found '2024-13-01')"),
        ("as_of: 31.12.2024\n", "as_of: must be a date written YYYY-MM-DD (found '31.12.2024')"),
        (
            "currency: eur\n",
            "currency: must be three capital letters, e.g. CNY or EUR (found 'eur')",
        ),
        ("title: [a]\n", "title: must be text"),
        ("ledger: 5\n", "ledger: must be a block of `name: value` lines (found '5')"),
        (
            "ledger: {financing_rate: 8 %}\n",
            "ledger.financing_rate: must be a number (found '8 %')",
        ),
        (
            "ledger: {financing_rate: 8}\n",
            "ledger.financing_rate: must be less than or equal to 1 (found '8')",
        ),
        (
            "customer_value: {draws: many}\n",
            "customer_value.draws: must be a whole number (found 'many')",
        ),
        (
            "customer_value: {top_share: 1}\n",
            "customer_value.top_share: must be less than 1 (found '1')",
        ),
        (
            "time_zone: Asia/Shangai\n",
            "time_zone: is not a time zone; use a name such as Asia/Shanghai or Europe/Berlin – did you "
            "mean 'Asia/Shanghai'? (found 'Asia/Shangai')",
        ),
        ("time_zone: ../../etc\n", "time_zone: is not a time zone; use a name such as"),
        ("rates: {usd: 7}\n", "rates.usd: must be three capital letters, e.g. CNY or EUR"),
        ("rates: {USD: 0}\n", "rates.USD: must be greater than 0 (found '0')"),
        (
            "rates: {USD: 7}\n",
            "`rates` says what other currencies are worth in `currency`; state that",
        ),
        (
            "currency: CNY\nrates: {CNY: 7}\n",
            "rates.CNY: is the unit's own currency; leave it out",
        ),
        (
            "title: a\ntitle: b\n",
            "line 2: 'title' stands twice in the same block; keep one of them",
        ),
        (
            "ledger:\n  grain: account\n  grain: account\n",
            "line 3: 'grain' stands twice in the same block; keep one of them",
        ),
        ("title: a: b\n", "line 1: not valid YAML – mapping values are not allowed here"),
        (
            "\ttitle: a\n",
            "line 1: not valid YAML – found character '\\t' that cannot start any token",
        ),
        ("title: 'a\n", "not valid YAML – found unexpected end of stream"),
        ("? [a]\n: b\n", "line 1: expected `name: value`, found a list or a block"),
        ("title: !!python/name:os.system x\n", "line 1: not valid YAML – could not determine"),
        ("business_unit: south\n", "business_unit is 'south', but the file is named 'north'"),
    ],
)
def test_one_fault(refused, text, fault):
    (found,) = refused(text + BOOK)
    assert fault in found


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "book: is missing"),
        ("- a\n", "expected `name: value` lines, found list"),
        ("just words\n", "expected `name: value` lines, found str"),
        ("book:\n  demo:\n", "book: say where the records are: tables, database, adapter or demo"),
        ("book: sales.csv\n", "book: must be a block of `name: value` lines (found 'sales.csv')"),
        ("book: {demo: a, database: b}\n", "book: give only one of demo, adapter, database"),
        ("book: {adapter: a}\n", "book: an adapter needs the `file` that it reads"),
        (
            "book: {file: sales.csv}\n",
            "book: `file` belongs to an adapter; give your own files under `tables`",
        ),
        ("book: {tables: {accounts: a.csv}}\n", "book: tables.transactions is required"),
        (
            "book: {database: d, tables: {accounts: a}}\n",
            "book: tables.transactions is required",
        ),
        (
            "book: {tables: {transactions: a.csv, visits: {sheet: x}}}\n",
            "book: no `file` given for visits",
        ),
        (
            "book: {database: d, tables: {transactions: {file: x.csv}}}\n",
            "book: transactions: with a database give `table`, not `file`",
        ),
        (
            "book: {demo: d, tables: {transactions: a.csv}}\n",
            "book: `tables` goes with files or a database, not with a demo or an adapter",
        ),
        (
            "book: {tables: {transaktions: a.csv}}\n",
            "'book.tables.transaktions' is not a table – did you mean 'transactions'?",
        ),
        (
            "book: {tables: {transactions: {fiel: a.csv}}}\n",
            "'book.tables.transactions.fiel' is not a parameter – did you mean 'file'?",
        ),
        (
            "book: {tables: {transactions: {file: a.csv, decimal: x}}}\n",
            "book.tables.transactions.decimal: must be '.' or ',' (found 'x')",
        ),
        (
            "book: {max_amount: -1, tables: {transactions: a.csv}}\n",
            "book.max_amount: must be greater than 0 (found '-1')",
        ),
    ],
)
def test_one_fault_of_the_book(refused, text, fault):
    (found,) = refused(text)
    assert found.startswith(fault)


def test_all_faults_at_once(refused):
    text = "langauge: zh\ncurrency: eur\ncustomer_value: {draws: many, top_share: 20%}\n"
    found = refused(text + BOOK.replace("transactions: sales.csv", "visists: v.csv"))
    assert [fault.split(" ")[0] for fault in sorted(found)] == [
        "'book.tables.visists'", "'langauge'", "currency:", "customer_value.draws:",
        "customer_value.top_share:",
    ]  # fmt: skip


def test_short_forms_of_a_table(load):
    assert load(BOOK).book.tables["transactions"].file == "sales.csv"
    unit = load("book: {database: b.duckdb, tables: {transactions: sales}}\n")
    assert unit.book.tables["transactions"].table == "sales"


@pytest.mark.parametrize("name", ["a/b", "../x", "a b", "", ".hidden", "a" * 70, "a.", "-a", "a\n"])
def test_names_that_cannot_name_a_folder(root, name):
    with pytest.raises(ParamError, match="cannot name a business unit: use letters, digits"):
        load_unit(name)
    with pytest.raises(ParamError, match="cannot name a business unit"):
        unit_from({"book": {"demo": "d"}}, name=name, folder=Path("."))


def test_a_unit_that_is_not_there(load, root):
    load(BOOK)
    with pytest.raises(ParamError, match=r"no parameter file params/nroth\.yaml – did you mean"):
        load_unit("nroth")
    with pytest.raises(ParamError, match=r"params/xyz\.yaml \(known: north\)"):
        load_unit("xyz")
    assert unit_names() == ["north"]


def test_overrides(load):
    more = {"ledger": {"financing_rate": "0.1"}, "customer_value.top_share": 0.1}
    unit = load(f"ledger: {{grain: parent_group}}\n{BOOK}", as_of="2024-06-30", overrides=more)
    assert unit.as_of == date(2024, 6, 30)
    assert (unit.ledger.grain, unit.ledger.financing_rate) == ("parent_group", 0.1)
    assert unit.customer_value.top_share == 0.1
    # plain papermill hands them over as text
    assert load(BOOK, overrides="{language: zh, as_of: 2024-01-05}").language == "zh"
    assert load(f"as_of: 2024-01-05\n{BOOK}", as_of=date(2024, 2, 1)).as_of == date(2024, 2, 1)
    assert load(BOOK, as_of="", overrides={}).as_of is None


def test_faults_of_overrides_are_not_laid_on_the_file(load):
    with pytest.raises(ParamError) as caught:
        load(f"currency: eur\n{BOOK}", as_of="yesterday", overrides={"ledger.grain": "x"})
    assert sorted(caught.value.faults) == [
        "given for this run: as_of: must be a date written YYYY-MM-DD (found 'yesterday')",
        "given for this run: ledger.grain: must be 'account' or 'parent_group' (found 'x')",
        "params/north.yaml: currency: must be three capital letters, e.g. CNY or EUR (found 'eur')",
    ]
    with pytest.raises(ParamError, match="overrides: line 1: not valid YAML"):
        load(BOOK, overrides="{a")


def test_a_unit_does_not_change(load):
    with pytest.raises(ValueError, match="frozen"):
        load(BOOK).language = "zh"


def test_the_title_that_readers_see(load):
    text = "title: North\ntitle_zh: 北方\n" + BOOK
    assert load(text).shown_title == "North"
    assert load("language: zh\n" + text).shown_title == "北方"
    assert load("language: zh\ntitle: North\n" + BOOK).shown_title == "North"
    assert load(BOOK, name="far_north").shown_title == "far north"


def test_the_root_is_the_nearest_folder_with_params(tmp_path, monkeypatch):
    (tmp_path / "params").mkdir()
    inner = tmp_path / "notebooks" / "deep"
    inner.mkdir(parents=True)
    monkeypatch.delenv("KAM_HOME", raising=False)
    monkeypatch.chdir(inner)
    assert params.home() == tmp_path.resolve()
    monkeypatch.setenv("KAM_HOME", str(inner))
    assert params.home() == inner.resolve()


def test_no_root(tmp_path, monkeypatch):
    monkeypatch.delenv("KAM_HOME", raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Path, "is_dir", lambda _: False)
    with pytest.raises(
        ParamError, match=r"no folder params/ in .* or above it: start in the project"
    ):
        params.home()


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
