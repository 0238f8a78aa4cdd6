"""What the reader of a record without dates does now, and the figures at the top of its report."""

from __future__ import annotations

from collections.abc import Iterable

from kamlib.churn.snapshot_curves import levels_hold
from kamlib.glossary import Sentence
from kamlib.results import Estimate

# data that would lift a refusal, those that lift most first
_DATA = (
    ("snapshot.do_dates", ("calendar", "out_of_time", "winback")),
    ("snapshot.do_orders", ("value_over_time", "watch_list")),
    ("snapshot.do_reasons", ("reasons",)),
    ("snapshot.do_managers", ("managers",)),
)


def next_steps(
    beside: Estimate, compared: Iterable[Estimate], refused: Iterable[Estimate]
) -> list[Sentence]:
    """What follows from the findings, the most pressing first.

    Parameters
    ----------
    beside
        Of `snapshot_curves.beside_usual`.
    compared
        The second of `snapshot_curves.of_group`, of each covariate.
    refused
        Of `snapshot.beyond_snapshot`.
    """
    steps = []
    if not beside.refused and not levels_hold(beside):
        steps.append(Sentence("snapshot.do_window"))
    worst = [step for step in map(_group, compared) if step is not None]
    if worst:
        steps.append(
            max(worst, key=lambda step: float(step.values["events"] - step.values["expected"]))
        )
    names = {one.name for one in refused}
    return steps + [Sentence(key) for key, lifted in _DATA if names & set(lifted)]


def _group(compared: Estimate) -> Sentence | None:
    """Return the group that lost most beyond what would be, where groups differ for sure."""
    if compared.refused or compared["p_value"] >= 1 - compared["conf_level"]:
        return None
    frame = compared.frame
    group = frame.loc[(frame["n_event"] - frame["n_expected"]).idxmax()]
    by = compared.note.values["by"]
    values = {
        "by": by, "group": group["group"], "there": int(group["n_accounts"] - group["n_event"]),
        "events": float(group["n_event"]), "expected": float(group["n_expected"]),
    }  # fmt: skip
    return Sentence("snapshot.do_group", values)


def headline(
    seen: Estimate, beside: Estimate, *, window_months: float
) -> dict[str, tuple[float, Sentence | None]]:
    """Return the figures at the top: customers, who left, and the share still there if it may be read."""
    if seen.refused:
        return {}
    left = Sentence("snapshot.head_left", {"window": window_months})
    told: dict[str, tuple[float, Sentence | None]] = {
        "n_accounts": (float(seen["n_obs"] + seen["n_new"]), Sentence("snapshot.head_customers")),
        "share_left": (float(seen["share_left"]), left),
    }
    if levels_hold(beside):
        words = Sentence("snapshot.head_remaining", {"horizon": float(beside["horizon"])})
        told["remaining"] = (float(beside["remaining"]), words)
    return told
