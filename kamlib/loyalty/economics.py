"""What an account costs to win, what it costs to keep one, and how the two compare."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from kamlib.glossary import Sentence
from kamlib.loyalty.economics_facts import EconomicsFacts
from kamlib.loyalty.finance.ratio import Ratio, fieller
from kamlib.loyalty.finance.retention import cost_per_retained
from kamlib.loyalty.finance.sums import ratio_of_sums
from kamlib.loyalty.finance.uncertain import Uncertain, draw
from kamlib.loyalty.identities import adds_up
from kamlib.loyalty.spending import Spending
from kamlib.params import LoyaltyRoiParams
from kamlib.results import Check, Estimate, one_row, refusal

FEWEST_WON = 5
NONE = float("nan")


def cost_to_win(facts: EconomicsFacts, rules: LoyaltyRoiParams) -> Estimate:
    """What it costs to win an account: all that is spent to win accounts ÷ accounts won.

    Costs of trying count too, whether or not they name an account. Months are taken as the
    independent cases, so that the interval holds campaigns, account sizes and how many were won.

    Parameters
    ----------
    facts
        Of the unit.
    rules
        `economics_years`: the latest years that the one figure is of; `conf_level`.

    Returns
    -------
    Estimate
        One row per whole year: `year_ends_on`, `n_won`, `acquisition_total`, `cost_to_win`,
        `win_low`, `win_high` (null in a year that does not tell), `conf_level`. The summary has
        `cost_to_win`, `std_error`, `df`, `win_low`, `win_high`, `n_won` of the latest years. Refused
        without records of such costs or with fewer than five accounts won.
    """
    name = "cost_to_win"
    if not facts.years:
        return refusal(name, "loyalty_economics.no_years")
    if facts.spent is None:
        return refusal(name, "loyalty_economics.no_acquisition")
    won = facts.won.groupby("month").size()
    months = facts.spent.assign(n_won=facts.spent["month"].map(won).fillna(0).astype("int64"))
    recent = months[months["years_ago"] < rules.economics_years]
    n_won, n_years = int(recent["n_won"].sum()), int(recent["years_ago"].nunique())
    if n_won < FEWEST_WON:
        return refusal(
            name, "loyalty_economics.few_won", n=n_won, need=FEWEST_WON, years=n_years
        )
    rows = [
        {"year_ends_on": _end(facts, ago), "n_won": int(year["n_won"].sum()),
         "acquisition_total": float(year["amount"].sum())}
        | _named("cost_to_win", "win", year["amount"], year["n_won"], rules.conf_level)
        for ago, year in months.groupby("years_ago")
    ]  # fmt: skip
    frame = _by_year(rows, rules)
    found = _named("cost_to_win", "win", recent["amount"], recent["n_won"], rules.conf_level)
    _, error, df = ratio_of_sums(recent["amount"], recent["n_won"], rules.conf_level)
    free = frame[(frame["n_won"] > 0) & (frame["acquisition_total"] <= 0)]
    key = "loyalty_economics.years_without_cost" if len(free) else "loyalty_economics.years_with_cost"
    checks = (Check("winning_has_a_cost", free.empty, Sentence(key, {"n": len(free), "of": len(frame)})),)
    told = {"cost": found["cost_to_win"], "low": found["win_low"], "high": found["win_high"],
            "level": rules.conf_level, "n": n_won, "years": n_years,
            "total": float(recent["amount"].sum())}  # fmt: skip
    summary = one_row(
        n_won, "ratio of sums, Fieller", rules.conf_level, std_error=error, df=df, n_won=n_won, **found
    )
    return Estimate(name, frame, summary, Sentence("loyalty_economics.win", told), checks)


def cost_to_keep(
    facts: EconomicsFacts, spent: Spending | None, rules: LoyaltyRoiParams
) -> Estimate:
    """What it costs to keep an account for a year: cost to serve and programme ÷ accounts that bought.

    All that was spent on accounts counts, on those that did not buy that year too. Accounts are the
    independent cases.

    Parameters
    ----------
    facts
        Of the unit.
    spent
        All costs of the programme (`spending.spending`); None where there is none.
    rules
        `economics_years`, `conf_level`.

    Returns
    -------
    Estimate
        One row per whole year: `year_ends_on`, `n_bought`, `cost_to_serve`, `programme_cost` (of all
        accounts), `cost_to_keep`, `keep_low`, `keep_high`, `conf_level`. The summary has
        `cost_to_keep`, `std_error`, `df`, `keep_low`, `keep_high`, `n_bought` of the latest years.
        Refused where neither a cost to serve nor a programme cost is known, or nobody bought.
    """
    name = "cost_to_keep"
    if not facts.years:
        return refusal(name, "loyalty_economics.no_years")
    serve_known = any(facts.ledger.parts.values())
    if not serve_known and (spent is None or spent.rows.empty):
        return refusal(name, "loyalty_economics.no_keeping", parts=_missing(facts))
    rows, common = keeping(facts, spent)
    recent = rows[rows["years_ago"] < rules.economics_years]
    n_bought, n_years = int(recent["there"].sum()), int(recent["years_ago"].nunique())
    if n_bought < 2:
        return refusal(name, "loyalty_economics.few_bought", n=n_bought)
    years = []
    for ago, year in rows.groupby("years_ago"):
        loose = float(common.get(ago, 0.0))
        years.append(
            {"year_ends_on": _end(facts, ago), "n_bought": int(year["there"].sum()),
             "cost_to_serve": float(year["cost_to_serve"].sum()) if serve_known else NONE,
             "programme_cost": float(year["programme_cost"].sum()) + loose}
            | _keep(year, loose, rules.conf_level)[0]
        )  # fmt: skip
    frame = _by_year(years, rules)
    loose = float(common[common.index < rules.economics_years].sum())
    found, error, df = _keep(recent, loose, rules.conf_level)
    checks = [_parts_known(facts)]
    if spent is None:
        checks.append(Check("programme_known", None, Sentence("loyalty_economics.no_programme")))
    else:
        whole = float(_within(facts, spent)["cost"].sum())
        checks.append(adds_up("programme_spread", float(frame["programme_cost"].sum()), whole))
    told = {"cost": found["cost_to_keep"], "low": found["keep_low"], "high": found["keep_high"],
            "level": rules.conf_level, "n": n_bought, "years": n_years,
            "serve": NONE if not serve_known else float(recent["cost_to_serve"].sum()) / n_bought,
            "programme": (float(recent["programme_cost"].sum()) + loose) / n_bought}  # fmt: skip
    summary = one_row(
        int((recent["there"] > 0).groupby(recent["account_id"]).any().sum()),
        "ratio of sums, Fieller", rules.conf_level, std_error=error, df=df, n_bought=n_bought, **found,
    )  # fmt: skip
    note = Sentence("loyalty_economics.keep", told)
    return Estimate(name, frame, summary, note, tuple(checks))


def win_or_keep(win: Estimate, keep: Estimate, rules: LoyaltyRoiParams) -> Estimate:
    """How many times what keeping an account for a year costs winning one costs.

    Parameters
    ----------
    win, keep
        Results of `cost_to_win` and `cost_to_keep`: over other cases, so taken as independent.
    rules
        `conf_level`.

    Returns
    -------
    Estimate
        One row per `term` (`cost_to_win`, `cost_to_keep`, `win_to_keep`): `estimate`, `conf_low`,
        `conf_high`, `conf_level`, `n_obs`. Refused where either is, or where the cost to keep cannot
        be told from zero: the ratio then has no bounds.
    """
    name = "win_or_keep"
    for part in (win, keep):
        if part.refused:
            return refusal(name, "loyalty_economics.not_both", why=part.note)
    above, below = float(win["cost_to_win"]), float(keep["cost_to_keep"])
    found = Ratio(NONE, NONE, NONE, "all", math.inf)
    if below > 0:
        found = fieller(
            above, below, float(win["std_error"]) ** 2, float(keep["std_error"]) ** 2,
            conf_level=rules.conf_level, df=min(float(win["df"]), float(keep["df"])),
        )  # fmt: skip
    if found.shape != "bounded":
        return refusal(name, "loyalty_economics.no_ratio", cost=below, n=int(keep["n_bought"]))
    frame = _terms(
        rules,
        ("cost_to_win", above, win["win_low"], win["win_high"], win["n_won"]),
        ("cost_to_keep", below, keep["keep_low"], keep["keep_high"], keep["n_bought"]),
        ("win_to_keep", found.value, max(found.low, 0.0), found.high, win["n_won"]),
    )
    told = {"ratio": found.value, "low": max(found.low, 0.0), "high": found.high,
            "level": rules.conf_level, "win": above, "keep": below, "n": int(win["n_won"]),
            "years": int(keep["n_bought"])}  # fmt: skip
    key = "loyalty_economics.win_or_keep"
    summary = one_row(int(win["n_won"]), "Fieller", rules.conf_level, win_to_keep=found.value)
    return Estimate(name, frame, summary, Sentence(key, told), (*win.checks, *keep.checks))


def win_or_retain(
    win: Estimate,
    cost: float | None,
    rise: Uncertain | None,
    n_members: int,
    rules: LoyaltyRoiParams,
    rng: np.random.Generator,
) -> Estimate:
    """How many times what keeping one more account costs, of those that would have left, winning costs.

    Parameters
    ----------
    win
        Result of `cost_to_win`.
    cost
        Of the programme in a year, in money; None where not known.
    rise
        By how much the programme raises the share of its members that stay a year, with its error
        (0.03 for three points); None where no effect on it is claimed.
    n_members
        Its members in the year.
    rules
        `conf_level`, `draws`.
    rng
        Source of randomness.

    Returns
    -------
    Estimate
        One row per `term` (`cost_to_win`, `cost_per_retained`, `win_to_retained`), columns as
        `win_or_keep`. Where the rise may be nothing, what one more kept account costs has no upper
        limit, and the ratio begins at zero. Refused without an effect above zero, or a cost.
    """
    name = "win_or_retain"
    if win.refused:
        return refusal(name, "loyalty_economics.not_both", why=win.note)
    if rise is None or cost is None or not cost > 0 or n_members < 1:
        return refusal(name, "loyalty_economics.no_rise")
    if rise.value <= 0:
        return refusal(name, "loyalty_economics.rise_not_above", rise=rise.value, n=n_members)
    tails = np.array([(1 - rules.conf_level) / 2, (1 + rules.conf_level) / 2])
    low, high = (float(v) for v in rise.quantile(tails))
    each = cost_per_retained(cost, rise.value, n_members)
    ends = [cost_per_retained(cost, v, n_members) for v in (high, low)]
    above = Uncertain(float(win["cost_to_win"]), float(win["std_error"]), "amount")
    drawn = draw({"win": above, "rise": rise}, draws=rules.draws, rng=rng)
    ratios = drawn["win"] * np.maximum(drawn["rise"], 0.0) * n_members / cost
    limits = np.quantile(ratios, tails)
    ratio = above.value / each
    frame = _terms(
        rules,
        ("cost_to_win", above.value, win["win_low"], win["win_high"], win["n_won"]),
        ("cost_per_retained", each, ends[0], ends[1] if low > 0 else NONE, n_members),
        ("win_to_retained", ratio, limits[0], limits[1], win["n_won"]),
    )
    told = {"ratio": ratio, "low": limits[0], "high": limits[1], "level": rules.conf_level,
            "each": each, "from": ends[0], "to": ends[1], "n": n_members, "rise": 100 * rise.value}  # fmt: skip
    key = "loyalty_economics.win_or_retain" if low > 0 else "loyalty_economics.win_or_retain_open"
    summary = one_row(n_members, "drawn together", rules.conf_level, win_to_retained=ratio)
    return Estimate(name, frame, summary, Sentence(key, told), win.checks)


def keeping(facts: EconomicsFacts, spent: Spending | None) -> tuple[pd.DataFrame, pd.Series]:
    """Return what each account cost to keep in each year.

    What the programme costs at a level is spread over its members' days there in the year, what it
    costs at none over all members' days.

    Returns
    -------
    tuple
        One row per account and year: `account_id`, `years_ago`, `there` (1: it bought, else 0),
        `cost_to_serve` (0 where unknown), `programme_cost`; and by year what can be spread over
        nobody.
    """
    rows = facts.account_years
    rows = rows.assign(
        there=(rows["n_orders"] > 0).astype("int64"),
        cost_to_serve=rows["cost_to_serve"].astype("float64").fillna(0.0),
    )[["account_id", "years_ago", "there", "cost_to_serve"]]
    shares, common = _programme(facts, spent)
    rows = rows.merge(shares, on=["account_id", "years_ago"], how="outer")
    counts = ["there", "cost_to_serve", "programme_cost"]
    rows[counts] = rows[counts].fillna(0.0)
    return rows, common


def _programme(
    facts: EconomicsFacts, spent: Spending | None
) -> tuple[pd.DataFrame, pd.Series]:
    key = ["account_id", "years_ago"]
    nothing = pd.DataFrame(
        {"account_id": pd.Series(dtype=object), "years_ago": pd.Series(dtype="int64"),
         "programme_cost": pd.Series(dtype="float64")}
    )  # fmt: skip
    loose: dict[int, float] = {}
    if spent is None:
        return nothing, pd.Series(loose, dtype="float64")
    costs = _within(facts, spent).groupby(["years_ago", "programme_level"], dropna=False)["cost"]
    parts = []
    for (ago, level), cost in costs.sum().items():
        days = facts.days
        days = days[days["years_ago"] == ago] if days is not None else nothing.assign(n_days=0.0)
        own = days if pd.isna(level) else days[days["level"] == level]
        own = days if own.empty else own
        if own.empty:
            loose[int(ago)] = loose.get(int(ago), 0.0) + float(cost)
            continue
        share = own["n_days"] / own["n_days"].sum()
        parts.append(own[key].assign(programme_cost=share * cost))
    every = pd.concat(parts, ignore_index=True) if parts else nothing
    return every.groupby(key, as_index=False)["programme_cost"].sum(), pd.Series(
        loose, dtype="float64"
    )


def _within(facts: EconomicsFacts, spent: Spending) -> pd.DataFrame:
    """Return the programme's costs of the whole years, with `years_ago`."""
    rows, last = spent.rows, facts.years[0].end
    months = pd.to_datetime(rows["month"])
    ago = (last.year - months.dt.year) * 12 + last.month - months.dt.month
    inside = (ago >= 0) & (ago < 12 * len(facts.years))
    return rows[inside].assign(years_ago=(ago[inside] // 12).astype("int64"))


def _keep(rows: pd.DataFrame, loose: float, level: float) -> tuple[dict[str, float], float, float]:
    sums = rows.assign(cost=rows["cost_to_serve"] + rows["programme_cost"])
    sums = sums.groupby("account_id")[["cost", "there"]].sum()
    if not sums["there"].sum() > 0 or len(sums) < 2:
        return dict.fromkeys(("cost_to_keep", "keep_low", "keep_high"), NONE), NONE, NONE
    # what falls on nobody is the same for every account that bought
    cost = sums["cost"] + loose * sums["there"] / sums["there"].sum()
    _, error, df = ratio_of_sums(cost, sums["there"], level)
    return _named("cost_to_keep", "keep", cost, sums["there"], level), error, df


def _named(
    name: str, limits: str, above: pd.Series, below: pd.Series, level: float
) -> dict[str, float]:
    """Return a ratio of sums and its limits under their columns; unknown where nothing is below."""
    low = high = value = NONE
    if below.sum() > 0 and len(below) > 1:
        found = ratio_of_sums(above, below, level)[0]
        value = found.value
        if found.shape == "bounded":
            low, high = found.low, found.high
    return {name: value, f"{limits}_low": low if (above < 0).any() else max(low, 0.0),
            f"{limits}_high": high}  # fmt: skip


def _terms(rules: LoyaltyRoiParams, *rows: tuple[str, float, float, float, int]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["term", "estimate", "conf_low", "conf_high", "n_obs"])
    numbers = ["estimate", "conf_low", "conf_high"]
    return frame.astype(dict.fromkeys(numbers, "float64")).assign(conf_level=rules.conf_level)


def _by_year(rows: list[dict[str, object]], rules: LoyaltyRoiParams) -> pd.DataFrame:
    frame = pd.DataFrame(rows).sort_values("year_ends_on", ignore_index=True)
    return frame.assign(conf_level=rules.conf_level)


def _end(facts: EconomicsFacts, ago: object) -> pd.Timestamp:
    return pd.Timestamp(facts.years[int(str(ago))].end)


def _missing(facts: EconomicsFacts) -> str:
    return "; ".join(facts.ledger.missing.values())


def _parts_known(facts: EconomicsFacts) -> Check:
    if not facts.ledger.missing:
        return Check("cost_to_serve_known", True, Sentence("loyalty_economics.parts_known"))
    note = Sentence("loyalty_economics.parts_missing", {"parts": _missing(facts)})
    return Check("cost_to_serve_known", False, note)
