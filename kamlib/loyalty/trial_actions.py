"""What the reader of a finished trial does now, and the figures at the top of its report."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from kamlib.glossary import Sentence
from kamlib.loyalty.trial_draw import Draw
from kamlib.loyalty.trial_results import PLAIN
from kamlib.results import Estimate

# figures of the arm that nets most
_PAID = {
    "net_each": "trial.head_net_each", "roi": "trial.head_roi",
    "chance_paid": "trial.head_chance_paid",
}  # fmt: skip


def next_steps(
    draw: Draw,
    changed: Estimate,
    paid: Estimate,
    between: Estimate,
    classes: Estimate,
    *,
    act_from: float = 0.8,
) -> list[Sentence]:
    """What follows from the findings, the most pressing first.

    Parameters
    ----------
    draw
        Of `trial_draw.judge`.
    changed, between
        Of `trial_results`.
    paid
        Of `trial_return.returns`.
    classes
        Of `trial_groups.by_class`.
    act_from
        Chance that an arm pays from which one would send it to all.
    """
    if draw.refusal is not None:
        return [Sentence("trial.do_mend", {"mend": draw.refusal.remedy})]
    if changed.refused:
        return [Sentence("trial.do_longer")]
    steps = [Sentence("trial.do_state")] if paid.refused else _sending(paid, act_from)
    if not paid.refused and not between.refused and len(paid.frame) > 1:
        steps.append(_between(paid, between))
    if not classes.refused and classes["n_standing"]:
        values = classes.note.values["note"].values
        steps.append(Sentence("trial.do_class", dict(values)))
    elif not classes.refused:
        steps.append(Sentence("trial.do_no_class", {"n": classes["n_comparisons"]}))
    return [*steps, Sentence("trial.do_hold_back")]


def headline(
    record_size: int, paid: Estimate, changed: Estimate, outcome: str
) -> dict[str, tuple[float, Sentence | None]]:
    """Return the figures at the top: customers drawn, and of the best arm what it brought and if it paid.

    Parameters
    ----------
    record_size
        Customers drawn.
    paid, changed
        As for `next_steps`.
    outcome
        The amount by which the trial is judged.
    """
    told: dict[str, tuple[float, Sentence | None]] = {
        "n_accounts": (float(record_size), Sentence("trial.head_customers"))
    }
    if not paid.refused:
        best = paid.frame.loc[paid.frame["net_each"].idxmax()]
        words: Mapping[str, object] = {"arm": best["trial_arm"]}
        for name, key in _PAID.items():
            told[name] = (float(best[name]), Sentence(key, words))
    elif not changed.refused:
        plain = changed.frame["estimator"] == PLAIN
        rows = changed.frame[plain & (changed.frame["term"] == outcome)]
        best = rows.loc[rows["estimate"].idxmax()]
        words = {"arm": best["trial_arm"]}
        told[outcome] = (float(best["estimate"]), Sentence("trial.head_effect", words))
    return told


def _sending(paid: Estimate, act_from: float) -> list[Sentence]:
    """Return what to do with each arm: the one that nets most first."""
    rows = paid.frame.sort_values("net_each", ascending=False)
    return [_arm(row, act_from) for _, row in rows.iterrows()]


def _arm(row: pd.Series, act_from: float) -> Sentence:
    values = {"arm": row["trial_arm"], "chance": row["chance_paid"], "net": row["net_each"],
              "from": act_from, "loses": 1 - row["chance_paid"]}  # fmt: skip
    if row["chance_paid"] >= act_from:
        return Sentence("trial.do_send", values)
    return Sentence(
        "trial.do_stop" if row["chance_paid"] <= 1 - act_from else "trial.do_undecided", values
    )


def _between(paid: Estimate, between: Estimate) -> Sentence:
    """Return whether the arm that nets most may be taken for the better one."""
    order = paid.frame.sort_values("net_each", ascending=False)["trial_arm"].tolist()
    two = set(order[:2])
    rows = between.frame
    both = rows[[{a, b} == two for a, b in zip(rows["trial_arm"], rows["other_arm"], strict=True)]]
    values = {"arm": order[0], "other": order[1]}
    if both.empty:
        return Sentence("trial.do_compare", values)
    row, margin = both.iloc[0], float(paid["margin"])
    cost = paid.frame.set_index("trial_arm")["cost_each"]
    sign = 1 if row["trial_arm"] == order[0] else -1
    apart = float(cost[order[0]] - cost[order[1]])
    limits = sorted(sign * margin * float(row[c]) - apart for c in ("conf_low", "conf_high"))
    values |= {"value": sign * margin * float(row["estimate"]) - apart, "low": limits[0],
               "high": limits[1], "level": float(row["conf_level"])}  # fmt: skip
    return Sentence("trial.do_better" if limits[0] > 0 else "trial.do_compare", values)
