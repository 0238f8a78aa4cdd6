"""What a person is told who wrote a parameter file wrong."""

import pytest

from kamlib.errors import ParamError

BOOK = "book:\n  tables:\n    transactions: sales.csv\n"


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


def test_all_faults_at_once(refused):
    text = "langauge: zh\ncurrency: eur\ncustomer_value: {draws: many, top_share: 20%}\n"
    found = refused(text + BOOK.replace("transactions: sales.csv", "visists: v.csv"))
    assert [fault.split(" ")[0] for fault in sorted(found)] == [
        "'book.tables.visists'", "'langauge'", "currency:", "customer_value.draws:",
        "customer_value.top_share:",
    ]  # fmt: skip


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
