#!/usr/bin/env python3
"""Builds javascript.wasm: QuickJS and the SDK as one component of the contract's world `interpreter`.

    build.py --out DIR --cache DIR

Needs Python 3.11 with pip and venv, cargo, and Node 18 with npm. Everything else is fetched by these, pinned: the C compiler and
the component tools (requirements.txt), the engine's source (engine/Cargo.lock), the TypeScript stripper and the bundler
(package-lock.json). The same sources give the same bytes.
"""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
WIT = ROOT.parent.parent / "wit"

# What the component tools' wheel asks for.
OLDEST_PYTHON = (3, 11)
ENGINE_SOURCES = ["libregexp.c", "libunicode.c", "dtoa.c"]
RUNTIME_SOURCES = ["base64.c", "values.c", "calls.c", "json.c", "sealed.c", "program.c"]
COMPILE = ["-target", "wasm32-wasi", "-O3", "-DNDEBUG", "-D_GNU_SOURCE"]
STRICT = ["-Wall", "-Wextra", "-Werror"]
# More than the stack that programs may use (STACK_BYTES in program.c): the engine goes on for a while after its check.
STACK = 1 << 20


def main():
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("--out", type=Path, required=True, help="directory to put javascript.wasm into")
    arguments.add_argument("--cache", type=Path, required=True, help="directory for what is fetched and compiled")
    given = arguments.parse_args()
    cache, out = given.cache.resolve(), given.out.resolve()
    if sys.version_info < OLDEST_PYTHON:
        sys.exit(f"error: Python {'.'.join(map(str, OLDEST_PYTHON))} or later is needed to build javascript.wasm, this is {sys.version.split()[0]}")
    require("cargo", "Rust, by rustup")
    require("npm", "Node.js 18 or later")
    python = tools(cache)
    if Path(sys.executable) != python:
        # The tools' environment has wasmtime, which runs the initialisation.
        sys.exit(subprocess.run([python, __file__, "--out", out, "--cache", cache], check=False).returncode)
    component = build(cache, fetch_engine(cache), fetch_npm(cache))
    out.mkdir(parents=True, exist_ok=True)
    target = out / "javascript.wasm"
    scratch = target.with_suffix(".part")
    scratch.write_bytes(component)
    scratch.replace(target)
    print(f"{target}: {len(component):,} bytes, sha256:{hashlib.sha256(component).hexdigest()}")


def require(program, source):
    if shutil.which(program) is None:
        sys.exit(f"error: `{program}` is needed to build javascript.wasm and is not on the path; install {source}")


def run(command, **options):
    """Runs a command; if it fails, shows what it said and ends the build."""
    done = subprocess.run([str(each) for each in command], capture_output=True, check=False, **options)
    if done.returncode != 0:
        said = (done.stdout + done.stderr).decode(errors="replace")[-4000:]
        sys.exit(f"error: {' '.join(str(each) for each in command)}\nended with status {done.returncode}:\n{said}")
    return done.stdout


def fetched(cache, name, pins, fetch):
    """The directory `name` under the cache, filled by `fetch` unless it was filled with the same pins before."""
    digest = hashlib.sha256(b"".join(pin.read_bytes() for pin in pins)).hexdigest()[:16]
    place = cache / f"{name}-{digest}"
    mark = place / "complete"
    if not mark.exists():
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        print(f"fetching {name}", flush=True)
        fetch(place)
        mark.touch()
    return place


def tools(cache):
    """The interpreter of an environment with the pinned tools."""

    def fetch(place):
        run([sys.executable, "-m", "venv", place / "env"])
        run([place / "env/bin/pip", "install", "--quiet", "--require-hashes", "--no-deps", "-r", HERE / "requirements.txt"])

    return fetched(cache, "tools", [HERE / "requirements.txt"], fetch) / "env/bin/python"


def fetch_engine(cache):
    """The directory of the crate that carries QuickJS's source."""
    pins = [HERE / "engine/Cargo.toml", HERE / "engine/Cargo.lock"]

    def fetch(place):
        run(["cargo", "vendor", "--locked", "--manifest-path", HERE / "engine/Cargo.toml", place / "vendor"], cwd=place)

    return fetched(cache, "engine", pins, fetch) / "vendor/rquickjs-sys"


def fetch_npm(cache):
    """A directory with the pinned packages in node_modules."""
    pins = [HERE / "package.json", HERE / "package-lock.json"]

    def fetch(place):
        for pin in pins:
            shutil.copy(pin, place)
        run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=place)

    return fetched(cache, "npm", pins, fetch)


def build(cache, engine, npm):
    # Only here: these modules import what the tools' environment has.
    import contract
    import snapshot

    bin_ = Path(sys.executable).parent
    objects = cache / "objects"
    objects.mkdir(exist_ok=True)
    wit = run([bin_ / "wasm-tools", "component", "wit", WIT, "--json"]).decode()
    tables, log_module = contract.generate(wit)
    (objects / "contract.c").write_text(tables)

    core = link(compile_all(engine, objects, log_module), engine, objects)
    core, tag = snapshot.take(core, script(npm, ROOT / "sdk/main.js"), script(npm, HERE / "stripper.js"))
    print(f"build {tag}")
    (objects / "snapshot.wasm").write_bytes(core)
    wasm_tools = bin_ / "wasm-tools"
    run([wasm_tools, "component", "embed", WIT, "--world", contract.WORLD, objects / "snapshot.wasm", "-o", objects / "embedded.wasm"])
    run([wasm_tools, "component", "new", objects / "embedded.wasm", "-o", objects / "component.wasm"])
    return run([wasm_tools, "strip", "--all", objects / "component.wasm"])


def zig(command, *arguments, cache):
    environment = {**os.environ, "ZIG_GLOBAL_CACHE_DIR": str(cache / "zig"), "ZIG_LOCAL_CACHE_DIR": str(cache / "zig")}
    return run([sys.executable, "-m", "ziglang", command, *arguments], env=environment)


def compile_all(engine, objects, log_module):
    """Compiles what has changed. Returns the object files."""
    quickjs = engine / "quickjs"
    sources = [ROOT / "runtime/engine.c", *(quickjs / name for name in ENGINE_SOURCES), engine / "wasm-shim/shim.c",
               *(ROOT / "runtime" / name for name in RUNTIME_SOURCES), objects / "contract.c"]
    headers = hashlib.sha256(b"".join(path.read_bytes() for path in sorted((ROOT / "runtime").glob("*.h")))).digest()
    common = [*COMPILE, f'-DLOG_MODULE="{log_module}"', f"-I{quickjs}", f"-I{ROOT / 'runtime'}"]
    compiled = []
    for source in sources:
        flags = common + (STRICT if source.name in RUNTIME_SOURCES else [])
        key = hashlib.sha256(source.read_bytes() + headers + " ".join(flags).encode()).hexdigest()[:16]
        target = objects / f"{source.stem}-{key}.o"
        if not target.exists():
            print(f"compiling {source.name}", flush=True)
            zig("cc", *flags, "-c", source, "-o", target.with_suffix(".part"), cache=objects)
            target.with_suffix(".part").replace(target)
        compiled.append(target)
    return compiled


def link(compiled, engine, objects):
    """The core module. Its libc is the one that the engine's crate carries for targets without a system."""
    target = objects / "core.wasm"
    zig("wasm-ld", "--no-entry", "--strip-all", "--stack-first", "-z", f"stack-size={STACK}", *compiled,
        engine / "vendor/wasi-libc/lib/libc.a", "-o", target, cache=objects)
    return target.read_bytes()


def script(npm, entry):
    """A bundle of an ECMAScript module and what it imports, as a function of a CommonJS `module`."""
    # The bundle names its CommonJS parts by their paths from the working directory.
    environment = {**os.environ, "NODE_PATH": str(npm / "node_modules")}
    bundled = run([npm / "node_modules/.bin/esbuild", entry, "--bundle", "--format=cjs", "--platform=neutral", "--main-fields=module,main",
                   "--target=es2022", "--minify-syntax", "--minify-whitespace", "--log-level=error"], env=environment, cwd=npm)
    return b"(function(module){" + bundled + b"})"


if __name__ == "__main__":
    main()
