"""The tools of a build: a virtual environment with componentize-py, packages from PyPI, and the call that makes a component."""

import os
import subprocess
import sys
import venv
from pathlib import Path

COMPONENTIZE = "componentize-py==0.25.1"
# 2024-01-01: the time of every file that is read, so that no build's own time gets into a component.
EPOCH = 1704067200


class BuildError(Exception):
    """A build that cannot go on, with what to do about it."""


def run(command, what: str, **options) -> str:
    """Runs a command; its output is shown only if it fails. Raises `BuildError`."""
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, **options)
    if done.returncode != 0:
        raise BuildError(f"{what} failed:\n{(done.stdout + done.stderr).strip()[-4000:]}")
    return done.stdout + done.stderr


def virtual_environment(cache: Path) -> Path:
    """Returns the virtual environment with componentize-py, made if it is not there."""
    if sys.version_info < (3, 10):
        raise BuildError(f"Python 3.10 or newer is needed to build, found {sys.version.split()[0]}")
    place = cache / f"venv-{COMPONENTIZE.replace('==', '-')}"
    tool = place / "bin" / "componentize-py"
    if not tool.exists():
        print(f"setting up {COMPONENTIZE}", flush=True)
        venv.create(place, with_pip=True, clear=True)
        install(place, ["install", "--require-hashes", "--only-binary", ":all:", "--no-deps", "-r", Path(__file__).with_name("componentize.txt")])
    return place


def install(place: Path, arguments) -> str:
    """Runs pip in a virtual environment. Raises `BuildError` that tells a missing network from a wrong hash."""
    command = [place / "bin" / "python", "-m", "pip", "--disable-pip-version-check", *arguments]
    try:
        return run(command, "pip")
    except BuildError as error:
        text = str(error)
        if "hashes" in text.lower() and "do not match" in text.lower():
            raise BuildError(f"a package is not the one that was pinned; nothing was built\n{text}") from None
        if "Could not find a version" in text or "ConnectionError" in text or "NewConnectionError" in text:
            raise BuildError(f"PyPI cannot be reached, or has no such package for this machine; pip said:\n{text}") from None
        raise


def packages(cache: Path, requirements: "Path | None") -> "Path | None":
    """Returns a directory with the packages of a requirements file, unpacked from wheels."""
    if requirements is None:
        return None
    import hashlib

    digest = hashlib.sha256(requirements.read_bytes()).hexdigest()[:16]
    place = cache / f"packages-{digest}"
    if not place.exists():
        print(f"fetching the packages of {requirements.name}", flush=True)
        partial = cache / f"packages-{digest}.partial"
        environment = virtual_environment(cache)
        install(
            environment,
            ["install", "--require-hashes", "--only-binary", ":all:", "--no-deps", "--no-compile", "--target", partial, "-r", requirements],
        )
        native = sorted(path.name for path in partial.rglob("*") if path.suffix in (".so", ".pyd", ".dylib"))
        if native:
            raise BuildError(f"{requirements.name}: {', '.join(native[:5])} is native code; only pure Python runs in a component")
        os.replace(partial, place)
    return place


_NATIVE = """
import json, logging, sys
from rewarden_plugin.sealed.warm import scores
logging.disable(logging.CRITICAL)
cases = json.load(sys.stdin)
for case in cases:
    for task, found in zip(case["tasks"], scores(case, "native")):
        if "scores" in task and task["scores"] != found:
            sys.exit(f"expected {task['scores']}, found {found} natively for {task}")
        task["scores"] = found
print(json.dumps(cases))
"""


def native_scores(cases: list, sdk: Path, packages: "Path | None") -> list:
    """Returns the cases with the scores that this machine's Python gives: the build ends where the component's differ.

    Raises `BuildError` if a case's own scores are others.
    """
    import json

    variables = {**os.environ, "PYTHONPATH": os.pathsep.join(str(path) for path in (sdk, packages) if path), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run([sys.executable, "-c", _NATIVE], input=json.dumps(cases), capture_output=True, text=True, env=variables)
    if done.returncode != 0:
        raise BuildError(f"the cases cannot be scored natively:\n{done.stderr.strip()[-3000:]}")
    return json.loads(done.stdout)


def fixed_times(stage: Path) -> None:
    """Gives every file the same time."""
    for path in sorted(stage.rglob("*")):
        os.utime(path, (EPOCH, EPOCH))


def still_world(cache: Path) -> "Path | None":
    """Returns the library that takes chance and time from a build, or `None` where there is none (see `still.c`)."""
    import shutil

    compiler = shutil.which(os.environ.get("CC", "cc"))
    if not sys.platform.startswith("linux") or compiler is None:
        print("no C compiler for Linux: the order of sets will be this build's own", flush=True)
        return None
    library = cache / "still.so"
    run([compiler, "-shared", "-fPIC", "-O1", "-o", library, Path(__file__).with_name("still.c"), "-ldl"], "compiling still.c")
    return library


def componentize(environment: Path, stage: Path, cache: Path, output: Path, world: str, with_packages: bool) -> None:
    """Makes the component. Raises `BuildError`."""
    command = [environment / "bin" / "componentize-py", "-d", "wit", "-w", world, "componentize", "--stub-wasi", "-p", "app"]
    if with_packages:
        command += ["-p", "packages"]
    command += ["rewarden_runtime", "-o", output]
    # An empty environment: componentize-py would add the packages of a VIRTUAL_ENV, of pipenv, or of a `python3` that it finds.
    variables = {"PATH": "/nowhere", "SOURCE_DATE_EPOCH": str(EPOCH), "PYTHONHASHSEED": "0"}
    still = still_world(cache)
    if still is not None:
        variables["LD_PRELOAD"] = str(still)
    said = run(command, "componentize-py", cwd=stage, env=variables)
    for line in said.splitlines():
        if line.startswith("rewarden: "):
            print(f"  {line[10:]}", flush=True)
