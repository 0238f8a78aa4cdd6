"""Where the prior that comparable units share is kept between its making and its use.

`outputs/_pool/<day>/pool.json` holds, per group of comparable units, which units took part, which were
left out and why, and the pooled prior of each model with its hash. Beside it lies what the prior was
learnt from: `summaries/<unit>.parquet`, one row per distinct course of accounts (`frequency`,
`recency_days`, `age_days`) with `n_accounts` that share it. No account's name, id or amount leaves its
unit.
"""

from __future__ import annotations

import io
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pandas as pd

import kamlib
from kamlib.errors import FitError
from kamlib.glossary import Sentence
from kamlib.params import Unit, home
from kamlib.results import Check
from kamlib.value.lifetime.pooling import MIN_UNITS, Pool, pool_from
from kamlib.value.lifetime.purchases.summary import Purchases

FILE = "pool.json"
_SCHEMA = 1


@dataclass(frozen=True, slots=True)
class Kind:
    """Which units are comparable: those with the same parameter, demo units among themselves."""

    comparable: str
    demo: bool

    @classmethod
    def of(cls, unit: Unit) -> Kind:
        """Return the kind of a unit."""
        return cls(unit.customer_value.lifetime.comparable, bool(unit.book.demo))


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """Comparable units as of one day, and what they have in common.

    Attributes
    ----------
    kind
        What makes them comparable.
    units
        Name of each unit that takes part -> its purchase summaries.
    left_out
        Name of each unit that does not -> the sentence that says why.
    pools
        Name of the model -> pooled prior; without those for which too few units are there.
    """

    kind: Kind
    units: Mapping[str, Purchases]
    left_out: Mapping[str, str]
    pools: Mapping[str, Pool]


def worth_pooling(units: Iterable[Unit]) -> bool:
    """Whether five units could be comparable as of one day, as far as parameters tell.

    A unit that states no day counts for every day: its records would have to be opened to know.
    """
    bought = [unit for unit in units if unit.customer_value.lifetime.relation != "contracts"]
    stated = Counter((Kind.of(unit), unit.as_of) for unit in bought)
    return any(
        n + (stated[kind, None] if day else 0) >= MIN_UNITS for (kind, day), n in stated.items()
    )


def pool_folder(day: date) -> Path:
    """Return the folder of the pooled priors as of a day."""
    return home() / "outputs" / "_pool" / day.isoformat()


def pool_files(day: date, groups: Iterable[Group]) -> dict[str, bytes]:
    """Return the files of `pool_folder(day)` by name; `pool.json`, by which all is found, comes last."""
    groups = list(groups)
    files = {
        f"summaries/{name}.parquet": _parquet(rows)
        for group in groups
        for name, rows in group.units.items()
    }
    text = json.dumps(
        {
            "schema": _SCHEMA,
            "as_of": day.isoformat(),
            "made": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
            "kamlib": kamlib.__version__,
            "groups": [_as_dict(group) for group in groups],
        },
        ensure_ascii=False,
        indent=1,
    )
    return files | {FILE: f"{text}\n".encode()}


def read_pools(unit: Unit, day: date) -> tuple[dict[str, Pool], tuple[Check, ...]]:
    """Return the pooled priors of a unit's group as of a day, by model.

    Parameters
    ----------
    unit
        Parameters of the unit.
    day
        Last day that is known to the forecast: a prior of any other day is not looked at.

    Returns
    -------
    tuple
        The priors, none where nothing was pooled, and a failed check where the file is damaged. A
        file that is not there is no fault: a unit may stand alone.
    """
    path = pool_folder(day) / FILE
    try:
        found = _priors(json.loads(path.read_text("utf-8")), Kind.of(unit), day)
    except FileNotFoundError:
        return {}, ()
    except (OSError, ValueError, LookupError, TypeError, AttributeError, FitError) as error:
        why = getattr(error, "strerror", None) or str(error)
        place = path.relative_to(home()).as_posix()
        return {}, (
            Check("pool_read", False, Sentence("pooling.damaged", {"file": place, "why": why})),
        )
    return found, ()


def _priors(raw: Mapping[str, Any], kind: Kind, day: date) -> dict[str, Pool]:
    if (raw["schema"], raw["as_of"]) != (_SCHEMA, day.isoformat()):
        raise ValueError(f"schema {raw['schema']} as of {raw['as_of']}")
    found: dict[str, Pool] = {}
    for group in raw["groups"]:
        if Kind(group["comparable"], group["demo"]) != kind:
            continue
        for name, entry in group["pools"].items():
            found[name] = pool_from(entry)
            if (found[name].model, found[name].digest) != (name, entry["digest"]):
                raise ValueError(f"{name}: numbers and hash disagree")
    return found


def _as_dict(group: Group) -> dict[str, Any]:
    return {
        "comparable": group.kind.comparable,
        "demo": group.kind.demo,
        "units": {
            name: {"n_accounts": rows.n_obs, "n_repeat": rows.n_repeat}
            for name, rows in group.units.items()
        },
        "left_out": dict(group.left_out),
        "pools": {
            name: one.as_dict() | {"digest": one.digest} for name, one in group.pools.items()
        },
    }


def _parquet(rows: Purchases) -> bytes:
    frame = pd.DataFrame(
        {
            "frequency": rows.frequency,
            "recency_days": rows.recency_days,
            "age_days": rows.age_days,
            "n_accounts": rows.weights,
        }
    )
    written = io.BytesIO()
    frame.to_parquet(written, index=False)
    return written.getvalue()
