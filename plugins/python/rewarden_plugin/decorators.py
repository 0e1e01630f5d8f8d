"""Marks on functions that say which interface they are for. A mark changes nothing else: the function is called as before."""

MARK = "__rewarden__"


def _marker(interface):
    def mark(function):
        setattr(function, MARK, interface)
        return function

    mark.__name__ = interface
    return mark


scorer = _marker("scorer")
scorer.__doc__ = "Marks the function that scores responses by rule. Needed only where a file has several that could."

template = _marker("template")
template.__doc__ = "Marks `f(request: Request) -> Prompt`; a text or a list of turns is taken for a prompt's input."

parser = _marker("parser")
parser.__doc__ = "Marks `f(completion: Completion, shown: int, scale: Scale) -> Judgement`; a list is taken for its scores."

policy = _marker("policy")
policy.__doc__ = "Marks `f(task: Task, context: Context, samples: list[Sample])`, which returns `Draw`s, a `Rate` or a `Finish`."


class principles:
    """Marks the two functions of the principles interface.

    `@principles.ask` is for `f(query: Query) -> Prompt`, and `@principles.read` for `f(completion: Completion) -> list[Principle]`.
    """

    ask = staticmethod(_marker("principles.ask"))
    read = staticmethod(_marker("principles.read"))
