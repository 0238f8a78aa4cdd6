"""One tree of errors: what is wrong, where, what was found, what is allowed, what to do.

Every error that a user can cause is a `KamError` with *all* its faults, one sentence each. A message is
written for somebody who does not program; a traceback is for faults of ours only.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class KamError(Exception):
    """A fault that the user can mend; `faults` holds one full sentence per fault."""

    def __init__(self, *faults: str) -> None:
        super().__init__("\n".join(faults))
        self.faults: tuple[str, ...] = faults


class ParamError(KamError):
    """A parameter file or an override that cannot be used."""


class BookError(KamError):
    """Records of a business unit that cannot be read at all, so that the unit stops."""


class FitError(KamError):
    """A model that the data cannot carry."""


class RunError(KamError):
    """A run that could not start or finish, for reasons outside the data."""


class Locked(RunError):
    """Another run is at work on the same business unit."""


def nearest(name: str, known: Iterable[str]) -> str:
    """Return " – did you mean 'x'?" where a known name is close to `name`, else "".

    >>> nearest("langauge", ["language", "as_of"])
    " – did you mean 'language'?"
    """
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f" – did you mean '{close[0]}'?" if close else ""
