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
    # One bit for each possible address: a set of millions of numbers would itself be a large part of the memory.
    seen = bytearray(_end() >> 6)
    todo, living = gc.get_objects(), []
    passing = {id(todo), id(living), id(seen)}
    while todo:
        entry = todo.pop()
        place = id(entry)
        if seen[place >> 6] >> (place >> 3 & 7) & 1 or place in passing or isinstance(entry, _PASSING):
            continue
        seen[place >> 6] |= 1 << (place >> 3 & 7)
        living.append(entry)
        todo.extend(gc.get_referents(entry))
        if type(entry) is types.CodeType:
            todo += (entry.co_consts, entry.co_names, entry.co_varnames, entry.co_name, entry.co_qualname, entry.co_filename)
            todo += (entry.co_freevars, entry.co_cellvars)
    _held = tuple(living)
    # Read by the build: where the tuple is, where its entries begin in it, and how many there are.
    _note = f"{_MARK}{id(_held):08x}:{tuple.__basicsize__:08x}:{len(_held):08x}:{id(None):08x}:".encode()
    gc.freeze()
    return len(_held)


def _end() -> int:
    """An address beyond all objects."""
    return max(id(bytes(1 << 22)) for _ in range(2)) + (1 << 24)


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
