"""Product lines that similar accounts buy and an account does not."""

from __future__ import annotations

import numpy as np
import pandas as pd

SIMILAR = 20
COMMON = 0.5


def white_space(lines: pd.DataFrame, who: pd.DataFrame) -> pd.DataFrame:
    """Product lines that similar accounts buy and an account does not.

    Parameters
    ----------
    lines
        One row per account and product line with revenue of the twelve months: `account_id`,
        `product_line`.
    who
        One row per account: `account_id`, `segment`, `revenue`.

    Returns
    -------
    DataFrame
        One row per account of `who`: `account_id`, `n_white_space`, `white_space` (names, most bought
        first): lines that at least half of the similar accounts buy. Similar are the up to 20
        accounts of the same segment that are nearest in revenue. Empty without product lines.

    Examples
    --------
    >>> lines = pd.DataFrame({"account_id": list("aabbc"), "product_line": list("xyxyx")})
    >>> who = pd.DataFrame({"account_id": list("abc"), "segment": "s", "revenue": [3.0, 2.0, 1.0]})
    >>> white_space(lines, who)["white_space"].tolist()
    ['', '', 'y']
    """
    columns = ["account_id", "n_white_space", "white_space"]
    if lines.empty or who.empty:
        return pd.DataFrame(columns=columns)
    bought = pd.crosstab(lines["account_id"], lines["product_line"]).gt(0)
    names = bought.columns.to_numpy(dtype=object)
    rows = []
    ordered = who.assign(segment=who["segment"].fillna("")).sort_values(["revenue", "account_id"])
    for _, group in ordered.groupby("segment", sort=True):
        buys = bought.reindex(group["account_id"], fill_value=False).to_numpy(dtype=np.float64)
        size = np.log(group["revenue"].clip(lower=1.0).to_numpy(dtype=np.float64))
        for i, account in enumerate(group["account_id"]):
            # those nearest in revenue stand next to it in the order of revenue
            low, high = max(0, i - SIMILAR), i + SIMILAR + 1
            near = np.delete(np.arange(low, min(high, len(size))), i - low)
            near = near[np.argsort(np.abs(size[near] - size[i]), kind="stable")[:SIMILAR]]
            share = buys[near].mean(axis=0) if len(near) else np.zeros(len(names))
            open_ = np.flatnonzero((share >= COMMON) & (buys[i] == 0))
            open_ = open_[np.argsort(-share[open_], kind="stable")]
            rows.append((account, len(open_), ", ".join(names[open_])))
    found = pd.DataFrame(rows, columns=columns).set_index("account_id")
    return found.loc[who["account_id"]].reset_index()
