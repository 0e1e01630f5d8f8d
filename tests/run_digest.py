"""Computes the digest of a run from its rows, as docs/runs.md writes it down: `python3 run_digest.py RUN`."""

import hashlib
import sqlite3
import struct
import sys

run = sqlite3.connect(f"file:{sys.argv[1]}?mode=ro", uri=True)


def encoded(value):
    if value is None:
        return b"\0"
    if isinstance(value, int):
        return b"\1" + struct.pack(">q", value)
    if isinstance(value, float):
        return b"\2" + struct.pack(">d", value + 0.0)  # one zero only
    tag, data = (b"\3", value.encode()) if isinstance(value, str) else (b"\4", value)
    return tag + struct.pack(">Q", len(data)) + data


def digest(name, values):
    whole = hashlib.sha256(encoded(name))
    for value in values:
        whole.update(encoded(value))
    return whole.digest()


def rows(table, condition="", *of):
    found = run.execute(f"SELECT * FROM {table} {condition}", of)
    names = [column[0] for column in found.description]
    return [dict(zip(names, row)) for row in found]


def values(rows, but=("task", "key", "seconds")):
    return [value for row in rows for name, value in row.items() if name not in but]


def seal(task):
    key = task["key"]
    principles = rows("principles", "WHERE query = (SELECT query FROM queries WHERE task = ?)", key)
    samples = rows("samples", "WHERE task = ? ORDER BY id", key)
    ratings = rows("ratings", "WHERE task = ? ORDER BY sample", key)
    clock = [value for row in principles for value in ("principles", row["seconds"])]
    clock += [value for row in samples for value in ("samples", row["id"], row["seconds"])]
    clock += [value for row in ratings for value in ("ratings", row["sample"], row["seconds"])]
    parts = {"tasks": [task], "principles": principles, "samples": samples, "ratings": ratings}
    parts["rewards"] = rows("rewards", "WHERE task = ?", key)
    digests = (digest(name, (digest("row", values([row])) for row in part)) for name, part in parts.items())
    return [key, *digests, digest("clock", clock)]


header = digest("run", values(rows("run", "WHERE key <> 'digest' ORDER BY key"), but=()))
components = digest("components", values(rows("components", "ORDER BY digest"), but=("wasm",)))
seals = digest("seals", (part for task in rows("tasks", "ORDER BY key") for part in seal(task)))
print("sha256:" + digest("rewarden run 3", [header, components, seals]).hex())
