"""A small host for the tests: the component under the settings and limits of Rewarden's own engine.

Values of the contract are Python's: records are dicts (with `_` for `-`), lists lists, none `None`, results and
variants (tag, value). REWARDEN_JAVASCRIPT names the component.
"""

import json
import os
from types import SimpleNamespace

import wasmtime
from wasmtime import component
from wasmtime.component import _types

FUEL = 500_000_000
MEMORY = 128 << 20
LEVELS = ["debug", "info", "warn", "error"]
# By default the binding drops the names of cases whose types differ, so that a result would tell what it is by its type only.
_types.VariantType._tagged = _types.ResultType._tagged = lambda _: True
SCALE = {"min": 1.0, "max": 10.0, "integer": False}


class Ended(Exception):
    """A call that the sandbox ended, by `kind`: fuel, memory or trap."""

    def __init__(self, kind, message):
        super().__init__(f"{kind}: {message}")
        self.kind = kind


class Failed(Exception):
    """A typed failure that the component returned."""

    def __init__(self, kind, message):
        super().__init__(message)
        self.kind, self.message = kind, message


def engine():
    config = wasmtime.Config()
    config.consume_fuel = True
    config.cranelift_nan_canonicalization = True
    config.max_wasm_stack = 1 << 20
    for name in ("simd", "relaxed_simd", "tail_call", "memory64", "threads", "function_references", "gc", "exceptions"):
        setattr(config, f"wasm_{name}", False)
    config.wasm_multi_memory = True
    config.cache = True
    return wasmtime.Engine(config)


def record(value):
    """Dicts as the binding's records, all the way down."""
    if isinstance(value, dict):
        return SimpleNamespace(**{key.replace("_", "-"): record(each) for key, each in value.items()})
    if isinstance(value, list):
        return [record(each) for each in value]
    if isinstance(value, tuple):
        return component.Variant(value[0], record(value[1]))
    return value


def plain(value):
    """The binding's records as dicts, all the way down."""
    if isinstance(value, component.Variant):
        return (value.tag, plain(value.payload))
    if isinstance(value, list):
        return [plain(each) for each in value]
    if isinstance(value, component.Record) or isinstance(value, SimpleNamespace):
        return {key.replace("-", "_"): plain(each) for key, each in vars(value).items()}
    return value


class Instance:
    """A fresh instance under limits. `log` are the lines that it wrote, as (level, text)."""

    def __init__(self, runtime, fuel=FUEL, memory=MEMORY):
        self.runtime, self.fuel, self.log = runtime, fuel, []
        self.store = wasmtime.Store(runtime.engine)
        self.store.set_fuel(fuel)
        self.store.set_limits(memory_size=memory)
        linker = component.Linker(runtime.engine)
        with linker.root() as root, root.add_instance("rewarden:plugin/log@0.3.0") as interface:
            interface.add_func("write", lambda _, level, text: self.log.append((level, text)))
        self.instance = linker.instantiate(self.store, runtime.component)

    def call(self, interface, name, *values):
        outer = self.instance.get_export_index(self.store, f"rewarden:plugin/{interface}@0.3.0")
        function = self.instance.get_func(self.store, self.instance.get_export_index(self.store, name, outer))
        try:
            value = function(self.store, *(record(each) for each in values))
        except wasmtime.WasmtimeError as error:
            raise Ended("fuel" if "fuel" in str(error) else "trap", str(error)) from None
        except wasmtime.Trap as error:
            raise Ended("fuel" if "fuel" in str(error) else "trap", str(error)) from None
        return plain(value)

    def spent(self):
        return self.fuel - self.store.get_fuel()


class Runtime:
    """The component, compiled."""

    def __init__(self, path=None):
        path = path or os.environ.get("REWARDEN_JAVASCRIPT")
        if not path:
            raise SystemExit("REWARDEN_JAVASCRIPT must name the built javascript.wasm")
        self.engine = engine()
        with open(path, "rb") as file:
            self.component = component.Component(self.engine, file.read())

    def prepare(self, source, **configuration):
        """What `prepare` makes of a program. Raises `Failed` with the key at fault."""
        instance = Instance(self)
        given = {"as": "scorer", "file": "reward.js", "source": source, **configuration}
        tag, value = instance.call("prepare", "prepare", json.dumps(given))
        if tag == "err":
            raise Failed(value["key"], value["message"])
        return Prepared(self, value, instance)

    def describe(self):
        return Instance(self).call("describe", "describe")


class Prepared:
    """A program that was prepared. Every call is made in a fresh instance, as the host does it."""

    def __init__(self, runtime, value, instance):
        self.runtime, self.json = runtime, value["json"]
        self.description, self.interfaces = value["description"], value["interfaces"]
        self.log, self.spent = instance.log, instance.spent()

    def configured(self, **limits):
        instance = Instance(self.runtime, **limits)
        tag, failure = instance.call("describe", "configure", self.json)
        if tag == "err":
            raise Failed(failure["key"], failure["message"])
        return instance

    def call(self, interface, name, *values, **limits):
        """The value that a function returned. Raises `Failed` for a typed failure."""
        instance = self.configured(**limits)
        self.log = instance.log
        tag, value = instance.call(interface, name, *values)
        self.spent = instance.spent()
        if tag == "err":
            raise Failed(*value)
        return value

    def score(self, responses, prompt="2+2?", reference=None, metadata=None, messages=None, **limits):
        """Scores, None for an abstention."""
        scores = self.call("scorer", "score-responses", task(responses, prompt, reference, metadata, messages), **limits)
        return [value if tag == "value" else None for tag, value in scores]


def task(responses, prompt="2+2?", reference=None, metadata=None, messages=None):
    return {
        "messages": messages or [{"role": "user", "content": prompt}],
        "responses": list(responses),
        "reference": reference,
        "metadata": json.dumps(metadata or {}),
    }
