"""Days past due until paid: by hand, and against another Kaplan–Meier."""

from __future__ import annotations

import numpy as np
import pandas as pd

from kamlib.value.collection import payment_delay as c

SURVIVAL = {"conf_level": 0.95, "draws": 200}


def cells_of(days, events, accounts=None, disputed=False) -> pd.DataFrame:
    n = len(days)
    return pd.DataFrame(
        {"account_id": accounts if accounts is not None else [str(k) for k in range(n)],
         "disputed": disputed, "days_overdue": days, "event": events, "n_invoices": 1}
    )  # fmt: skip


def test_kaplan_meier_by_hand():
    # 20 invoices: 10 paid on day -2, one open since day 3, 9 paid on day 5
    cells = cells_of([-2] * 10 + [3] + [5] * 9, [1] * 10 + [0] + [1] * 9)
    found = c.days_overdue(cells, rng=np.random.default_rng(0), **SURVIVAL)
    assert found.frame["share_unpaid"].tolist() == [0.5, 0.5, 0.0]
    assert found.frame["n_risk"].tolist() == [20, 10, 9]
    assert found.frame["n_censor"].tolist() == [0, 1, 0]
    assert c.settled_by(found.frame)["days_overdue"].tolist() == [-2, -2, 5]


def test_nothing_paid_has_no_median():
    cells = cells_of(list(range(20)), [0] * 20)
    found = c.days_overdue(cells, rng=np.random.default_rng(0), **SURVIVAL)
    assert found.note.key == "collection.days_open"
    assert c.settled_by(found.frame)["days_overdue"].isna().all()
    few = c.days_overdue(cells.head(19), rng=np.random.default_rng(0), **SURVIVAL)
    assert "at least 20 invoices" in str(few.note)


def test_disputed_ones_stand_apart():
    cells = pd.concat(
        [cells_of([1] * 20, [1] * 20), cells_of([50] * 20, [1] * 20, disputed=True)],
        ignore_index=True,
    )
    quartiles = c.settled_by(c.days_overdue(cells, rng=np.random.default_rng(0), **SURVIVAL).frame)
    assert quartiles["days_overdue"].tolist() == [1, 1, 1, 50, 50, 50]
    assert quartiles["is_disputed"].tolist() == [False] * 3 + [True] * 3


def test_payers_that_are_alike_widen_the_interval():
    rng = np.random.default_rng(2)
    level = np.repeat(rng.normal(0, 10, 40), 10)
    days = np.round(level + rng.normal(0, 2, 400)).astype(int)
    payers = np.repeat([str(k) for k in range(40)], 10)
    width = []
    for accounts in (payers, None):
        cells = cells_of(days, [1] * 400, accounts)
        frame = c.days_overdue(cells, rng=np.random.default_rng(0), **SURVIVAL).frame
        width.append(float((frame["unpaid_high"] - frame["unpaid_low"]).mean()))
    assert width[0] > 1.8 * width[1]


def test_receivables_agree_with_lifelines(data_folder, require):
    """Public B2B invoices: point estimates equal lifelines', censored at the middle of 2013."""
    file = data_folder / "receivables" / "WA_Fn-UseC_-Accounts-Receivable.csv"
    require("data", file.is_file(), "no receivables sample here")
    from lifelines import KaplanMeierFitter

    rows = pd.read_csv(file)
    dates = {c: pd.to_datetime(rows[c], format="%m/%d/%Y") for c in ("DueDate", "SettledDate",
                                                                    "InvoiceDate")}  # fmt: skip
    end = pd.Timestamp("2013-06-30")
    issued = (dates["InvoiceDate"] <= end) & (dates["DueDate"] <= end)
    paid = dates["SettledDate"] <= end
    until = dates["SettledDate"].where(paid, end)
    days = (until - dates["DueDate"]).dt.days
    cells = pd.DataFrame(
        {"account_id": rows["customerID"], "disputed": rows["Disputed"] == "Yes",
         "days_overdue": days, "event": paid.astype(int)}
    )[issued]  # fmt: skip
    cells = cells.groupby(list(cells.columns)).size().rename("n_invoices").reset_index()
    found = c.days_overdue(cells, rng=np.random.default_rng(0), **SURVIVAL)
    assert cells["n_invoices"].sum() == int(issued.sum()) > 1500
    for disputed, curve in found.frame.groupby("is_disputed"):
        part = cells[cells["disputed"] == disputed]
        shift = part["days_overdue"].min() - 1
        other = KaplanMeierFitter().fit(
            part["days_overdue"] - shift, part["event"], weights=part["n_invoices"]
        )
        theirs = other.survival_function_.iloc[1:, 0]
        np.testing.assert_allclose(curve["share_unpaid"], theirs, atol=1e-12)
        ours = c.settled_by(found.frame).query("is_disputed == @disputed and share_settled == 0.5")
        assert float(ours["days_overdue"].iloc[0]) == other.median_survival_time_ + shift
