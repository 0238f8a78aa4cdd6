"""Price premium of service: what accounts that are served well pay of the list price beside the others.

An association and never an effect: whom a unit serves well it has chosen, and prices are agreed by other
things. The same account before and after its service changed comes closest, and may still have changed in
more than that.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from kamlib.errors import FitError
from kamlib.glossary import Sentence
from kamlib.loyalty.effects.regression import least_squares, standard_error
from kamlib.loyalty.effects.sample import Bools, Floats, Ints
from kamlib.loyalty.ladder.evidence import ARM_MIN
from kamlib.loyalty.price_premium_facts import PremiumFacts
from kamlib.results import Check, Estimate, one_row, refusal

KEPT = "Answers within the promised time"
RESPONSE = "Time to the first answer"
COMPLAINTS = "Complaints per case"
VISITS = "Visits per year"
PLAIN = "As it stands"
HELD = "Size, tier, product mix and year held equal"
WITHIN = "Within the same account"
# column of the facts -> its name, and whether more of it is better
_SERVICE = {
    "kept_share": (KEPT, 1.0),
    "response_hours": (RESPONSE, -1.0),
    "complaint_share": (COMPLAINTS, -1.0),
    "n_visits": (VISITS, 1.0),
}
_POINTS = 100
_DEPENDENT = 1e-7
_COLUMNS = ["service_measure", "approach", "evidence_grade", "premium_points", "premium_low",
            "premium_high", "n_account_years", "n_accounts"]  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class _Years:
    """Account-years with one kind of service known; n rows, or their distances from a mean."""

    points: Floats
    good: Bools | Floats
    account: Ints
    controls: Floats

    def rows(self, chosen: Bools) -> _Years:
        _, account = np.unique(self.account[chosen], return_inverse=True)
        return _Years(self.points[chosen], self.good[chosen], account, self.controls[chosen])


def price_premium(facts: PremiumFacts, *, conf_level: float = 0.95) -> Estimate:
    """Price realisation of accounts with good service less that of accounts with poor service.

    Service of a year is good where it is on the better side of that year's median.

    Parameters
    ----------
    facts
        Accounts by year.
    conf_level
        Of all intervals: errors clustered by account, Student's t with one degree of freedom less than
        there are accounts.

    Returns
    -------
    Estimate
        One row per kind of service and way of comparing: `service_measure`, `approach` (as it stands;
        with log list value, tier, shares of product lines and year held equal; the same within the
        account; a way that the records cannot carry is left out), `evidence_grade` (D), `premium_points` (percentage points of the list price) with
        `premium_low` and `premium_high`, `conf_level`, `n_account_years`, `n_accounts`, `n_changed`
        (accounts whose service was good in one year and poor in another). Summary: `point_worth`, the
        worth of one point on what all accounts took in the last year. Refused without list prices,
        without a record of service, or with fewer than eight accounts on either side.

    References
    ----------
    Liang, K.-Y. and Zeger, S. L. (1986). Longitudinal data analysis using generalized linear models.
    Biometrika 73, 13–22. doi:10.1093/biomet/73.1.13
    """
    if not facts.has_list:
        return refusal("price_premium", "loyalty_premium.no_list")
    if not facts.has_service:
        return refusal("price_premium", "loyalty_premium.no_service")
    found, checks = [], []
    for column, (name, sign) in _SERVICE.items():
        if column == ("response_hours" if facts.has_standards else "kept_share"):
            continue
        years = _years(facts, column, sign)
        sides = [len(np.unique(years.account[years.good == side])) for side in (True, False)]
        if min(sides) < ARM_MIN:
            values = {"service": name, "n": min(sides), "need": ARM_MIN}
            note = Sentence("loyalty_premium.few", values)
            checks.append(Check(f"premium_{column}", None, note))
            continue
        found.append(_compared(years, name, conf_level))
    if not found:
        n = 0 if facts.rows.empty else facts.rows["account_id"].nunique()
        return refusal("price_premium", "loyalty_premium.too_few", n=n, need=ARM_MIN)
    frame = pd.concat(found, ignore_index=True)
    judged = "loyalty_premium.by_standard" if facts.has_standards else "loyalty_premium.by_time"
    checks.insert(0, Check("premium_service", facts.has_standards, Sentence(judged)))
    last = facts.rows["year_ends_on"].max()
    worth = float(facts.rows.loc[facts.rows["year_ends_on"] == last, "listed"].sum()) / _POINTS
    summary = one_row(
        int(facts.rows["account_id"].nunique()), "least squares, clustered by account", conf_level,
        point_worth=worth,
    )  # fmt: skip
    return Estimate("price_premium", frame, summary, _note(frame, worth, last), tuple(checks))


def _years(facts: PremiumFacts, column: str, sign: float) -> _Years:
    known = facts.rows[column].notna().to_numpy()
    rows = facts.rows[known]
    year = pd.factorize(rows["year_ends_on"])[0]
    value = sign * rows[column].to_numpy(np.float64)
    good = np.zeros(len(rows), dtype=bool)
    for one in np.unique(year):
        own = value[year == one]
        middle = np.median(own)
        # many may stand exactly in the middle: they go where the sides become more even
        above, at_least = own > middle, own >= middle
        more_even = abs(above.mean() - 0.5) < abs(at_least.mean() - 0.5)
        good[year == one] = above if more_even else at_least
    tiers = pd.get_dummies(rows["tier"], dtype="float64").to_numpy()
    ends = (year[:, None] == np.unique(year)).astype(np.float64)
    controls = np.column_stack(
        [ends, np.log(rows["listed"].to_numpy(np.float64)), tiers, facts.mix[known].to_numpy(np.float64)]
    )  # fmt: skip
    points = _POINTS * rows["price_realisation"].to_numpy(np.float64)
    return _Years(points, good, pd.factorize(rows["account_id"])[0].astype(np.int64), controls)


def _compared(years: _Years, name: str, conf_level: float) -> pd.DataFrame:
    changed = int((_share(years) % 1 > 0).sum())
    again = years.rows(np.bincount(years.account)[years.account] > 1)
    ways = {PLAIN: replace(years, controls=np.ones((len(years.points), 1))), HELD: years}
    if changed >= ARM_MIN:
        ways[WITHIN] = _less_mean(again)
    rows = []
    for approach, one in ways.items():
        try:
            rows.append((name, approach, "D", *_difference(one, conf_level)))
        except FitError:
            # more is held equal than there are account-years, or service follows from it
            continue
    return pd.DataFrame(rows, columns=_COLUMNS).assign(n_changed=changed, conf_level=conf_level)


def _share(years: _Years) -> Floats:
    """Return the share of its years in which the service of each account was good."""
    counts = np.bincount(years.account)
    shares: Floats = np.bincount(years.account, years.good) / counts
    return shares


def _less_mean(years: _Years) -> _Years:
    """Return all values less the mean of their account."""
    columns = [years.points, years.good, years.controls]
    table = pd.DataFrame(np.column_stack(columns).astype(np.float64))
    apart = (table - table.groupby(years.account).transform("mean")).to_numpy()
    return _Years(apart[:, 0], apart[:, 1], years.account, apart[:, 2:])


def _difference(years: _Years, conf_level: float) -> tuple[float, float, float, int, int]:
    """Return the difference with its limits, account-years and accounts."""
    design = np.column_stack([_independent(years.controls), years.good.astype(np.float64)])
    fit = least_squares(design, years.points, [*map(str, range(design.shape[1]))])
    error, df = standard_error(fit, design.shape[1] - 1, "HC0", years.account)
    half = float(stdtrit(df, (1 + conf_level) / 2)) * error
    value = float(fit.coefficients[-1])
    return value, value - half, value + half, len(years.good), len(np.unique(years.account))


def _independent(columns: Floats) -> Floats:
    """Return the columns that do not follow from those before them."""
    kept: list[Floats] = []
    basis = np.empty((len(columns), 0))
    for column in columns.T:
        rest = column - basis @ (basis.T @ column)
        rest = rest - basis @ (basis.T @ rest)
        size = float(np.linalg.norm(rest))
        if size > _DEPENDENT * max(float(np.linalg.norm(column)), 1.0):
            kept.append(column)
            basis = np.column_stack([basis, rest / size])
    return np.column_stack(kept) if kept else np.empty((len(columns), 0))


def _note(frame: pd.DataFrame, worth: float, last: pd.Timestamp) -> Sentence:
    name = frame["service_measure"].iloc[0]
    own = frame[frame["service_measure"] == name].set_index("approach")

    def amount(approach: str) -> Sentence:
        if approach not in own.index:
            return Sentence("loyalty_premium.not_known")
        row = own.loc[approach]
        return Sentence(
            "loyalty_premium.points",
            {"value": row["premium_points"], "low": row["premium_low"],
             "high": row["premium_high"], "level": row["conf_level"]},
        )  # fmt: skip

    row = own.loc[PLAIN]
    values = {
        "service": name, "plain": amount(PLAIN), "held": amount(HELD), "within": amount(WITHIN),
        "n": int(row["n_accounts"]), "years": int(row["n_account_years"]),
        "changed": int(row["n_changed"]), "worth": worth, "last": last,
    }  # fmt: skip
    return Sentence("loyalty_premium.told", values)
