"""The prose of notebooks in Chinese: `kamlib/text/prose/<study>.toml` holds it by the id of the cell.

A notebook is written in English alone. Its page takes the translation of a cell where there is one
of these very words; a cell that was changed since stays English, so that no page says in Chinese
what its notebook no longer says.
"""

from __future__ import annotations

import functools
import hashlib
import tomllib
from importlib import resources

from nbformat import NotebookNode


@functools.cache
def translations() -> dict[str, dict[str, dict[str, str]]]:
    """Return all translations: study -> id of the cell -> `of` (digest of the English), `zh`."""
    folder = resources.files("kamlib.text").joinpath("prose")
    return {
        file.name.removesuffix(".toml"): tomllib.loads(file.read_text("utf-8"))
        for file in folder.iterdir()
        if file.name.endswith(".toml")
    }


def digest(english: str) -> str:
    r"""Return a short hash of the words of a cell; where its lines break makes no difference.

    >>> digest("Who leaves, and why?") == digest("Who leaves,\n  and why?")
    True
    """
    words = " ".join(english.split())
    return hashlib.sha256(words.encode("utf-8")).hexdigest()[:8]


def translated(cell: NotebookNode, study: str, language: str) -> tuple[str, str]:
    """Return the Markdown of a cell and its language: that of the page, where it is known in it."""
    entry = translations().get(study, {}).get(cell.get("id", ""), {})
    if language in entry and entry["of"] == digest(cell.source):
        return entry[language], language
    return cell.source, "en"
