"""Whom to see: what is likely to be lost with each account, why it might leave, and who should call."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kamlib.accounts import attributes, managers
from kamlib.book import Book
from kamlib.churn.landmarks import Landmarks
from kamlib.churn.prediction import AS_USUAL, Forecast, account_state
from kamlib.churn.reasons import SHOWN, worded
from kamlib.glossary import Sentence, Style, say
from kamlib.params import ChurnParams
from kamlib.results import Check, Estimate, none_found, one_row, refusal

Floats = NDArray[np.float64]
_WEEK_DAYS = 7
_BASES = {"contribution": "watchlist.contribution", "margin": "watchlist.margin",
          "revenue": "watchlist.revenue"}  # fmt: skip


def account_people(book: Book) -> pd.DataFrame:
    """Return who accounts are today: `account_id`, `name`, `manager_id` (null: nobody)."""
    table = attributes(book, book.as_of).select("account_id", "name")
    people: pd.DataFrame = table.to_pyarrow().to_pandas()
    if not book.has("assignments"):
        return people.assign(manager_id=None)
    held = managers(book, book.as_of).to_pyarrow().to_pandas()
    return people.merge(held, on="account_id", how="left")


def watchlist(
    told: Forecast | Sentence,
    worth: pd.DataFrame,
    people: pd.DataFrame,
    rules: ChurnParams,
    *,
    basis: str = "contribution",
    style: Style = Style(),
) -> Estimate:
    """Living accounts by expected loss: chance to leave within the last horizon × what it would bring.

    Parameters
    ----------
    told
        What `prediction.forecast` returns.
    worth
        What `worth.account_worth` returns for today and the last horizon.
    people
        What `account_people` returns.
    rules
        `visits_per_month`: how many of the first the note speaks of.
    basis
        What `value` is: "contribution", "margin" or "revenue" (`worth.worth_basis`).
    style
        Language of the reasons.

    Returns
    -------
    Estimate
        Frame: one row per living account, largest expected loss first: `account_id`, `name`,
        `tier_in_force`, `manager_id`, `account_state`, `p_leave_soon` (within the first horizon),
        `p_leave` (within the last) with `p_leave_low`, `p_leave_high`, `value` (had it stayed,
        discounted), `expected_loss`, `remaining_months`, `reason_1` to `reason_3` in words (what
        shows already, which then makes the chance alone; else what raises its rate above that of
        its tier, largest first), `last_contact_on` (visit), `open_complaints`; missing where the
        unit keeps no visits, or no cases.
    """
    if isinstance(told, Sentence):
        return refusal("watchlist", told.key, **told.values)
    living, model = told.living, told.model
    whom = living[["account_id"]].merge(worth, on="account_id", how="left")
    whom = whom.merge(people, on="account_id", how="left")
    value = whom["value"].fillna(0.0).to_numpy(dtype=np.float64)
    states = account_state(told.found)
    reasons = _reasons(told, states, style)
    frame = pd.DataFrame(
        {
            "account_id": living["account_id"],
            "name": whom["name"],
            "tier_in_force": living["tier_in_force"],
            "manager_id": whom["manager_id"],
            "account_state": states,
            "p_leave_soon": told.point.left[:, 0],
            "p_leave": told.point.left[:, -1],
            "p_leave_low": told.left_low[:, -1],
            "p_leave_high": told.left_high[:, -1],
            "value": whom["value"],
            "expected_loss": told.point.left[:, -1] * whom["value"],
            "remaining_months": told.point.months,
            **{f"reason_{n + 1}": reasons[n] for n in range(SHOWN)},
            "last_contact_on": _last_contact(told.found),
            "open_complaints": living["open_complaints"],
        }
    )
    order = ["expected_loss", "p_leave", "account_id"]
    frame = frame.sort_values(order, ascending=[False, False, True], ignore_index=True)
    drawn = told.left.astype(np.float64) @ value
    tails = [(1 - told.conf_level) / 2, (1 + told.conf_level) / 2]
    low, high = np.quantile(drawn, tails)
    total = float(frame["expected_loss"].sum())
    counted = Sentence(_BASES[basis])
    first = frame.head(rules.visits_per_month)
    values = {
        "n": len(frame), "total": total, "low": float(low), "high": float(high),
        "level": told.conf_level, "months": model.horizons[-1], "k": len(first),
        "top": float(first["expected_loss"].sum()), "basis": counted,
        "who": first["name"].iloc[0] if pd.notna(first["name"].iloc[0]) else first["account_id"].iloc[0],
        "loss": first["expected_loss"].iloc[0], "chance": first["p_leave"].iloc[0],
    }  # fmt: skip
    summary = one_row(len(frame), "chance × value", told.conf_level, as_of=told.found.as_of)
    unknown = int(whom["value"].isna().sum())
    known = {"n": unknown, "of": len(frame)}
    key = "watchlist.value_unknown" if unknown else "watchlist.value_known"
    kept = bool(frame["last_contact_on"].notna().any())
    never = {"n": int((first["last_contact_on"].isna()).sum()), "k": len(first)}
    contact = Sentence("watchlist.contact" if kept else "watchlist.no_visits", never)
    checks = (
        Check("value_known", unknown == 0, Sentence(key, known)),
        Check("watchlist_basis", basis == "contribution",
              Sentence("watchlist.basis", {"basis": counted})),
        Check("watchlist_contact", None, contact),
    )  # fmt: skip
    return Estimate("watchlist", frame, summary, Sentence("watchlist.note", values), checks)


def _reasons(told: Forecast, states: pd.Series, style: Style) -> list[list[str | None]]:
    """Return three columns of reasons; what shows already comes first."""
    words, factors = worded(told.model, told.living, style)
    columns: list[list[str | None]] = [[] for _ in range(SHOWN)]
    for row, state in enumerate(states):
        shown: list[str] = []
        if state != AS_USUAL:
            shown.append(say(_shows(told, row), style))
        # where what shows already makes the chance, no characteristic has a part in it
        own = SHOWN if state == AS_USUAL or told.model.apart is None else 0
        for place in range(own):
            word = words.iat[row, place]
            if isinstance(word, str):
                values = {"what": word, "factor": factors.iat[row, place]}
                shown.append(say(Sentence("watchlist.reason", values), style))
        padded = [*(shown or [say(Sentence("watchlist.no_reason"), style)]), *[None] * SHOWN]
        for place in range(SHOWN):
            columns[place].append(padded[place])
    return columns


def _shows(told: Forecast, row: int) -> Sentence:
    """Return what shows already of an account that is held apart."""
    account = told.living.iloc[row]
    if told.found.definition != "contracts":
        return Sentence("prediction.is_silent", {"n": account["days_since_last"]})
    if account["notice_given"] == 1:
        return Sentence("prediction.gave_notice")
    return Sentence("prediction.out_of_contract")


def _last_contact(found: Landmarks) -> pd.Series:
    """Return the day of each living account's last visit; missing: none is known."""
    weeks = found.living["weeks_since_visit"].astype("float64")
    days = pd.to_timedelta((weeks * _WEEK_DAYS).round().astype("Int64"), unit="D")
    contact: pd.Series = pd.Timestamp(found.as_of + timedelta(days=1)) - days
    return contact


def by_value(found: Landmarks, worth: pd.DataFrame, people: pd.DataFrame) -> Estimate:
    """Living accounts by what would be lost with them: the list of a unit with too few losses for chances.

    Parameters
    ----------
    found
        Landmarks as of today.
    worth, people
        As for `watchlist`.

    Returns
    -------
    Estimate
        Frame: one row per living account, what shows already first, then by value: `account_id`, `name`,
        `tier_in_force`, `manager_id`, `account_state`, `value`, `last_contact_on`, `open_complaints`.
    """
    living = found.living
    if living.empty:
        return none_found("accounts_by_value", "prediction.nobody", as_of=found.as_of)
    whom = living[["account_id", "tier_in_force", "open_complaints"]].assign(
        account_state=account_state(found), last_contact_on=_last_contact(found)
    )
    for other in (worth[["account_id", "value"]], people):
        whom = whom.merge(other, on="account_id", how="left")
    usual = (whom["account_state"] == AS_USUAL).rename("usual")
    frame = whom.assign(usual=usual).sort_values(
        ["usual", "value", "account_id"], ascending=[True, False, True], ignore_index=True
    )[list(_PLAIN)]  # fmt: skip
    values = {"n": len(frame), "shows": int((~usual).sum())}
    summary = one_row(len(frame), "full count", as_of=found.as_of)
    return Estimate("accounts_by_value", frame, summary, Sentence("watchlist.by_value", values))


_PLAIN = ("account_id", "name", "tier_in_force", "manager_id", "account_state", "value",
          "last_contact_on", "open_complaints")  # fmt: skip


def visits(watched: Estimate) -> pd.DataFrame:
    """Return what a reader sees of the watch list: who, how likely, how much, why, and since when.

    Returns
    -------
    DataFrame
        The rows of `watchlist`: `name` (or the identifier), `tier_in_force`, `manager_id`, `p_leave`,
        `expected_loss`, `why` (its reasons in one), `last_contact_on`, `open_complaints`.
    """
    if watched.refused:
        return watched.frame
    reasons = watched.frame[[f"reason_{n + 1}" for n in range(SHOWN)]]
    frame = watched.frame.assign(
        name=watched.frame["name"].fillna(watched.frame["account_id"]),
        why=reasons.apply(lambda row: "; ".join(row.dropna()), axis=1),
    )
    return frame[list(_SEEN)]


_SEEN = ("name", "tier_in_force", "manager_id", "p_leave", "expected_loss", "why",
         "last_contact_on", "open_complaints")  # fmt: skip


def renewals(told: Forecast | Sentence, watched: Estimate) -> Estimate:
    """Contracts that end within each horizon, with the chance that the account is gone by then.

    Parameters
    ----------
    told
        What `prediction.forecast` returns.
    watched
        What `watchlist` returns for it.

    Returns
    -------
    Estimate
        Frame: one row per living account with a contract that ends within the last horizon, by
        horizon and expected loss: `months_ahead` (the first horizon that holds the end),
        `contract_ends_on`, `account_id`, `name`, `tier_in_force`, `manager_id`, `account_state`,
        `p_leave` (within the first horizon by which the account would count as lost if it did not
        renew, at most the last), `value`, `expected_loss`. Contracts of a month are not listed.
    """
    if isinstance(told, Sentence):
        return refusal("renewals", told.key, **told.values)
    living, horizons = told.living, np.asarray(told.model.horizons)
    days = living["days_to_due"].astype("float64")
    if days.isna().all():
        return refusal("renewals", "watchlist.no_contracts")
    ends = pd.Timestamp(told.found.as_of + timedelta(days=1)) + pd.to_timedelta(
        days.astype("Int64"), unit="D"
    )
    months = _months_until(told, ends)
    place = np.searchsorted(horizons, months.fillna(np.inf).to_numpy(), side="left")
    inside = place < len(horizons)
    if not inside.any():
        return none_found("renewals", "watchlist.none_due", months=int(horizons[-1]))
    # who does not renew counts as lost when the grace is over, which may lie beyond that horizon
    gone = np.searchsorted(horizons, living["wait_months"].to_numpy(), side="left")
    gone = np.clip(gone, place, len(horizons) - 1)
    who = ["account_id", "name", "tier_in_force", "manager_id", "account_state", "value"]
    frame = pd.DataFrame(
        {
            "months_ahead": horizons[place[inside]],
            "contract_ends_on": ends[inside].to_numpy(),
            "account_id": living.loc[inside, "account_id"].to_numpy(),
            "p_leave": told.point.left[np.flatnonzero(inside), gone[inside]],
        }
    ).merge(watched.frame[who], on="account_id")
    frame["expected_loss"] = frame["p_leave"] * frame["value"]
    frame = frame.sort_values(
        ["months_ahead", "expected_loss", "account_id"], ascending=[True, False, True],
        ignore_index=True,
    )[["months_ahead", "contract_ends_on", *who[:-1], "p_leave", "value", "expected_loss"]]  # fmt: skip
    soon = frame[frame["months_ahead"] == frame["months_ahead"].iloc[0]]
    values = {
        "n": len(frame), "months": int(horizons[-1]), "loss": float(frame["expected_loss"].sum()),
        "value": float(frame["value"].sum()), "soon": len(soon),
        "first": int(soon["months_ahead"].iloc[0]), "soon_loss": float(soon["expected_loss"].sum()),
    }  # fmt: skip
    summary = one_row(len(frame), "chance × value", as_of=told.found.as_of)
    return Estimate("renewals", frame, summary, Sentence("watchlist.renewals", values))


def _months_until(told: Forecast, ends: pd.Series) -> pd.Series:
    """Return in which month from today each day falls, 1 for the first; NaN: no day."""
    number: pd.Series = ends.dt.year * 12 + ends.dt.month
    return number.astype("float64") - told.found.now


def headline(watched: Estimate) -> dict[str, tuple[float, Sentence | None]]:
    """Return the key figure for the top of the report: what is expected to be lost."""
    if watched.refused:
        return {}
    return {"expected_loss": (float(watched.frame["expected_loss"].sum()), None)}
