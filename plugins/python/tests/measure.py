#!/usr/bin/env python3
"""Measures calls of a runtime in wasmtime: fuel, CPU time apart by step, and pages of memory that a call copies.

    measure.py python.wasm [FILE.py] [--tasks tasks.jsonl]

The times are of the bindings for Python, whose marshalling is part of them; the host of Rewarden is faster.
"""

import argparse
import json
import re
import statistics
import struct
from pathlib import Path

from sandbox import Sandbox, task_record

SOURCE = 'import re\n\n\ndef reward(response, reference):\n    found = re.search(r"\\d+", response)\n    return bool(found) and found[0] == reference\n'
TASK = {"prompt": "2+2?", "responses": ["4", "it is 5", "4.0 is it", "none"], "reference": "4"}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("component", type=Path)
    parser.add_argument("file", type=Path, nargs="?")
    parser.add_argument("--tasks", type=Path)
    parser.add_argument("--times", type=int, default=100)
    options = parser.parse_args()
    sandbox = Sandbox(options.component, fuel=20_000_000_000)
    source = options.file.read_text(encoding="utf-8") if options.file else SOURCE
    prepared, _, _ = sandbox.prepare({"as": "scorer", "file": "reward.py", "source": source})
    print(f"prepare: {sandbox.spent['fuel'] / 1e6:.1f} M of fuel; {len(prepared)} bytes")
    tasks = [TASK]
    if options.tasks:
        tasks = [json.loads(line) for line in options.tasks.read_text(encoding="utf-8").splitlines() if line.strip()]
    spent = []
    for number in range(max(options.times, len(tasks))):
        sandbox.score(prepared, tasks[number % len(tasks)])
        spent.append(sandbox.spent)
    for step in ("instantiate", "configure", "call", "drop"):
        print(f"{step:12} {statistics.median(each[step] for each in spent):8.2f} ms of CPU")
    fuel = sorted(each["fuel"] / 1e6 for each in spent)
    print(f"fuel         {statistics.median(fuel):8.2f} M (least {fuel[0]:.2f}, most {fuel[-1]:.2f})")
    copied(sandbox, prepared, tasks[0])


def copied(sandbox, prepared, task):
    """Prints how many pages of the component's memory were copied after each step."""
    store, instance = sandbox._instance()
    before = _private_pages()
    for interface, name, argument in (("describe", "configure", prepared), ("scorer", "score-responses", task_record(task))):
        function = sandbox._function(store, instance, interface, name)
        function(store, argument)
        function.post_return(store)
        after = _private_pages()
        print(f"{name:16} copied {after - before} pages")
        before = after
    store.close()


def _private_pages() -> int:
    pages = 0
    with open("/proc/self/maps") as maps, open("/proc/self/pagemap", "rb") as pagemap:
        for line in maps:
            if "wasm-memory-image" not in line:
                continue
            start, end = (int(part, 16) for part in re.match(r"(\w+)-(\w+)", line).groups())
            pagemap.seek(start // 4096 * 8)
            entries = struct.unpack(f"{(end - start) // 4096}Q", pagemap.read((end - start) // 4096 * 8))
            # Present, and no longer a page of the file.
            pages += sum(1 for entry in entries if entry >> 63 and not entry >> 61 & 1)
    return pages


if __name__ == "__main__":
    main()
