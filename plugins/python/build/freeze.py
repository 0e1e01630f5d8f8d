"""A program with packages of its own as a component: the recipe, and the lock of its packages."""

import hashlib
import re
from pathlib import Path

import tools
from recipes import Recipe

INTERFACES = ("scorer", "template", "parser", "policy", "principles")


def recipe(file: Path, requirements: "Path | None", cases: "list[Path]", cache: Path, interface: str, function: "str | None", files) -> Recipe:
    """Returns the recipe of a program. Raises `tools.BuildError`."""
    program = {"as": interface, "file": file.name, "source": _text(file)}
    if function:
        program["function"] = function
    if files:
        program["files"] = {str(path.relative_to(file.parent)): _text(path) for path in files}
    lock = locked(requirements, cache) if requirements is not None else None
    names = re.findall(r"^([A-Za-z0-9._-]+)==", lock.read_text(encoding="utf-8"), re.M) if lock is not None else []
    return Recipe(
        name=f"frozen-{file.stem}",
        purpose="",
        requirements=lock,
        packages=tuple(names),
        cases=[{"config": program, "tasks": tasks}] if (tasks := golden(cases)) else [],
        program=program,
        world=f"{interface}-plugin",
    )


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise tools.BuildError(f"{path}: {error}") from None


def golden(paths: "list[Path]") -> "list[dict]":
    """Returns the tasks of the `[[score]]` entries of golden cases, with their scores where all of them are numbers."""
    try:
        import tomllib
    except ImportError:
        raise tools.BuildError("golden cases are TOML, which needs Python 3.11 or newer to read") from None
    tasks = []
    for path in paths:
        try:
            held = tomllib.loads(_text(path))
        except tomllib.TOMLDecodeError as error:
            raise tools.BuildError(f"{path}: {error}") from None
        for case in held.get("score", []):
            task = dict(case["task"])
            scores = case.get("scores")
            if isinstance(scores, list) and all(isinstance(score, (int, float)) for score in scores):
                task["scores"] = [float(score) for score in scores]
            tasks.append(task)
    return tasks


def locked(requirements: Path, cache: Path) -> Path:
    """Returns the requirements with hashes: the file itself if it has them, else a lock that is written beside it, once.

    Raises `tools.BuildError` for packages without a pure Python wheel.
    """
    text = _text(requirements)
    if "--hash=" in text:
        return requirements
    lock = requirements.with_suffix(".lock")
    source = f"# Of {requirements.name} with sha256:{hashlib.sha256(text.encode()).hexdigest()}"
    if lock.exists() and lock.read_text(encoding="utf-8").startswith(source):
        return lock
    print(f"locking {requirements}", flush=True)
    wheels = cache / f"wheels-{hashlib.sha256(text.encode()).hexdigest()[:16]}"
    # Only wheels of pure Python: nothing else runs in a component.
    only = ["--only-binary", ":all:", "--platform", "any", "--implementation", "py", "--abi", "none", "--python-version", "3.14"]
    try:
        tools.install(tools.virtual_environment(cache), ["download", "-q", *only, "-d", wheels, "-r", requirements])
    except tools.BuildError as error:
        raise tools.BuildError(
            f"{requirements}: a package has no wheel of pure Python, or is not there; native code does not run in a component\n{error}"
        ) from None
    lines = [source]
    for wheel in sorted(wheels.glob("*.whl")):
        name, version = wheel.name.split("-")[:2]
        lines.append(f"{name.replace('_', '-')}=={version} --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}")
    lock.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return lock
