"""What a notebook holds while it runs: it shows, and writes what it has shown."""

import json
from datetime import date

import matplotlib as mpl
import matplotlib.pyplot as plt
import pandas as pd
import pytest

from kamlib.errors import KamError, ParamError
from kamlib.glossary import Sentence
from kamlib.results import Check, Estimate, one_row, refusal
from kamlib.run import session as session_module
from kamlib.run.session import JOB_DIR, MIME, Session, open_study
from kamlib.show import page as page_module

UNIT = """
title: North
title_zh: 北方
as_of: 2025-06-30
currency: CNY
book:
  tables:
    transactions: sales.csv
"""
# one row cannot be read, one is dated after the last day known: 5 = 3 + 1 + 1
SALES = """account_id,date,amount
A1,2024-01-05,100
A1,2025-03-01,200.5
A2,2025-06-30,50
A2,2025-06-31,=1+1
A3,2025-07-01,7
"""
FACTS = {
    "study", "business_unit", "unit_title", "language", "currency", "as_of", "period", "data",
    "fingerprint", "versions", "tables", "headline", "checks",
}  # fmt: skip
PNG = b"\x89PNG\r\n"


@pytest.fixture(scope="module")
def north(shared_project):
    """Return unit and book of a tiny unit; opened once, since nothing changes them."""
    shared_project.unit("north", UNIT)
    (shared_project.root / "params" / "sales.csv").write_text(SALES)
    with mpl.rc_context(), pd.option_context("display.max_columns", 0):
        study = open_study("customer_value", "north")
    return study.unit, study.book


@pytest.fixture(autouse=True)
def _own_settings():
    """Keep theme and display options, which a study sets, from other tests."""
    with mpl.rc_context(), pd.option_context("display.max_columns", 0):
        yield
    plt.close("all")


@pytest.fixture
def shown(monkeypatch):
    """Return the list of all outputs: data and metadata."""
    outputs: list[tuple[dict, dict]] = []

    def catch(data, *, raw, metadata=None):
        assert raw
        outputs.append((data, metadata or {}))

    monkeypatch.setattr(session_module, "display", catch)
    monkeypatch.setattr(page_module, "_display", catch)
    return outputs


@pytest.fixture
def begin(north, shown, tmp_path, monkeypatch):
    """Return a function that begins a study whose drafts lie in a folder of the test's own."""
    monkeypatch.delenv(JOB_DIR, raising=False)
    monkeypatch.setenv("KAM_HOME", str(tmp_path))
    unit, book = north

    def begun(language="en"):
        return Session("customer_value", unit.model_copy(update={"language": language}), book)

    return begun


def kinds(shown):
    return [metadata.get("kam", {}).get("kind", "header") for _, metadata in shown]


def estimate(name="curve", *checks):
    frame = pd.DataFrame(
        {
            "account_id": ["A1", "=HYPERLINK(1)", "Größe, 大连"],
            "revenue": [200.5, 0.1 + 0.2, float("nan")],
            "last_order_on": pd.to_datetime(["2025-03-01", None, "2025-06-30"]),
            "n_orders": [2, 1, 0],
        }
    )
    return Estimate(name, frame, one_row(3, "full count"), Sentence("action.none"), checks)


def bars(frame, *, style, colour="grey"):
    _, ax = plt.subplots()
    ax.bar(range(len(frame)), frame["n_orders"], color=colour)
    return ax


def strict(path):
    """Read JSON that holds no NaN and no infinity, which JSON does not know."""
    return json.loads(path.read_text("utf-8"), parse_constant=lambda word: pytest.fail(word))


def test_open_study_reads_the_unit(shared_project, north):
    study = open_study("customer_value", "north", "2025-03-01", {"customer_value.top_share": 0.1})
    assert (study.params.top_share, study.book.as_of) == (0.1, date(2025, 3, 1))
    assert (study.style.language, study.style.currency) == ("en", "CNY")
    # plain papermill hands overrides over as text
    study = open_study("customer_value", "north", overrides="{customer_value.top_share: 0.3}")
    assert (study.params.top_share, study.book.as_of) == (0.3, date(2025, 6, 30))


def test_open_study_refuses_what_is_not_there(shared_project, north):
    with pytest.raises(ParamError, match="did you mean 'north'"):
        open_study("customer_value", "nroth")
    wrong = {"custmer_value.top_share": 0.1, "customer_value.draws": 1}
    with pytest.raises(ParamError, match="did you mean 'customer_value'") as refused:
        open_study("customer_value", "north", overrides=wrong)
    assert len(refused.value.faults) == 2


DAY = "title: Day\nas_of: 2025-06-30\nbook:\n  demo: mobile_subscribers\n"


def test_a_record_of_one_day_has_no_period(shared_project, shown, tmp_path, monkeypatch):
    shared_project.unit("day", DAY)
    study = open_study("churn_snapshot", "day")
    study.read()
    assert shown[-1][0]["text/plain"].startswith(
        "3,000 lines were read, one per customer: 3,000 kept"
    )
    monkeypatch.setenv(JOB_DIR, str(tmp_path))
    study.publish({"n_accounts": (3000.0, None)})
    assert shown[-1][0]["text/plain"] == "Day"
    facts = strict(tmp_path / "study.json")
    assert (facts["as_of"], facts["period"], facts["data"]) == ("2025-06-30", None, None)
    assert facts["tables"] == [
        {"table": "customers", "read": 3000, "kept": 3000, "set_aside": 0, "later": 0}
    ]


def test_a_study_refuses_records_that_it_cannot_read(shared_project, north):
    shared_project.unit("day", DAY)
    with pytest.raises(ParamError, match="'customer_value' cannot read"):
        open_study("customer_value", "day")
    with pytest.raises(ParamError, match="gives tables with dates, which study 'churn_snapshot'"):
        open_study("churn_snapshot", "north")


def test_the_header_tells_what_was_read(begin, shown):
    study = begin()
    study.cover(date(2024, 7, 1), date(2025, 6, 30))
    ((data, _),) = shown
    facts = data[MIME]
    assert set(facts) >= FACTS - {"headline", "checks"}
    assert facts["unit_title"] == "North"
    assert facts["period"] == {"from": "2024-07-01", "to": "2025-06-30"}
    assert facts["data"] == {"from": "2024-01-05", "to": "2025-06-30"}
    # the last row is later than the last day, the one before has no such day
    assert facts["tables"] == [
        {"table": "transactions", "read": 5, "kept": 3, "set_aside": 1, "later": 1}
    ]
    assert len(facts["fingerprint"]) == 64
    assert set(facts["versions"]) >= {"kamlib", "python", "pandas"}
    assert data["text/plain"] == "North, 2024-07-01 to 2025-06-30"


def test_without_a_period_all_records_are_covered(begin, shown):
    folder = begin().publish()
    assert strict(folder / "study.json")["period"] == {"from": "2024-01-05", "to": "2025-06-30"}


def test_read_names_what_was_set_aside(begin, shown):
    study = begin()
    study.read()
    assert kinds(shown) == ["note", "table", "table"]
    assert shown[0][0]["text/plain"].startswith("5 rows of 1 table were read: 3 kept, 1 set aside")
    faults = study.page.tables["rows_set_aside"]
    assert dict(zip(faults["column"], faults["meaning"].str.split(";").str[0], strict=True)) == {
        "amount": "not a number",
        "date": "no such day in the calendar",
    }


def test_publish_writes_tables_twice_with_equal_content(begin, shown):
    study = begin()
    found = estimate()
    study.table(found, "curve", "Largest accounts", rows=1)
    folder = study.publish(more=found.frame[["account_id", "n_orders"]])
    assert folder.parts[-4:] == ("_draft", "north", "2025-06-30", "customer_value")
    written = sorted(path.name for path in (folder / "tables").iterdir())
    assert written == ["curve.csv", "curve.parquet", "more.csv", "more.parquet"]
    # all rows, also where the page shows the first alone
    parquet = pd.read_parquet(folder / "tables" / "curve.parquet")
    pd.testing.assert_frame_equal(parquet, found.frame)
    csv = pd.read_csv(
        folder / "tables" / "curve.csv",
        encoding="utf-8-sig",
        float_precision="round_trip",
        parse_dates=["last_order_on"],
    )
    # a spreadsheet must not compute a name
    assert csv["account_id"].tolist() == ["A1", "'=HYPERLINK(1)", "Größe, 大连"]
    csv["account_id"] = parquet["account_id"]
    pd.testing.assert_frame_equal(csv, parquet, check_exact=True)


def test_publish_writes_figures_and_rejected_rows(begin, shown):
    study = begin()
    study.show(estimate(), bars, colour="red")
    folder = study.publish()
    assert kinds(shown) == ["note", "figure", "header"]
    assert (folder / "figures" / "figure_curve.png").read_bytes().startswith(PNG)
    rejected = pd.read_csv(folder / "rejected" / "transactions.csv", dtype=str)
    assert set(rejected["value"]) == {"2025-06-31", "'=1+1"}
    assert plt.get_fignums() == []


def test_study_json_holds_the_facts_of_the_contract(begin, shown):
    study = begin()
    weak = Check("weak", False, Sentence("concentration.few", {"n": 3, "need": 100}))
    study.show(estimate("curve", weak, Check("good", True, Sentence("action.none"))))
    study.show(refusal("shape", "action.none"))
    folder = study.publish({"revenue": (350.5, None)})
    facts = strict(folder / "study.json")
    assert set(facts) >= FACTS
    assert shown[-1][0][MIME] == facts
    passed = {check["name"]: check["passed"] for check in facts["checks"]}
    assert passed["rows_set_aside"] is False  # the book's own
    assert (passed["weak"], passed["good"], passed["shape"]) == (False, True, None)
    notes = {check["name"]: check["note"] for check in facts["checks"]}
    assert notes["weak"].startswith("3 accounts are few")


def test_headline(begin, shown):
    words = Sentence("headline.top_share", {"top": 0.2})
    folder = begin().publish(
        {
            "revenue": (1_234_567.0, None),
            "revenue_change": (-0.1234, None),
            "top_share_revenue": (0.5, words),
            "bulk_accounts": (4.0, None),
        }
    )
    found = {entry["name"]: entry for entry in strict(folder / "study.json")["headline"]}
    texts = {name: " ".join(entry["text"].split()) for name, entry in found.items()}
    assert texts == {
        "revenue": "CNY 1.23 million",
        "revenue_change": "−12.3 %",
        "top_share_revenue": "50.0 %",
        "bulk_accounts": "4",
    }
    assert found["revenue"]["label"] == "Revenue"
    assert found["revenue"]["value"] == 1_234_567
    held = " ".join(found["top_share_revenue"]["label"].split())
    assert held == "Held by the largest 20 % of accounts"


@pytest.mark.parametrize("unknown", [float("nan"), float("inf"), float("-inf")])
def test_what_is_unknown_never_reaches_json_as_a_number(begin, shown, unknown):
    folder = begin().publish({"revenue": (unknown, None)})
    (entry,) = strict(folder / "study.json")["headline"]
    assert (entry["value"], entry["text"]) == (None, "–")
    json.dumps(shown[-1][0], allow_nan=False)


def test_the_job_s_own_folder_is_used(begin, shown, tmp_path, monkeypatch):
    job = tmp_path / "job"
    job.mkdir()
    monkeypatch.setenv(JOB_DIR, str(job))
    assert begin().publish(more=estimate().frame) == job
    assert sorted(path.name for path in job.iterdir()) == ["rejected", "study.json", "tables"]
    assert not (tmp_path / "outputs").exists()


def test_a_draft_holds_nothing_of_the_one_before(begin, shown):
    study = begin()
    study.show(estimate(), bars)
    folder = study.publish(more=estimate().frame)
    (folder / "remark.txt").write_text("mine")
    assert begin().publish() == folder
    kept = sorted(path.name for path in folder.iterdir())
    assert kept == ["rejected", "remark.txt", "study.json"]


def test_a_refused_estimate_shows_its_note_and_no_figure(begin, shown):
    study = begin()
    refused = refusal("lorenz", "lorenz.nothing", n=3)
    study.show(refused, lambda *_, **__: pytest.fail("drawn"))
    study.table(refused, "lorenz", "Largest accounts")
    study.conclude(refused, estimate())
    assert kinds(shown) == ["note", "note"]
    assert shown[0][0]["text/plain"].startswith("There is no curve to draw")
    assert study.page.figures == study.page.tables == {}
    study.checks()
    assert shown[-1][0]["text/plain"].splitlines()[-1].startswith("Not judged: There is no curve")


def test_steps_are_numbered(begin, shown):
    begin().steps([Sentence("action.none"), Sentence("action.bring_costs")])
    assert [data["text/plain"][:2] for data, _ in shown] == ["1.", "2."]


def test_checks_of_the_same_name_are_told_once(begin, shown):
    study = begin()
    check = Check("good", True, Sentence("action.none"))
    study.show(estimate("one", check))
    study.show(estimate("two", check))
    study.checks(check)
    assert shown[-1][0]["text/plain"].count(str(check.note)) == 1


def test_an_id_stands_once(begin, shown):
    study = begin()
    study.table(estimate(), "curve")
    with pytest.raises(KamError, match="in use"):
        study.table(estimate(), "curve")


def test_a_chinese_unit_reads_chinese(begin, shown):
    study = begin("zh")
    study.read()
    study.show(refusal("lorenz", "lorenz.nothing", n=3))
    study.table(estimate(), "curve", "Largest accounts")
    study.checks()
    folder = study.publish({"revenue": (1_234_567.0, None)})
    facts = strict(folder / "study.json")
    assert (facts["language"], facts["unit_title"]) == ("zh", "北方")
    assert facts["headline"][0]["label"] == "收入"
    assert "万" in facts["headline"][0]["text"]
    assert [check["note"] for check in facts["checks"] if check["note"].isascii()] == []
    told = {metadata.get("kam", {}).get("id"): data for data, metadata in shown}
    assert "最大客户" in told["curve"]["text/html"]
    assert "收入（CNY）" in told["curve"]["text/html"]
    assert "读入" in shown[0][0]["text/plain"]
    assert shown[-1][0]["text/plain"] == "北方, 2024年1月5日至2025年6月30日"
