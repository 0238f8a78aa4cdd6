"""What accounts that simply buy will bring: how often, how much, how long, each with an interval."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kamlib.glossary import Sentence
from kamlib.params import LifetimeParams
from kamlib.results import Check, Estimate, refusal
from kamlib.value.lifetime.economics import Economics
from kamlib.value.lifetime.outlook import Outlook
from kamlib.value.lifetime.pooling import Pool, prior_for
from kamlib.value.lifetime.posterior import posterior
from kamlib.value.lifetime.predict import Accounts, predict
from kamlib.value.lifetime.purchase_history import PurchaseHistory
from kamlib.value.lifetime.purchases.bg_nbd import BG_NBD
from kamlib.value.lifetime.purchases.expected import PurchaseModel, p_alive, pace
from kamlib.value.lifetime.purchases.fit import Fit, Prior, fit
from kamlib.value.lifetime.purchases.mbg_cnbd_k import fit_regular
from kamlib.value.lifetime.purchases.pareto_nbd import PARETO_NBD
from kamlib.value.lifetime.purchases.summary import Purchases, compress
from kamlib.value.lifetime.rehearsal import rehearse
from kamlib.value.lifetime.spend import fit_spend, spenders
from kamlib.value.lifetime.spend_models import SpendModel

Floats = NDArray[np.float64]

_YEAR = 365.25
_ORDERS = (1, 2, 3, 5, 9, 17, 33, 65)  # classes of orders so far begin here


def forecast_purchases(
    history: PurchaseHistory,
    economics: Economics,
    params: LifetimeParams,
    *,
    pools: Mapping[str, Pool],
    horizon_days: float,
    conf_level: float,
    rng: np.random.Generator,
) -> Outlook | Estimate:
    """What each account that bought will buy and bring from the day of its history to the horizon.

    Parameters
    ----------
    history
        What was known of the accounts' purchases on the day of the forecast.
    economics
        Margin rates and costs to serve of the accounts of `history.summary`, in their order.
    params
        `model`, `discount_rate`, `draws`.
    pools
        Name of a model -> what comparable units have in common, as far as it was known on that day.
    horizon_days
        How far ahead.
    conf_level, rng
        Level of the intervals; source of randomness.

    Returns
    -------
    Outlook or Estimate
        The forecast; `accounts` has, besides, `p_order`, the chance of at least one order within the
        horizon. `p_alive` is null under BG/NBD, where it is 1 by construction for every account that
        never bought again. A refusal, with the reason, where nobody bought, nobody bought again, too
        few did for a model, no fit can be used, or no average spend is positive.

    Notes
    -----
    The likelihoods of the candidates are densities of the same thing, the times of all purchases
    after the first: with exponential gaps those depend on frequency, recency and age alone, and that
    of regular gaps carries the term in the logarithms of the gaps. All have four parameters, so that
    the likeliest is taken; a more regular k must gain more than chance would (`fit_regular`).

    All of them take rates to be constant for life. How far that was from the truth a year earlier is
    learnt from the unit's own records and allowed for (`rehearsal.rehearse`).
    """
    was = history.summary
    if was.empty:
        return refusal("lifetime", "noncontractual.no_purchases", day=history.day)
    x, t_x, age = (
        was[name].to_numpy(dtype=np.float64) for name in ("frequency", "recency_days", "age_days")
    )
    z = np.nan_to_num(was["monetary_value"].to_numpy(dtype=np.float64))
    if not (x > 0).any():
        return refusal("lifetime", "noncontractual.no_repeat", n=len(was), day=history.day)
    rows = compress(x, t_x, age, log_gaps=float(was["log_gaps"].sum()))
    found, why, chosen = _fitted(rows, params.model, pools)
    if found.trouble is not None:
        return refusal("lifetime", "noncontractual.trouble", reason=found.trouble, n=len(was))
    model = cast(PurchaseModel, found.model)
    speed = pace(model, found.natural, x, t_x, age)
    spends, positive = spenders(x, z, speed, within=history.within)
    if spends.n_obs == 0:
        return refusal("lifetime", "noncontractual.no_spend", n=int((x > 0).sum()))
    spent, spend_checks = fit_spend(spends)
    if spent.trouble is not None:
        return refusal("lifetime", "noncontractual.trouble", reason=spent.trouble, n=len(was))
    drawn = posterior(found, rows, draws=params.draws, rng=rng)
    money = posterior(spent, spends, draws=params.draws, rng=rng)
    wander, steadiness = rehearse(
        history.rehearsal, model, seen_days=float(age.mean()), horizon_days=horizon_days,
        conf_level=conf_level, rng=rng,
    )  # fmt: skip
    months = month_ends(history.day, horizon_days)
    known = Accounts(
        x, t_x, age, z, margin_rate=economics.margin_rate, cost_to_serve=economics.cost_per_day,
        pace=speed,
    )  # fmt: skip
    prediction = predict(
        model, drawn.natural, cast(SpendModel, spent.model), money.natural, known, horizon_days=horizon_days,
        discount=float(np.log1p(params.discount_rate)) / _YEAR, conf_level=conf_level, rng=rng,
        wander=wander, times=months["days"],
    )  # fmt: skip
    last_year = history.trailing.set_index("account_id")["revenue"].reindex(was["account_id"])
    alive = p_alive(model, found.natural, x, t_x, age)
    accounts = pd.DataFrame(
        {
            "account_id": was["account_id"],
            "activity_class": _classes(x + 1),
            "p_alive": np.nan if model is BG_NBD else alive,
            "p_order": prediction.p_order,
            "naive_revenue": last_year.fillna(0.0).to_numpy() * horizon_days / 365,
            "days_since_last": was["days_since_last"].to_numpy(dtype=np.float64),
        }
    )
    path = pd.DataFrame(
        {"month": months["month"], "expected_purchases": prediction.path["purchases"],
         "expected_revenue": prediction.path["revenue"]}
    )  # fmt: skip
    checks = (
        Check("purchase_model", True, chosen), Check("purchase_prior", True, why), *found.checks,
        _renamed(drawn.check, "purchases"), positive, *_only_new(spend_checks, found.checks),
        _renamed(money.check, "spend"), *steadiness, *economics.checks,
    )  # fmt: skip
    return Outlook(
        "purchases", model.name, history.day, horizon_days, accounts, path, prediction,
        economics.margin_known, checks,
    )  # fmt: skip


def _fitted(
    rows: Purchases, wanted: str, pools: Mapping[str, Pool]
) -> tuple[Fit, Sentence, Sentence]:
    """Return the fit to use, which prior it used, and why this model."""
    fits: list[tuple[Fit, Sentence]] = []
    if wanted in ("auto", "MBG/CNBD-k"):
        regular = fit_regular(rows)  # what units share must not hide a unit's own rhythm
        prior, why = prior_for(pools.get(regular.model.name), regular.model, rows)
        fits.append((fit(regular.model, rows, prior=prior), why))
    for model in (BG_NBD, PARETO_NBD):
        if wanted in ("auto", model.name):
            prior, why = prior_for(pools.get(model.name), model, rows)
            chosen: Prior = prior
            fits.append((fit(model, rows, prior=chosen), why))
    usable = [pair for pair in fits if pair[0].trouble is None] or fits[:1]
    best, why = max(usable, key=lambda pair: pair[0].log_likelihood)
    others = [one for one, _ in usable if one is not best]
    values: dict[str, Any] = {"model": best.model.name, "n": rows.n_obs, "again": rows.n_repeat}
    if not others:
        return best, why, Sentence("noncontractual.model_given", values)
    second = max(others, key=lambda one: one.log_likelihood)
    values |= {"second": second.model.name, "gain": best.log_likelihood - second.log_likelihood}
    return best, why, Sentence("noncontractual.model", values)


def month_ends(day: Any, horizon_days: float) -> pd.DataFrame:
    """Return the month ends after `day` up to the horizon, and the horizon's end: `month`, `days`.

    >>> month_ends("2025-01-15", 30)["days"].tolist()
    [16.0, 30.0]
    """
    start = pd.Timestamp(day)
    last = start + pd.Timedelta(days=float(horizon_days))
    ends = list(pd.date_range(start, last, freq="ME", inclusive="right"))
    if not ends or ends[-1] < last.normalize():
        ends.append(last.normalize())
    return pd.DataFrame({"month": ends, "days": [float((end - start).days) for end in ends]})


def _classes(orders: Floats) -> NDArray[np.object_]:
    """Return labels of how often accounts have ordered."""
    names = [
        str(a) if (b is None and a < _ORDERS[-1]) or b == a + 1 else f"{a}+" if b is None else f"{a}–{b - 1}"
        for a, b in zip(_ORDERS, (*_ORDERS[1:], None), strict=True)
    ]  # fmt: skip
    return np.array(names, dtype=object)[np.searchsorted(_ORDERS, orders, side="right") - 1]


def _renamed(check: Check, of: str) -> Check:
    return Check(f"{check.name}_{of}", check.passed, check.note, check.frame)


def _only_new(checks: tuple[Check, ...], known: tuple[Check, ...]) -> tuple[Check, ...]:
    """Return checks, those whose names are taken under a name of the spend model's own."""
    taken = {check.name for check in known}
    return tuple(_renamed(c, "spend") if c.name in taken else c for c in checks)
