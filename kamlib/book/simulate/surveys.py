"""Surveys: five yearly waves, latent constructs behind the items, random and chosen accounts."""

from __future__ import annotations

import numpy as np
import pandas as pd

from kamlib.book.simulate.accounts import Accounts
from kamlib.book.simulate.clock import LAST_DAY, month_of, month_start
from kamlib.book.simulate.columns import frame, pick, serials
from kamlib.book.simulate.lives import Lives
from kamlib.book.simulate.losses import COMPETITORS
from kamlib.book.simulate.meetings import Contacts
from kamlib.book.simulate.model import UnitModel
from kamlib.book.simulate.programme import Bytes
from kamlib.book.simulate.questionnaire import (
    CHOSEN_SHARE,
    COMPETITOR_ASKED,
    COMPETITOR_MEAN,
    DIMENSIONS,
    INTERCEPT,
    ITEM_MISSING,
    ITEM_SD,
    ITEMS,
    MEAN,
    METHOD_EFFECT,
    METHODS,
    PATHS,
    RANDOM_SHARE,
    RESPONSE,
    RESPONSE_SATISFACTION,
)


def draw(
    model: UnitModel,
    people: Accounts,
    tier: Bytes,
    lives: Lives,
    discount: np.ndarray,
    contacts: Contacts,
    rng: np.random.Generator,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return `survey_frame` (one row per invitation) and `surveys` (one row per answer).

    Each May every living account is drawn with the unit's chance (questionnaire or phone); half
    of the remaining platinum and gold accounts are chosen for an interview. The satisfied answer
    more often. An item that was left out has no row.
    """
    parts = []
    for year in range(5):
        may = 12 * year + 4
        whole = lives.last[:, may] - lives.first[:, may] == 31
        drawn = whole & (rng.random(len(people)) < RANDOM_SHARE[model.unit])
        key = whole & ~drawn & (tier[:, may] <= 1) & (rng.random(len(people)) < CHOSEN_SHARE)
        who = np.flatnonzero(drawn | key)
        method = np.where(key[who], 2, (rng.random(len(who)) < 0.3).astype(np.int64))
        complaints = lives.book.complaints[who, max(may - 12, 0) : may].sum(axis=1)
        parts.append(
            pd.DataFrame(
                {
                    "account": who, "may": may, "method": method, "chosen": key[who],
                    "size": people.size[who], "service_trait": people.quality[who],
                    "attitude": people.attitude[who],
                    "complaints_12m": np.minimum(complaints, 4).astype(float),
                    "discount": discount[who, may] - model.price.discount_base,
                }
            )
        )  # fmt: skip
    asked = pd.concat(parts, ignore_index=True)
    n = len(asked)
    for construct, (causes, rest) in PATHS.items():
        asked[construct] = rest * rng.standard_normal(n) + sum(
            weight * asked[cause] for cause, weight in causes.items()
        )
    asked["none"] = 0.0
    account, method = asked["account"].to_numpy(), asked["method"].to_numpy()
    invited = month_start(asked["may"].to_numpy()) + 4
    waves = (2021 + asked["may"] // 12).astype(str).to_numpy()
    invitations = frame(
        "survey_frame",
        {
            "wave": waves,
            "account_id": pick(people.ids, account),
            "invited_on": invited,
            "method": pick(METHODS, method),
            "selection": pick(("random", "chosen"), asked["chosen"].to_numpy().astype(np.int8)),
            "contact_id": contacts.table["contact_id"].array.take(contacts.first[account]),
        },
    )

    odds = np.array(RESPONSE)[method] + RESPONSE_SATISFACTION * asked["satisfaction"]
    answered = np.flatnonzero(rng.random(n) < 1 / (1 + np.exp(-odds)))
    day = invited + rng.integers(1, 40, n)
    month = month_of(day)
    still = (day < lives.last[account, month]) & (day <= LAST_DAY)
    answered = answered[still[answered]]
    answered = answered[np.lexsort((account[answered], day[answered]))]
    latent = asked.iloc[answered]
    m = len(answered)
    rival = rng.random(m) < COMPETITOR_ASKED
    rival_quality = COMPETITOR_MEAN + 0.7 * rng.standard_normal(m)
    politeness = np.array(METHOD_EFFECT)[method[answered]]
    importance = {name: mean for name, mean, _, _ in DIMENSIONS}
    code, score, response, other = [], [], [], []
    for index, (item, construct, behind, loading, dimension, *_) in enumerate(ITEMS):
        base = MEAN + INTERCEPT.get(item, INTERCEPT.get(item[0], 0.0))
        if construct == "importance" and dimension is not None:
            base = importance[dimension]
        raw = base + loading * latent[behind].to_numpy() + politeness
        for of_rival, value in ((False, raw), (True, MEAN + loading * rival_quality)):
            if of_rival and construct != "perception":
                continue
            kept = np.flatnonzero((rng.random(m) >= ITEM_MISSING) & (rival | (not of_rival)))
            noisy = value[kept] + ITEM_SD * rng.standard_normal(len(kept))
            score.append(np.clip(np.round(noisy), 1, 10))
            response.append(kept)
            code.append(np.full(len(kept), index))
            other.append(np.full(len(kept), of_rival))
    codes, scores = np.concatenate(code), np.concatenate(score)
    row, about_rival = np.concatenate(response), np.concatenate(other)
    order = np.lexsort((about_rival, codes, row))
    row, codes, scores, about_rival = (v[order] for v in (row, codes, scores, about_rival))
    rivals = COMPETITORS[model.unit]
    which = rng.integers(0, len(rivals), m)
    source = answered[row]
    answers = frame(
        "surveys",
        {
            "response_id": pick(serials("R", np.arange(1, m + 1)), row),
            "account_id": pick(people.ids, account[source]),
            "wave": waves[source],
            "date": day[source],
            "method": pick(METHODS, method[source]),
            "item": pick([item[0] for item in ITEMS], codes),
            "score": scores,
            "scale_min": np.ones(len(row)),
            "scale_max": np.full(len(row), 10.0),
            "competitor": pick(rivals, np.where(about_rival, which[row], -1)),
        },
    )  # fmt: skip
    return invitations, answers
