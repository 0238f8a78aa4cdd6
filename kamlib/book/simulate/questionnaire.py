"""The questionnaire: items, the constructs behind them, and how these hang together."""

from __future__ import annotations

from typing import Any

import pandas as pd

from kamlib.book.simulate.columns import frame

MEAN, ITEM_SD = 7.0, 0.9  # of an item whose construct stands at zero; scale 1 to 10
METHODS = ("questionnaire", "phone", "interview")
METHOD_EFFECT = (0.0, 0.3, 0.6)  # face to face, people are polite
RESPONSE = (-0.4, 0.4, 2.2)  # log odds by method
RESPONSE_SATISFACTION = 0.35  # log odds per unit of satisfaction
ITEM_MISSING = 0.04
COMPETITOR_ASKED, COMPETITOR_MEAN = 0.30, -0.4  # share of responses, latent quality of a rival
RANDOM_SHARE = {"commercial_vehicles": 0.60, "telecom_lines": 0.22, "industrial_supplies": 0.35}
CHOSEN_SHARE = 0.50  # of platinum and gold accounts that chance did not draw

# construct -> (coefficient of each cause, sd of the rest)
PATHS: dict[str, tuple[dict[str, float], float]] = {
    "expectation": ({"size": 0.20}, 0.60),
    "quality": ({"service_trait": 0.60, "attitude": 0.30, "complaints_12m": -0.25}, 0.50),
    "value": ({"quality": 0.60, "discount": 3.0}, 0.50),
    "satisfaction": ({"quality": 0.35, "value": 0.40, "expectation": -0.15}, 0.45),
    "image": ({"quality": 0.40}, 0.60),
    "loyalty": ({"satisfaction": 0.55, "image": 0.25, "attitude": 0.35}, 0.50),
}
DIMENSIONS = (
    ("tangibles", 6.6, "equipment and documents that look the part", "设备与资料得体"),
    ("reliability", 9.2, "doing what was promised, on time", "按时履行承诺"),
    ("responsiveness", 8.6, "answering promptly", "迅速响应"),
    ("assurance", 8.0, "people who know their trade", "人员专业可信"),
    ("empathy", 7.2, "understanding our business", "了解我们的业务"),
)
# item, construct, latent behind it, loading, dimension, value part, text_en, text_zh
Item = tuple[str, str, str, float, str | None, str | None, str, str]
ITEMS: tuple[Item, ...] = (
    *(
        (f"E{k}", "expectation", "expectation", 0.8, dim, None,
         f"An excellent supplier offers {en}.", f"优秀的供应商应当做到:{zh}。")
        for k, (dim, _, en, zh) in enumerate(DIMENSIONS, 1)
    ),
    *(
        (f"P{k}", "perception", "quality", 1.2, dim, None,
         f"This supplier offers {en}.", f"该供应商做到了:{zh}。")
        for k, (dim, _, en, zh) in enumerate(DIMENSIONS, 1)
    ),
    *(
        (f"W{k}", "importance", "none", 0.0, dim, None,
         f"How important to you: {en}?", f"对您有多重要:{zh}?")
        for k, (dim, _, en, zh) in enumerate(DIMENSIONS, 1)
    ),
    ("Q1", "quality", "quality", 1.4, None, None,
     "Overall quality of what we buy.", "我们所购产品与服务的总体质量。"),
    ("Q2", "quality", "quality", 1.1, None, None,
     "Quality stays the same from delivery to delivery.", "每次交付的质量保持稳定。"),
    ("V1", "value", "value", 1.2, None, "product", "The product is worth its price.",
     "产品物有所值。"),
    ("V2", "value", "value", 1.1, None, "service", "The service is worth its price.",
     "服务物有所值。"),
    ("V3", "value", "value", 0.9, None, "personnel", "Their people save us work.",
     "其人员为我们省力。"),
    ("V4", "value", "value", 0.8, None, "time", "Buying here costs us little time.",
     "在此采购花费时间少。"),
    ("S1", "satisfaction", "satisfaction", 1.6, None, None, "All in all we are satisfied.",
     "总体而言我们满意。"),
    ("S2", "satisfaction", "satisfaction", 1.4, None, None, "It meets what we expected.",
     "符合我们的期望。"),
    ("S3", "satisfaction", "satisfaction", 1.3, None, None, "It is near our ideal.",
     "接近我们的理想。"),
    ("I1", "image", "image", 1.2, None, None, "A supplier of good name.", "该供应商声誉良好。"),
    ("I2", "image", "image", 1.0, None, None, "A supplier that leads its trade.",
     "该供应商行业领先。"),
    ("L1", "recommend", "loyalty", 1.5, None, None, "We would recommend this supplier.",
     "我们愿意推荐该供应商。"),
    ("L2", "repurchase", "loyalty", 1.4, None, None, "We shall buy here again.",
     "我们会再次购买。"),
    ("L3", "price_tolerance", "loyalty", 1.0, None, None,
     "We would stay if prices rose by five percent.", "价格上涨百分之五我们仍会留下。"),
)  # fmt: skip
INTERCEPT = {"E": 1.2, "W": 0.0, "L3": -1.5}


def items() -> pd.DataFrame:
    """Return `survey_items`: one row per item."""
    name, construct, _, _, dimension, part, en, zh = zip(*ITEMS, strict=True)
    return frame(
        "survey_items",
        {
            "item": name, "construct": construct, "dimension": dimension, "value_part": part,
            "text_en": en, "text_zh": zh,
        },
    )  # fmt: skip


def truth() -> dict[str, Any]:
    """Return the true paths, loadings and method effects."""
    return {
        "paths": {
            name: {"coefficients": dict(causes), "rest_sd": rest}
            for name, (causes, rest) in PATHS.items()
        },
        "loadings": {item[0]: {"latent": item[2], "loading": item[3]} for item in ITEMS},
        "item_mean": MEAN,
        "item_sd": ITEM_SD,
        "method_effect": dict(zip(METHODS, METHOD_EFFECT, strict=True)),
        "response_log_odds": dict(zip(METHODS, RESPONSE, strict=True)),
        "response_satisfaction": RESPONSE_SATISFACTION,
        "item_missing": ITEM_MISSING,
        "importance": {name: mean for name, mean, _, _ in DIMENSIONS},
        "competitor_mean": COMPETITOR_MEAN,
    }
