"""Checks values of the contract that a program made, before the bindings convert them: there, a wrong type would be a trap."""

import dataclasses
import math

from .. import values
from ..errors import NoResult
from .texts import utf8


def checked(value, what: str):
    """Returns the dataclass with its texts in UTF-8 and whole numbers in range. Raises `NoResult` that names the field."""
    for field in dataclasses.fields(value):
        kind = field.type if isinstance(field.type, str) else field.type.__name__
        setattr(value, field.name, _field(getattr(value, field.name), kind, f"{what}.{field.name}"))
    return value


def _field(value, kind, what):
    options = [part.strip() for part in kind.split(" | ")] if not kind.startswith(("list[", "dict[", "Union[")) else [kind]
    if value is None and "None" in options:
        return None
    kind = options[0]
    if kind == "str" and isinstance(value, str):
        return utf8(value)
    if kind == "int" and isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 32:
        return value
    if kind == "float" and isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value):
        return float(value)
    if kind.startswith("list[") and isinstance(value, (list, tuple)):
        return [_field(entry, kind[5:-1], f"{what}[{index}]") for index, entry in enumerate(value)]
    if kind.startswith("dict[") and isinstance(value, dict) and all(isinstance(key, str) for key in value):
        return {utf8(key): utf8(entry) if isinstance(entry, str) else entry for key, entry in value.items()}
    if kind.startswith("Union["):
        return _member(value, what)
    if dataclasses.is_dataclass(value) and type(value).__name__ == kind:
        return checked(value, what)
    expected = "a whole number from 0 to 4294967295" if kind == "int" else "a finite number" if kind == "float" else f"`{kind}`"
    raise NoResult(f"{what} is {type(value).__name__} ({value!r:.60}); expected {expected}")


def _member(value, what):
    if isinstance(value, str):
        return utf8(value)
    if isinstance(value, (list, tuple)):
        return [checked(entry, f"{what}[{index}]") for index, entry in enumerate(value) if _known(entry, what)]
    if isinstance(value, values.JsonSchema):
        return value
    return checked(value, what) if value is not None and _known(value, what) else value


def _known(value, what):
    if not dataclasses.is_dataclass(value):
        raise NoResult(f"{what} is {type(value).__name__} ({value!r:.60}); expected a value of `rewarden_plugin`")
    return True
