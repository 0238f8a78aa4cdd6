"""Account names, half Chinese and half English, a few of them hard on a page.

All firms are made of parts; a likeness to a real one would be chance. The hard names are plausible
and hostile at once: characters that HTML, mathematics and sorting treat in their own way.
"""

from __future__ import annotations

import numpy as np

HARD_NAMES = (
    "A$AP Haulage & Söhne <Nord>",
    "_Underline Logistik",
    'Meyer & Chen "Partner" GmbH',
    "O'Brien <b>Freight</b> $2$ Ltd",
)


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_PLACES_ZH = _words(
    "华东 华北 华南 西南 江苏 浙江 广东 山东 四川 湖北 上海 苏州 宁波 青岛 成都 武汉"
)
_BRANDS_ZH = _words(
    "恒达 鑫源 瑞丰 远通 宏盛 永泰 博联 中拓 金辉 盛合 海纳 顺捷 新越 佳信 天策 华锐 "
    "东启 立诚 百川 正阳"
)
_PLACES_EN = _words("Harbour North Upper Royal Grand Pacific Eastern Delta Coastal Central")
_BRANDS_EN = _words(
    "Alder Brook Cedar Dunmore Elston Fairway Garnet Hollis Ivory Juniper Kestrel Lowland "
    "Marlow Norden Orchard Penrose Quarry Redwood Stirling Thornton Umber Vale Wexford Yarrow"
)
_TRADES = {
    "commercial_vehicles": (
        _words("重卡物流 汽车贸易 运输 冷链物流 渣土运输 供应链"),
        _words("Haulage Logistics Trucks Transport Freight Fleet"),
    ),
    "telecom_lines": (
        _words("连锁超市 酒店管理 电子科技 服装 餐饮管理 金融服务"),
        _words("Retail Hotels Textiles Foods Finance Devices"),
    ),
    "industrial_supplies": (
        _words("机械制造 精密电子 化工 五金 建筑安装 自动化"),
        _words("Machinery Precision Chemicals Tools Construction Automation"),
    ),
}
_FORMS_ZH = ("有限公司", "有限公司", "有限公司", "股份有限公司")
_FORMS_EN = ("Ltd", "Ltd", "GmbH", "Inc.")


def draw(unit: str, count: int, rng: np.random.Generator) -> list[str]:
    """Return `count` names, unlike one another; the hard ones fall on accounts drawn at random."""
    trades_zh, trades_en = _TRADES[unit]
    chinese = rng.random(count) < 0.5
    part = rng.random((count, 4))

    def put_together(zh: bool, u: list[float]) -> str:
        words = (
            (_PLACES_ZH, _BRANDS_ZH, trades_zh, _FORMS_ZH)
            if zh
            else (_PLACES_EN, _BRANDS_EN, trades_en, _FORMS_EN)
        )
        parts = (pool[int(x * len(pool))] for pool, x in zip(words, u, strict=True))
        return ("" if zh else " ").join(parts)

    names = [put_together(zh, u) for zh, u in zip(chinese.tolist(), part.tolist(), strict=True)]
    where = rng.choice(count, len(HARD_NAMES), replace=False).tolist()
    for index, hard in zip(where, HARD_NAMES, strict=True):
        names[index] = hard
    seen: dict[str, int] = {}
    for index, name in enumerate(names):
        seen[name] = seen.get(name, 0) + 1
        if seen[name] > 1:
            names[index] = f"{name} ({seen[name]})"
    return names
