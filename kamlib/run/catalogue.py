"""What has been run: `outputs/index.html` for readers, `outputs/runs.jsonl` for programs."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from kamlib.run import store

Manifest = dict[str, Any]


def manifests() -> Iterator[tuple[Path, Manifest]]:
    """Yield every result's folder and manifest, sorted by unit, date and study; broken ones are left."""
    for path in sorted(store.outputs().glob("*/*/*/manifest.json")):
        unit, as_of, _, _ = path.relative_to(store.outputs()).parts
        if unit[0] in "._" or as_of[0] == ".":
            continue  # drafts, demo books, unfinished work
        try:
            manifest = json.loads(path.read_text("utf-8"))
        except (OSError, ValueError):
            continue
        if isinstance(manifest, dict) and "business_unit" in manifest and "study" in manifest:
            yield path.parent, manifest


def last_good(
    unit: str, study: str, as_of: str, results: Iterable[tuple[Path, Manifest]] | None = None
) -> tuple[Path, Manifest] | None:
    """Return the last good report of a study: that of the same date, else of the newest date."""
    good = [
        (folder, manifest)
        for folder, manifest in (manifests() if results is None else results)
        if (manifest["business_unit"], manifest["study"], manifest["status"]) == (unit, study, "ok")
    ]
    good.sort(key=lambda result: (result[0].parent.name == as_of, result[0].parent.name))
    return good[-1] if good else None


def href(folder: Path, manifest: Manifest, start: Path) -> str:
    """Return the link from a folder to a result's page."""
    page = "report.html" if manifest["status"] == "ok" else "failure.html"
    return quote(Path(os.path.relpath(folder / page, start)).as_posix())


def entries() -> list[Manifest]:
    """Return all manifests with the links that the index needs; failures made good are left out."""
    root, results = store.outputs(), list(manifests())
    listed: list[Manifest] = []
    for folder, manifest in results:
        entry = manifest | {"href": href(folder, manifest, root)}
        if manifest["status"] != "ok":
            unit, study, as_of = manifest["business_unit"], manifest["study"], folder.parent.name
            good = last_good(unit, study, as_of, results)
            same = good is not None and good[0].parent == folder.parent
            if good and same and good[1]["finished"] > manifest["finished"]:
                continue  # a crash came between the success and the removal of this one
            entry["last_good"] = good[1] | {"href": href(*good, root)} if good else None
        listed.append(entry)
    return listed


def write_index() -> Path:
    """Write `outputs/index.html` anew and return its path."""
    from kamlib.report.index import render_index

    path = store.outputs() / "index.html"
    with store.lock(store.outputs() / ".lock", wait=True):
        generated = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
        store.replace_text(path, render_index(entries(), generated=generated))
    return path


def append_runs(done: Iterable[Manifest]) -> None:
    """Append one line per job to `outputs/runs.jsonl`: the manifest without its long parts."""
    lines = [
        json.dumps({k: _short(v) for k, v in manifest.items() if k not in ("facts", "files")})
        for manifest in done
    ]
    with (
        store.lock(store.outputs() / ".lock", wait=True),
        (store.outputs() / "runs.jsonl").open("a", encoding="utf-8") as file,
    ):
        file.writelines(f"{line}\n" for line in lines)


def _short(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: v for k, v in value.items() if k != "traceback"}
    return value
