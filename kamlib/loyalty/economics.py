"""What an account costs to win, and what it costs to keep one for a year."""

from __future__ import annotations

import pandas as pd

from kamlib.glossary import Sentence
from kamlib.loyalty.economics_facts import EconomicsFacts
from kamlib.loyalty.finance.sums import ratio_of_sums
from kamlib.loyalty.identities import adds_up
from kamlib.loyalty.keeping import keeping, within_years
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
        return refusal(name, "loyalty_economics.few_won", n=n_won, need=FEWEST_WON, years=n_years)
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
    key = (
        "loyalty_economics.years_without_cost" if len(free) else "loyalty_economics.years_with_cost"
    )
    checks = (
        Check("winning_has_a_cost", free.empty, Sentence(key, {"n": len(free), "of": len(frame)})),
    )
    told = {"cost": found["cost_to_win"], "low": found["win_low"], "high": found["win_high"],
            "level": rules.conf_level, "n": n_won, "years": n_years,
            "total": float(recent["amount"].sum())}  # fmt: skip
    summary = one_row(
        n_won,
        "ratio of sums, Fieller",
        rules.conf_level,
        std_error=error,
        df=df,
        n_won=n_won,
        **found,
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
        One row per whole year: `year_ends_on`, `n_bought`, `serve_total`, `programme_total` (of all
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
             "serve_total": float(year["cost_to_serve"].sum()) if serve_known else NONE,
             "programme_total": float(year["programme_cost"].sum()) + loose}
            | _keep(year, loose, rules.conf_level)[0]
        )  # fmt: skip
    frame = _by_year(years, rules)
    loose = float(common[common.index < rules.economics_years].sum())
    found, error, df = _keep(recent, loose, rules.conf_level)
    checks = [_parts_known(facts)]
    if spent is None:
        checks.append(Check("programme_known", None, Sentence("loyalty_economics.no_programme")))
    else:
        whole = float(within_years(facts, spent)["cost"].sum())
        checks.append(adds_up("programme_spread", float(frame["programme_total"].sum()), whole))
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
