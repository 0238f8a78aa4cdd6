"""Who moved between tiers: promoted, demoted, new and lost, and what moved them."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kamlib.book.schemas import TIERS
from kamlib.glossary import Sentence
from kamlib.params import EvaluationStandardParams
from kamlib.results import Estimate, none_found, one_row, refusal
from kamlib.value.standard.scorecard import PARTS, Standard, criterion_scores, weighted

BECAME_KEY, NO_LONGER_KEY = "became key", "no longer key"

Floats = NDArray[np.float64]
NEW, LOST = "new", "lost"


def year_before(tiers: pd.DataFrame) -> pd.Timestamp | None:
    """Return the evaluation date a year before the last one, or None where there is none."""
    last = tiers["evaluated_on"].max()
    day = last - pd.DateOffset(years=1) + pd.offsets.MonthEnd(0)
    return day if (tiers["evaluated_on"] == day).any() else None


def _pair(tiers: pd.DataFrame, start: pd.Timestamp, end: pd.Timestamp) -> pd.DataFrame:
    """Return one row per account of either date, `_then` and `_now`; without a tier: not there."""
    known = tiers[tiers["tier"].notna()]
    then, now = (known[known["evaluated_on"] == d].set_index("account_id") for d in (start, end))
    return then.join(now, how="outer", lsuffix="_then", rsuffix="_now").sort_index()


def migration(tiers: pd.DataFrame, start: pd.Timestamp | None) -> Estimate:
    """Share of the accounts of each tier that are in each tier a period later.

    Parameters
    ----------
    tiers
        One row per account and evaluation date: `account_id`, `evaluated_on`, `tier`.
    start
        Evaluation date from which accounts are followed to the last one.

    Returns
    -------
    Estimate
        Frame: one row per pair of `tier_then` (a tier, or new: not listed then) and `tier_now` (a
        tier, or lost: not listed any more): `n_accounts`, `share_accounts` of those of `tier_then`;
        shares of a tier sum to 1, and a tier without accounts has none. Summary: `n_promoted`,
        `n_demoted`, `n_new`, `n_lost`, `n_stayed`. A full count: no sampling error.

    Examples
    --------
    >>> days = pd.to_datetime(["2023-12-31"] * 2 + ["2024-12-31"])
    >>> rows = pd.DataFrame({"account_id": ["a", "b", "a"], "evaluated_on": days,
    ...                      "tier": ["iron", "gold", "gold"]})
    >>> moved = migration(rows, days[0])
    >>> int(moved["n_promoted"]), int(moved["n_lost"])
    (1, 1)
    """
    if tiers["tier"].isna().all():
        return refusal("migration", "tiers.nothing")
    if start is None:
        return refusal("migration", "migration.no_year")
    end = tiers["evaluated_on"].max()
    both = _pair(tiers, start, end)
    then, now = both["tier_then"].fillna(NEW), both["tier_now"].fillna(LOST)
    pairs = pd.MultiIndex.from_product([[*TIERS, NEW], [*TIERS, LOST]])
    pairs = pairs.set_names(["tier_then", "tier_now"])[:-1]  # nobody is new and lost
    counts = both.groupby([then, now]).size().reindex(pairs, fill_value=0)
    frame = counts.to_frame("n_accounts").reset_index()
    totals = frame.groupby("tier_then")["n_accounts"].sum()
    total = frame["tier_then"].map(totals).to_numpy(dtype=np.float64)
    frame["share_accounts"] = frame["n_accounts"] / np.where(total > 0, total, np.nan)
    place = {tier: i for i, tier in enumerate(TIERS)}
    step = both["tier_now"].map(place) - both["tier_then"].map(place)
    values = {
        "start": start, "end": end, "n": int(both["tier_then"].notna().sum()),
        "promoted": int((step < 0).sum()), "demoted": int((step > 0).sum()),
        "stayed": int((step == 0).sum()), "new": int(both["tier_then"].isna().sum()),
        "lost": int(both["tier_now"].isna().sum()),
    }  # fmt: skip
    more = {f"n_{name}": values[name] for name in ("promoted", "demoted", "new", "lost", "stayed")}
    summary = one_row(values["n"], "full count", **more)
    return Estimate("migration", frame, summary, Sentence("migration.note", values))


def moves(
    tiers: pd.DataFrame,
    start: pd.Timestamp | None,
    standard: Standard,
    params: EvaluationStandardParams,
) -> Estimate:
    """Promotions and demotions of listed accounts, with what moved them.

    Returns
    -------
    Estimate
        Frame: one row per account whose tier changed, largest change first: `account_id`, `tier_then`,
        `tier_now`, `key_change` ("became key", "no longer key" or null), `score_then`, `score`, `criterion` (whose points moved most in the direction
        of the move), `criterion_change` (points), and the change of the account's standing among
        the accounts of each date: `standing_change` = `own_change` + `peers_change`. Standing is
        the score against the accounts of the same date (0–100), or by contribution one less the
        share that larger accounts make (in percent points); own change holds the account's new values
        against the peers of `start`, and the rest is the peers'. Summary: `n_promoted`, `n_demoted`,
        `n_key_lost` (accounts that left the key tiers). A full count.
    """
    columns = ["account_id", "tier_then", "tier_now", "key_change", "score_then", "score",
               "criterion", "criterion_change", "standing_change", "own_change", "peers_change"]  # fmt: skip
    if start is None or tiers.empty:
        return refusal("tier_moves", "migration.no_year")
    both = _pair(tiers, start, tiers["evaluated_on"].max())
    split = split_moves(tiers, start, standard, params)
    both = both[both["tier_then"].notna() & both["tier_now"].notna()]
    place = {tier: i for i, tier in enumerate(TIERS)}
    step = both["tier_then"].map(place) - both["tier_now"].map(place)
    both, step = both[step != 0], step[step != 0]
    points = [both[f"{p}_now"].fillna(0.0) - both[f"{p}_then"].fillna(0.0) for p in PARTS]
    change = np.column_stack(points) if len(both) else np.empty((0, len(PARTS)))
    most = np.argmax(change * np.sign(step.to_numpy(dtype=np.float64))[:, None], axis=1)
    criteria = np.array([part.removeprefix("part_") for part in PARTS], dtype=object)
    frame = pd.DataFrame(
        {
            "tier_then": both["tier_then"], "tier_now": both["tier_now"],
            "score_then": both["score_then"], "score": both["score_now"],
            "criterion": criteria[most], "criterion_change": change[np.arange(len(both)), most],
            "step": step.abs(),
        }
    ).reset_index()  # fmt: skip
    frame = frame.merge(split, on="account_id", how="left")
    gap = (frame["score"] - frame["score_then"]).abs()
    frame = frame.assign(gap=gap).sort_values(
        ["step", "gap", "account_id"], ascending=[False, False, True], ignore_index=True
    )
    if frame.empty:
        return none_found("tier_moves", "migration.nobody", start=start)
    up = frame["tier_now"].map(place) < frame["tier_then"].map(place)
    key_then, key_now = (frame[c].isin(params.key_tiers) for c in ("tier_then", "tier_now"))
    changes = [key_now & ~key_then, key_then & ~key_now]
    frame["key_change"] = [
        BECAME_KEY if gained else NO_LONGER_KEY if left else None
        for gained, left in zip(*changes, strict=True)
    ]
    won, lost = (int(change.sum()) for change in changes)
    rose = int(up.sum())
    summary = one_row(
        len(frame), "full count", n_promoted=rose, n_demoted=len(frame) - rose, n_key_lost=lost
    )
    values = {"start": start, "up": rose, "down": len(frame) - rose, "lost": lost, "won": won}
    return Estimate("tier_moves", frame[columns], summary, Sentence("migration.moves", values))


def split_moves(
    tiers: pd.DataFrame, start: pd.Timestamp, standard: Standard, params: EvaluationStandardParams
) -> pd.DataFrame:
    """Change of every account's standing among the accounts of each date, own and peers'.

    Returns
    -------
    DataFrame
        One row per account of both dates: `account_id`, `standing_change`, `own_change`,
        `peers_change`; the last two sum to the first. Under frozen scoring peers move nobody's
        score; this says what they did to its place.
    """
    then, now = (
        tiers[(tiers["evaluated_on"] == day) & tiers["tier"].notna()].set_index("account_id")
        for day in (start, tiers["evaluated_on"].max())
    )
    both = then.index.intersection(now.index)
    if params.tier_basis == "score":
        weights = np.array(list(standard.weights.values()))

        def against(rows: pd.DataFrame, peers: pd.DataFrame) -> Floats:
            known = {c: np.sort(peers[c].dropna().to_numpy(float)) for c in standard.weights}
            # a criterion that no peer has cannot be judged against them
            known = {c: values if len(values) else np.zeros(1) for c, values in known.items()}
            return weighted(criterion_scores(rows.loc[both], known), weights)

        before, own, after = against(then, then), against(now, then), against(now, now)
    else:
        before, own, after = _by_contribution(then["contribution"], now["contribution"], both)
    return pd.DataFrame(
        {
            "account_id": both, "standing_change": after - before, "own_change": own - before,
            "peers_change": after - own,
        }
    )  # fmt: skip


def _by_contribution(
    then: pd.Series, now: pd.Series, both: pd.Index
) -> tuple[Floats, Floats, Floats]:
    """Return standing before, with the new amount among the old others, and after, in points."""

    def against(amounts: pd.Series, replaced: Floats, peers: pd.Series) -> Floats:
        """Hold `amounts` against `peers`, in which each account's own amount `replaced` is not."""
        x = amounts.clip(lower=0).to_numpy(float)
        others = np.sort(peers.clip(lower=0).dropna().to_numpy(float))
        sums = np.concatenate([[0.0], np.cumsum(others)])
        total = sums[-1]
        larger = total - sums[np.searchsorted(others, x, side="right")]
        larger -= np.where(replaced > x, replaced, 0.0)
        whole = total - replaced + x
        with np.errstate(invalid="ignore", divide="ignore"):
            place = 1.0 - larger / whole
        return np.where(np.isnan(x), np.nan, np.where((x > 0) & (whole > 0), 100.0 * place, 0.0))

    was, new = then.loc[both].clip(lower=0), now.loc[both].clip(lower=0)
    old = was.to_numpy(float)
    return against(was, old, then), against(new, old, then), against(new, new.to_numpy(float), now)
