"""Why a job failed, as plain sentences for its readers and a record for its maintainer."""

from __future__ import annotations

import errno
import re
import traceback
from dataclasses import asdict, dataclass
from typing import Any

from kamlib import errors
from kamlib.errors import KamError
from kamlib.glossary import Sentence, Style, say
from kamlib.params import Unit

_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_FULL = {errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)}
_FULL_TEXT = re.compile(
    rf"\[Errno ({'|'.join(str(code) for code in sorted(_FULL))})\]|no space left on device|"
    r"disk quota exceeded|database or disk is full",
    re.IGNORECASE,
)
_KINDS = {"ParamError": "parameters", "BookError": "data", "FitError": "data"}
_LIMIT = 20_000


def style_of(unit: Unit) -> Style:
    """Return the language and currency in which the unit's readers are addressed."""
    return Style(unit.language, unit.currency)


def plain(text: str) -> str:
    """Return terminal text without its colours."""
    return _ANSI.sub("", text)


@dataclass(frozen=True, slots=True)
class Failure:
    """What the manifest says of a failed job; in plain words and for the maintainer.

    Attributes
    ----------
    kind
        cell-error, timeout, kernel-died, stopped-early, parameters, data, disk-full or runner-error.
    faults
        Full sentences for the reader.
    heading, cell_id
        Nearest heading above the failing cell, and the cell; empty where no cell was at work.
    ename, evalue, traceback
        What Python said, as plain text.
    """

    kind: str
    faults: tuple[str, ...]
    heading: str = ""
    cell_id: str = ""
    ename: str = ""
    evalue: str = ""
    traceback: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return it as the manifest holds it."""
        return asdict(self) | {"faults": list(self.faults)}


def from_cell_error(error: dict[str, Any], style: Style, *, heading: str, cell_id: str) -> Failure:
    """Return the failure behind an error output of a cell.

    A `KamError` brings its own sentences, one per line of its text; for any other error the sentence says
    that the program is at fault.
    """
    ename, evalue = str(error.get("ename", "")), plain(str(error.get("evalue", "")))
    trace = plain("\n".join(error.get("traceback", [])))[-_LIMIT:]
    lines = [line for line in evalue.splitlines() if line.strip()]
    first = lines[0] if lines else ""
    faults: tuple[str, ...]
    if ename == "SystemExit":
        kind, faults = (
            "stopped-early",
            (say(Sentence("run.stopped"), style),),
        )
    elif _FULL_TEXT.search(evalue):
        kind, faults = "disk-full", (say(Sentence("run.disk_full"), style),)
    elif ename in _kam_errors():
        kind, faults = _KINDS.get(ename, "cell-error"), tuple(lines)
    else:
        values = {"ename": ename, "evalue": first[:500]}
        kind, faults = "cell-error", (say(Sentence("run.code_error", values), style),)
    return Failure(kind, faults, heading, cell_id, ename, evalue[:_LIMIT], trace)


def from_exception(error: BaseException, style: Style) -> Failure:
    """Return the failure behind an error of the runner itself."""
    ename, evalue = type(error).__name__, str(error)[:_LIMIT]
    trace = "".join(traceback.format_exception(error))[-_LIMIT:]
    faults: tuple[str, ...]
    if is_full(error):
        kind, faults = "disk-full", (say(Sentence("run.disk_full"), style),)
    elif isinstance(error, KamError):
        kind, faults = _KINDS.get(ename, "runner-error"), error.faults
    else:
        values = {"ename": ename, "evalue": evalue[:500]}
        kind, faults = "runner-error", (say(Sentence("run.runner_error", values), style),)
    return Failure(kind, faults, ename=ename, evalue=evalue, traceback=trace)


def is_full(error: BaseException | None) -> bool:
    """Return whether the error, or one that led to it, is a disk without room."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in _FULL:
            return True
        error = error.__cause__ or error.__context__
    return False


def _kam_errors() -> set[str]:
    return {
        name
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, KamError)
    }
