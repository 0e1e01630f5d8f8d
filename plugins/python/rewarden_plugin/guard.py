"""Tells whether a response changed what it is judged by.

Text that a model wrote is evaluated by some graders. If it replaces one of the program's functions or a builtin, the responses
after it would be scored by it. The program's own bindings are compared after each response, builtins and libraries after the last, and
a change is a refusal: no reward is made by replaced code. What lies deeper (an attribute of a library's class) is not seen; it ends with the call all the same, since every
call has an instance of its own.
"""

import builtins
from operator import is_
from types import FunctionType

from .errors import NoResult


class Guard:
    """The bindings of functions and classes in the program's modules, in `builtins`, and in `watched` modules."""

    def __init__(self, modules, watched=()):
        self._held = [
            (space, name, value, value.__code__ if type(value) is FunctionType else None)
            for space in (module.__dict__ for module in modules)
            for name, value in space.items()
            if callable(value)
        ]
        # Whole modules by identity of their values, in C: there are hundreds, and this runs after each response.
        self._spaces = [(space, list(space), list(space.values())) for space in (builtins.__dict__, *(m.__dict__ for m in watched))]

    def check(self, index: "int | None" = None) -> None:
        """Raises `NoResult` if a function or class of the program is another one than before; `index` is the response's."""
        for space, name, value, code in self._held:
            if space.get(name) is not value or (code is not None and value.__code__ is not code):
                what = "scoring the responses" if index is None else f"scoring response {index} (counted from 0)"
                raise _changed(what, space, name)

    def check_all(self) -> None:
        """Raises `NoResult` if a builtin, or a function or class of a watched module, is another one than before."""
        for space, names, values in self._spaces:
            if not all(map(is_, space.values(), values)):
                for name, value in zip(names, values):
                    # Libraries rebind their own plain values, such as a flag that a warning was given.
                    if callable(value) and space.get(name) is not value:
                        raise _changed("scoring the responses", space, name)


def _changed(what, space, name):
    return NoResult(f"{what} replaced `{space.get('__name__')}.{name}`; no response is scored by code that a response has changed")
