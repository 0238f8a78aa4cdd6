"""Demo units as files: one Parquet file per table, the truth beside them and never among them."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from kamlib.book.simulate.build import Simulated, check, simulate
from kamlib.book.simulate.columns import arrow_schema
from kamlib.errors import ParamError

TRUTH_FOLDER = "_truth"
_MADE_WITH = b"kamlib.simulate"


def write_demo(unit: str, folder: Path, *, seed: int | None = None, size: float = 1.0) -> Path:
    """Write a demo unit, once, and return the folder that holds its tables.

    Tables go to ``folder/<unit>/<table>.parquet``, the truth to ``folder/_truth/<unit>.json`` and
    ``folder/_truth/<unit>_accounts.parquet``. The unit's folder appears all at once: where two
    processes write at the same time, one folder stays and both return it. What is there is kept:
    if it was made with the same seed and size, or if no seed and the usual size were asked for.
    What an earlier version of the simulator made is made anew.

    Parameters
    ----------
    unit, seed, size
        As in `simulate`.
    folder
        Folder for demo units; made where it is missing.

    Raises
    ------
    ParamError
        As in `simulate`; also if the folder holds the unit with another seed or size than was
        expressly asked for.
    """
    model = check(unit, seed, size)
    made_with: dict[str, Any] = {"seed": model.seed if seed is None else seed, "size": float(size)}
    target = Path(folder) / unit
    if _is_demo(target):
        found = _made_with(target)
        outdated = found.pop("edition", "") != _edition()
        if outdated and found == made_with:
            _set_aside(target)
    if _is_demo(target):
        if found != made_with and (seed is not None or size != 1.0):
            raise ParamError(
                f"{target}: holds the unit made with {json.dumps(found)}, asked for was "
                f"{json.dumps(made_with)}; choose another folder or remove this one"
            )
        if _truth_files(target)[0].exists() or found != made_with:
            return target
    simulated = simulate(unit, seed=seed, size=size)
    target.parent.mkdir(parents=True, exist_ok=True)
    # beside the target, so that the rename stays within one file system
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{unit}-") as scratch:
        staged = Path(scratch) / unit
        _write_tables(simulated, staged, made_with | {"edition": _edition()})
        try:
            os.rename(staged, target)
        except OSError:
            if not _is_demo(target):
                raise
    if _made_with(target) == made_with | {"edition": _edition()}:
        _write_truth(simulated, target)
    return target


def _is_demo(target: Path) -> bool:
    return (target / "accounts.parquet").exists()


@functools.cache
def _edition() -> str:
    """Return what tells this version of the simulator from any other: a digest of its source."""
    total = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        total.update(path.read_bytes())
    return total.hexdigest()[:16]


def _set_aside(target: Path) -> None:
    # another process may have been faster
    with (
        tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}-") as scratch,
        contextlib.suppress(FileNotFoundError),
    ):
        os.rename(target, Path(scratch) / "outdated")


def _made_with(target: Path) -> dict[str, Any]:
    metadata = pq.read_schema(target / "accounts.parquet").metadata or {}
    found: dict[str, Any] = json.loads(metadata.get(_MADE_WITH, b"{}"))
    return found


def _truth_files(target: Path) -> tuple[Path, Path]:
    truth = target.parent / TRUTH_FOLDER
    return truth / f"{target.name}.json", truth / f"{target.name}_accounts.parquet"


def _write_tables(simulated: Simulated, folder: Path, made_with: dict[str, Any]) -> None:
    folder.mkdir()
    note = {_MADE_WITH: json.dumps(made_with).encode()}
    for name, frame in simulated.tables.items():
        table = pa.Table.from_pandas(frame, schema=arrow_schema(name), preserve_index=False)
        pq.write_table(
            table.replace_schema_metadata(note), folder / f"{name}.parquet", compression="zstd"
        )


def _write_truth(simulated: Simulated, target: Path) -> None:
    as_json, as_accounts = _truth_files(target)
    as_json.parent.mkdir(exist_ok=True)
    # the accounts first: the JSON file says that the truth is complete
    _replace(as_accounts, simulated.account_truth)
    _replace(as_json, json.dumps(simulated.truth, ensure_ascii=False, indent=1))


def _replace(path: Path, content: pd.DataFrame | str) -> None:
    scratch = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.stem}-"))
    try:
        if isinstance(content, str):
            (scratch / path.name).write_text(content, encoding="utf-8")
        else:
            content.to_parquet(scratch / path.name, index=False)
        os.replace(scratch / path.name, path)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
