"""The options of a function: its keyword-only parameters, as a JSON Schema, and the check of values against it."""

import inspect
import math
import typing

from .errors import ConfigError

_SIMPLE = {
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": "number"},
    str: {"type": "string"},
    list: {"type": "array"},
    dict: {"type": "object"},
}
_NAMES = {"boolean": "true or false", "integer": "a whole number", "number": "a number", "string": "a text", "array": "a list", "object": "a table"}


def schema_of_annotation(annotation, default=inspect.Parameter.empty) -> dict:
    """Returns the JSON Schema of an annotation, or of the default's type where there is no annotation that says one."""
    simple = _SIMPLE.get(annotation)
    if simple is not None:
        return dict(simple)
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Literal:
        return {"enum": list(arguments)}
    if origin is list:
        return {"type": "array", **({"items": schema_of_annotation(arguments[0])} if arguments else {})}
    if origin is dict:
        return {"type": "object", **({"additionalProperties": schema_of_annotation(arguments[1])} if arguments else {})}
    if origin is not None and (origin is typing.Union or getattr(origin, "__name__", "") == "UnionType"):
        members = [schema_of_annotation(member) for member in arguments if member is not type(None)]
        if type(None) in arguments:
            members.append({"type": "null"})
        return {"anyOf": members} if all(members) else {}
    if annotation is inspect.Parameter.empty and type(default) in _SIMPLE:
        return dict(_SIMPLE[type(default)])
    return {}


def schema_of(parameters) -> dict:
    """Returns the JSON Schema of an object with these `inspect.Parameter`s as keys; others are not allowed.

    Raises `ConfigError` for a default that JSON cannot hold.
    """
    properties, required = {}, []
    for parameter in parameters:
        entry = schema_of_annotation(parameter.annotation, parameter.default)
        if parameter.default is parameter.empty:
            required.append(parameter.name)
        elif not _is_json(parameter.default):
            raise ConfigError(
                f"option `{parameter.name}` has the default {parameter.default!r:.100}, which JSON cannot hold; "
                "use a number, text, flag, list or dict"
            )
        elif parameter.default is not None or "anyOf" in entry:
            entry["default"] = parameter.default
        elif entry:
            entry = {"anyOf": [entry, {"type": "null"}], "default": None}
        else:
            entry["default"] = None
        properties[parameter.name] = entry
    schema = {"type": "object", "properties": properties, "additionalProperties": False}
    if required:
        schema["required"] = required
    return schema


def check(options: dict, schema: dict) -> None:
    """Checks `options` against the schema that `schema_of` made.

    Raises `ConfigError` with the key, what was expected and what was found.
    """
    properties = schema["properties"]
    for key, value in options.items():
        if key not in properties:
            known = ", ".join(f"`{name}`" for name in properties) or "none"
            raise ConfigError(f"unknown option `{key}`; the function takes: {known}", key)
        problem = _problem(value, properties[key])
        if problem:
            raise ConfigError(f"option `{key}`: expected {problem}, found {value!r:.100}", key)
    for key in schema.get("required", ()):
        if key not in options:
            raise ConfigError(f"option `{key}` is missing, and the function has no default for it", key)


def _problem(value, schema) -> "str | None":
    if "enum" in schema:
        return None if any(value == entry and type(value) is type(entry) for entry in schema["enum"]) else f"one of {schema['enum']}"
    if "anyOf" in schema:
        problems = [_problem(value, member) for member in schema["anyOf"]]
        return None if None in problems else " or ".join(problems)
    kind = schema.get("type")
    fits = {
        "boolean": isinstance(value, bool),
        "integer": isinstance(value, int) and not isinstance(value, bool),
        "number": isinstance(value, (int, float)) and not isinstance(value, bool),
        "string": isinstance(value, str),
        "array": isinstance(value, list),
        "object": isinstance(value, dict),
        "null": value is None,
    }
    if kind is not None and not fits[kind]:
        return _NAMES.get(kind, "null")
    parts, inner = (), None
    if kind == "array":
        parts, inner = value, schema.get("items")
    elif kind == "object" and isinstance(schema.get("additionalProperties"), dict):
        parts, inner = value.values(), schema["additionalProperties"]
    for part in parts if inner else ():
        problem = _problem(part, inner)
        if problem:
            return f"{_NAMES[kind]} of which each entry is {problem}"
    return None


def _is_json(value) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    if value is None or isinstance(value, (bool, int, str)):
        return True
    if isinstance(value, (list, tuple)):
        return all(map(_is_json, value))
    return isinstance(value, dict) and all(isinstance(key, str) and _is_json(entry) for key, entry in value.items())
