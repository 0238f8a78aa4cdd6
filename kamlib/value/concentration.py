"""How much of the business rests on how few accounts."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kamlib.glossary import Sentence
from kamlib.results import Check, Estimate, one_row, refusal
from kamlib.stats.resampling import bootstrap_t_share

Floats = NDArray[np.float64]
FEW = 100


def lorenz(facts: pd.DataFrame) -> Estimate:
    """Lorenz curve of revenue over the accounts that brought any.

    Parameters
    ----------
    facts
        One row per account with `revenue`. Accounts with revenue of zero or less are left out and
        counted: a share of a total makes no sense where parts of it are negative.

    Returns
    -------
    Estimate
        Frame: one row per account from the smallest up, and the origin: `share_accounts`,
        `share_revenue`, both cumulative. A full count: no sampling error.

    References
    ----------
    Lorenz, M. O. (1905). Methods of measuring the concentration of wealth. Publications of the
    American Statistical Association 9, 209–219. doi:10.2307/2276207

    Examples
    --------
    >>> curve = lorenz(pd.DataFrame({"revenue": [1.0, 3.0]}))
    >>> curve.frame["share_revenue"].tolist()
    [0.0, 0.25, 1.0]
    """
    amounts, left_out = _positive(facts)
    if len(amounts) == 0:
        return refusal("lorenz", "lorenz.nothing", n=len(facts))
    rising = amounts[::-1]
    shares = np.concatenate([[0.0], np.cumsum(rising) / rising.sum()])
    steps = np.arange(len(shares)) / len(rising)
    frame = pd.DataFrame({"share_accounts": steps, "share_revenue": shares})
    values = {"n": len(amounts), "half": 1 - float(np.interp(0.5, steps, shares))}
    note = Sentence("lorenz.note", values)
    return Estimate("lorenz", frame, one_row(len(amounts), "full count"), note, (left_out,))


def concentration(
    facts: pd.DataFrame,
    *,
    top_share: float,
    bulk_share: float,
    conf_level: float,
    draws: int,
    rng: np.random.Generator,
) -> Estimate:
    """Gini coefficient, part of the top accounts, and fewest accounts that make the bulk.

    Parameters
    ----------
    facts
        One row per account: `revenue` and, where there is a year before, `revenue_before`.
    top_share
        Share of accounts, largest first, whose part of revenue is stated; the account at the
        boundary counts in proportion.
    bulk_share
        Part of revenue for which the smallest share of accounts is sought.
    conf_level, draws, rng
        Of the bootstrap-t intervals; see `kamlib.stats.resampling`.

    Returns
    -------
    Estimate
        Frame: one row per term: `gini`, `top_share_revenue`, `top_share_before` (part of this
        year's revenue held by those who were largest the year before: free of the luck that puts
        an account at the top of its own year), `bulk_share_accounts`; columns `term`, `estimate`,
        `conf_low`, `conf_high`, `conf_level`, `n_obs`.
        Summary: also `bulk_accounts`, the number of accounts that make the bulk.

    References
    ----------
    Gini, C. (1914), reprinted Metron 63 (2005), 3–38. Cowell, F. (2011). Measuring Inequality,
    3rd ed., Oxford, section A.4 (influence functions).

    Examples
    --------
    >>> cities = pd.DataFrame({"revenue": [1.0, 1.0, 1.0, 5.0]})
    >>> found = concentration(cities, top_share=0.25, bulk_share=0.8, conf_level=0.95,
    ...                       draws=200, rng=np.random.default_rng(1))
    >>> found.frame["estimate"].round(3).tolist()
    [0.375, 0.625, 0.6]
    """
    amounts, left_out = _positive(facts)
    n_obs = len(amounts)
    if n_obs < 2:
        return refusal("concentration", "concentration.too_few", n=n_obs)
    terms = ["gini", "top_share_revenue", "bulk_share_accounts"]
    statistics = [_curve_statistics(amounts, top_share, bulk_share)]
    has_before = facts["revenue_before"].gt(0).any() if "revenue_before" in facts else False
    if has_before:
        terms.insert(2, "top_share_before")
        statistics.append(_ranked_before(facts, top_share))

    def all_statistics(weights: Floats) -> tuple[Floats, Floats]:
        parts = [one(weights) for one in statistics]
        order = [0, 1, 3, 2] if has_before else [0, 1, 2]
        return tuple(np.concatenate([p[i] for p in parts], axis=1)[:, order] for i in (0, 1))  # type: ignore[return-value]

    low, high, made = bootstrap_t_share(
        all_statistics, n_obs, draws=draws, conf_level=conf_level, rng=rng
    )
    estimate = all_statistics(np.ones((1, n_obs)))[0][0]
    frame = pd.DataFrame(
        {
            "term": terms, "estimate": estimate, "conf_low": low, "conf_high": high,
            "conf_level": conf_level, "n_obs": n_obs,
        }
    )  # fmt: skip
    by_term = frame.set_index("term")
    n_bulk = int(np.searchsorted(np.cumsum(amounts), bulk_share * amounts.sum() * (1 - 1e-12)) + 1)
    summary = one_row(n_obs, f"bootstrap-t, {made} draws", conf_level, bulk_accounts=n_bulk)
    values = {
        "top": top_share, "share": by_term["estimate"]["top_share_revenue"],
        "low": by_term["conf_low"]["top_share_revenue"],
        "high": by_term["conf_high"]["top_share_revenue"], "level": conf_level, "n": n_obs,
        "gini": by_term["estimate"]["gini"], "bulk": bulk_share, "n_bulk": n_bulk,
    }  # fmt: skip
    few = n_obs < FEW
    size = Check(
        "enough_accounts",
        not few,
        Sentence("concentration.few" if few else "concentration.enough", {"n": n_obs, "need": FEW}),
    )
    note = Sentence("concentration.note", values)
    return Estimate("concentration", frame, summary, note, (left_out, size))


def _positive(facts: pd.DataFrame) -> tuple[Floats, Check]:
    """Return positive revenues, largest first, and a check that counts the rest."""
    revenue = facts["revenue"].to_numpy(dtype=np.float64)
    amounts = np.sort(revenue[revenue > 0])[::-1]
    credits = revenue < 0
    values = {"n": int(credits.sum()), "amount": float(-revenue[credits].sum())}
    key = "concentration.credits" if credits.any() else "concentration.no_credits"
    return amounts, Check("no_net_credits", not credits.any(), Sentence(key, values))


def _curve_statistics(
    amounts: Floats, top: float, bulk: float
) -> Callable[[Floats], tuple[Floats, Floats]]:
    """Return gini, top share and bulk share of weighted accounts, with their standard errors.

    `amounts` fall; P and Q are cumulative shares of accounts and revenue from the largest down, of
    shape (n_draws, n + 1). Standard errors come from the influence functions.
    """
    x = amounts

    def statistics(weights: Floats) -> tuple[Floats, Floats]:
        n = weights.shape[1]
        accounts, revenue = np.cumsum(weights, axis=1), np.cumsum(weights * x, axis=1)
        zero = np.zeros((len(weights), 1))
        p = np.concatenate([zero, accounts / n], axis=1)
        q = np.concatenate([zero, revenue / revenue[:, -1:]], axis=1)
        mean = revenue[:, -1:] / n
        gini = np.sum(np.diff(p) * (q[:, 1:] + q[:, :-1]), axis=1) - 1
        below = 1 - (p[:, 1:] + p[:, :-1]) / 2
        above = (revenue - weights * x / 2) / n
        gini_parts = (2 * (x * below + above) - (1 + gini[:, None]) * x) / mean
        held, slope, at = _inverse(p, q, x, mean, top)
        inside = np.arange(n) <= at[:, None]
        edge = slope * mean
        top_parts = ((x - edge) * inside - held[:, None] * x) / mean
        needed, _, at = _inverse(q, p, x, mean, bulk)
        inside = np.arange(n) <= at[:, None]
        edge = x[at][:, None]
        bulk_parts = -((x - edge) * inside - bulk * x) / edge
        estimates = np.column_stack([gini, held, needed])
        errors = [_error(parts, weights) for parts in (gini_parts, top_parts, bulk_parts)]
        return estimates, np.column_stack(errors)

    return statistics


def _inverse(
    along: Floats, wanted: Floats, x: Floats, mean: Floats, level: float
) -> tuple[Floats, Floats, NDArray[np.int64]]:
    """Read `wanted` where `along` reaches `level`: value, slope of the curve, account reached."""
    row = np.arange(len(along))
    # rounding must not push the reading one account on
    k = np.clip(np.sum(along < level - 1e-12, axis=1), 1, along.shape[1] - 1)
    before, after = along[row, k - 1], along[row, k]
    part = np.where(after > before, (level - before) / np.maximum(after - before, 1e-300), 1.0)
    value = wanted[row, k - 1] + part * (wanted[row, k] - wanted[row, k - 1])
    return value, x[k - 1][:, None] / mean, k - 1


def _error(parts: Floats, weights: Floats) -> Floats:
    """Standard error of a mean of influence values under weights."""
    n = weights.shape[1]
    centred = parts - np.sum(weights * parts, axis=1, keepdims=True) / n
    error: Floats = np.sqrt(np.sum(weights * centred**2, axis=1) / (n - 1) / n)
    return error


def _ranked_before(facts: pd.DataFrame, top: float) -> Callable[[Floats], tuple[Floats, Floats]]:
    """Return the part of revenue held by the top accounts of the year before, with its error."""
    chosen = facts[facts["revenue"] > 0].sort_values("revenue", ascending=False, kind="stable")
    x = chosen["revenue"].to_numpy(dtype=np.float64)
    before = chosen["revenue_before"].fillna(0.0).to_numpy(dtype=np.float64)
    order = np.argsort(-before, kind="stable")

    def statistics(weights: Floats) -> tuple[Floats, Floats]:
        w, ranked = weights[:, order], x[order]
        n = w.shape[1]
        counted = np.cumsum(w, axis=1)
        part = np.clip((top * n - (counted - w)) / np.maximum(w, 1e-300), 0.0, 1.0)
        total = np.sum(w * ranked, axis=1, keepdims=True)
        held = np.sum(w * part * ranked, axis=1, keepdims=True) / total
        parts = ranked * (part - held) / (total / n)
        return held, _error(parts, w)[:, None]

    return statistics


def robustness(facts: pd.DataFrame, *, top_share: float, bulk_share: float) -> Estimate:
    """Gini and top share once more, without the largest account and for the year before.

    Returns
    -------
    Estimate
        Frame: one row per `scenario`: `gini`, `top_share_revenue`, `bulk_share_accounts`, `n_obs`.
        Note: by how much the top share moves at the most.
    """
    columns = ["gini", "top_share_revenue", "bulk_share_accounts"]
    amounts, _ = _positive(facts)
    before = facts["revenue_before"].dropna().to_numpy(dtype=np.float64)
    scenarios = {
        "all accounts": amounts,
        "without the largest account": amounts[1:],
        "the year before": np.sort(before[before > 0])[::-1],
    }
    rows = []
    for name, values in scenarios.items():
        if len(values) >= 2:
            found = _curve_statistics(values, top_share, bulk_share)(np.ones((1, len(values))))
            rows.append((name, *found[0][0], len(values)))
    if len(rows) < 2:
        return refusal("robustness", "concentration.too_few", n=len(amounts))
    frame = pd.DataFrame(rows, columns=["scenario", *columns, "n_obs"])
    held = frame["top_share_revenue"]
    moved = float((held - held.iloc[0]).abs().max())
    key = (
        "concentration.robust"
        if "the year before" in set(frame["scenario"])
        else ("concentration.robust_alone")
    )
    note = Sentence(key, {"top": top_share, "moved": moved})
    return Estimate("robustness", frame, one_row(len(amounts), "full count"), note)
