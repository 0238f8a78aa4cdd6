"""What serving an account costs as it stays: the same accounts, followed from year to year."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from kamlib.glossary import Sentence
from kamlib.results import Check, Estimate, one_row, refusal
from kamlib.value.profit.facts import COSTS

Floats = NDArray[np.float64]
MIN_CLUSTERS = 10


def cost_by_tenure(panel: pd.DataFrame, *, conf_level: float) -> Estimate:
    """Cost to serve per unit of revenue by year of tenure, within account.

    Weighted least squares of cost ÷ revenue on years of tenure with a level of its own for every
    account, weighted by revenue, so that unequal accounts count by what they buy; errors by leaving
    out one account at a time. A year of tenure is also a year of the calendar: what becomes dearer
    for all accounts alike is in the figure.

    Parameters
    ----------
    panel
        One row per account and `tenure_years`: `account_id`, `revenue`, `cost_to_serve`
        (`profit_facts.tenure_facts`). Rows without positive revenue are left out and counted.
    conf_level
        Level of the intervals.

    Returns
    -------
    Estimate
        Frame: one row per `tenure_years`; years with fewer than 10 accounts are joined to the last
        that has them: `n_accounts`, `pooled_rate` (Σ cost ÷ Σ revenue, whoever was there),
        `within_rate`, `rate_low`, `rate_high`, `conf_level` – the rate that the same accounts would
        show, around the unit's mean. Summary: `slope` per year of tenure with `slope_low`,
        `slope_high`, `n_accounts` with at least two years.

    References
    ----------
    Wooldridge, J. M. (2010). Econometric Analysis of Cross Section and Panel Data, 2nd ed., MIT
    Press, section 10.5. MacKinnon, J. G., Nielsen, M. Ø. and Webb, M. D. (2023). Cluster-robust
    inference. Journal of Econometrics 232, 272–299 (CV3, the cluster jackknife).
    doi:10.1016/j.jeconom.2022.04.001
    """
    rows = panel[(panel["revenue"] > 0) & panel["cost_to_serve"].notna()]
    rows = rows.sort_values(["account_id", "tenure_years"], kind="stable")
    many = rows.groupby("account_id")["tenure_years"].transform("nunique") > 1
    n_moving = int(rows.loc[many, "account_id"].nunique())
    if n_moving < MIN_CLUSTERS:
        return refusal("cost_by_tenure", "returns.tenure_few", n=n_moving, need=MIN_CLUSTERS)
    stayed = rows["tenure_years"].to_numpy(dtype=np.float64)
    rows = rows.assign(tenure_years=_joined(rows, many))
    rate = (rows["cost_to_serve"] / rows["revenue"]).to_numpy()
    weight = rows["revenue"].to_numpy(dtype=np.float64)
    account, _ = pd.factorize(rows["account_id"])
    years = rows["tenure_years"].to_numpy(dtype=np.float64)
    slope, drawn = _within(stayed[:, None], rate, weight, account)
    error = _jackknife_error(drawn)
    q = float(stats.t.ppf((1 + conf_level) / 2, n_moving - 1))
    low, high = (float(slope[0] + sign * q * error[0]) for sign in (-1, 1))

    bins = np.unique(years)
    groups = rows.groupby("tenure_years")
    frame = groups.agg(
        n_accounts=("account_id", "nunique"), spent=("cost_to_serve", "sum"),
        sold=("revenue", "sum"),
    ).reset_index()  # fmt: skip
    frame["pooled_rate"] = frame["spent"] / frame["sold"]
    # deviations from the revenue-weighted mean, so that no year is the reference
    mean = weight @ (years[:, None] == bins) / weight.sum()
    centre = np.eye(len(bins)) - mean
    shape, drawn = _within((years[:, None] == bins).astype(np.float64), rate, weight, account)
    level = float(weight @ rate / weight.sum())
    frame["within_rate"] = level + centre @ shape
    spread = q * _jackknife_error(drawn @ centre.T)
    frame["rate_low"] = frame["within_rate"] - spread
    frame["rate_high"] = frame["within_rate"] + spread
    frame["conf_level"] = conf_level
    relative = [value / abs(level) for value in (float(slope[0]), low, high)]
    values = dict(zip(("slope", "low", "high"), relative, strict=True)) | {
        "level": conf_level, "n": n_moving, "mean": level,
    }  # fmt: skip
    key = ("returns.tenure_falls" if high < 0
           else "returns.tenure_rises" if low > 0 else "returns.tenure_open")  # fmt: skip
    dropped = len(panel) - len(rows)
    check = Check(
        "tenure_rows",
        dropped == 0,
        Sentence("returns.tenure_dropped", {"n": dropped, "of": len(panel)}),
    )
    summary = one_row(
        n_moving, "within account, weighted by revenue, cluster jackknife", conf_level,
        slope=float(slope[0]), slope_low=low, slope_high=high, n_accounts=n_moving,
    )  # fmt: skip
    columns = ["tenure_years", "n_accounts", "pooled_rate", "within_rate", "rate_low", "rate_high",
               "conf_level"]  # fmt: skip
    return Estimate("cost_by_tenure", frame[columns], summary, Sentence(key, values), (check,))


def cost_slopes(panel: pd.DataFrame, *, per: str = "revenue", conf_level: float) -> Estimate:
    """Change per year of tenure, within account, of the cost to serve and of each of its parts.

    Parameters
    ----------
    panel
        As for `cost_by_tenure`, with the parts of `profit_facts.COSTS`.
    per
        What the cost is held against: "revenue", or "n_months" – months of the relation, which the
        account's prices and volumes do not move.
    conf_level
        Level of the intervals.

    Returns
    -------
    Estimate
        Frame: one row per known part: `part`, `mean_rate` (Σ cost ÷ Σ of `per`), `slope`,
        `slope_low`, `slope_high` per year as shares of that mean, `conf_level`, `n_obs`.
    """
    rows = panel[panel[per] > 0]
    account, names = pd.factorize(rows["account_id"])
    many = int((rows.groupby("account_id")["tenure_years"].nunique() > 1).sum())
    if many < MIN_CLUSTERS:
        return refusal("cost_slopes", "returns.tenure_few", n=many, need=MIN_CLUSTERS)
    weight = rows[per].to_numpy(dtype=np.float64)
    years = rows["tenure_years"].to_numpy(dtype=np.float64)[:, None]
    q = float(stats.t.ppf((1 + conf_level) / 2, many - 1))
    found = []
    for part in COSTS:
        if rows[part].isna().any() or not rows[part].any():
            continue
        cost = rows[part].to_numpy(dtype=np.float64)
        mean = float(cost.sum() / weight.sum())
        slope, drawn = _within(years, cost / weight, weight, account)
        half = q * float(_jackknife_error(drawn)[0]) / abs(mean)
        middle = float(slope[0]) / abs(mean)
        found.append((part, mean, middle, middle - half, middle + half, conf_level, many))
    columns = ["part", "mean_rate", "slope", "slope_low", "slope_high", "conf_level", "n_obs"]
    frame = pd.DataFrame(found, columns=columns)
    if frame.empty:
        return refusal("cost_slopes", "returns.unknown")
    moved = frame.iloc[1:] if len(frame) > 1 else frame
    steep = moved.loc[moved["slope"].abs().idxmax()]
    values = {"part": steep["part"], "slope": steep["slope"], "low": steep["slope_low"],
              "high": steep["slope_high"], "level": conf_level, "n": many}  # fmt: skip
    method = f"within account, weighted by {per}, cluster jackknife"
    note = Sentence("returns.slopes", values)
    return Estimate("cost_slopes", frame, one_row(len(names), method, conf_level), note)


def _joined(rows: pd.DataFrame, many: pd.Series) -> pd.Series:
    """Return years of tenure with thin late ones joined to the last that has enough accounts."""
    counts = rows[many].groupby("tenure_years")["account_id"].nunique()
    enough = counts[counts >= MIN_CLUSTERS].index
    years = rows["tenure_years"]
    last = int(enough.max()) if len(enough) else int(years.min())
    first = int(enough.min()) if len(enough) else int(years.min())
    return years.clip(first, last)


def _within(x: Floats, y: Floats, w: Floats, account: NDArray[np.intp]) -> tuple[Floats, Floats]:
    """Return coefficients within account, and those without each account in turn, (n, k)."""
    n = int(account.max()) + 1
    total = np.bincount(account, w, n)

    def centred(values: Floats) -> Floats:
        mean: Floats = np.bincount(account, w * values, n) / total
        return values - mean[account]

    x = np.column_stack([centred(column) for column in x.T])
    y = centred(y)
    k = x.shape[1]
    cross = np.zeros((n, k, k))
    np.add.at(cross, account, w[:, None, None] * x[:, :, None] * x[:, None, :])
    moment = np.zeros((n, k))
    np.add.at(moment, account, (w * y)[:, None] * x)
    whole, moments = cross.sum(axis=0), moment.sum(axis=0)
    # accounts seen in one year only say nothing of a change
    telling = np.einsum("nkk->n", cross) > 0
    without = np.linalg.pinv(whole - cross[telling], hermitian=True)
    drawn: Floats = np.einsum("nij,nj->ni", without, moments - moment[telling])
    return np.linalg.pinv(whole, hermitian=True) @ moments, drawn


def _jackknife_error(drawn: Floats) -> Floats:
    n = len(drawn)
    error: Floats = np.sqrt((n - 1) / n * np.sum((drawn - drawn.mean(axis=0)) ** 2, axis=0))
    return error
