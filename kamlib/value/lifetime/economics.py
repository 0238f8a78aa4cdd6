"""What becomes of revenue: each account's margin rate and cost to serve, with their uncertainty."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import ibis.expr.types as ir
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kamlib.accounts import Ledger
from kamlib.glossary import Sentence
from kamlib.results import Check

Floats = NDArray[np.float64]

QUARTERS = 8
_DAYS = 365.25 / 4


@dataclass(frozen=True, slots=True, eq=False)
class Economics:
    """Margin rate and cost to serve of accounts, as draws.

    Attributes
    ----------
    margin_rate
        Margin per unit of revenue, shape (draws, n); ones where no cost of goods is known.
    cost_per_day
        Cost to serve of a day while the account lives, shape (draws, n); zeros where unknown.
    margin_known
        Whether margin is known. Where it is not, what is forecast is revenue.
    checks
        What is unknown, and how far single accounts differ.
    """

    margin_rate: Floats
    cost_per_day: Floats
    margin_known: bool
    checks: tuple[Check, ...]


def economics_facts(ledger: Ledger, day: date) -> ir.Table:
    """Return what each account brought and cost in the last eight quarters known on a day.

    Quarters are three whole months each, counted back from the last month that ended by `day`.

    Returns
    -------
    Table
        One row per account and quarter that its ledger holds in full: `account_id`, `quarters_ago`
        (0 is the last), `revenue_costed` (of lines whose cost is known), `margin`, `cost_to_serve`.
    """
    ended = pd.Timestamp(day) + pd.Timedelta(days=1)
    last = ended.year * 12 + ended.month - 2  # months since year 0 of the last whole month
    rows = ledger.table
    ago = last - (rows.month.year() * 12 + rows.month.month() - 1)
    rows = rows.mutate(ago=ago)
    rows = rows.filter(rows.ago >= 0, rows.ago < 3 * QUARTERS)
    rows = rows.mutate(quarters_ago=(rows.ago / 3).floor().cast("int64"))
    sums = rows.group_by("account_id", "quarters_ago").agg(
        n_months=rows.count(),
        revenue_costed=rows.revenue_costed.sum(),
        margin=rows.margin.sum(),
        cost_to_serve=rows.cost_to_serve.sum(),
    )
    return sums.filter(sums.n_months == 3).drop("n_months")


def economics(
    accounts: pd.Series,
    history: pd.DataFrame,
    ledger: Ledger,
    *,
    draws: int,
    rng: np.random.Generator,
) -> Economics:
    """Margin rate and cost to serve of each account, learnt from its quarters and from its peers.

    A margin rate is the account's own, drawn towards that of the unit the more the less the account
    bought and the more its quarters differ (empirical Bayes with a normal prior). A cost to serve is
    the mean of the account's own quarters; an account without a whole quarter is given the median of
    the others.

    Parameters
    ----------
    accounts
        Account ids, in the order in which results are wanted.
    history
        `economics_facts` as a frame.
    ledger
        Says what is known.
    draws, rng
        Draws of the uncertainty; source of randomness.

    Returns
    -------
    Economics

    Notes
    -----
    The variance of a quarter's margin about rate × revenue is taken to grow with the square of the
    revenue, that of a quarter's cost in proportion to its mean; both factors are the unit's.

    References
    ----------
    Morris, C. N. (1983). Parametric empirical Bayes inference: theory and applications. Journal of
    the American Statistical Association 78, 47–55. doi:10.1080/01621459.1983.10477920
    """
    shape = (draws, len(accounts))
    checks = []
    if ledger.has_cost and history["revenue_costed"].gt(0).any():
        mean, sd, unit = _margin_rates(accounts, history)
        margin = mean + sd * rng.standard_normal(shape)
        values = {"rate": unit, "low": float(np.quantile(mean, 0.1)),
                  "high": float(np.quantile(mean, 0.9)), "n": len(accounts)}  # fmt: skip
        checks.append(Check("margin_known", True, Sentence("economics.margin", values)))
    else:
        margin = np.ones(shape)
        checks.append(Check("margin_known", False, Sentence("economics.no_margin")))
    if any(ledger.parts.values()):
        mean, sd = _daily_costs(accounts, history)
        cost = np.maximum(mean + sd * rng.standard_normal(shape), np.minimum(mean, 0.0))
        lacking = sorted({name for name, known in ledger.parts.items() if not known})
        note = Sentence("economics.cost", {"n": len(accounts), "lacking": len(lacking)})
        checks.append(Check("cost_to_serve_known", not lacking, note))
    else:
        cost = np.zeros(shape)
        checks.append(Check("cost_to_serve_known", False, Sentence("economics.no_cost")))
    return Economics(margin, cost, checks[0].passed is True, tuple(checks))


def _margin_rates(accounts: pd.Series, history: pd.DataFrame) -> tuple[Floats, Floats, float]:
    """Return posterior means and standard deviations of the accounts' rates, and the unit's rate."""
    rows = history[history["revenue_costed"] > 0]
    unit = float(rows["margin"].sum() / rows["revenue_costed"].sum())
    each = rows.groupby("account_id")
    sums = each[["revenue_costed", "margin"]].sum()
    own = sums["margin"] / sums["revenue_costed"]
    away = rows["margin"] - rows["account_id"].map(own) * rows["revenue_costed"]
    # squared weights of an account's quarters: 1 ÷ their effective number
    weights = (rows["revenue_costed"] / rows["account_id"].map(sums["revenue_costed"])) ** 2
    inverse_n = weights.groupby(rows["account_id"]).sum()
    spread = (away / rows["revenue_costed"]) ** 2
    free = max(len(rows) - len(own), 1)
    within = max(float(spread.sum()) / free, 1e-8)
    variance = within * inverse_n
    # between accounts, by moments; what sampling alone makes is taken off
    middle = float(np.average(own, weights=1 / variance))
    between = max(float(((own - middle) ** 2 - variance).mean()), 1e-8)
    weight = between / (between + variance)
    mean = (middle + weight * (own - middle)).reindex(accounts).fillna(middle)
    sd = np.sqrt(between * (1 - weight)).reindex(accounts).fillna(np.sqrt(between))
    return mean.to_numpy(), sd.to_numpy(), unit


def _daily_costs(accounts: pd.Series, history: pd.DataFrame) -> tuple[Floats, Floats]:
    """Return means and standard errors of the accounts' cost to serve of a day."""
    rows = history[history["cost_to_serve"].notna()]
    each = rows.groupby("account_id")["cost_to_serve"]
    mean, n = each.mean(), each.size()
    away = rows["cost_to_serve"] - rows["account_id"].map(mean)
    free = (rows["account_id"].map(n) - 1).clip(lower=0) / rows["account_id"].map(n)
    scale = float((rows["account_id"].map(mean).clip(lower=0) * free).sum())
    factor = float((away**2).sum()) / scale if scale > 0 else 0.0
    error = np.sqrt(factor * mean.clip(lower=0) / n)
    typical = float(mean.median()) if len(mean) else 0.0
    filled = mean.reindex(accounts).fillna(typical), error.reindex(accounts).fillna(typical)
    return filled[0].to_numpy() / _DAYS, filled[1].to_numpy() / _DAYS
