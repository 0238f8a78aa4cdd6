"""When an account counts as lost, in words, and how all spells on record ended by that rule."""

from __future__ import annotations

from typing import Any

import pandas as pd

from kamlib.book import Book
from kamlib.churn.spell_checks import spell_checks
from kamlib.churn.spells import Spells
from kamlib.churn.statements import COMPETING
from kamlib.glossary import Sentence
from kamlib.params import ChurnParams
from kamlib.results import Estimate, one_row

STAYS = "stays"
_KINDS = ("churn", *COMPETING)


def definition(book: Book, rules: ChurnParams, spells: Spells) -> Estimate:
    """How the spells of a unit ended by the definition in use.

    Parameters
    ----------
    book, rules, spells
        Of one unit.

    Returns
    -------
    Estimate
        Frame: one row per kind of end that occurred: `event_type` ("churn", "insolvent", "merged",
        "ended by us", "stays"), `n_spells`, `n_accounts`. Summary: `n_obs` (accounts), `n_event` (losses),
        `n_living`. The note states the rule with its parameters; the checks are those of
        `spell_checks`.
    """
    table = spells.table
    kinds = table.mutate(event_type=table.event_type.fill_null(STAYS))
    counts = kinds.group_by("event_type").agg(
        n_spells=kinds.count(), n_accounts=kinds.account_id.nunique()
    )
    found: pd.DataFrame = counts.to_pyarrow().to_pandas().set_index("event_type")
    frame = found.reindex([kind for kind in (*_KINDS, STAYS) if kind in found.index]).reset_index()
    n_spells = dict(zip(frame["event_type"], frame["n_spells"], strict=True))
    frame["event_type"] = frame["event_type"].str.replace("_", " ")
    values: dict[str, Any] = {
        "rule": _rule(rules, spells), "start": spells.records_from, "as_of": book.as_of,
        "n": int(table.account_id.nunique().execute()), "lost": int(n_spells.get("churn", 0)),
        "other": int(sum(n_spells.get(kind, 0) for kind in COMPETING)),
        "stays": int(n_spells.get(STAYS, 0)),
    }  # fmt: skip
    summary = one_row(
        values["n"], spells.definition, as_of=book.as_of, n_event=values["lost"],
        n_living=values["stays"],
    )  # fmt: skip
    checks = spell_checks(book, rules, spells)
    return Estimate("definition", frame, summary, Sentence("definition.note", values), checks)


def _rule(rules: ChurnParams, spells: Spells) -> Sentence:
    if spells.definition == "contracts":
        early = rules.reason_declares and rules.renewal_grace_days > 0
        key = "definition.contracts_reason" if early else "definition.contracts"
        return Sentence(key, {"days": rules.renewal_grace_days})
    if spells.definition == "own_rhythm":
        names = {"k": rules.k, "floor": rules.floor_days, "cap": rules.cap_days}
        return Sentence("definition.own_rhythm", names)
    return Sentence("definition.fixed_months", {"months": rules.silent_months})
