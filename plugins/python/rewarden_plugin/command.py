"""The command `rewarden-plugin`: runs a reward function natively, for debugging and to compare with the sandbox."""

import argparse
import json
import os
import sys
from pathlib import Path

from . import __version__, native
from .errors import ConfigError, NoResult, Refuse
from .results import Abstention

_EXAMPLE = {"prompt": "What is 2 + 2?", "responses": ["4", "The answer is 5."], "reference": "4"}


def main(arguments=None) -> int:
    """Runs the command. Returns its exit status: 0, 1 for an error, 3 if a task got no scores."""
    parser = argparse.ArgumentParser(prog="rewarden-plugin", description=__doc__)
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", required=True)
    test = commands.add_parser("test", help="score tasks with the function of a file; prints one JSON object a task")
    test.add_argument("file", type=Path)
    test.add_argument("--tasks", type=Path, help="tasks as JSONL; without it one small example is scored")
    test.add_argument("--function", help="the function, where the file has several")
    test.add_argument("--with", dest="files", type=Path, action="append", default=[], metavar="FILE", help="another file of the program")
    test.add_argument("--option", action="append", default=[], metavar="NAME=VALUE", help="an option; the value is JSON, or else a text")
    options = parser.parse_args(arguments)
    try:
        return _test(options)
    except ConfigError as error:
        key = f" (`{error.key}`)" if error.key else ""
        print(f"error: {options.file}{key}: {error}", file=sys.stderr)
    except OSError as error:
        print(f"error: {error}", file=sys.stderr)
    return 1


def _test(options) -> int:
    # Libraries beside the file are found, as when Python runs it.
    sys.path.insert(0, os.path.abspath(options.file.parent))
    config = {"as": "scorer", "file": options.file.name, "source": options.file.read_text(encoding="utf-8")}
    config["files"] = {os.path.relpath(path, options.file.parent): path.read_text(encoding="utf-8") for path in options.files}
    if options.function:
        config["function"] = options.function
    config["options"] = dict(_option(text) for text in options.option)
    # What a program prints must not come between the results.
    results, sys.stdout = sys.stdout, sys.stderr
    status = 0
    try:
        prepared = native.prepared(config)
        for number, row in _rows(options.tasks):
            line = {"id": row.get("id", number) if isinstance(row, dict) else number}
            try:
                scores = native.score(prepared, native.task_of(row), log=lambda text: print(text, file=sys.stderr))
                line["scores"] = [None if isinstance(score, Abstention) else score for score in scores]
                reasons = {str(index): score.reason for index, score in enumerate(scores) if isinstance(score, Abstention)}
                if reasons:
                    line["abstained"] = reasons
            except Refuse as error:
                line["error"] = {"kind": "unsuitable_task", "message": str(error)}
            except NoResult as error:
                line["error"] = {"kind": "other", "message": str(error)}
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                line["error"] = {"kind": "row", "message": f"line {number + 1}: {error}"}
            status = 3 if "error" in line else status
            print(json.dumps(line, ensure_ascii=False), file=results, flush=True)
    finally:
        sys.stdout = results
    return status


def _rows(path):
    if path is None:
        yield 0, _EXAMPLE
        return
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file):
            if line.strip():
                try:
                    yield number, json.loads(line)
                except ValueError as error:
                    yield number, {"id": number, "responses": f"no JSON: {error}"}


def _option(text: str):
    name, found, value = text.partition("=")
    if not found:
        raise ConfigError(f"expected NAME=VALUE, found `{text}`", name)
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


if __name__ == "__main__":
    sys.exit(main())
