"""The front page of all runs: per business unit and study, what is there and how fresh it is."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from kamlib.glossary import Style, heading, say
from kamlib.report.failure import happened
from kamlib.report.layout import fill, moment, study_title

_STATES = {"ok": "Ready", "stale": "Out of date", "failed": "Failed"}
_EARLIER = 8


def render_index(entries: list[dict[str, Any]], *, generated: str) -> str:
    """Return the index page.

    The newest good report of each unit and study is shown; a failure counts against it unless the
    failed run was for an earlier day.

    Parameters
    ----------
    entries
        Manifests, good and failed, each with `href`; a failed one may carry `last_good`, the
        manifest (with its `href`) of the report that still stands.
    generated
        When the page was made.
    """
    style = _style(entries)
    units: dict[str, dict[str, list[dict[str, Any]]]] = defaultdict(lambda: defaultdict(list))
    for entry in entries:
        units[entry["business_unit"]][entry["study"]].append(entry)
    shown = [
        {
            "title": _unit_title(unit, studies),
            "studies": [_item(runs, style) for _, runs in sorted(studies.items())],
        }
        for unit, studies in sorted(units.items())
    ]
    return fill("index.html.j2", style, units=shown, generated=moment(generated))


def _style(entries: list[dict[str, Any]]) -> Style:
    languages = {(entry.get("facts") or {}).get("language") for entry in entries} - {None}
    return Style("zh" if languages == {"zh"} else "en")


def _unit_title(unit: str, studies: dict[str, list[dict[str, Any]]]) -> str:
    titles = [
        (entry.get("facts") or {}).get("unit_title") for runs in studies.values() for entry in runs
    ]
    return next((title for title in titles if title), unit)


def _as_of(entry: dict[str, Any]) -> str:
    return str((entry.get("facts") or {}).get("as_of") or entry.get("as_of") or "")


def _age(entry: dict[str, Any]) -> tuple[str, str]:
    return _as_of(entry), entry.get("finished", "")


def _counts(failed: dict[str, Any], good: dict[str, Any]) -> bool:
    """Return whether a failed run says something about the good report."""
    if _as_of(failed):
        return _as_of(failed) >= _as_of(good)
    return bool(failed.get("finished", "") >= good.get("finished", ""))


def _item(runs: list[dict[str, Any]], style: Style) -> dict[str, Any]:
    """Return what the page says about one study of one unit."""
    left = [entry["last_good"] for entry in runs if entry.get("last_good")]
    good = {entry["href"]: entry for entry in [*left, *runs] if entry["status"] == "ok"}
    goods = sorted(good.values(), key=_age, reverse=True)
    fails = [
        entry
        for entry in runs
        if entry["status"] != "ok" and (not goods or _counts(entry, goods[0]))
    ]
    failed = max(fails, key=lambda entry: entry.get("finished", ""), default=None)
    status = "ok" if failed is None else "stale" if goods else "failed"
    best = goods[0] if goods else runs[0]
    return {
        "study": heading(study_title(best["study"]), style),
        "status": status,
        "state": heading(_STATES[status], style),
        "href": best["href"] if goods else "",
        "as_of": _as_of(best),
        "made": moment(best.get("finished", "")) if goods else "",
        "headline": (best.get("facts") or {}).get("headline", ()) if goods else (),
        "failure": failed["href"] if failed else "",
        "reason": say(happened(failed.get("failure", {})), style) if failed else "",
        "earlier": [
            {"href": entry["href"], "as_of": _as_of(entry)} for entry in goods[1 : 1 + _EARLIER]
        ],
    }
