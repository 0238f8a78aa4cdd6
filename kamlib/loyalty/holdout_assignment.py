"""Who is drawn to the programme and who stays outside: the list with which a trial starts."""

from __future__ import annotations

import hashlib
from fractions import Fraction

import numpy as np
import pandas as pd

from kamlib.book.schemas import TIERS
from kamlib.glossary import Sentence
from kamlib.loyalty.effects.assignment import sample_ratio
from kamlib.loyalty.effects.overlap import balance
from kamlib.loyalty.effects.sample import Sample
from kamlib.loyalty.holdout import groups_needed
from kamlib.loyalty.holdout_facts import HoldoutFacts
from kamlib.params import LoyaltyRoiParams
from kamlib.results import Check, Estimate, one_row, refusal

APART_MAX = 0.25
PROGRAMME, OUTSIDE = "1", "control"
_FILE = [
    "trial_id",
    "account_id",
    "arm",
    "assigned_on",
    "cluster",
    "name",
    "tier_in_force",
    "stratum",
]
_BLOCK_MAX = 10
_ROUNDING = 1e-9


def assignment(facts: HoldoutFacts, rules: LoyaltyRoiParams) -> Estimate:
    """Draw whole groups to the programme or to no programme, alike in tier and size.

    Within a tier (that of the group's largest account) groups are ranked by what they brought in the
    last year and split into blocks of neighbours – pairs, where half are drawn. Groups that fill no
    block of their tier are ranked together, and what is left over once more stands alone. A group's lot
    is read from the seed and its name, and the lowest lots of a block are drawn; so neither the order
    of rows nor any library's source of chance matters.

    Parameters
    ----------
    facts
        As `holdout_facts` gives them.
    rules
        `trial_share` (taken as the nearest fraction with a denominator of ten at most),
        `trial_starts_on`, `seed`.

    Returns
    -------
    Estimate
        One row per account, the columns of table `trials` first: `trial_id`, `account_id`, `arm`
        ("1" or "control"), `assigned_on` (unknown unless the parameters state it; the table needs
        it), `cluster` (its group), then `name`, `tier_in_force`, `stratum` (number of the block).
        Checks: no group on both sides, groups alike in both arms (below a quarter of a standard
        deviation), and counts as planned. Refused below eight groups on either side.

    References
    ----------
    Imai, K., King, G. and Nall, C. (2009). The essential role of pair matching in cluster-randomized
    experiments. Statistical Science 24, 29–53. doi:10.1214/08-STS274
    """
    name, people = "holdout_assignment", facts.accounts
    groups, need = _groups(people), groups_needed(rules.trial_share)
    told = {"n": len(people), "groups": len(groups), "need": need, "as_of": facts.day}
    if len(groups) < need:
        return refusal(name, "loyalty_holdout.few", **told, taken=facts.n_taken)
    share = Fraction(rules.trial_share).limit_denominator(_BLOCK_MAX)
    drawn = _drawn(groups, share, rules.seed)
    frame = people[["account_id", "name", "cluster", "tier_in_force"]].join(
        drawn[["arm", "stratum"]], on="cluster"
    )
    frame = frame.assign(
        trial_id=f"holdout-{facts.day.isoformat()}",
        assigned_on=pd.Series(rules.trial_starts_on, frame.index, dtype="datetime64[ns]"),
    )
    frame = frame.sort_values(["stratum", "cluster", "account_id"], ignore_index=True)[_FILE]
    inside = int((frame["arm"] == PROGRAMME).sum())
    values = told | {"drawn": inside, "held": len(frame) - inside, "seed": rules.seed,
                     "start": rules.trial_starts_on}  # fmt: skip
    dated = "loyalty_holdout.drawn_on" if rules.trial_starts_on else "loyalty_holdout.drawn"
    checks = (_whole(frame), _alike(drawn), _counts(frame, drawn, float(share)))
    summary = one_row(len(frame), "blocks within tiers, by lot", n_clusters=len(groups),
                      seed=rules.seed, n_treated=inside)  # fmt: skip
    return Estimate(name, frame, summary, Sentence(dated, values), checks)


def lot(seed: int, cluster: str) -> float:
    """Return the lot of a group, even over 0 to 1, the same for a seed and a name for ever.

    Examples
    --------
    >>> lot(1, "g1") == lot(1, "g1"), lot(1, "g1") == lot(2, "g1"), 0 <= lot(1, "g1") < 1
    (True, False, True)
    """
    digest = hashlib.sha256(f"{seed}|{cluster}".encode()).digest()
    return int.from_bytes(digest[:6]) / 256**6


def _groups(people: pd.DataFrame) -> pd.DataFrame:
    """Return one row per group, in an order that the rows' does not change."""
    rows = people.sort_values("account_id", ignore_index=True)
    rows = rows.assign(size=_size(rows))
    largest = rows.sort_values("size", ascending=False, kind="stable").drop_duplicates("cluster")
    groups = rows.groupby("cluster").agg(
        size=("size", "sum"), n_orders=("n_orders", "sum"), n_accounts=("account_id", "size")
    )
    return groups.assign(tier=largest.set_index("cluster")["tier_in_force"])


def _size(rows: pd.DataFrame) -> pd.Series:
    """Return what accounts brought; where costs are unknown, what their revenue would usually leave."""
    known = rows["amount"].notna()
    revenue = rows.loc[known, "revenue"].sum()
    rate = rows.loc[known, "amount"].sum() / revenue if revenue > 0 else 0.0
    found: pd.Series = rows["amount"].fillna(rate * rows["revenue"]).fillna(0.0)
    return found


def _drawn(groups: pd.DataFrame, share: Fraction, seed: int) -> pd.DataFrame:
    """Return groups with `stratum` and `arm`."""
    places = {tier: place for place, tier in enumerate(TIERS)}
    rows = groups.assign(
        place=groups["tier"].map(places).fillna(len(TIERS)),
        lot=[lot(seed, str(cluster)) for cluster in groups.index],
    )
    rows = rows.sort_values(["place", "size", "cluster"], ascending=[True, False, True])
    block = share.denominator
    rank = rows.groupby("place").cumcount()
    fills = rank < rows.groupby("place")["size"].transform("size") // block * block
    # a whole block first, then those over by size, whatever their tier
    full = rows[fills]
    over = rows[~fills].sort_values(["size", "cluster"], ascending=[False, True])
    rows = pd.concat([full, over])
    rows["stratum"] = np.arange(len(rows)) // block + 1
    order = rows.groupby("stratum")["lot"].rank(method="first")
    size = rows.groupby("stratum")["lot"].transform("size")
    # a part of a group cannot be drawn from a block that is not full: a lot rounds it up or down
    places_drawn = np.floor(size * float(share) + np.where(size < block, lot(seed, ""), _ROUNDING))
    return rows.assign(arm=np.where(order <= places_drawn, PROGRAMME, OUTSIDE))


def _whole(frame: pd.DataFrame) -> Check:
    arms = frame.groupby("cluster")["arm"].nunique()
    mixed = int((arms > 1).sum())
    values = {"n": mixed, "of": len(arms)}
    return Check("holdout_groups_whole", mixed == 0, Sentence("loyalty_holdout.whole", values))


def _alike(drawn: pd.DataFrame) -> Check:
    known = drawn[["size", "n_orders", "n_accounts"]].to_numpy(np.float64)
    inside = (drawn["arm"] == PROGRAMME).to_numpy()
    names = ("brought in the last year, per month", "n_orders", "n_accounts")
    sample = Sample(known[:, 0], inside, known, names, "size", "money", None)
    found = balance(sample, None).rename(
        columns={"mean_treated": "mean_drawn", "mean_control": "mean_held_out",
                 "smd_before": "apart"}
    )  # fmt: skip
    frame = found[["covariate", "mean_drawn", "mean_held_out", "apart"]].fillna({"apart": 0.0})
    worst = frame["apart"].abs().max()
    values = {"worst": worst, "most": APART_MAX, "n": len(frame), "groups": len(drawn)}
    alike = bool(worst <= APART_MAX)
    key = "loyalty_holdout.alike" if alike else "loyalty_holdout.not_alike"
    return Check("holdout_alike", alike, Sentence(key, values), frame)


def _counts(frame: pd.DataFrame, drawn: pd.DataFrame, share: float) -> Check:
    inside, groups = (int((rows["arm"] == PROGRAMME).sum()) for rows in (frame, drawn))
    counts = {PROGRAMME: groups, OUTSIDE: len(drawn) - groups}
    found = sample_ratio(counts, {PROGRAMME: share, OUTSIDE: 1 - share}, name="holdout_ratio")
    values = {"groups": groups, "of": len(drawn), "accounts": inside, "n": len(frame),
              "planned": share, "p": float(found["p_value"])}  # fmt: skip
    sound = bool(found.checks[0].passed)
    key = "loyalty_holdout.counts" if sound else "loyalty_holdout.counts_off"
    return Check("holdout_ratio", sound, Sentence(key, values))
