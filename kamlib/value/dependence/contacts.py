"""What stands on one person, whom we know and meet, and whether the business rests on fewer than before."""

from __future__ import annotations

from datetime import date

import pandas as pd

from kamlib.book import Book
from kamlib.glossary import Sentence
from kamlib.results import Check, Estimate, one_row, refusal

THEIRS, OURS = "one contact at the account", "one person of ours"
EITHER, BOTH = "one person on either side", "one person on both sides"


def contact_coverage(
    facts: pd.DataFrame, known: pd.DataFrame, book: Book, day: date, *, decider_days: int
) -> Estimate:
    """How many people we know at each account, and whether we met one who decides.

    Parameters
    ----------
    facts
        One row per account: `account_id`, `name`, `manager_id`, `revenue`. Accounts with revenue of
        zero or less are left out.
    known
        One row per account, as `contact_facts.contact_facts` gives it for the same day.
    book, day
        Say which tables there are, and up to when.
    decider_days
        Days within which a decider should have been met.

    Returns
    -------
    Estimate
        Frame: one row per account, largest revenue first: `account_id`, `name`, `manager_id`,
        `revenue`, `n_contacts`, `n_deciders`, `decider_met_on`, `days_since_decider` (null: never
        met, or no decider known), `is_single` (one contact or none), `is_decider_met`. Summary:
        `n_single`, `share_single` of revenue, `n_met`, `share_met`; null where visits or the parts
        of contacts are unknown. A full count: no sampling error.
    """
    if not book.has("contacts"):
        return refusal("contact_coverage", "contacts.no_contacts")
    rows = facts.loc[facts["revenue"] > 0, ["account_id", "name", "manager_id", "revenue"]]
    if rows.empty:
        return refusal("contact_coverage", "contacts.no_revenue")
    columns = ["account_id", "n_contacts", "n_deciders", "decider_met_on"]
    rows = rows.merge(known[columns], on="account_id", how="left")
    for name in ("n_contacts", "n_deciders"):
        rows[name] = rows[name].fillna(0).astype(int)
    rows["decider_met_on"] = pd.to_datetime(rows["decider_met_on"])
    rows["days_since_decider"] = (pd.Timestamp(day) - rows["decider_met_on"]).dt.days
    rows["is_single"] = rows["n_contacts"] <= 1
    rows["is_decider_met"] = rows["days_since_decider"] <= decider_days
    meets = book.has("visits", "contact_id") and book.has("contacts", "part")
    total = float(rows["revenue"].sum())

    def held(chosen: pd.Series) -> float:
        return float(rows.loc[chosen, "revenue"].sum()) / total

    values = {"n": int(rows["is_single"].sum()), "share": held(rows["is_single"]), "of": len(rows),
              "median": float(rows["n_contacts"].median())}  # fmt: skip
    key = "contacts.coverage"
    n_met, share_met = float("nan"), float("nan")
    if meets:
        key, n_met, share_met = (
            "contacts.coverage_met", int(rows["is_decider_met"].sum()), held(rows["is_decider_met"]),
        )  # fmt: skip
        values |= {"n_met": n_met, "share_met": share_met, "days": decider_days}
    checks = []
    if meets:
        blind = rows["n_deciders"] == 0
        said = {"n": int(blind.sum()), "share": held(blind)}
        words = "contacts.no_decider" if blind.any() else "contacts.all_deciders"
        checks.append(Check("deciders_known", not blind.any(), Sentence(words, said)))
    else:
        checks.append(Check("deciders_known", None, Sentence("contacts.no_meetings")))
        rows = rows.drop(
            columns=["n_deciders", "decider_met_on", "days_since_decider", "is_decider_met"]
        )
    frame = rows.sort_values(["revenue", "account_id"], ascending=[False, True], kind="stable")
    summary = one_row(
        len(rows), "full count", n_single=values["n"], share_single=values["share"], n_met=n_met,
        share_met=share_met,
    )  # fmt: skip
    frame = frame.reset_index(drop=True)
    return Estimate("contact_coverage", frame, summary, Sentence(key, values), tuple(checks))


def one_person(facts: pd.DataFrame, known: pd.DataFrame, book: Book) -> Estimate:
    """Revenue of accounts that hang on one person: the only contact, or the only one of ours.

    Parameters
    ----------
    facts, known, book
        As for `contact_coverage`.

    Returns
    -------
    Estimate
        Frame: one row per `side` (one contact at the account; one person of ours, in whatever part;
        one person on either, or on both sides) that the unit's tables tell of: `n_accounts`, `revenue`,
        `share_revenue` of all revenue above zero. Accounts with nobody known are not in it: a check
        counts them. A full count: no sampling error.
    """
    sides = {side: name for side, (table, name) in
             {THEIRS: ("contacts", "only_contact_id"),
              OURS: ("assignments", "only_holder_id")}.items() if book.has(table)}  # fmt: skip
    if not sides:
        return refusal("one_person", "contacts.nobody")
    rows = facts.loc[facts["revenue"] > 0, ["account_id", "revenue"]]
    if rows.empty:
        return refusal("one_person", "contacts.no_revenue")
    rows = rows.merge(known, on="account_id", how="left")
    total = float(rows["revenue"].sum())
    chosen = {side: rows[name].notna() for side, name in sides.items()}
    if len(sides) == 2:
        chosen[EITHER] = chosen[THEIRS] | chosen[OURS]
        chosen[BOTH] = chosen[THEIRS] & chosen[OURS]
    frame = pd.DataFrame(
        [
            (side, int(who.sum()), float(rows.loc[who, "revenue"].sum()))
            for side, who in chosen.items()
        ],
        columns=["side", "n_accounts", "revenue"],
    )
    frame["share_revenue"] = frame["revenue"] / total
    counts = [c for c in ("n_contacts", "n_holders") if rows[c].notna().any()]
    nobody = rows[counts].fillna(0).eq(0).any(axis=1) if counts else rows["revenue"].isna()
    said = {"n": int(nobody.sum()), "share": float(rows.loc[nobody, "revenue"].sum()) / total}
    words = "contacts.unknown_people" if nobody.any() else "contacts.known_people"
    check = Check("people_known", not nobody.any(), Sentence(words, said))
    by_side = frame.set_index("side")
    both = len(sides) == 2
    main = by_side.loc[EITHER if both else frame["side"].iloc[0]]
    values = {"side": main.name, "n": int(main["n_accounts"]), "of": len(rows),
              "share": float(main["share_revenue"])}  # fmt: skip
    if both:
        values["share_both"] = float(by_side["share_revenue"][BOTH])
    key = "contacts.one_person_both" if both else "contacts.one_person"
    summary = one_row(len(rows), "full count", share_revenue=values["share"])
    return Estimate("one_person", frame, summary, Sentence(key, values), (check,))


def holders(facts: pd.DataFrame, known: pd.DataFrame) -> pd.DataFrame:
    """Return what hangs on each person of ours alone, most revenue first.

    Returns
    -------
    DataFrame
        One row per `manager_id` who is the only one assigned to an account: `n_accounts`,
        `revenue`, `share_revenue` of all revenue above zero.
    """
    rows = facts.loc[facts["revenue"] > 0, ["account_id", "revenue"]]
    rows = rows.merge(known[["account_id", "only_holder_id"]], on="account_id", how="inner")
    held = rows[rows["only_holder_id"].notna()].rename(columns={"only_holder_id": "manager_id"})
    out = held.groupby("manager_id", sort=True).agg(
        n_accounts=("account_id", "size"), revenue=("revenue", "sum")
    )
    total = float(facts.loc[facts["revenue"] > 0, "revenue"].sum())
    out["share_revenue"] = out["revenue"] / total
    return out.sort_values("revenue", ascending=False, kind="stable").reset_index()


def concentration_history(history: pd.DataFrame, *, top_share: float) -> Estimate:
    """Concentration of twelve months' revenue over accounts and managers, at every evaluation date.

    Parameters
    ----------
    history
        One row per date, as `contact_facts.history_facts` gives it.
    top_share
        Share of accounts, largest first, that it was made for.

    Returns
    -------
    Estimate
        Frame: the rows of `history` in order of `evaluated_on`. A full count: no sampling error.
        Windows of neighbouring dates overlap by nine months, so that the series moves slowly.
    """
    if len(history) < 2:
        return refusal("concentration_history", "history.too_short", n=len(history))
    frame = history.sort_values("evaluated_on").reset_index(drop=True)
    frame["evaluated_on"] = pd.to_datetime(frame["evaluated_on"])
    first, last = frame.iloc[0], frame.iloc[-1]
    values = {"start": first["evaluated_on"], "end": last["evaluated_on"], "top": top_share,
              "then": first["top_share_revenue"], "now": last["top_share_revenue"],
              "index_then": first["herfindahl"], "index": last["herfindahl"], "n": len(frame)}  # fmt: skip
    key = "history.accounts"
    if pd.notna(last["herfindahl_managers"]) and pd.notna(first["herfindahl_managers"]):
        key = "history.both"
        values |= {"managers_then": first["herfindahl_managers"],
                   "managers": last["herfindahl_managers"]}  # fmt: skip
    note = Sentence(key, values)
    return Estimate("concentration_history", frame, one_row(len(frame), "full count"), note)
