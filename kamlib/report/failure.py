"""The page that stands where a report would, when a run failed: what happened and what to do."""

from __future__ import annotations

from typing import Any

from kamlib.glossary import Sentence, Style, clean, heading, say, sentences
from kamlib.report.layout import fill, moment, study_title


def happened(failure: dict[str, Any]) -> Sentence:
    """Return in plain words what kind of failure it was."""
    return _by_kind("happened", failure)


def render_failure(manifest: dict[str, Any], *, style: Style, last_good: str | None) -> str:
    """Return the failure page of one job.

    Parameters
    ----------
    manifest
        Manifest of the failed job; its `failure` says what went wrong.
    style
        Language of the page.
    last_good
        Relative address of the last good report, where there is one.
    """
    failure = manifest.get("failure", {})
    facts = manifest.get("facts") or {}
    unit = facts.get("unit_title") or manifest["business_unit"]
    study = heading(study_title(manifest["study"]), style)
    error = ": ".join(part for part in (failure.get("ename"), failure.get("evalue")) if part)
    return fill(
        "failure.html.j2",
        style,
        title=say(Sentence("report.failed_title", {"study": study, "unit": unit}), style),
        unit=unit,
        facts=facts,
        made=moment(manifest.get("finished", "")),
        run_id=manifest.get("run_id", ""),
        failure={
            "heading": failure.get("heading", ""),
            "kind": failure.get("kind", ""),
            "faults": [clean(fault) for fault in failure.get("faults", ())],
        },
        happened=say(happened(failure), style),
        advice=say(_by_kind("advice", failure), style),
        last_good=last_good,
        details=failure.get("traceback") or error,
    )


def _by_kind(group: str, failure: dict[str, Any]) -> Sentence:
    key = f"report_{group}.{failure.get('kind', '').replace('-', '_')}"
    return Sentence(key if key in sentences() else f"report_{group}.runner_error")
