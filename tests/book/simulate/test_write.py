"""Files: all tables at once, dates as dates, the truth outside, two writers at the same time."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from kamlib.book.simulate import write_demo
from kamlib.errors import ParamError


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo")
    return write_demo("telecom_lines", folder, size=0.02)


def test_every_table_is_one_file_with_the_frames_content(written, book):
    simulated = book("telecom_lines", 0.02)
    assert {f.stem for f in written.iterdir()} == set(simulated.tables)
    for name, frame in simulated.tables.items():
        table = pq.read_table(written / f"{name}.parquet")
        assert table.column_names == list(frame.columns)
        assert table.num_rows == len(frame)
    amounts = pd.read_parquet(written / "transactions.parquet")["amount"]
    assert amounts.tolist() == simulated.tables["transactions"]["amount"].tolist()


def test_dates_are_dates_moments_are_microseconds_and_ids_are_text(written):
    for file in written.iterdir():
        for field in pq.read_schema(file):
            if field.name.endswith("_at"):
                assert field.type == pa.timestamp("us")
            elif field.name.endswith("_on") or field.name in ("date", "valid_from", "from", "to"):
                assert field.type == pa.date32()
            elif field.name.endswith("_id"):
                assert field.type == pa.string()


def test_the_truth_stands_outside_the_units_folder(written):
    truth = written.parent / "_truth"
    assert {f.name for f in truth.iterdir()} == {
        "telecom_lines.json", "telecom_lines_accounts.parquet",
    }  # fmt: skip
    assert json.loads((truth / "telecom_lines.json").read_text("utf-8"))["size"] == 0.02
    accounts = pd.read_parquet(truth / "telecom_lines_accounts.parquet")
    assert len(accounts) == pq.read_metadata(written / "accounts.parquet").num_rows
    assert not any("truth" in f.name for f in written.iterdir())


def test_writing_again_keeps_what_is_there(written):
    stamp = (written / "accounts.parquet").stat().st_mtime_ns
    assert write_demo("telecom_lines", written.parent, size=0.02) == written
    assert (written / "accounts.parquet").stat().st_mtime_ns == stamp


def test_another_seed_or_size_in_the_same_place_is_refused(written):
    with pytest.raises(ParamError, match="choose another folder"):
        write_demo("telecom_lines", written.parent, seed=1, size=0.02)


def test_asking_for_nothing_in_particular_keeps_what_is_there(written):
    truth = written.parent / "_truth" / "telecom_lines.json"
    before = truth.read_bytes()
    assert write_demo("telecom_lines", written.parent) == written
    assert pq.read_metadata(written / "accounts.parquet").num_rows == 50
    assert truth.read_bytes() == before


def test_a_truth_that_was_lost_is_written_again(tmp_path):
    target = write_demo("commercial_vehicles", tmp_path, size=0.05)
    stamp = (target / "accounts.parquet").stat().st_mtime_ns
    (tmp_path / "_truth" / "commercial_vehicles.json").unlink()
    write_demo("commercial_vehicles", tmp_path, size=0.05)
    assert (tmp_path / "_truth" / "commercial_vehicles.json").exists()
    assert (target / "accounts.parquet").stat().st_mtime_ns == stamp


def test_two_writers_at_once_leave_one_folder_and_no_litter(tmp_path):
    with ThreadPoolExecutor(4) as pool:
        made = list(
            pool.map(lambda _: write_demo("industrial_supplies", tmp_path, size=0.05), range(4))
        )
    assert set(made) == {tmp_path / "industrial_supplies"}
    assert {f.name for f in tmp_path.iterdir()} == {"industrial_supplies", "_truth"}
    assert len(list((tmp_path / "_truth").iterdir())) == 2


def test_a_failure_leaves_nothing_behind(tmp_path, monkeypatch):
    def full(*args: object, **kwargs: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(pq, "write_table", full)
    with pytest.raises(OSError, match="no space"):
        write_demo("commercial_vehicles", tmp_path, size=0.05)
    assert list(tmp_path.iterdir()) == []


def test_what_an_earlier_simulator_made_is_made_anew(tmp_path, monkeypatch):
    from kamlib.book.simulate import write

    monkeypatch.setattr(write, "_edition", lambda: "earlier")
    made = write_demo("commercial_vehicles", tmp_path, size=0.1) / "accounts.parquet"
    first = made.stat().st_mtime_ns
    assert write_demo("commercial_vehicles", tmp_path, size=0.1) == made.parent
    assert made.stat().st_mtime_ns == first  # the same simulator keeps what is there
    monkeypatch.setattr(write, "_edition", lambda: "now")
    write_demo("commercial_vehicles", tmp_path, size=0.1)
    assert made.stat().st_mtime_ns > first
    assert {path.name for path in tmp_path.iterdir()} == {"commercial_vehicles", "_truth"}
