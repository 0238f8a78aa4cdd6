"""Did it pay? The return of a programme whose gain and cost were measured, in closed form."""

from __future__ import annotations

import pandas as pd
from scipy.stats import norm, t

from kamlib.errors import FitError
from kamlib.glossary import Sentence
from kamlib.loyalty.finance.programme import Programme, break_even_effect
from kamlib.loyalty.finance.ratio import fieller
from kamlib.results import Check, Estimate, one_row


def return_on_cost(
    gain: float,
    gain_error: float,
    cost: float,
    cost_error: float = 0.0,
    *,
    covariance: float = 0.0,
    n_accounts: int,
    conf_level: float = 0.95,
    df: float | None = None,
) -> Estimate:
    """Net value of a programme and its return on each unit of money, with the chance that it paid.

    The net value is always defined; the return is a ratio, and has no interval where the cost cannot
    be told from zero.

    Parameters
    ----------
    gain, gain_error
        Incremental contribution margin and its standard error: effect × margin × accounts × periods.
    cost, cost_error
        Cost of the same accounts and time, and its standard error where it was estimated.
    covariance
        Of the two, where they come from the same accounts.
    n_accounts
        Accounts in the programme.
    conf_level, df
        Level of the intervals; degrees of freedom, None for large samples.

    Returns
    -------
    Estimate
        One row per `term` ("net_value", in money; "roi", net value ÷ cost; "chance_paid"), with
        `estimate`, `conf_low`, `conf_high`. A failed check says where the return has no bounds; its
        row then has no limits.

    Raises
    ------
    FitError
        A cost that is not above zero, or errors below zero.

    References
    ----------
    Fieller, E. C. (1954). Some problems in interval estimation. Journal of the Royal Statistical
    Society B 16, 175–185. doi:10.1111/j.2517-6161.1954.tb00159.x

    Examples
    --------
    >>> found = return_on_cost(0.230948, 0.0435741, 0.10, n_accounts=21_307)
    >>> found.frame["estimate"].round(4).tolist()
    [0.1309, 1.3095, 0.9987]
    """
    if cost <= 0:
        raise FitError(
            "the cost of the programme must be above zero: without it there is no return"
        )
    if gain_error < 0 or cost_error < 0:
        raise FitError("standard errors must not be below zero")
    law = norm if df is None else t(df)
    ratio = fieller(
        gain, cost, gain_error**2, cost_error**2, covariance, conf_level=conf_level, df=df
    )
    net = gain - cost
    error = max(gain_error**2 + cost_error**2 - 2 * covariance, 0.0) ** 0.5
    half = float(law.ppf((1 + conf_level) / 2)) * error
    chance = float(law.cdf(net / error)) if error > 0 else float(net > 0)
    bounded = ratio.shape == "bounded"
    nothing = float("nan")
    limits = (ratio.low - 1, ratio.high - 1) if bounded else (nothing, nothing)
    frame = pd.DataFrame(
        [
            ("net_value", net, net - half, net + half),
            ("roi", ratio.value - 1, *limits),
            ("chance_paid", chance, nothing, nothing),
        ],
        columns=["term", "estimate", "conf_low", "conf_high"],
    )
    told = {
        "n": n_accounts, "chance": chance, "net": net, "low": net - half, "high": net + half,
        "level": conf_level, "roi": ratio.value - 1, "roi_low": limits[0], "roi_high": limits[1],
    }  # fmt: skip
    found = Sentence("paid.bounded" if bounded else "paid.unbounded", {"g": ratio.g})
    return Estimate(
        "return_on_cost",
        frame,
        one_row(n_accounts, "Fieller", conf_level, chance_paid=chance),
        Sentence("paid.note" if bounded else "paid.net_note", told),
        (Check("roi_bounded", bounded, found),),
    )


def break_even(programme: Programme) -> Estimate:
    """What a programme would have to bring to pay back, where no effect of it may be claimed.

    Parameters
    ----------
    programme
        Its effect is not looked at.

    Returns
    -------
    Estimate
        One row: `term` ("break_even_effect"), `estimate` (revenue per account and month, money).

    Raises
    ------
    FitError
        As `programme.course`.
    """
    needed = break_even_effect(programme)
    frame = pd.DataFrame({"term": ["break_even_effect"], "estimate": [needed]})
    told = {
        "n": programme.n_accounts, "needed": needed, "months": programme.months,
        "margin": programme.margin,
    }  # fmt: skip
    summary = one_row(programme.n_accounts, "break-even")
    return Estimate("break_even", frame, summary, Sentence("break_even.note", told))
