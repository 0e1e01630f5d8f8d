#!/usr/bin/env python3
"""Builds the Python runtimes: components of the world `interpreter` with CPython in them.

    build.py --out DIR --cache DIR [--only python|python-maths]
    build.py --freeze reward.py --requirements requirements.txt --cases tests/*.toml -o scorer.wasm --cache DIR

The first form makes `python.wasm` and `python-maths.wasm` in DIR. Tools and packages come from PyPI, pinned by version and SHA-256, into
the cache; nothing of the machine's own Python gets into a component.
"""

import argparse
import hashlib
import os
import shutil
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
SDK = HERE.parent / "rewarden_plugin"
WIT = HERE.parents[2] / "wit"
sys.path.insert(0, str(HERE))

import docstrings
import freeze
import immortal
import recipes
import tools


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=Path, help="directory for python.wasm and python-maths.wasm")
    parser.add_argument("--cache", type=Path, required=True, help="directory for tools and packages, kept between builds")
    parser.add_argument("--only", choices=sorted(recipes.RUNTIMES), help="build one runtime")
    parser.add_argument("--freeze", type=Path, metavar="FILE", help="build a component of this program and its packages instead")
    parser.add_argument("--requirements", type=Path, help="with --freeze: packages as name==version, with hashes where wanted")
    parser.add_argument("--cases", type=Path, nargs="*", default=[], help="with --freeze: golden cases, run before the memory is kept")
    parser.add_argument("--as", dest="interface", choices=freeze.INTERFACES, default="scorer", help="with --freeze: what the program is")
    parser.add_argument("--function", help="with --freeze: the function, where the file has several")
    parser.add_argument("--with", dest="files", type=Path, nargs="*", default=[], help="with --freeze: other files of the program")
    parser.add_argument("-o", "--output", type=Path, help="with --freeze: the component's file")
    options = parser.parse_args()
    if (options.freeze is None) == (options.out is None):
        parser.error("give either --out (to build the runtimes) or --freeze with -o (to build one program)")
    try:
        if options.freeze is not None:
            if options.output is None:
                parser.error("--freeze needs -o FILE")
            recipe = freeze.recipe(
                options.freeze, options.requirements, options.cases, options.cache.resolve(), options.interface, options.function, options.files
            )
            build(recipe, options.output, options.cache)
        else:
            for name, recipe in recipes.RUNTIMES.items():
                if options.only in (None, name):
                    build(recipe, options.out / f"{name}.wasm", options.cache)
    except tools.BuildError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def build(recipe: recipes.Recipe, output: Path, cache: Path) -> None:
    """Builds one component. The output is replaced only by a whole one."""
    started = time.monotonic()
    cache = cache.resolve()
    venv = tools.virtual_environment(cache)
    packages = tools.packages(cache, recipe.requirements)
    # A directory whose name is the same in every build: paths get into the component.
    stage = cache / "stage" / recipe.name
    shutil.rmtree(stage, ignore_errors=True)
    (stage / "app").mkdir(parents=True)
    shutil.copytree(SDK, stage / "app" / "rewarden_plugin", ignore=shutil.ignore_patterns("__pycache__", "command.py"))
    shutil.copy(HERE / "rewarden_runtime.py", stage / "app")
    if recipe.cases:
        recipe.cases = tools.native_scores(recipe.cases, SDK.parent, packages)
    (stage / "app" / "rewarden_build.py").write_text(recipe.module(tag(recipe)), encoding="utf-8")
    if packages is not None:
        shutil.copytree(packages, stage / "packages", ignore=shutil.ignore_patterns("__pycache__", "bin", "tests", "benchmarks"))
        if recipe.without_docstrings:
            print(f"{recipe.name}: {docstrings.blank(stage / 'packages')} bytes of docstrings left out", flush=True)
    shutil.copytree(WIT, stage / "wit", ignore=shutil.ignore_patterns("v*.*", "versions.lock"))
    tools.fixed_times(stage)
    print(f"{recipe.name}: building", flush=True)
    partial = output.with_suffix(".partial")
    output.parent.mkdir(parents=True, exist_ok=True)
    tools.componentize(venv, stage, cache, partial.resolve(), recipe.world, packages is not None)
    print(f"{recipe.name}: {immortal.make_immortal(partial)} objects are immortal", flush=True)
    os.replace(partial, output)
    digest = hashlib.sha256(output.read_bytes()).hexdigest()
    print(f"{recipe.name}: {output} {output.stat().st_size} bytes, sha256:{digest}, {time.monotonic() - started:.0f} s", flush=True)


def tag(recipe: recipes.Recipe) -> str:
    """Names the build for prepared programs: marshalled code fits the Python that made it, and the SDK that reads it."""
    digest = hashlib.sha256()
    for path in sorted([*SDK.rglob("*.py"), HERE / "rewarden_runtime.py"]):
        digest.update(path.relative_to(HERE.parent).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    digest.update(recipe.module("").encode())
    digest.update(tools.COMPONENTIZE.encode())
    return f"{recipe.name} {digest.hexdigest()[:16]}"


if __name__ == "__main__":
    sys.exit(main())
