"""What a call has to copy: every page that it writes to, even if it only counts a reference.

An instance's memory is mapped from the component's, and a page is copied when it is first written to. Most writes of a short call
change nothing but reference counts, scattered over megabytes. Objects with the count of an immortal object are not counted
(PEP 683), so the build gives it to all objects that are alive at its end: they are listed here, and `build/immortal.py` writes the
counts into the component.
"""

import gc
import types

# Of these there may be some that end with the build.
_PASSING = (types.FrameType, types.GeneratorType, types.CoroutineType, types.AsyncGeneratorType, types.TracebackType)
_MARK = "REWARDEN-ALIVE:"
# Holds what is listed, so that none of it is freed before the memory is kept: a freed block must not be written to.
_held: tuple = ()
_note = b""


def list_living() -> int:
    """Lists all living objects for the build. Returns how many there are."""
    global _held, _note
    _held, _note = (), b""
    gc.unfreeze()
    gc.collect()
    found, todo = {}, gc.get_objects()
    todo_id = id(todo)
    while todo:
        entry = todo.pop()
        key = id(entry)
        if key in found or key == todo_id or isinstance(entry, _PASSING):
            continue
        found[key] = entry
        todo.extend(gc.get_referents(entry))
        if type(entry) is types.CodeType:
            todo += (entry.co_consts, entry.co_names, entry.co_varnames, entry.co_name, entry.co_qualname, entry.co_filename)
            todo += (entry.co_freevars, entry.co_cellvars)
    for passing in (found, todo):
        found.pop(id(passing), None)
    _held = tuple(found.values())
    # Read by the build: where the tuple is, where its entries begin in it, and how many there are.
    _note = f"{_MARK}{id(_held):08x}:{tuple.__basicsize__:08x}:{len(_held):08x}:{id(None):08x}:".encode()
    gc.freeze()
    return len(_held)


def scrub() -> None:
    """Writes zeros over memory that was freed, so that it becomes neither part of the component nor a difference of two builds.

    Blocks are taken from large to small until they come from beyond what is in use.
    """
    held, end = [], max(id(bytes(1 << 22)) for _ in range(2))
    for size in (1 << 20, 1 << 18, 1 << 16, 1 << 14, 1 << 12, 1 << 10, 512 - 40, 256 - 40, 128 - 40):
        for _ in range(1 << 16):
            block = bytes(size)
            held.append(block)
            if id(block) > end:
                break
    del held[:]
