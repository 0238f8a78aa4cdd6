"""For whom an arm of a trial works: classes of customers, with a word on how many were looked at."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.special import chdtrc

from kamlib.book.layouts import CONTROL
from kamlib.glossary import Sentence
from kamlib.loyalty.effects.effect import estimate
from kamlib.loyalty.effects.randomised import difference_in_means
from kamlib.loyalty.ladder.grades import graded
from kamlib.loyalty.trial_draw import Draw
from kamlib.loyalty.trial_record import TrialRecord, pair
from kamlib.loyalty.trial_results import PLAIN, holm, told
from kamlib.results import Estimate, one_row, refusal


def by_class(
    record: TrialRecord, draw: Draw, *, least: int = 50, conf_level: float = 0.95
) -> Estimate:
    """Change of the first amount in each class of customers, and whether classes differ.

    The characteristics are those of the record's layout, stated before anybody looked. Whether the classes
    of one differ is judged by Q, the squared distances of their changes from the common one; over all
    characteristics and arms by Holm's rule, since of many looked at one will differ by chance.

    Parameters
    ----------
    record, draw
        The trial and its draw, judged.
    least
        Customers that a class needs in each of the two arms.
    conf_level
        Of the intervals, each for itself, and one less the chance below which classes are said to differ.

    Returns
    -------
    Estimate
        Frame: one row per arm, characteristic and class: `trial_arm`, `covariate`, `category`, `term` (the
        outcome), `estimate`, `error_each`, `conf_low`, `conf_high`, `conf_level`, `p_value` (that the
        classes of the characteristic differ so much by chance), `p_holm`, `n_arm`, `n_other`,
        `evidence_grade`. Summary: `n_comparisons`, `n_standing`. Refused with a grade that claims no
        effect, or where no characteristic has two classes large enough.

    References
    ----------
    Cochran, W. G. (1954). The combination of estimates from different experiments. Biometrics 10,
    101–129. doi:10.2307/3001666
    """
    if draw.grade != "A":
        return refusal("by_class", "trial.nothing_here")
    outcome, parts = record.money[0], []
    tests: list[float] = []
    for arm in record.arms:
        for name in map(str, record.classes):
            rows = _classes(record, arm, name, least, conf_level)
            if len(rows) > 1:
                parts.append(
                    rows.assign(trial_arm=arm, covariate=name, term=outcome, test=len(tests))
                )
                tests.append(_differ(rows))
    if not parts:
        return refusal("by_class", "trial.no_classes", n=len(record.rows), least=least)
    frame, adjusted = pd.concat(parts, ignore_index=True), holm(tests)
    frame["p_value"] = frame["test"].map(dict(enumerate(tests)))
    frame["p_holm"] = frame["test"].map(dict(enumerate(adjusted)))
    frame["evidence_grade"] = draw.grade
    stands = int((adjusted < 1 - conf_level).sum())
    first = frame[frame["test"] == int(np.argmin(tests))]
    high, low = first.loc[first["estimate"].idxmax()], first.loc[first["estimate"].idxmin()]
    values = {
        "arm": high["trial_arm"], "by": high["covariate"], "n": len(tests), "stands": stands,
        "most": high["category"], "value": high["estimate"], "other": low["category"],
        "less": low["estimate"], "p": float(np.min(tests)), "adjusted": float(np.min(adjusted)),
    }  # fmt: skip
    note = Sentence("trial.classes_differ" if stands else "trial.classes_alike", values)
    summary = one_row(len(record.rows), PLAIN, conf_level, n_comparisons=len(tests),
                      n_standing=stands)  # fmt: skip
    columns = ["trial_arm", "covariate", "category", "term", "estimate", "error_each", "conf_low",
               "conf_high", "conf_level", "p_value", "p_holm", "n_arm", "n_other",
               "evidence_grade"]  # fmt: skip
    return Estimate("by_class", frame[columns], summary, graded(draw.grade, note))


def _classes(
    record: TrialRecord, arm: str, name: str, least: int, conf_level: float
) -> pd.DataFrame:
    """Return the change in each class of one characteristic that is large enough."""
    classes, arms, parts = record.classes[name], record.rows["trial_arm"], []
    for one in sorted(classes.dropna().unique()):
        chosen = (classes == one).to_numpy()
        if min((chosen & (arms == a)).sum() for a in (arm, CONTROL)) < least:
            continue
        rows = pair(record, arm, record.money[0], chosen=chosen)
        found = estimate(rows, difference_in_means, PLAIN, conf_level=conf_level)
        if not found.refused:
            parts.append(told(found).assign(category=one))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def _differ(rows: pd.DataFrame) -> float:
    """Return the chance that changes of classes without a difference lie so far apart (Q)."""
    value, weight = rows["estimate"].to_numpy(), 1 / rows["error_each"].to_numpy() ** 2
    common = float(np.sum(weight * value) / np.sum(weight))
    return float(chdtrc(len(rows) - 1, np.sum(weight * (value - common) ** 2)))
