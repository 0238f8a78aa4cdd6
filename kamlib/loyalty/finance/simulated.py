"""The return of a programme over its months, with all that is uncertain drawn together."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from kamlib.errors import FitError
from kamlib.glossary import Sentence
from kamlib.loyalty.finance.flows import balances
from kamlib.loyalty.finance.programme import Programme, break_even_effect, course
from kamlib.loyalty.finance.uncertain import Floats, Uncertain, draw
from kamlib.results import Estimate, one_row

_LEVELS = (0.80, 0.95)
_SWING = (0.1, 0.9)


def simulated_return(
    programme: Programme,
    uncertain: Mapping[str, Uncertain],
    *,
    draws: int,
    rng: np.random.Generator,
    correlation: Mapping[tuple[str, str], float] | None = None,
) -> Estimate:
    """Return, net present value and payback of a programme, as far as its figures are known.

    Parameters
    ----------
    programme
        As it is valued.
    uncertain
        Figures of the programme by name ("effect", "margin", "breakage", …) with their errors.
    draws, rng
        Number of draws, source of randomness.
    correlation
        Of pairs of these figures.

    Returns
    -------
    Estimate
        Two rows per `term`, at `conf_level` 0.80 and 0.95: `estimate` (median), `conf_low`,
        `conf_high`; terms are "net_value", "roi", "npv" (money, ratio, money) and
        "payback_months" (infinite where it does not come back). The summary has `chance_paid` and
        `chance_npv` (share of draws in which net value, and net present value, is above zero),
        `break_even_effect`, and `value_of_knowing`: what it would be worth at most, in money, to
        know all figures for sure before going on or stopping.

    Raises
    ------
    FitError
        As `programme.course` and `uncertain.draw`.

    Examples
    --------
    >>> shop = Programme(100, 0.3, 10, 12, 12, set_up=1_000, running=100, discount_rate=0.0)
    >>> known = {"effect": Uncertain(100, 20)}
    >>> found = simulated_return(shop, known, draws=20_000, rng=np.random.default_rng(1))
    >>> found.frame["estimate"].round(-2).head(2).tolist()
    [1400.0, 1400.0]
    """
    drawn = draw(uncertain, draws=draws, rng=rng, correlation=correlation)
    found = course(programme, drawn)
    months = _paybacks(found.gain - found.cost)
    figures = {
        "net_value": found.net,
        "roi": found.roi,
        "npv": found.npv,
        "payback_months": months,
    }
    rows = [
        (term, *_quantiles(values, level), level)
        for term, values in figures.items()
        for level in _LEVELS
    ]
    frame = pd.DataFrame(rows, columns=["term", "estimate", "conf_low", "conf_high", "conf_level"])
    told = {
        "chance_paid": float((found.net > 0).mean()),
        "chance_npv": float((found.npv > 0).mean()),
        "break_even_effect": break_even_effect(programme),
        "value_of_knowing": float(
            np.maximum(found.npv, 0).mean() - max(float(found.npv.mean()), 0.0)
        ),
    }
    summary = one_row(programme.n_accounts, "Monte Carlo", _LEVELS[-1], draws=draws, **told)
    middle, low, high = _quantiles(found.npv, _LEVELS[-1])
    note = Sentence(
        "simulated_return.note",
        told
        | {
            "n": programme.n_accounts, "months": programme.months, "npv": middle, "low": low,
            "high": high, "level": _LEVELS[-1], "roi": float(np.median(found.roi)), "draws": draws,
        },
    )  # fmt: skip
    return Estimate("simulated_return", frame, summary, note)


def tornado(programme: Programme, uncertain: Mapping[str, Uncertain]) -> Estimate:
    """Which figure moves the net present value most, each by itself from its 10 % to its 90 % point.

    Parameters
    ----------
    programme, uncertain
        As for `simulated_return`.

    Returns
    -------
    Estimate
        One row per figure, the widest first: `driver`, `npv_low`, `npv_high` (money, at the figure's
        10 % and 90 % points), `turns` (whether the value changes its sign in between).

    Raises
    ------
    FitError
        As `simulated_return`; or nothing uncertain.
    """
    if not uncertain:
        raise FitError("nothing uncertain is given: there is nothing to compare")
    at = np.array(_SWING)
    means = {name: np.full(2, figure.value) for name, figure in uncertain.items()}
    rows = []
    for name, figure in uncertain.items():
        low, high = course(programme, means | {name: figure.quantile(at)}).npv
        rows.append((name, float(low), float(high), bool(low * high < 0)))
    frame = pd.DataFrame(rows, columns=["driver", "npv_low", "npv_high", "turns"])
    swing = (frame["npv_high"] - frame["npv_low"]).abs()
    frame = frame.loc[swing.sort_values(ascending=False, kind="stable").index].reset_index(
        drop=True
    )
    first = frame.iloc[0]
    told = {"driver": first["driver"], "low": first["npv_low"], "high": first["npv_high"]}
    told |= {"n": int(frame["turns"].sum()), "of": len(frame)}
    summary = one_row(programme.n_accounts, "one at a time")
    return Estimate("tornado", frame, summary, Sentence("tornado.note", told))


def _quantiles(values: Floats, level: float) -> tuple[float, float, float]:
    # "lower" takes a draw as it is: infinite paybacks allow no mean of two
    chances = [0.5, (1 - level) / 2, (1 + level) / 2]
    middle, low, high = np.quantile(values, chances, method="lower")
    return float(middle), float(low), float(high)


def _paybacks(net: Floats) -> Floats:
    """Return the payback of each row of flows, as `flows.payback` has it of one."""
    level = balances(net)
    below = level < 0
    last = level.shape[1] - 1 - np.argmax(below[:, ::-1], axis=1)
    inside = below.any(axis=1) & ~below[:, -1]
    months = np.where(below[:, -1], np.inf, 0.0)
    rows, at = np.flatnonzero(inside), last[inside]
    months[rows] = at + level[rows, at] / (level[rows, at] - level[rows, at + 1])
    return months
