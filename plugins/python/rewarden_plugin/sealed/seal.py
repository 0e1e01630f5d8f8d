"""The steps of a build that run inside the interpreter whose memory becomes the component."""

import sys

# Where componentize-py has it.
STANDARD_LIBRARY = "/python"


def start() -> None:
    """The first step, before anything else is imported: other modules copy functions from `time` and `random`."""
    # The C module asks WASI for the time by itself; the Python one asks `time`, which stands still.
    sys.modules["_datetime"] = None
    import signal

    from . import chance, clock

    clock.stop()
    chance.repeat()
    # A program's time-outs by alarm: fuel is the time-out here.
    signal.alarm = lambda seconds=0: 0
    signal.setitimer = lambda which, seconds, interval=0.0: (0.0, 0.0)
    _ctypes()


def _ctypes() -> None:
    """SymPy asks `ctypes` for the size of a C long; there is nothing else of it."""
    import types

    from ..errors import Forbidden

    class c_long:
        size = 4

    module = types.ModuleType("ctypes")
    module.c_long = c_long
    module.sizeof = lambda kind: kind.size

    def refuse(name):
        if name.startswith("__"):
            raise AttributeError(name)
        raise Forbidden(f"ctypes.{name} needs native libraries, which a sandboxed program does not have; use pure Python")

    module.__getattr__ = refuse
    sys.modules["ctypes"] = module


def keep(log) -> dict:
    """The second step: packs the standard library, so that what compiling leaves behind is used by what is imported next."""
    from . import kept

    return kept.gather([path for path in sys.path if path == STANDARD_LIBRARY], log)


def finish(packed, log, frozen=False) -> "object":
    """The last step: from here on nothing reaches out of the component, and nothing is read from disk.

    `packed` is what `keep` returned; `log(text)` is told what happens; with `frozen` the program that is loaded stays.
    Returns the finder of kept modules.
    """
    import gc
    import linecache
    import logging

    from wit_world.imports import log as host_log
    from wit_world.imports.log import Level

    from . import chance, closed, depth, kept, output
    from .texts import utf8

    packed.update(kept.gather([path for path in sys.path if path and path != STANDARD_LIBRARY], log))
    finder = kept.Kept({name: entry for name, entry in packed.items() if name not in sys.modules})
    log(f"kept {len(finder.modules)} modules, {sum(len(entry[2]) for entry in finder.modules.values())} bytes")
    depth.bound()
    closed.close()
    from ..program import Modules

    frozen = [Modules.current] if frozen else []
    Modules.current = frozen[0] if frozen else None
    built_in = [entry for entry in sys.meta_path if getattr(entry, "__name__", "") in ("BuiltinImporter", "FrozenImporter")]
    sys.meta_path[:] = [*frozen, *built_in]
    sys.meta_path.append(finder)
    sys.path_hooks.clear()
    sys.path_importer_cache.clear()
    sys.stdout = sys.__stdout__ = output.Lines(lambda text: host_log.write(Level.INFO, utf8(text)))
    sys.stderr = sys.__stderr__ = output.Lines(lambda text: host_log.write(Level.WARN, utf8(text)))
    logging.lastResort = logging.StreamHandler(sys.stderr)
    logging.raiseExceptions = False
    linecache.getlines = lambda *_, **__: []  # tracebacks have no lines of source: the files are gone
    chance.repeat()
    del closed.refused[:]
    gc.collect()
    gc.freeze()
    # A call is short and its memory bounded. What is frozen is never looked at again, so collecting costs little once it has to.
    gc.set_threshold(100_000, 10, 100)
    return finder
