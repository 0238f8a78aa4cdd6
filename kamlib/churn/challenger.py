"""A challenger: boosted trees on the same landmarks, scored by the same rehearsal as the model.

Trees find bends and joint effects by themselves, and need no value where one is unknown; they give no
reasons that add up. So they do not make the watch list: they tell what it may be missing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtri

from kamlib.churn.covariates import COVARIATES, MONTH, leaking
from kamlib.churn.landmarks import Landmarks
from kamlib.churn.leave_model import MIN_LOSSES
from kamlib.churn.validation import FEW, Rehearsal
from kamlib.glossary import Sentence
from kamlib.params import ChurnParams
from kamlib.results import Check, Estimate, one_row, refusal
from kamlib.stats.brier import brier_score
from kamlib.stats.calibration import calibration_by_group
from kamlib.stats.censoring import follow_up, known_by
from kamlib.stats.concordance import uno_concordance
from kamlib.stats.top_list import top_list

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Ints = NDArray[np.int64]
MODEL, BOOSTED = "model of this report", "boosted trees"
# few leaves and small steps: books of key accounts are small, and losses few
_TREES, _RATE, _LEAVES, _LEAST = 100, 0.1, 8, 40
_VALUES = 200  # of a text, that the trees can tell apart
_ASIDE = 4  # one account in so many tells how many trees are enough
_STANDING = ("tenure_years", "is_apart", "wait_months")


@dataclass(frozen=True, slots=True, eq=False)
class Boosted:
    """Boosted trees for the chance to leave within one horizon.

    Attributes
    ----------
    trees
        The fitted classifier.
    columns
        What it reads, in order.
    values
        Column of a text -> its values, in the order of their codes.
    n_trees
        How many the accounts held aside asked for.
    n_rows, n_accounts
        Landmark rows that were learnt from, and accounts in them.
    """

    trees: Any
    columns: tuple[str, ...]
    values: dict[str, list[str]]
    n_trees: int
    n_rows: int
    n_accounts: int


def learn_boosted(found: Landmarks, *, horizon: int, seed: int) -> Boosted | Sentence:
    """Learn who leaves within a horizon from what was known by a day; if it cannot be, say why.

    Only landmarks that lie the horizon back count: of later ones none but losses would be known, and
    weights for those not followed so far cannot help, since trees tell landmarks apart by whatever
    moves with the calendar. Other ends are known not to be leaving. How many trees are grown is read
    from a quarter of the accounts, held aside whole, since an account stands in many rows.

    Parameters
    ----------
    found
        Landmarks, cut at the day of the forecast (`landmarks.known_at`).
    horizon
        Months ahead.
    seed
        Of the accounts held aside and of the trees: same seed, same trees.
    """
    rows = found.rows[found.rows[MONTH] <= found.over - horizon]
    left = (rows["event"] == 1) & (rows["followed"] < horizon)
    outcome = left.to_numpy().astype(np.int64)
    code, accounts = pd.factorize(rows["account_id"])
    lost = np.bincount(code, outcome, len(accounts)) > 0
    if lost.sum() < MIN_LOSSES:
        values = {"day": found.as_of, "n": int(lost.sum()), "need": MIN_LOSSES, "months": horizon}
        return Sentence("churn_challenger.too_few", values)
    columns, values_of = _columns(found)
    x = _matrix(rows, columns, values_of)
    texts = [name in values_of for name in columns]
    aside = _held_aside(lost, seed)[code]
    first = _fitted(x[~aside], outcome[~aside], _TREES, texts, seed)
    n_trees = _enough(first, x[aside], outcome[aside])
    trees = _fitted(x, outcome, n_trees, texts, seed)
    return Boosted(trees, columns, values_of, n_trees, len(rows), len(accounts))


def boosted_chance(learnt: Boosted, rows: pd.DataFrame) -> Floats:
    """Return the chance of accounts at a landmark to leave within the horizon, shape (n,)."""
    x = _matrix(rows, learnt.columns, learnt.values)
    return np.asarray(learnt.trees.predict_proba(x)[:, 1], dtype=np.float64)


def challenged(
    tried: Rehearsal | Sentence,
    worth: pd.DataFrame,
    rules: ChurnParams,
    rng: np.random.Generator,
) -> Estimate:
    """Hold boosted trees against the model of the report, both learnt a year ago, by what then came.

    Parameters
    ----------
    tried
        What `validation.rehearse` returns.
    worth
        As in `validation.captured`.
    rules
        `visits_per_month` (length of the list), `draws`, `conf_level`, `seed`.
    rng
        Source of randomness of the intervals.

    Returns
    -------
    Estimate
        Frame: one row per figure and `ranking` ("model of this report", "boosted trees"): `term`
        ("value_captured" by the list of chance × value, "brier", "concordance_uno",
        "observed_to_expected"), `listed` (of "value_captured"), `against` (missing: the figure
        itself; else the figure of the trees less that of the model, where an interval of the
        difference is known), `estimate`, `conf_low`, `conf_high`, `conf_level`; within the last
        horizon of the rehearsal. The check fails where the trees are surely nearer to what came.

    References
    ----------
    Friedman, J. H. (2001). Greedy function approximation: a gradient boosting machine. Annals of
    Statistics 29, 1189–1232. doi:10.1214/aos/1013203451
    """
    if isinstance(tried, Sentence):
        return refusal("churn_challenger", tried.key, **tried.values)
    horizon = tried.horizons[-1]
    learnt = learn_boosted(tried.past, horizon=horizon, seed=rules.seed)
    if isinstance(learnt, Sentence):
        return refusal("churn_challenger", learnt.key, **learnt.values)
    rows = tried.accounts
    living = rows[["account_id"]].merge(tried.past.living, on="account_id", how="left")
    chance = {MODEL: tried.chances[:, -1], BOOSTED: boosted_chance(learnt, living)}
    lists = _lists(chance, rows, worth, horizon, rules, rng)
    frame = pd.concat(
        [*([] if lists is None else [lists]), _errors(chance, rows, horizon, rules),
         *(_order(name, one, rows, horizon, rules) for name, one in chance.items())],
        ignore_index=True,
    )  # fmt: skip
    lost = int(((rows["event"] == 1) & (rows["left_months"] <= horizon)).sum())
    nearer = _figure(frame, "brier", BOOSTED, MODEL)
    values = {
        "day": tried.day, "n": len(rows), "lost": lost, "level": rules.conf_level,
        "own_error": _figure(frame, "brier", MODEL)["estimate"],
        "error": _figure(frame, "brier", BOOSTED)["estimate"],
        "less": nearer["estimate"], "low": nearer["conf_low"], "high": nearer["conf_high"],
    }  # fmt: skip
    if lists is not None:
        own, theirs = (_figure(frame, "value_captured", name) for name in (MODEL, BOOSTED))
        values |= {"k": int(own["listed"]), "own": own["estimate"], "share": theirs["estimate"]}
    better = bool(nearer["conf_high"] < 0)
    key = "churn_challenger.better" if better else "churn_challenger.no_better"
    passed = None if lost < FEW else not better
    check = Check("churn_challenger", passed, Sentence(key, values))
    told = "churn_challenger.errors" if lists is None else "churn_challenger.note"
    note = Sentence(told, values)
    summary = one_row(len(rows), "boosted trees, out of time", rules.conf_level, n_event=lost)
    return Estimate("churn_challenger", frame, summary, note, (check,))


def _figure(frame: pd.DataFrame, term: str, name: str, against: str | None = None) -> pd.Series:
    """Return the row of one figure."""
    other = frame["against"].isna() if against is None else frame["against"] == against
    found: pd.Series = frame[(frame["term"] == term) & (frame["ranking"] == name) & other].iloc[0]
    return found


def _held_aside(lost: Flags, seed: int) -> Flags:
    """Return which accounts are held aside: of those that left as of the others one in four."""
    place = np.empty(len(lost), dtype=np.int64)
    order = np.random.default_rng(seed).permutation(len(lost))
    place[np.lexsort((order, lost))] = np.arange(len(lost))
    return np.asarray(place % _ASIDE == 0)


def _columns(found: Landmarks) -> tuple[tuple[str, ...], dict[str, list[str]]]:
    """Return what trees may read, and the values of the texts among it."""
    leaks = leaking(found.definition)
    rows = found.rows
    known = [c for c in COVARIATES if c.name not in leaks and rows[c.name].notna().any()]
    values = {
        c.name: [str(v) for v in rows[c.name].value_counts().index[:_VALUES]]
        for c in known if c.kind == "string"
    }  # fmt: skip
    return (*(c.name for c in known), *_STANDING), values


def _matrix(rows: pd.DataFrame, columns: tuple[str, ...], values: dict[str, list[str]]) -> Floats:
    """Return columns as numbers, texts by their code; NaN: unknown, or a value not learnt."""
    x = np.empty((len(rows), len(columns)))
    for place, name in enumerate(columns):
        if name in values:
            code = pd.Categorical(rows[name], categories=values[name]).codes
            x[:, place] = np.where(code < 0, np.nan, code)
        else:
            x[:, place] = rows[name].astype("float64")
    return x


def _fitted(x: Floats, outcome: Ints, n_trees: int, texts: list[bool], seed: int) -> Any:
    # their import takes longer than the fit
    from sklearn.ensemble import HistGradientBoostingClassifier
    from threadpoolctl import threadpool_limits

    trees = HistGradientBoostingClassifier(
        learning_rate=_RATE, max_iter=n_trees, max_leaf_nodes=_LEAVES, min_samples_leaf=_LEAST,
        l2_regularization=1.0, categorical_features=texts, early_stopping=False, random_state=seed,
    )  # fmt: skip
    # studies run side by side: threads that wait for a core of each other cost more than they save
    with threadpool_limits(1):
        return trees.fit(x, outcome)


def _enough(trees: Any, x: Floats, outcome: Ints) -> int:
    """Return the number of trees at which rows that were not learnt from are likeliest."""
    tiny = 1e-9
    losses = [
        -float(outcome @ np.log(p + tiny) + (1 - outcome) @ np.log1p(tiny - p))
        for p in (chances[:, 1] for chances in trees.staged_predict_proba(x))
    ]
    return int(np.argmin(losses)) + 1


def _lists(
    chance: dict[str, Floats],
    rows: pd.DataFrame,
    worth: pd.DataFrame,
    horizon: int,
    rules: ChurnParams,
    rng: np.random.Generator,
) -> pd.DataFrame | None:
    """Return the share of lost value on the list that can be visited; None where none was lost."""
    brought = rows[["account_id"]].merge(worth, on="account_id", how="left")["value"]
    value = brought.fillna(0.0).clip(lower=0.0).to_numpy(dtype=np.float64)
    lost = ((rows["event"] == 1) & (rows["left_months"] <= horizon)).to_numpy()
    if not (value[lost] > 0).any():
        return None
    k = rules.visits_per_month
    listed = [k if k <= len(rows) / 2 else max(len(rows) // 4, 1)]
    found = top_list(
        {name: one * value for name, one in chance.items()}, rows["left_months"], rows["event"],
        value, horizon=float(horizon), listed=listed, draws=rules.draws, rng=rng, against=(MODEL,),
        conf_level=rules.conf_level,
    )  # fmt: skip
    return found[found["term"] == "value_captured"]


def _errors(
    chance: dict[str, Floats], rows: pd.DataFrame, horizon: int, rules: ChurnParams
) -> pd.DataFrame:
    """Return the squared errors, and the difference, whose interval takes the weights as known."""
    exit_, event = rows["left_months"], rows["event"]
    frames = [
        brier_score(one, exit_, event, [horizon], conf_level=rules.conf_level).assign(
            ranking=name, against=None
        )
        for name, one in chance.items()
    ]
    outcome, weight = known_by(follow_up(exit_, event), horizon)
    less = weight * ((outcome - chance[BOOSTED]) ** 2 - (outcome - chance[MODEL]) ** 2)
    half = float(ndtri((1 + rules.conf_level) / 2)) * less.std(ddof=1) / np.sqrt(len(less))
    difference = pd.DataFrame(
        {"term": ["brier"], "ranking": BOOSTED, "against": MODEL, "estimate": less.mean(),
         "conf_low": less.mean() - half, "conf_high": less.mean() + half,
         "conf_level": rules.conf_level}
    )  # fmt: skip
    return pd.concat([*frames, difference], ignore_index=True)[_SHOWN]


def _order(
    name: str, chance: Floats, rows: pd.DataFrame, horizon: int, rules: ChurnParams
) -> pd.DataFrame:
    """Return whether who left had the higher chance, and losses that came ÷ those expected."""
    exit_, event, level = rows["left_months"], rows["event"], rules.conf_level
    pairs = uno_concordance(chance, exit_, event == 1, tau=horizon + 0.5, conf_level=level)
    every = np.zeros(len(rows))
    total = calibration_by_group(
        chance, exit_, event, every, horizon=float(horizon), conf_level=level
    )
    return pd.concat([pairs, total]).assign(ranking=name, against=None)[_SHOWN]


_SHOWN = ["ranking", "term", "against", "estimate", "conf_low", "conf_high", "conf_level"]
