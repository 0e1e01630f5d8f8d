"""A program: a file of Python with what belongs to it, made ready once and then applied in every instance.

`prepare` compiles, runs the top level, finds the function and checks the options; `Program.of` applies what came of that and does as
little as possible.
"""

import ast
import binascii
import json
import marshal
import re
import sys
import types

from . import regexes, tensors
from .decorators import MARK
from .errors import ConfigError
from .failures import failure_text, syntax_text
from .forms import TAKEN, form_of, plan_of, signature_of
from .options import check, schema_of

INTERFACES = ("scorer", "template", "parser", "policy", "principles")
# Where a file has several functions that fit, the first of these names is taken.
_USUAL = ("reward", "reward_func", "reward_function", "reward_fn", "compute_score", "score", "scorer")
_USUAL_OF = {
    "template": ("template", "render"),
    "parser": ("parser", "parse"),
    "policy": ("policy", "next_step", "step"),
    "principles.ask": ("ask",),
    "principles.read": ("read",),
}
_WANTED = {
    "template": ("request",),
    "parser": ("completion", "shown", "scale"),
    "policy": ("task", "context", "samples"),
    "principles.ask": ("query",),
    "principles.read": ("completion",),
}

# Characters of a file whose syntax tree is looked at, which costs three times what compiling does. Beyond, every parameter counts
# as read, and regular expressions are compiled in every call.
LONGEST_READ = 50_000

CONFIG_SCHEMA = {
    "type": "object",
    "properties": {
        "as": {"enum": list(INTERFACES), "description": "What the program is."},
        "file": {"type": "string", "description": "The file's name, for messages."},
        "source": {"type": "string", "description": "The text of the file."},
        "function": {"type": "string", "description": "The function's name, where the file has several that fit."},
        "files": {
            "type": "object",
            "additionalProperties": {"type": "string"},
            "description": "Texts of other files by name: modules that the program imports, and data that it opens.",
        },
        "options": {"type": "object", "default": {}, "description": "The function's keyword-only parameters."},
    },
    "required": ["as", "source"],
    "additionalProperties": False,
}


class Prepared:
    """What a configuration came to: what `Program.of` takes as the text of a JSON object, and what the program says of itself."""

    def __init__(self, text, name, version, purpose, schema, interfaces):
        self.json, self.name, self.version, self.purpose = text, name, version, purpose
        self.schema, self.interfaces = schema, interfaces


class Program:
    """A program that is ready: its functions by interface, how they are called, and its options."""

    def __init__(self, interface, functions, plan, options, modules, files):
        self.interface, self.functions, self.plan = interface, functions, plan
        self.options, self.modules, self.files = options, modules, files

    @property
    def function(self):
        """The function of an interface that has one."""
        return next(iter(self.functions.values()))

    @classmethod
    def of(cls, text: str, tag: str, describe_import=None) -> "Program":
        """Returns the program of a configuration, raw or prepared. `tag` names the build of Python that prepared forms fit.

        Raises `ConfigError`.
        """
        config = json.loads(text)
        if "prepared" not in config:
            return _load(config, describe_import)[0]
        if config.get("runtime") != tag:
            raise ConfigError(
                f"the program was prepared by another build of this runtime (`{config.get('runtime')}`, this is `{tag}`); prepare it again"
            )
        held = marshal.loads(binascii.a2b_base64(config["prepared"]))
        regexes.remember(held["patterns"])
        modules = Modules(held["codes"], held["data"])
        module = _run(held["name"], held["main"], modules, describe_import)
        functions = {part: _attribute(module, name) for part, name in held["functions"].items()}
        return cls(held["as"], functions, held["plan"], held["options"], modules.loaded([module]), held["files"])


def prepare(text: str, tag: str, describe_import=None) -> Prepared:
    """Makes ready what a raw configuration holds. Raises `ConfigError`; the same configuration always gives the same."""
    config = json.loads(text)
    if "prepared" in config:
        raise ConfigError("the configuration was prepared before; expected `source`", "prepared")
    program, held, module = _load(config, describe_import)
    packed = binascii.b2a_base64(marshal.dumps(held), newline=False).decode("ascii")
    prepared = json.dumps({"runtime": tag, "prepared": packed})
    file = config.get("file") or "program.py"
    version = module.__dict__.get("__version__")
    if not isinstance(version, str) or not re.fullmatch(r"\d+\.\d+\.\d+([-+][0-9A-Za-z.+-]+)?", version):
        version = "0.1.0"
    return Prepared(prepared, _kebab(_stem(file)), version[:64], _purpose(program, module, file), program.plan["schema"], [program.interface])


def _load(config, describe_import):
    """Returns the program, what its prepared form holds, and its module."""
    unknown = next((key for key in config if key not in CONFIG_SCHEMA["properties"]), None)
    if unknown is not None:
        raise ConfigError(f"unknown key `{unknown}`; expected {', '.join(CONFIG_SCHEMA['properties'])}", unknown)
    interface, source = config.get("as"), config.get("source")
    if interface not in INTERFACES:
        raise ConfigError(f"expected one of {', '.join(INTERFACES)}, found {interface!r}", "as")
    if not isinstance(source, str):
        raise ConfigError("expected the text of the file", "source")
    file = config.get("file") or "program.py"
    tree, main = _compiled(source, file, "source")
    codes, data, patterns = {}, {}, regexes.patterns_in(tree)
    for name, content in (config.get("files") or {}).items():
        if not name.endswith(".py"):
            data[name] = content
            continue
        parts = name[:-3].split("/")
        package = parts[-1] == "__init__"
        part, code = _compiled(content, name, "files")
        codes[".".join(parts[:-1] if package else parts)] = (code, package, name)
        patterns += regexes.patterns_in(part)
    modules = Modules(codes, data)
    name = _module_name(_stem(file))
    module = _run(name, main, modules, describe_import)
    functions = _find(module, interface, config.get("function"), file)
    called = {part: _attribute(module, function) for part, function in functions.items()}
    options = config.get("options") or {}
    plan = _plan(interface, called, tree, source)
    check(options, plan["schema"])
    files = [file, *(config.get("files") or {})]
    program = Program(interface, called, plan, options, modules.loaded([module]), files)
    held = {
        "as": interface,
        "name": name,
        "main": main,
        "codes": codes,
        "data": data,
        "functions": functions,
        "plan": plan,
        "options": options,
        "files": files,
        "patterns": regexes.compiled(patterns[: regexes.MOST]),
    }
    return program, held, module


def _compiled(source, file, key):
    try:
        code = compile(source, file, "exec", dont_inherit=True)
        return ast.parse(source, file) if len(source) <= LONGEST_READ else ast.Module([], []), code
    except SyntaxError as error:
        if error.text is None and error.lineno:
            lines = source.splitlines()
            error.text = lines[error.lineno - 1] if error.lineno <= len(lines) else None
        raise ConfigError(f"{type(error).__name__}: {syntax_text(error)}", key) from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise ConfigError(f"`{file}` is no Python: {error}", key) from None


class Modules:
    """Imports the program's other files, and opens its data."""

    current = None

    def __init__(self, codes, data):
        self.codes, self.data = codes, data
        self._packages = {name.rpartition(".")[0] for name in codes if "." in name}
        Modules.current = self
        sys.meta_path[:] = [self, *(finder for finder in sys.meta_path if not isinstance(finder, Modules))]

    def find_spec(self, name, path=None, target=None):
        from importlib.machinery import ModuleSpec

        if name == "torch" and name not in self.codes and _without_torch():
            return ModuleSpec(name, _Torch)
        if name in self.codes:
            _, package, file = self.codes[name]
            spec = ModuleSpec(name, self, origin=file, is_package=package)
            spec.has_location = True
            return spec
        if name in self._packages:
            return ModuleSpec(name, None, is_package=True)
        return None

    def create_module(self, spec):
        return None

    def exec_module(self, module):
        module.__rewarden_program__ = True
        exec(self.codes[module.__name__][0], module.__dict__)

    def loaded(self, first):
        return [*first, *(sys.modules[name] for name in self.codes if name in sys.modules)]


class _Torch:
    """Loads the stand-in for `torch`."""

    @staticmethod
    def create_module(spec):
        return tensors.module()

    @staticmethod
    def exec_module(module):
        pass


def _without_torch() -> bool:
    for finder in sys.meta_path:
        if not isinstance(finder, Modules):
            find = getattr(finder, "find_spec", None)
            if find is not None and not getattr(finder, "records", False) and find("torch", None) is not None:
                return False
    return True


def data_file(name) -> "str | None":
    """Returns the text of a file that came with the program, or `None` if none of that name did."""
    return Modules.current.data.get(str(name).removeprefix("./")) if Modules.current is not None else None


def _run(name, code, modules, describe_import):
    module = types.ModuleType(name)
    module.__file__ = code.co_filename
    module.__rewarden_program__ = True
    sys.modules[name] = module
    try:
        exec(code, module.__dict__)
    except ConfigError:
        raise
    except BaseException as error:
        if isinstance(error, SyntaxError):
            raise ConfigError(f"{type(error).__name__}: {syntax_text(error)}", "files") from None
        files = [code.co_filename, *(file for _, _, file in modules.codes.values())]
        text = failure_text(error, files)
        missing = error.name if isinstance(error, ModuleNotFoundError) else None
        if missing and describe_import is not None:
            text += f"; {describe_import(missing)}"
        raise ConfigError(f"running `{code.co_filename}` failed: {text}", "source") from error
    return module


def _attribute(module, name):
    """`name` may have dots, for a method of an object."""
    found = module
    for part in name.split("."):
        found = getattr(found, part)
    return found


def _own_functions(module):
    """Returns the functions that the file itself defines, in its order, without private ones."""
    return {
        name: value
        for name, value in module.__dict__.items()
        if callable(value)
        and not name.startswith("_")
        and not isinstance(value, type)
        and (hasattr(value, MARK) or getattr(value, "__module__", None) == module.__name__)
    }


def _find(module, interface, wanted, file):
    """Returns the names of the program's functions by part of the interface."""
    own = _own_functions(module)
    if interface == "principles":
        return {part: _find_one(module, own, part, None, file) for part in ("principles.ask", "principles.read")}
    return {interface: _find_one(module, own, interface, wanted, file)}


def _find_one(module, own, part, wanted, file):
    if wanted is not None:
        try:
            function = _attribute(module, wanted)
        except AttributeError:
            raise ConfigError(f"`{file}` has no function `{wanted}`; it has {_listed(own)}", "function") from None
        if not callable(function):
            raise ConfigError(f"`{wanted}` in `{file}` is no function, but {type(function).__name__}", "function")
        return wanted
    marked = [name for name, value in own.items() if getattr(value, MARK, None) == part]
    if len(marked) == 1:
        return marked[0]
    if marked:
        raise ConfigError(f"`{file}` has several functions for `{part}`: {', '.join(marked)}; name one with `function`", "function")
    unmarked = {name: value for name, value in own.items() if not hasattr(value, MARK)}
    if part != "scorer":
        found = next((name for name in _USUAL_OF[part] if name in unmarked), None)
        if found is None:
            usual = " or ".join(f"`{name}`" for name in _USUAL_OF[part])
            raise ConfigError(
                f"`{file}` has no function for `{part}`: mark one with `@{part}`, or call it {usual} ({', '.join(_WANTED[part])}); "
                f"it has {_listed(own)}",
                "function",
            )
        return found
    fitting = [name for name, value in unmarked.items() if _form(value) is not None]
    for name in _USUAL:
        if name in fitting:
            return name
    rewards = [name for name in fitting if "reward" in name or "score" in name] or fitting
    if len(rewards) == 1:
        return rewards[0]
    if rewards:
        raise ConfigError(f"`{file}` has several reward functions: {', '.join(rewards)}; name one with `function`", "function")
    raise ConfigError(f"`{file}` has no reward function: {TAKEN}; it has {_listed(own)}", "function")


def _form(function):
    try:
        return form_of(signature_of(function).parameters)
    except (TypeError, ValueError):
        return None


def _listed(functions) -> str:
    shown = []
    for name, value in list(functions.items())[:12]:
        try:
            shown.append(f"`{name}{signature_of(value)}`"[:120])
        except (TypeError, ValueError):
            shown.append(f"`{name}`")
    return ", ".join(shown) or "no functions"


def _plan(interface, functions, tree, source):
    if interface == "scorer":
        return plan_of(functions["scorer"], tree, source)
    options = {}
    for part, function in functions.items():
        parameters = signature_of(function).parameters.values()
        named = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) and p.default is p.empty]
        if len(named) != len(_WANTED[part]) and not any(p.kind is p.VAR_POSITIONAL for p in parameters):
            raise ConfigError(
                f"`{function.__name__}` takes {len(named)} positional parameters; `{part}` is called with ({', '.join(_WANTED[part])})",
                "function",
            )
        options[part] = [p for p in parameters if p.kind is p.KEYWORD_ONLY]
    schema = schema_of({p.name: p for parameters in options.values() for p in parameters}.values())
    return {"schema": schema, "options": {part: [p.name for p in parameters] for part, parameters in options.items()}}


def _purpose(program, module, file) -> str:
    for text in (getattr(program.function, "__doc__", None), module.__doc__):
        line = next((line.strip() for line in (text or "").splitlines() if line.strip()), None)
        if line:
            return line[:500]
    return f"`{getattr(program.function, '__name__', 'the program')}` of {file}"


def _stem(file: str) -> str:
    return file.replace("\\", "/").rpartition("/")[2].removesuffix(".py") or "program"


def _kebab(stem: str) -> str:
    """A name in kebab case of at most 64 bytes."""
    words = re.findall(r"[a-z0-9]+", re.sub(r"([a-z0-9])([A-Z])", r"\1-\2", stem).lower())
    name = "-".join(words)[:64].strip("-")
    return name if name and name[0].isalpha() else f"program-{name}".strip("-")[:64]


def _module_name(stem: str) -> str:
    """The file's stem, unless a module of that name is there: `json.py` must not become `json` for everybody."""
    name = stem if stem.isidentifier() else "program"
    return f"_{name}" if name in sys.modules and not getattr(sys.modules[name], "__rewarden_program__", False) else name

