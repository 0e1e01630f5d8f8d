"""The module that becomes the component: componentize-py imports it, and its memory afterwards is the component's."""

import sys

from rewarden_plugin.sealed import seal

seal.start()

import importlib
import os

import rewarden_build  # written by build.py
from rewarden_plugin.sealed import component, memory, warm


def _log(text):
    print(f"rewarden: {text}", file=sys.stderr)


os.environ.update(rewarden_build.ENVIRONMENT)
_packed = seal.keep(_log)
for name in rewarden_build.IMPORTED:
    try:
        importlib.import_module(name)
    except ImportError as error:
        _log(f"not in this Python: {name} ({error})")

_runtime = component.Runtime(
    rewarden_build.NAME,
    rewarden_build.VERSION,
    rewarden_build.PURPOSE,
    rewarden_build.TAG,
    None,
    advice=rewarden_build.PACKAGES,
)
_exports = component.exports(_runtime)
globals().update(_exports)
warm.run(_runtime, rewarden_build.CASES, _log)
if rewarden_build.PROGRAM is None:
    warm.exercise(_runtime, _exports)
else:
    _runtime.freeze(rewarden_build.PROGRAM)
_runtime.watched = [sys.modules[name] for name in rewarden_build.WATCHED if name in sys.modules]
_runtime.kept = seal.finish(_packed, _log, frozen=_runtime.frozen is not None)
del _packed
memory.list_living()
memory.scrub()
