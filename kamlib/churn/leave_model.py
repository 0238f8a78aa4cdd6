"""Who will leave, and when: the model behind every forecast of study 20.

Three parts, each a monthly hazard (`monthly_hazard`) with a penalty on its effects: accounts that do
business as usual, up to the last horizon; the same beyond it, at a rate that does not change with time;
and accounts of which it shows already that they may be gone, by how soon they would be declared lost,
without any covariate. Landmarks overlap: a row counts for the share of a loss that makes each loss
count once.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kamlib.churn.covariates import MONTH
from kamlib.churn.factors import FORETELLING, Design, learn_design, usable
from kamlib.churn.landmarks import Landmarks
from kamlib.churn.monthly_hazard import Followed, MonthlyHazard, fit_monthly, row_scores
from kamlib.glossary import Sentence
from kamlib.params import ChurnParams

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
MIN_LOSSES = 10
_RECENT = 12  # months on which the level is set
_HOLD = 20.0  # losses that speak for the learnt level: years may differ by a fifth or so
_STEPS, _CLOSE = 50, 1e-9
_LOOSE = 0.1  # penalty on what single months and classes have of their own
_GRANTED = (1, 2, 6)  # months of silence that part accounts as usual into classes
_LEFT = (0, 1, 2, 3, 6)  # months to the declaration that part the others


@dataclass(frozen=True, slots=True, eq=False)
class LeaveModel:
    """What was learnt.

    Attributes
    ----------
    design
        How covariates are read.
    near, far, apart
        Monthly hazards; far: the months after the last horizon, None where too few were lost then;
        apart: None where no such account was lost.
    mix
        Share of the rows of `near` in each of its cells.
    other_rate
        Ends that are no churn, per account and month.
    shift
        What the level of the last year adds to the log of every rate.
    recent, since
        Rows that were followed within the last year, from which the shift is, and how many of their
        months had passed before it.
    scores
        What accounts add to the slopes of near, far and apart; None for a part that is not there.
    events
        Other ends within the last horizon, and months, by account: shape (n_accounts, 2).
    owner
        Account number of each row of `recent`.
    horizons, life_months
        As in the parameters.
    definition
        When an account is lost.
    n_rows, n_accounts, n_event
        Behind `near`: landmark rows, accounts, spells lost within the last horizon.
    n_recent
        Losses of the last year.
    followed
        Months that any row was followed.
    """

    design: Design
    near: MonthlyHazard
    mix: Floats
    far: MonthlyHazard | None
    apart: MonthlyHazard | None
    other_rate: float
    shift: float
    recent: Followed
    since: Ints
    scores: tuple[Floats, Floats | None, Floats | None]
    events: Floats
    owner: Ints
    horizons: tuple[int, ...]
    life_months: int
    definition: str
    n_rows: int
    n_accounts: int
    n_event: int
    n_recent: int
    followed: int


@dataclass(frozen=True, slots=True, eq=False)
class Parameters:
    """Parameters of all parts, as estimated or of one draw."""

    near: Floats
    far: Floats | None
    apart: Floats | None
    other_rate: float
    shift: float


def learn(found: Landmarks, rules: ChurnParams) -> LeaveModel | Sentence:
    """Learn who leaves from what was known by a day; where it cannot be, return the reason.

    Parameters
    ----------
    found
        Landmarks as known on that day.
    rules
        `horizons`, `life_months`, `penalty`.
    """
    within = rules.horizons[-1]
    rows = found.rows
    usual = rows[rows["is_apart"] == 0]
    lost = usual[(usual["event"] == 1) & (usual["followed"] < within)]
    n_event = len(lost[["account_id", "spell_no"]].drop_duplicates())
    n_accounts = usual["account_id"].nunique()
    if n_event < MIN_LOSSES:
        values = {"n": n_event, "need": MIN_LOSSES, "accounts": n_accounts, "months": within}
        return Sentence("prediction.too_few", values)
    code, accounts = pd.factorize(rows["account_id"])
    rows = rows.assign(owner=code)
    usual, others = rows[rows["is_apart"] == 0], rows[rows["is_apart"] == 1]
    design = learn_design(usual, usable(found.definition, usual, FORETELLING), based=False)
    near_rows = _followed(usual, design, found, 0, within)
    shape, loose = _usual_shape(found.definition, within)
    near = fit_monthly(near_rows, shape, penalty=rules.penalty, baseline_penalties=loose)
    beyond = usual[usual["followed"] >= within]
    far, far_rows = None, None
    if _distinct(beyond[beyond["event"] == 1], rules.life_months) >= MIN_LOSSES:
        far_rows = _followed(beyond, design, found, within, rules.life_months)
        even = np.ones((1, rules.life_months - within, 1))
        far = fit_monthly(far_rows, even, penalty=rules.penalty, baseline_penalties=np.zeros(1))
    apart_rows = _followed(others, Design((), {}), found, 0, within, _LEFT)
    apart = None
    if apart_rows.event.any():
        free, loose = _free_shape(len(_LEFT) + 1, within)
        apart = fit_monthly(apart_rows, free, penalty=0.0, baseline_penalties=loose)
    n = len(accounts)
    scores = (
        row_scores(near, near_rows, usual["owner"].to_numpy(), n),
        None if far is None or far_rows is None
        else row_scores(far, far_rows, beyond["owner"].to_numpy(), n),
        None if apart is None else row_scores(apart, apart_rows, others["owner"].to_numpy(), n),
    )  # fmt: skip
    events = _other_ends(rows, within, n)
    since = np.maximum(found.over - _RECENT - usual[MONTH].to_numpy(dtype=np.int64), 0)
    is_recent = near_rows.survived + near_rows.event > since
    mix = np.bincount(near_rows.cell, minlength=len(shape)) / len(usual)
    model = LeaveModel(
        design, near, mix, far, apart, float(events[:, 0].sum() / events[:, 1].sum()), 0.0,
        near_rows.only(is_recent), since[is_recent], scores, events, usual["owner"].to_numpy()[is_recent], rules.horizons, rules.life_months,
        found.definition, len(usual), n_accounts, n_event,
        _distinct(usual[is_recent & near_rows.event], within),
        int(rows["followed"].max()),
    )  # fmt: skip
    return replace(model, shift=_shift(model, near.parameters, np.ones(n)))


def _distinct(rows: pd.DataFrame, within: int) -> int:
    return len(rows[rows["followed"] < within][["account_id", "spell_no"]].drop_duplicates())


def _followed(
    rows: pd.DataFrame,
    design: Design,
    found: Landmarks,
    after: int,
    until: int,
    edges: tuple[int, ...] = (),
) -> Followed:
    """Return rows that stayed `after` months, followed from there up to month `until`."""
    seen = rows["followed"].to_numpy(dtype=np.int64) - after
    event = (rows["event"].to_numpy() == 1) & (seen < until - after)
    return Followed(
        design.matrix(rows),
        np.zeros(len(rows), np.int64) if after else _cells(rows, found.definition, until, edges),
        np.minimum(seen, until - after),
        event,
        np.full(len(rows), found.step / (until - after)),
    )


def _cells(rows: pd.DataFrame, definition: str, within: int, edges: tuple[int, ...] = ()) -> Ints:
    """Return the cell of each row: the month in which a contract ends, or a class of waiting.

    Of contracts, 0 is an end beyond the horizon, and the last cell is no end that is known.
    """
    wait = rows["wait_months"].to_numpy(dtype=np.int64)
    if definition == "contracts" and not edges:
        return np.where(wait == 0, within + 1, np.where(wait <= within, wait, 0))
    return cast(Ints, np.searchsorted(edges or _GRANTED, wait, side="left").astype(np.int64))


def _usual_shape(definition: str, within: int) -> tuple[Floats, Floats]:
    """Return Z and its penalties for accounts that do business as usual."""
    if definition != "contracts":
        return _free_shape(len(_GRANTED) + 1, within)
    # who would leave in the first months under a longer contract gave notice and is held apart
    months, cells = np.arange(1, within + 1), np.arange(within + 2)[:, None]
    shape = np.zeros((within + 2, within, 2 * within + 2))
    shape[:, :, 0] = 1.0
    shape[:, :, 1] = cells == months
    shape[: within + 1, :, 2 : within + 2] = np.eye(within)
    shape[within + 1, :, within + 2 :] = np.eye(within)
    return shape, np.concatenate([[0.0], np.full(2 * within + 1, _LOOSE)])


def _free_shape(cells: int, within: int) -> tuple[Floats, Floats]:
    """Return Z of a level, and of what each cell and month has of its own."""
    own = np.eye(cells * within).reshape(cells, within, -1)
    shape = np.concatenate([np.ones((cells, within, 1)), own], axis=2)
    return shape, np.concatenate([[0.0], np.full(cells * within, _LOOSE)])


def _other_ends(rows: pd.DataFrame, within: int, n: int) -> Floats:
    """Return other ends and months within the horizon by account; one more month, for no division by 0."""
    owner, seen = rows["owner"].to_numpy(), rows["followed"].to_numpy()
    other = (rows["event"].to_numpy() == 2) & (seen < within)
    months = np.bincount(owner, np.minimum(seen, within), n)
    return np.column_stack([np.bincount(owner, other, n), np.maximum(months, 1 / n)])


def _shift(model: LeaveModel, parameters: Floats, times: Floats) -> float:
    """Return by how much the log rate of the last year lies above what was learnt from all records.

    Whatever the landmark, the months of the last year count and no others, so that each month of the
    horizon has its part. A month with a loss was not stayed to its end.
    """
    rows = model.recent
    hazard = model.near.hazards(parameters)
    totals = np.concatenate([np.zeros((len(hazard), 1)), np.cumsum(hazard, axis=1)], axis=1)
    risk = np.exp(model.near.log_rates(rows.x, parameters))
    weight = rows.weight * times[model.owner]
    spent = totals[rows.cell, rows.survived] - totals[rows.cell, model.since]
    stayed = float(weight @ (risk * spent)) + _HOLD
    lost, left = rows.event, weight[rows.event]
    rate = risk[lost] * hazard[rows.cell[lost], rows.survived[lost]]
    shift = 0.0
    for _ in range(_STEPS):
        mu = np.clip(rate * np.exp(shift), 1e-300, 500.0)
        share = mu / np.expm1(mu)
        bend = left @ (share * (mu / -np.expm1(-mu) - 1.0)) + stayed * np.exp(shift)
        step = (left @ share + _HOLD - stayed * np.exp(shift)) / bend
        shift += float(np.clip(step, -1.0, 1.0))
        if abs(step) < _CLOSE:
            break
    return shift


def estimated(model: LeaveModel) -> Parameters:
    """Return the parameters as estimated."""
    far, apart = (None if part is None else part.parameters for part in (model.far, model.apart))
    return Parameters(model.near.parameters, far, apart, model.other_rate, model.shift)


def drawn(model: LeaveModel, rng: np.random.Generator) -> Parameters:
    """Return the parameters as they would be for accounts redrawn whole."""
    n = len(model.events)
    times = rng.multinomial(n, np.full(n, 1.0 / n)).astype(np.float64)

    def moved(part: MonthlyHazard | None, scores: Floats | None) -> Floats | None:
        if part is None or scores is None:
            return None
        return np.asarray(part.parameters + part.inverse @ ((times - 1.0) @ scores))

    near = cast(Floats, moved(model.near, model.scores[0]))
    ends = times @ model.events
    return Parameters(
        near,
        moved(model.far, model.scores[1]),
        moved(model.apart, model.scores[2]),
        float(ends[0] / ends[1]),
        _shift(model, near, times),
    )


@dataclass(frozen=True, slots=True, eq=False)
class Course:
    """What is to come of accounts.

    Attributes
    ----------
    left
        Chance to have left within each horizon, shape (n, number of horizons).
    months
        Expected months that an account stays within `life_months`, shape (n,).
    """

    left: Floats
    months: Floats


def course(model: LeaveModel, rows: pd.DataFrame, at: Parameters) -> Course:
    """Return what is to come of accounts at a landmark, other ends taken into account.

    Parameters
    ----------
    model
        What was learnt.
    rows
        Accounts as in `Landmarks.living`.
    at
        Parameters.
    """
    within, n_months = model.horizons[-1], max(model.life_months, model.horizons[-1])
    x, apart = model.design.matrix(rows), rows["is_apart"].to_numpy() == 1
    hazard = np.empty((len(rows), n_months))
    cells = _cells(rows, model.definition, within)
    base = model.near.hazards(at.near)
    risk = np.exp(model.near.log_rates(x, at.near) + at.shift)
    hazard[:, :within] = base[cells] * risk[:, None]
    if model.far is not None:
        rate = np.exp(model.far.log_rates(x, at.far) + at.shift) * model.far.hazards(at.far)[0, 0]
    else:
        rate = risk * (model.mix @ base).mean()
    hazard[:, within:] = rate[:, None]
    if model.apart is not None:
        places = _cells(rows, model.definition, within, _LEFT)
        hazard[apart, :within] = model.apart.hazards(at.apart)[places[apart]]
    every = hazard + at.other_rate
    there = np.exp(-np.cumsum(np.concatenate([np.zeros((len(rows), 1)), every], axis=1), axis=1))
    left = np.cumsum(hazard / every * (there[:, :-1] - there[:, 1:]), axis=1)
    months = (there[:, :-1] + there[:, 1:])[:, : model.life_months].sum(axis=1) / 2
    return Course(left[:, [h - 1 for h in model.horizons]], months)
