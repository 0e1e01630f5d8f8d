"""Tells whether a response changed what it is judged by.

Text that a model wrote is evaluated by some graders. If it replaces one of the program's functions or a builtin, the responses
after it would be scored by it. The bindings are compared after each response and a change is a refusal: no reward is made by
replaced code. What lies deeper (an attribute of a library's class) is not seen; it ends with the call all the same, since every
call has an instance of its own.
"""

import builtins
from types import FunctionType

from .errors import NoResult


class Guard:
    """The bindings of functions and classes in the program's modules, in `builtins`, and in `watched` modules."""

    def __init__(self, modules, watched=()):
        held = []
        for module in (*modules, *watched):
            space = module.__dict__
            held += [(space, name, value, _code(value)) for name, value in space.items() if callable(value)]
        space = builtins.__dict__
        held += [(space, name, value, None) for name, value in space.items()]
        self.held = held

    def check(self, index: int) -> None:
        """Raises `NoResult` if a binding is another one than before."""
        for space, name, value, code in self.held:
            if space.get(name) is not value or (code is not None and value.__code__ is not code):
                raise NoResult(
                    f"scoring response {index} (counted from 0) replaced `{space.get('__name__')}.{name}`; no response is scored by "
                    "code that a response has changed"
                )


def _code(value):
    return value.__code__ if type(value) is FunctionType else None
