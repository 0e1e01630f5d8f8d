"""Gives the objects that the build listed (`rewarden_plugin/sealed/memory.py`) the reference count of immortal objects.

The component's memory lies in the data segments of one of its modules. CPython 3.14 holds an object for immortal, on 32 bits, if its
count is at least 1 << 30, and gives such objects 5 << 28.
"""

import re
import struct
from pathlib import Path

from tools import BuildError

COUNT = 5 << 28
LEAST = 1 << 30
_NOTE = re.compile(rb"REWARDEN-ALIVE:([0-9a-f]{8}):([0-9a-f]{8}):([0-9a-f]{8}):([0-9a-f]{8}):")


def make_immortal(component: Path) -> int:
    """Writes the counts into the component's file. Returns how many objects there were.

    Raises `BuildError` if the memory is not as expected; the file is left as it was then.
    """
    data = bytearray(component.read_bytes())
    memory = Memory(data)
    notes = [match for match in _NOTE.finditer(bytes(data)) if memory.holds(match.start())]
    if len(notes) != 1:
        raise BuildError(f"{component}: expected one list of living objects, found {len(notes)}")
    place, header, count, none = (int(group, 16) for group in notes[0].groups())
    if memory.word(none) < LEAST:
        raise BuildError(f"{component}: None has a reference count of {memory.word(none)}; objects lie otherwise than expected")
    changed = 0
    for index in range(count):
        entry = memory.word(place + header + 4 * index)
        references = memory.word(entry)
        if not 0 < references < 1 << 29:
            if references < LEAST:
                raise BuildError(f"{component}: object {index} at {entry} has a reference count of {references}")
            continue  # immortal already
        memory.set_word(entry, COUNT)
        changed += 1
    memory.set_word(place, COUNT)
    component.write_bytes(data)
    return changed


class Memory:
    """The linear memory of a component's file, by address."""

    def __init__(self, data: bytearray):
        self.data = data
        segments = [segment for module in _modules(data, 8, len(data)) for segment in _segments(data, *module)]
        self.starts = [start for start, _, _ in segments]
        self.segments = segments
        if sorted(self.starts) != self.starts:
            raise BuildError("the data segments of the component are not in order")

    def holds(self, offset: int) -> bool:
        """Whether an offset of the file is part of the memory."""
        return any(file <= offset < file + size for _, file, size in self.segments)

    def _byte(self, address: int) -> "int | None":
        """The offset in the file of a byte, or `None` if it lies in no segment: it is zero then."""
        from bisect import bisect_right

        index = bisect_right(self.starts, address) - 1
        if index < 0:
            return None
        start, file, size = self.segments[index]
        return file + address - start if address - start < size else None

    def word(self, address: int) -> int:
        """The 32-bit word at an address."""
        first = self._byte(address)
        if first is not None and self._byte(address + 3) == first + 3:
            return struct.unpack_from("<I", self.data, first)[0]
        places = [self._byte(address + part) for part in range(4)]
        return sum(self.data[place] << (8 * part) for part, place in enumerate(places) if place is not None)

    def set_word(self, address: int, value: int) -> None:
        """Sets the word at an address. Raises `BuildError` where the file has no room for a byte that is not zero."""
        for part, byte in enumerate(struct.pack("<I", value)):
            place = self._byte(address + part)
            if place is not None:
                self.data[place] = byte
            elif byte:
                raise BuildError(f"the word at {address} is not in the component's file")


def _modules(data, start, end):
    """Yields start and end of every core module, nested ones included."""
    for kind, first, last in _sections(data, start, end):
        if kind == 1 and data[first : first + 4] == b"\0asm":
            yield first, last
        elif kind == 4:
            yield from _modules(data, first + 8, last)


def _segments(data, start, end):
    """Yields address, offset in the file and size of each active data segment of a module."""
    for kind, first, last in _sections(data, start + 8, end):
        if kind != 11:
            continue
        count, place = _unsigned(data, first)
        for _ in range(count):
            flags, place = _unsigned(data, place)
            address = None
            if flags == 0 and data[place] == 0x41:
                address, place = _signed(data, place + 1)
                place += 1  # `end`
            elif flags != 1:
                return  # segments at places that are computed: a library's, before the memory was kept
            size, place = _unsigned(data, place)
            if address is not None:
                yield address, place, size
            place += size


def _sections(data, place, end):
    while place < end:
        kind = data[place]
        size, first = _unsigned(data, place + 1)
        yield kind, first, first + size
        place = first + size


def _unsigned(data, place):
    value = shift = 0
    while True:
        byte = data[place]
        place += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, place


def _signed(data, place):
    value, after = _unsigned(data, place)
    bits = 7 * (after - place)
    return (value - (1 << bits) if data[after - 1] & 64 else value), after
