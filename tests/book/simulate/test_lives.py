"""Who leaves: the hazards can be rebuilt from the tables, and the planted coefficients come back."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from kamlib.book.simulate import Simulated
from kamlib.book.simulate.service import KIND_FACTOR, KINDS


def rebuilt(book: Simulated) -> pd.DataFrame:
    """Return the covariates of all account-months at risk, from the tables alone."""
    risk = book.risk_truth[["account_id", "month"]].reset_index(drop=True)
    risk["row"], risk["m"] = risk.index, risk["month"].dt.to_period("M").astype("int64")
    events = book.tables["service_events"].astype({"account_id": object})
    tiers = book.tables["tier_decisions"].astype({"account_id": object, "tier": object})
    events["tier"] = in_force(events, "opened_at", tiers, "valid_from")["tier"]
    events["m"] = events["opened_at"].dt.to_period("M").astype("int64")
    wide = risk.merge(events, on="account_id", suffixes=("", "_event"))
    complaint = wide[wide["kind"] == "complaint"]
    ago = complaint["m"] - complaint["m_event"]
    out = pd.DataFrame(index=risk.index)
    out["complaints_3m"] = count(complaint[(ago >= 1) & (ago <= 3)], out.index).clip(upper=3)
    still = complaint["resolved_at"].isna() | (complaint["resolved_at"] >= complaint["month"])
    out["open_complaint"] = count(complaint[(ago >= 1) & still], out.index) > 0

    standards = book.tables["standards"].dropna(subset=["kind"]).astype({"tier": object})
    promised = wide[wide["kind"].isin(standards["kind"])].copy()
    key = standards.set_index(["tier", "kind", "valid_from"])["first_response_h"]
    first, second = pd.Timestamp("2021-01-01"), pd.Timestamp("2023-07-01")
    tight = (promised["opened_at"] >= second) & (promised["tier"] == "platinum")
    valid = np.where(tight, second.value, first.value).astype("M8[ns]").astype("M8[us]")
    hours = key.reindex(
        pd.MultiIndex.from_arrays([promised["tier"], promised["kind"].astype(object), valid])
    ).to_numpy()
    broken = promised["opened_at"] + pd.to_timedelta(hours, unit="h")
    late = promised["first_response_at"].isna() | (promised["first_response_at"] > broken)
    ago = promised["m"] - broken.dt.to_period("M").astype("int64")
    out["late_responses_6m"] = count(promised[late & (ago >= 1) & (ago <= 6)], out.index).clip(
        upper=4
    )
    held = book.tables["assignments"].astype({"account_id": object})
    held = held[(held["part"] == "account_manager") & held["ends_on"].notna()]
    held = risk.merge(held, on="account_id")
    ago = held["m"] - held["ends_on"].dt.to_period("M").astype("int64")
    recent = held[(ago >= 1) & (ago <= 6)]
    out["manager_left_6m"] = count(recent[recent["ended_because"] == "left_company"], out.index) > 0
    out["manager_rotated_6m"] = count(recent[recent["ended_because"] == "rotated"], out.index) > 0
    out["tier"] = in_force(risk, "month", tiers, "valid_from")["tier"].to_numpy()
    member = risk.merge(book.tables["programme"].astype({"account_id": object}), on="account_id")
    member = member[
        (member["enrolled_on"] <= member["month"]) & ~(member["left_on"] < member["month"])
    ]
    out["level"] = member.set_index("row")["level"].reindex(out.index).fillna(0).astype(int)
    return out


def count(rows: pd.DataFrame, index: pd.Index) -> pd.Series:
    return rows.groupby("row").size().reindex(index, fill_value=0)


def in_force(left: pd.DataFrame, at: str, right: pd.DataFrame, since: str) -> pd.DataFrame:
    order = left[[at, "account_id"]].assign(position=np.arange(len(left))).sort_values(at)
    joined = pd.merge_asof(order, right.sort_values(since), left_on=at, right_on=since,
                           by="account_id")  # fmt: skip
    return joined.sort_values("position").set_index(left.index)


def test_the_covariates_of_the_hazard_can_be_read_from_the_tables(small):
    from_tables = rebuilt(small)
    for name in from_tables.columns:
        planted = small.risk_truth[name].to_numpy()
        assert (from_tables[name].to_numpy() == planted).all(), name


def test_promises_follow_the_standards(small):
    standards = small.tables["standards"]
    complaint = standards.query("kind == 'complaint' and tier == 'gold'")
    assert complaint["first_response_h"].tolist() == [8.0 * KIND_FACTOR[KINDS.index("complaint")]]


def test_departures_of_managers_raise_the_hazard_as_planted(book):
    unit = book("telecom_lines", 1.0)
    risk = unit.risk_truth
    churn = (risk["end"] == "churn").to_numpy()
    gone = risk["manager_left_6m"].to_numpy()
    # departures are drawn apart from everything else, and monthly hazards are small: the ratio
    # of the two rates estimates exp(0.70); its log has variance 1/d1 + 1/d0. Four of its sd.
    log_ratio = np.log(churn[gone].mean() / churn[~gone].mean())
    tolerance = 4 * np.sqrt(1 / churn[gone].sum() + 1 / churn[~gone].sum())
    assert tolerance < 0.70
    assert log_ratio == pytest.approx(unit.truth["retention"]["manager_left_6m"], abs=tolerance)
    turned = risk["manager_rotated_6m"].to_numpy()
    log_ratio = np.log(churn[turned].mean() / churn[~turned].mean())
    tolerance = 4 * np.sqrt(1 / churn[turned].sum() + 1 / churn[~turned].sum())
    assert log_ratio == pytest.approx(0.0, abs=tolerance)


def test_long_contracts_that_are_not_renewed_end_on_their_day(book):
    small = book("telecom_lines")
    risk = small.risk_truth
    due = risk[(risk["end"] == "churn") & risk["contract_due"]]
    contracts = small.tables["contracts"].dropna(subset=["end_reason"])
    contracts = contracts.assign(month=contracts["ended_on"].dt.to_period("M").dt.to_timestamp())
    found = due.merge(
        contracts.astype({"account_id": object, "month": "datetime64[us]"}),
        on=["account_id", "month"],
    )
    assert len(found) == len(due) > 20
    assert (found["ended_on"] == found["ends_on"]).all()


def test_some_lost_accounts_come_back_no_sooner_than_half_a_year(book):
    unit = book("telecom_lines", 1.0)
    back = unit.account_truth.query("spells > 1")
    assert 0.05 < len(back) / unit.truth["realised"]["ends"]["churn"] < 0.35
    first_end = back.set_index("account_id")["left_on"]
    contracts = unit.tables["contracts"].astype({"account_id": object})
    later = contracts[contracts["account_id"].isin(back["account_id"])]
    later = later[later["starts_on"] > later["account_id"].map(first_end)]
    wait = later.groupby("account_id")["starts_on"].min() - first_end
    assert wait.min() > pd.Timedelta(days=150)


def test_silence_follows_a_loss_where_there_are_no_contracts(book):
    unit = book("industrial_supplies")
    left = unit.account_truth.query("spells == 1").dropna(subset=["left_on"])
    orders = unit.tables["transactions"].query("amount > 0").astype({"account_id": object})
    last = orders.groupby("account_id")["date"].max()
    both = left.set_index("account_id")["left_on"].to_frame().join(last, how="inner")
    assert (both["date"] <= both["left_on"]).all()


def test_every_kind_of_end_is_there(book):
    for unit in ("telecom_lines", "industrial_supplies"):
        ends = book(unit, 1.0).truth["realised"]["ends"]
        assert all(ends[end] > 0 for end in ("churn", "insolvent", "merged", "ended_by_us"))


def cloglog(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Fit P(y=1) = 1 - exp(-exp(x b)) by Fisher scoring; return b and its standard errors."""
    b = np.zeros(x.shape[1])
    b[0] = np.log(y.mean())
    for _ in range(60):
        rate = np.exp(np.clip(x @ b, -30, 2))
        p = -np.expm1(-rate)
        information = (x * (rate**2 * (1 - p) / p)[:, None]).T @ x
        step = np.linalg.solve(information, x.T @ ((y - p) * rate / p))
        b = b + np.clip(step, -1, 1)
        if np.abs(step).max() < 1e-9:
            break
    return b, np.sqrt(np.diag(np.linalg.inv(information)))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("unit", "size"),
    [("commercial_vehicles", 20), ("telecom_lines", 4), ("industrial_supplies", 8)],
)
def test_a_regression_of_account_months_returns_the_planted_coefficients(unit, size, book):
    simulated = book(unit, size, 7)
    risk, true = simulated.risk_truth, simulated.truth["retention"]
    x = pd.DataFrame({"intercept": 1.0, "duration": np.log1p(risk["tenure_years"])})
    for name in (
        "open_complaint", "complaints_3m", "late_responses_6m", "manager_left_6m",
        "manager_rotated_6m", "partial_loss", "contract_due", "monthly_contract", "size",
        "attitude",
    ):  # fmt: skip
        x[name] = risk[name].astype(float)
    for tier in ("platinum", "gold", "lead"):
        x[tier] = (risk["tier"] == tier).astype(float)
    for level in (1, 2, 3):
        x[f"level_{level}"] = (risk["level"] == level).astype(float)
    x = x.loc[:, (x.columns == "intercept") | (x.std() > 0)]
    b, error = cloglog(x.to_numpy(), (risk["end"] == "churn").to_numpy(float))
    z = (b - np.array([true[name] for name in x.columns])) / error
    # 18 independent standard normals: P(any beyond 4) = 0.001; their mean square has mean 1 and
    # sd sqrt(2/18) = 1/3, so that 2.3 is four sd above
    assert np.abs(z).max() < 4, dict(zip(x.columns, z.round(1), strict=True))
    assert (z**2).mean() < 2.3
