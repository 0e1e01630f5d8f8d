"""Modules that the build did not import: compiled, compressed and kept in the component, imported when a program asks for them.

Libraries import lazily, often inside `try`. A component without those modules would answer with an `ImportError` that such a library
takes for "not installed", and the reward would be wrong without a word. So every module that there is comes along. What is not there
at all raises `ModuleNotFoundError`, and is recorded (see `missing`).
"""

import marshal
import sys
import zlib
from importlib.machinery import ModuleSpec

# Parts of the standard library that a plugin cannot use: tests, windows, installers.
_LEFT_OUT = frozenset("test tests idlelib tkinter turtledemo turtle ensurepip lib2to3 pydoc_data site-packages __pycache__ _pyrepl venv".split())


class Kept:
    """Finds and loads kept modules: name to (is a package, file, packed code)."""

    records = True  # see `program._without_torch`

    def __init__(self, modules):
        self.modules = modules
        self.late = []  # what this call imported late
        self.missing = []  # what this call asked for and is nowhere: (name, file, line)

    def find_spec(self, name, path=None, target=None):
        found = self.modules.get(name)
        if found is None:
            self._record(name)
            return None
        package, file, _ = found
        spec = ModuleSpec(name, self, origin=file, is_package=package)
        spec.has_location = True
        return spec

    def create_module(self, spec):
        return None

    def exec_module(self, module):
        self.late.append(module.__name__)
        exec(marshal.loads(zlib.decompress(self.modules[module.__name__][2])), module.__dict__)

    def get_code(self, name):
        return marshal.loads(zlib.decompress(self.modules[name][2]))

    def is_package(self, name):
        return self.modules[name][0]

    def _record(self, name):
        frame = sys._getframe(2)
        while frame is not None and "importlib" in frame.f_code.co_filename:
            frame = frame.f_back
        if frame is not None and len(self.missing) < 16:
            self.missing.append((name, frame.f_code.co_filename, frame.f_lineno))


def gather(roots, log) -> dict:
    """Returns the modules under `roots` that are not imported, packed. `log(text)` is told of files that do not compile."""
    import os

    found = {}
    for root in roots:
        for directory, inner, files in os.walk(root):
            inner[:] = sorted(name for name in inner if name.isidentifier() and name not in _LEFT_OUT)
            package = directory[len(root) :].strip("/").replace("/", ".")
            for file in sorted(files):
                if not file.endswith(".py") or file == "__main__.py":
                    continue
                name = ".".join(part for part in (package, file[:-3]) if part).removesuffix(".__init__")
                if name in sys.modules or name in found or name == "__init__":
                    continue
                path = f"{directory}/{file}"
                try:
                    with open(path, "rb") as text:
                        code = compile(text.read(), path, "exec", dont_inherit=True)
                except (SyntaxError, ValueError) as error:
                    log(f"{path}: {error}")
                    continue
                found[name] = (file == "__init__.py", path, zlib.compress(marshal.dumps(code), 9))
    return found
