"""What a reward function returned, as scores: finite numbers or abstentions, and nothing else."""

import math
from numbers import Real

from .errors import NoResult


class Abstention:
    """No score for a response, and why."""

    __slots__ = ("reason",)

    def __init__(self, reason: str):
        self.reason = reason

    def __repr__(self):
        return f"Abstention({self.reason!r})"

    def __eq__(self, other):
        return isinstance(other, Abstention) and other.reason == self.reason


def score_of(value, what: str = "the function", log=None) -> "float | Abstention":
    """Returns the score that `value` stands for.

    A number is itself, a flag 0 or 1, `None` an abstention, and a dict with the key `score` that entry; its other entries are
    logged. Raises `NoResult` for anything else, NaN and infinities included.
    """
    if type(value) is float or type(value) is int or type(value) is bool:
        number = _float(value, what)
    elif value is None:
        return Abstention(f"{what} returned None")
    elif isinstance(value, dict):
        if "score" not in value:
            raise NoResult(f"{what} returned a dict without `score`; it has {_keys(value)}")
        others = {key: entry for key, entry in value.items() if key != "score"}
        if others and log is not None:
            log(others)
        return score_of(None if value["score"] is None else _inner(value["score"], what), what)
    elif isinstance(value, Real) or (hasattr(value, "__float__") and not isinstance(value, (str, bytes))):
        number = _float(value, what)
    else:
        raise NoResult(f"{what} returned {_shown(value)}; expected a number, True or False, or None for an abstention")
    if not math.isfinite(number):
        raise NoResult(f"{what} returned {number}; a score is a finite number")
    return number


def scores_of(value, count: int, what: str = "the function", log=None) -> "list[float | Abstention]":
    """Returns one score for each of `count` responses.

    `value` is a list, a tuple, or something with `tolist()`. Raises `NoResult` for other forms and another count.
    """
    if hasattr(value, "tolist") and not isinstance(value, (list, tuple)):
        value = value.tolist()
    if not isinstance(value, (list, tuple)):
        raise NoResult(f"{what} returned {_shown(value)}; expected a list with one score for each of the {count} responses")
    if len(value) != count:
        raise NoResult(f"{what} returned {len(value)} scores for {count} responses")
    return [score_of(_single(entry), f"{what}, response {index},", log) for index, entry in enumerate(value)]


def _inner(value, what):
    if isinstance(value, dict):
        raise NoResult(f"{what} returned a dict whose `score` is a dict; expected a number")
    return value


def _single(entry):
    """A list of one-element tensors is what some functions return."""
    if hasattr(entry, "tolist"):
        entry = entry.tolist()
        return entry[0] if isinstance(entry, list) and len(entry) == 1 else entry
    return entry


def _float(value, what) -> float:
    try:
        return float(value)
    except (OverflowError, TypeError, ValueError) as error:
        raise NoResult(f"{what} returned {_shown(value)}, which is no finite number ({type(error).__name__})") from None


def _shown(value) -> str:
    try:
        text = repr(value)
    except BaseException:  # a `repr` of the program's own may do anything
        text = "something that cannot be shown"
    return f"{type(value).__name__} {text[:80]}{'…' if len(text) > 80 else ''}"


def _keys(value) -> str:
    return ", ".join(f"`{str(key)[:40]}`" for key in list(value)[:8]) or "no keys"
