"""Closes what reaches out of the component: files, processes, the network, the terminal. Each raises `Forbidden` with its name.

WASI's functions are traps in a sealed component, so what would call one is replaced where Python has it, in the built-in modules, before
a program runs. An audit hook refuses what C code reaches by itself, such as the file that CPython opens to show the line of a
syntax error.
"""

import builtins
import io
import os
import sys

from ..errors import Forbidden
from ..program import data_file

# Functions of `posix` that ask nobody.
_HARMLESS = frozenset(
    "fspath strerror getpid cpu_count putenv unsetenv register_at_fork _path_normpath _path_splitroot _path_splitroot_ex _get_globals "
    "WCOREDUMP WIFCONTINUED WIFSTOPPED WIFSIGNALED WIFEXITED WEXITSTATUS WTERMSIG WSTOPSIG major minor makedev get_inheritable".split()
)
_ADVICE = {
    "files": "name the file under `files` in pack.toml; its text then comes with the program",
    "processes": "a program runs alone",
    "the network": "fetch what is needed before, and put it into the task's metadata",
    "the terminal": "use print, which goes to the host's log",
    "native libraries": "use pure Python",
}
_AUDITED = {
    "open": "files",
    "socket.": "the network",
    "os.": "files",
    "ctypes.": "native libraries",
    "subprocess.": "processes",
    "pty.": "processes",
    "urllib.": "the network",
    "webbrowser.": "processes",
}
# What was asked for and refused in this call: a library that takes the refusal for "not there" goes on without a word.
refused: "list[str]" = []


def forbidden(name: str, what: str) -> Forbidden:
    """Returns the refusal of `name`, which needs `what`, and records it."""
    if len(refused) < 16:
        refused.append(name)
    return Forbidden(f"{name} needs {what}, which a sandboxed program does not have; {_ADVICE[what]}")


def _refusing(name, what):
    def refuse(*_, **__):
        raise forbidden(name, what)

    refuse.__name__ = refuse.__qualname__ = name.rpartition(".")[2]
    return refuse


def _open(file, mode="r", *arguments, **named):
    text = None if isinstance(file, int) else data_file(os.fspath(file) if hasattr(file, "__fspath__") else file)
    if text is None or set(mode) - set("rbt"):
        raise forbidden(f"open({str(file)[:80]!r})", "files")
    return io.BytesIO(text.encode("utf-8")) if "b" in mode else io.StringIO(text, newline=named.get("newline"))


class _File(io.RawIOBase):
    def __init__(self, file, *_, **__):
        raise forbidden(f"FileIO({str(file)[:80]!r})", "files")


def close() -> None:
    """Closes everything, in all modules that are loaded."""
    import _io
    import _signal
    import posix

    swaps = {}
    for name, value in vars(posix).items():
        if callable(value) and not isinstance(value, type) and name not in _HARMLESS:
            swaps[value] = _refusing(f"os.{name}", "processes" if name in ("_exit", "abort", "kill") else "files")
    for module, what in (("_socket", "the network"), ("select", "the network"), ("faulthandler", "the terminal"), ("fcntl", "files")):
        space = vars(_module(module)) if _module(module) else {}
        for name, value in space.items():
            if callable(value) and not isinstance(value, type) and not name.startswith("__"):
                swaps[value] = _refusing(f"{module.lstrip('_')}.{name}", what)
    for name in ("system", "popen", "fork"):
        setattr(os, name, _refusing(f"os.{name}", "processes"))
    swaps[_signal.raise_signal] = _refusing("signal.raise_signal", "processes")
    swaps[_io.open_code] = _open
    swaps[builtins.open] = _open
    swaps[_io.FileIO] = _File
    swaps[builtins.input] = _refusing("input", "the terminal")
    _swap(swaps)
    if _module("socket"):
        sys.modules["socket"].socket.__init__ = _refusing("socket.socket", "the network")
    sys.breakpointhook = _refusing("breakpoint", "the terminal")
    sys.stdin = sys.__stdin__ = None
    os.environ.clear()
    sys.addaudithook(_audit)


def _audit(event, arguments):
    for start, what in _AUDITED.items():
        if event.startswith(start):
            raise forbidden(event if not arguments else f"{event}({str(arguments[0])[:80]})", what)


def _module(name):
    try:
        return __import__(name)
    except ImportError:
        return None


def _swap(swaps) -> None:
    """Puts the refusals wherever a module holds what they stand for; by identity, since comparing runs code of the objects."""
    instead = {id(value): refusal for value, refusal in swaps.items()}
    for module in list(sys.modules.values()):
        space = getattr(module, "__dict__", {})
        if space is globals():
            continue
        for name, value in list(space.items()):
            if id(value) in instead:
                space[name] = instead[id(value)]
