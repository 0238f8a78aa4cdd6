"""Members of the programme over time."""

from __future__ import annotations

import pandas as pd

from kamlib.glossary import Sentence
from kamlib.loyalty.identities import LEVELS, adds_up
from kamlib.loyalty.programme_facts import ProgrammeFacts
from kamlib.results import Check, Estimate, one_row, refusal


def members(facts: ProgrammeFacts) -> Estimate:
    """Members of the programme by month and level.

    Parameters
    ----------
    facts
        Of the unit.

    Returns
    -------
    Estimate
        One row per month and level, from the first enrolment on: `month`, `programme_level`,
        `n_members` (on the month's last day, or the last day known), `n_joined`, `n_left` (from and
        to no programme), `n_moved` (came from other levels less went to them), `member_months`
        (days of membership ÷ days of the month). The summary has `n_members`, `n_joined`, `n_left`.
        A full count: no sampling error. Refused without members.
    """
    if facts.members is None:
        return refusal("programme_members", "programme_ledger.no_programme")
    if facts.members.empty:
        return refusal("programme_members", "programme_ledger.no_members")
    rows = facts.members.rename(columns={"level": "programme_level"})
    rows["programme_level"] = rows["programme_level"].astype("int64")
    months = pd.date_range(rows["month"].min(), pd.Timestamp(facts.day), freq="MS")
    index = pd.MultiIndex.from_product([months, LEVELS], names=["month", "programme_level"])
    frame = rows.set_index(["month", "programme_level"]).reindex(index, fill_value=0).reset_index()
    counts = ["n_members", "n_joined", "n_left", "n_moved"]
    sums = frame.groupby("month")[counts].sum()
    now = frame[frame["month"] == months[-1]].set_index("programme_level")["n_members"]
    ends = {"n_members": int(now.sum()), "n_joined": int(sums["n_joined"].sum()),
            "n_left": int(sums["n_left"].sum())}  # fmt: skip
    told = ends | {f"level_{level}": int(now[level]) for level in LEVELS}
    flows = frame.assign(net=frame["n_joined"] - frame["n_left"] + frame["n_moved"])
    carried = flows.groupby("programme_level")["net"].cumsum()
    wrong = int((carried != frame["n_members"]).sum()) + int(sums["n_moved"].ne(0).sum())
    key = "programme_ledger.flows_fit" if wrong == 0 else "programme_ledger.flows_do_not_fit"
    checks = (
        adds_up("levels_add_up", ends["n_members"], facts.n_members),
        Check("members_carried_forward", wrong == 0, Sentence(key, {"n": wrong, "of": len(frame)})),
    )
    note = Sentence("programme_ledger.members", told | {"first": months[0], "as_of": facts.day})
    summary = one_row(ends["n_members"], "full count", **ends)
    return Estimate("programme_members", frame, summary, note, checks)
