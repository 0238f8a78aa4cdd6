"""Units × studies as jobs: plan, run in kernels of their own, publish, keep a catalogue."""

import kamlib._fastimports  # noqa: F401 – before any module of this package imports nbformat
