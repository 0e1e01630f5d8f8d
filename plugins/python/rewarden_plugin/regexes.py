"""Regular expressions that are written out in a program, compiled once when it is prepared.

Every call runs in a new instance, whose cache of compiled patterns is empty: compiling them again would take more time than most
rewards do.
"""

import ast
import re

_CALLS = frozenset("compile match fullmatch search findall finditer split sub subn".split())
_POSITION = {"split": 3, "sub": 4, "subn": 4}
MOST = 200


def patterns_in(tree: ast.AST) -> "list[tuple[str, int]]":
    """Returns pattern and flags of each call such as `re.search(r"…", text, re.S)` whose pattern and flags are written out."""
    found = {}
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _CALLS):
            continue
        if not (isinstance(node.func.value, ast.Name) and node.func.value.id == "re" and node.args):
            continue
        pattern = node.args[0]
        if not (isinstance(pattern, ast.Constant) and isinstance(pattern.value, (str, bytes))):
            continue
        place = 1 if node.func.attr == "compile" else _POSITION.get(node.func.attr, 2)
        flags = next((keyword.value for keyword in node.keywords if keyword.arg == "flags"), None)
        if flags is None and len(node.args) > place:
            flags = node.args[place]
        value = 0 if flags is None else _flags(flags)
        if value is not None:
            found[pattern.value, value] = None
    return list(found)[:MOST]


def _flags(node) -> "int | None":
    if isinstance(node, ast.Constant) and isinstance(node.value, int):
        return int(node.value)
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "re":
        value = getattr(re, node.attr, None)
        return int(value) if isinstance(value, re.RegexFlag) and not value & re.DEBUG else None
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        left, right = _flags(node.left), _flags(node.right)
        return None if left is None or right is None else left | right
    return None


class _Recorder:
    """Stands before the C module `_sre` and keeps what its `compile` gets."""

    def __init__(self, real, held):
        self._real, self._held = real, held

    def __getattr__(self, name):
        return getattr(self._real, name)

    def compile(self, *arguments):
        self._held.append(arguments)
        return self._real.compile(*arguments)


def compiled(patterns) -> "list[tuple]":
    """Returns what `remember` takes: the patterns with their code. Patterns that do not compile are left out."""
    sre = getattr(re, "_compiler", None)
    made = []
    if sre is None:  # before Python 3.11
        return made
    for pattern, flags in patterns:
        held = []
        real, sre._sre = sre._sre, _Recorder(sre._sre, held)
        try:
            sre.compile(pattern, flags)
        except (re.error, OverflowError, RecursionError, ValueError):
            continue
        finally:
            sre._sre = real
        if len(held) == 1:
            _, whole, code, groups, names, indices = held[0]
            # The constants of `re` are a subclass of int, which marshal does not take.
            made.append((pattern, int(flags), int(whole), [int(entry) for entry in code], groups, dict(names), tuple(indices)))
    return made


def remember(made) -> None:
    """Puts compiled patterns into the cache of `re`, as if they had been compiled before."""
    if not made:
        return
    build = re._compiler._sre.compile
    cache = getattr(re, "_cache2", re._cache)  # the former since Python 3.13
    for pattern, flags, whole, code, groups, names, indices in made:
        cache[type(pattern), pattern, flags] = build(pattern, whole, code, groups, names, indices)
