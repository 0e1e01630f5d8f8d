"""Where the components are: REWARDEN_RUNTIMES, or `plugins/dist/runtimes`. Tests of the sandbox are left out, by name, without them."""

import os
from pathlib import Path

import pytest

RUNTIMES = Path(os.environ.get("REWARDEN_RUNTIMES", Path(__file__).parents[2] / "dist" / "runtimes"))
EXAMPLES = Path(__file__).parent.parent / "examples"
HOSTILE = Path(__file__).parent / "hostile"


# What math-verify needs for some kinds of answers (intervals, tuples) is beyond the host's default of 500 M for one call.
MATHS_FUEL = 2_000_000_000


def _sandbox(name, **limits):
    path = RUNTIMES / f"{name}.wasm"
    if not path.exists():
        if os.environ.get("REWARDEN_TEST_RUNTIMES") == "required":
            pytest.fail(f"{path} is not there; build it with build/build.py")
        pytest.skip(f"LEFT OUT: {path} is not there; build it with build/build.py")
    wasmtime = pytest.importorskip("wasmtime", reason="LEFT OUT: the package `wasmtime` is not installed")
    assert wasmtime
    from sandbox import Sandbox

    return Sandbox(path, **limits)


@pytest.fixture(scope="session")
def python():
    """The runtime `python` in wasmtime."""
    return _sandbox("python")


@pytest.fixture(scope="session")
def maths():
    """The runtime `python-maths` in wasmtime."""
    return _sandbox("python-maths", fuel=MATHS_FUEL)
