"""Keep one useless import out of every start of `nbformat`; import this module before it.

`nbformat` imports `jsonschema`, which imports `rfc3987_syntax` where it is installed (JupyterLab brings
it), and that builds some thirty parsers: seconds of work for a format that no notebook schema uses.
`jsonschema` does without it when the import fails. As a pytest plugin: `-p kamlib._fastimports`.
"""

import sys

# None makes `import rfc3987_syntax` an ImportError; setdefault leaves a module that is already there
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
