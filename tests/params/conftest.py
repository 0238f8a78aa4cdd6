"""Parameter files written for a test, and what is made of them."""

import pytest

from kamlib.errors import ParamError
from kamlib.params import load_unit


@pytest.fixture
def load(root):
    """Return a function: text of a parameter file -> the unit."""

    def call(text, name="north", **more):
        path = root / "params" / f"{name}.yaml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return load_unit(name, **more)

    return call


@pytest.fixture
def refused(load):
    """Return a function: text of a parameter file -> its faults, without the file's name."""

    def call(text, **more):
        with pytest.raises(ParamError) as caught:
            load(text, **more)
        return [fault.removeprefix("params/north.yaml: ") for fault in caught.value.faults]

    return call
