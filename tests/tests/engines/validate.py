"""Requests of the host, by the servers' own code that validates them.

Takes the directory with the wheels and the requests as JSON: what is checked, the server, the body. vLLM's and SGLang's
models of a request are loaded from their wheels; whatever else of the packages they import (torch, kernels) is stood in for by
names without content. Both servers let unknown fields pass, so a field that they do not know is a failure here.
"""

import importlib.abc
import importlib.machinery
import importlib.util
import json
import sys
import tempfile
import types
import zipfile
from pathlib import Path

# The files that hold the models of a request and what validates them; all others are stood in for.
REAL = {
    "vllm.entrypoints.openai.chat_completion.protocol",
    "vllm.entrypoints.generate.base.protocol",
    "vllm.entrypoints.serve.engine.protocol",
    "vllm.exceptions",
    "vllm.sampling_params",
    "sglang.srt.entrypoints.openai.protocol",
    "text_generation.errors",
    "text_generation.types",
}


class Nothing:
    """Any class, function or value of a module that is stood in for."""

    def __init__(self, *_, **__):
        pass

    def __call__(self, *_, **__):
        return Nothing()

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return Nothing()

    def __class_getitem__(cls, _):
        return cls

    @classmethod
    def __get_pydantic_core_schema__(cls, _source, _handler):
        from pydantic_core import core_schema

        return core_schema.any_schema()


class Module(types.ModuleType):
    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        if name.isupper():
            # A limit, as `vllm.envs` has them.
            value = 1 << 20
        else:
            value = type(name, (Nothing,), {}) if name[:1].isupper() else Nothing()
        setattr(self, name, value)
        return value


class Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def __init__(self, root: Path):
        self.root = root

    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] not in ("vllm", "sglang", "text_generation"):
            return None
        if name in REAL:
            file = self.root / (name.replace(".", "/") + ".py")
            return importlib.util.spec_from_file_location(name, file)
        return importlib.machinery.ModuleSpec(name, self, is_package=True)

    def create_module(self, spec):
        return Module(spec.name)

    def exec_module(self, module):
        pass


def vllm(body: dict):
    from vllm.entrypoints.openai.chat_completion.protocol import ChatCompletionRequest

    request = ChatCompletionRequest.model_validate(body)
    unknown = set(request.model_extra or {})
    assert not unknown, f"vLLM does not know {unknown}"
    asked = body.get("structured_outputs")
    if asked is not None:
        params = request.structured_outputs
        found = {kind: getattr(params, kind) for kind in ("regex", "json", "grammar") if getattr(params, kind) is not None}
        assert found == asked, f"vLLM reads {found} of {asked}"


def sglang(body: dict):
    from sglang.srt.entrypoints.openai.protocol import ChatCompletionRequest

    request = ChatCompletionRequest.model_validate(body)
    unknown = set(body) - set(ChatCompletionRequest.model_fields)
    assert not unknown, f"SGLang does not know {unknown}"
    for field in ("regex", "ebnf"):
        assert getattr(request, field) == body.get(field), f"SGLang reads {getattr(request, field)!r} as {field}"
    if "response_format" in body:
        schema = request.response_format.json_schema.schema_
        assert schema == body["response_format"]["json_schema"]["schema"], f"SGLang reads {schema}"


def openai(body: dict):
    from openai.types.chat.completion_create_params import CompletionCreateParamsStreaming
    from pydantic import ConfigDict, TypeAdapter

    CompletionCreateParamsStreaming.__pydantic_config__ = ConfigDict(extra="forbid")
    TypeAdapter(CompletionCreateParamsStreaming).validate_python(body)


def tgi(body: dict):
    """Its client has the type of its grammars; its server, which is not Python, has the same under `response_format`."""
    from text_generation.types import Grammar

    if "response_format" in body:
        assert set(body["response_format"]) == {"type", "value"}, body["response_format"]
        grammar = Grammar.model_validate(body["response_format"])
        assert grammar.value == body["response_format"]["value"]


def unpack(wheels: Path, root: Path):
    """The files that are loaded, out of the wheels: vLLM's has a gigabyte of kernels beside them."""
    for wheel in wheels.glob("*.whl"):
        with zipfile.ZipFile(wheel) as files:
            for name in files.namelist():
                module = name.removesuffix(".py").replace("/", ".")
                if module in REAL:
                    files.extract(name, root)


def main():
    root, requests = Path(tempfile.mkdtemp()), json.loads(Path(sys.argv[2]).read_text())
    unpack(Path(sys.argv[1]), root)
    sys.meta_path.insert(0, Finder(root))
    sys.path.append(str(root))
    servers = {"vllm": vllm, "sglang": sglang, "openai": openai, "tgi": tgi}
    for what, server, body in requests:
        try:
            servers[server](body)
        except Exception as error:
            raise SystemExit(f"{server} refuses {what}: {type(error).__name__}: {error}\n{json.dumps(body)}") from error
    # A check that lets everything pass would be none.
    for server in ("vllm", "sglang", "openai"):
        for wrong in ({"messages": 7}, {"guided_regex": "a"}, {"grammar": "root ::= \"a\""}):
            try:
                servers[server]({"model": "m", "messages": [{"role": "user", "content": "a"}], "stream": True, **wrong})
            except Exception:
                continue
            raise SystemExit(f"{server} takes {wrong}")
    print(f"checked: {len(requests)} requests by {len({server for _, server, _ in requests})} servers' own code")


main()
