"""Credentials: named in a parameter file as `${NAME}`, kept in the environment."""

from __future__ import annotations

import os
import re
from urllib.parse import quote

from kamlib.errors import ParamError

_SECRET = re.compile(r"\$\{(\w+)\}")


def resolve_secrets(text: str) -> tuple[str, tuple[str, ...]]:
    """Return `text` with every `${NAME}` taken from the environment, and the values taken.

    A value that stands as the password of a URL is written as a URL needs it.

    Raises
    ------
    ParamError
        Naming every variable that is not set.
    """
    names = _SECRET.findall(text)
    missing = [name for name in dict.fromkeys(names) if name not in os.environ]
    if missing:
        raise ParamError(
            *(
                f"book.database: the environment variable {name} is not set; set it where the run "
                f"is started, e.g. export {name}=…"
                for name in missing
            )
        )

    def value(found: re.Match[str]) -> str:
        plain = os.environ[found[1]]
        is_password = (
            re.search(r"://[^/@]*:$", text[: found.start()]) and text[found.end() :][:1] == "@"
        )
        return quote(plain, safe="") if is_password else plain

    return _SECRET.sub(value, text), tuple(os.environ[name] for name in names)
