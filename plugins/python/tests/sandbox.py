"""A stand-in for the host: runs a component of the contract with wasmtime, under the host's limits.

Only for this directory's tests and measurements; the host's own tests run the same programs through the `rewarden` binary.
"""

import json
import time
from pathlib import Path

import wasmtime
from wasmtime import component as wit

PACKAGE = "rewarden:plugin"
VERSION = "0.3.0"


class Failed(Exception):
    """A call that gave no result: `kind` is `refused`, `config`, `parse`, `fuel`, `memory` or `trap`."""

    def __init__(self, kind, message, name=None):
        super().__init__(f"{kind}: {message}")
        self.kind, self.message, self.name = kind, message, name


def engine():
    config = wasmtime.Config()
    config.consume_fuel = True
    config.cranelift_nan_canonicalization = True
    config.max_wasm_stack = 1 << 20
    for feature in ("wasm_simd", "wasm_relaxed_simd", "wasm_tail_call", "wasm_memory64", "wasm_threads", "wasm_exceptions"):
        setattr(config, feature, False)
    config.wasm_multi_memory = True
    config.memory_init_cow = True
    config.cache = True
    return wasmtime.Engine(config)


class Sandbox:
    """A loaded component. Every call gets an instance of its own."""

    def __init__(self, path: Path, fuel=500_000_000, memory=128 << 20):
        self.engine = engine()
        self.component = wit.Component.from_file(self.engine, str(path))
        self.fuel, self.memory = fuel, memory
        self.log = []
        self.linker = wit.Linker(self.engine)
        with self.linker.root() as root, root.add_instance(f"{PACKAGE}/log@{VERSION}") as log:
            log.add_func("write", lambda store, level, message: self.log.append((_name(level), message)))
        self.spent = {}
        # wasmtime answers a growth beyond the limit with -1; the host of Rewarden fails such calls as `memory`.
        self.denied = False

    def _instance(self):
        store = wasmtime.Store(self.engine)
        store.set_limits(memory_size=self.memory)
        store.set_fuel(self.fuel)
        return store, self.linker.instantiate(store, self.component)

    def _function(self, store, instance, interface, name):
        outer = instance.get_export_index(store, f"{PACKAGE}/{interface}@{VERSION}")
        return instance.get_func(store, instance.get_export_index(store, name, outer))

    def call(self, interface, name, *arguments, config=None):
        """Instantiates, configures if `config` is given, and calls. Raises `Failed`. Times in ms of CPU are left in `spent`."""
        self.log = []
        times = [time.thread_time()]
        try:
            store, instance = self._instance()
        except wasmtime.WasmtimeError as error:
            raise Failed("trap", str(error)) from None
        try:
            times.append(time.thread_time())
            if config is not None:
                function = self._function(store, instance, "describe", "configure")
                _result("config", function(store, config))
                function.post_return(store)
            times.append(time.thread_time())
            function = self._function(store, instance, interface, name)
            value = function(store, *arguments)
            function.post_return(store)
            times.append(time.thread_time())
            self.spent = {"fuel": self.fuel - store.get_fuel()}
        except (wasmtime.WasmtimeError, wasmtime.Trap) as error:
            text = str(error)
            kind = "fuel" if "all fuel consumed" in text else "trap"
            raise Failed(kind, text) from None
        finally:
            store.close()
        times.append(time.thread_time())
        self.spent.update(zip(("instantiate", "configure", "call", "drop"), [1000 * (b - a) for a, b in zip(times, times[1:])]))
        return value

    def describe(self):
        return _plain(self.call("describe", "describe"))

    def prepare(self, config: dict):
        """Returns the prepared text, the description and the interfaces."""
        value = _result("config", self.call("prepare", "prepare", json.dumps(config)))
        return value.json, _plain(value.description), list(value.interfaces)

    def score(self, prepared: str, task: dict):
        """Returns a list of numbers, and of texts for abstentions."""
        scores = _result("refused", self.call("scorer", "score-responses", task_record(task), config=prepared))
        return list(scores)


def task_record(task: dict):
    messages = task.get("messages") or [{"role": "user", "content": task.get("prompt", "")}]
    known = ("messages", "prompt", "responses", "reference", "metadata", "id")
    metadata = {**task.get("metadata", {}), **{key: value for key, value in task.items() if key not in known}}
    return record(
        messages=[record(role=entry["role"], content=entry["content"]) for entry in messages],
        responses=list(task["responses"]),
        reference=task.get("reference"),
        metadata=json.dumps(metadata),
    )


def record(**fields):
    value = wit.Record()
    for name, entry in fields.items():
        setattr(value, name, entry)
    return value


def _result(kind, value):
    """Untagged where the bindings can tell the cases apart; see `wasmtime.component`."""
    if isinstance(value, wit.Variant) and value.tag == "ok":
        return value.payload
    if isinstance(value, wit.Variant):
        payload = value.payload if value.tag == "err" else value
        if isinstance(payload, wit.Variant):
            raise Failed(kind, payload.payload, payload.tag)
        raise Failed(kind, payload.message, payload.key)
    if isinstance(value, wit.Record) and hasattr(value, "key") and hasattr(value, "message"):
        raise Failed(kind, value.message, value.key)
    return value


def _plain(value):
    return {name: entry for name, entry in vars(value).items()}


def _name(level):
    return getattr(level, "tag", level)
