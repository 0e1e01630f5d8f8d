"""Time stands still: every clock is at 0, and nothing is waited for."""

import time
import types

_CLOCKS = ("time", "monotonic", "perf_counter", "process_time", "thread_time")
_OF_NOW = ("gmtime", "localtime", "ctime", "asctime")


def stop() -> list:
    """Stops the clocks. Returns what `restore` takes to start them again."""
    before = [(name, getattr(time, name)) for name in dir(time) if callable(getattr(time, name)) and not name.startswith("_")]
    for name in _CLOCKS:
        setattr(time, name, lambda: 0.0)
        setattr(time, f"{name}_ns", lambda: 0)
    time.clock_gettime = lambda clock: 0.0
    time.clock_gettime_ns = lambda clock: 0
    time.clock_getres = lambda clock: 1e-9
    info = types.SimpleNamespace(implementation="a clock that stands still", monotonic=True, adjustable=False, resolution=1e-9)
    time.get_clock_info = lambda name: info
    time.sleep = lambda seconds: None
    for name in _OF_NOW[:3]:
        setattr(time, name, _at_zero(getattr(time, name)))
    real_asctime, real_strftime, gmtime = time.asctime, time.strftime, time.gmtime
    time.asctime = lambda moment=None: real_asctime(gmtime() if moment is None else moment)
    time.strftime = lambda form, moment=None: real_strftime(form, gmtime() if moment is None else moment)
    return before


def _at_zero(function):
    def of(seconds=None):
        return function(0 if seconds is None else seconds)

    of.__name__ = function.__name__
    return of


def restore(before: list) -> None:
    """Undoes `stop`."""
    for name in ("clock_gettime", "clock_gettime_ns", "clock_getres"):
        if name not in dict(before):
            delattr(time, name)
    for name, function in before:
        setattr(time, name, function)
