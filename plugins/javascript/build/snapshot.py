"""Runs a module's initialisation at the build, and makes its memory part of the module.

Every instance then starts with the engine and the SDK in place. Only linear memory is taken over: `take` refuses a module whose
initialisation changes anything else.
"""

import hashlib

import wasmtime

PAGE = 65536
# A run of zeros as long as this ends a data segment: more segments cost more to read than the zeros do.
GAP = 1024

MEMORY, GLOBAL, DATA, DATA_COUNT, CUSTOM = 5, 6, 11, 12, 0


class Guest:
    """An instance of the linked module, for the build only."""

    def __init__(self, engine, core):
        self.store = wasmtime.Store(engine)
        module = wasmtime.Module(engine, core)
        (imported,) = module.imports
        self.instance = wasmtime.Instance(self.store, module, [wasmtime.Func(self.store, imported.type, self._log)])
        self.memory = self.instance.exports(self.store)["memory"]

    def _log(self, level, place, length):
        print(bytes(self.memory.read(self.store, place, place + length)).decode(errors="replace"))

    def call(self, name, *values):
        return self.instance.exports(self.store)[name](self.store, *values)

    def put(self, data):
        """Copies bytes into the guest, and a zero byte after them; returns their address."""
        place = self.call("cabi_realloc", 0, 0, 16, len(data) + 1)
        self.memory.write(self.store, data + b"\0", place)
        return place

    def get(self, place, length):
        return bytes(self.memory.read(self.store, place, place + length))


def compiled(engine, core, source, name):
    """The bytecode of a script."""
    guest = Guest(engine, core)
    script = guest.put(source)
    place = guest.call("compile_script", script, len(source), guest.put(name.encode()))
    address, length = (int.from_bytes(guest.get(place + at, 4), "little") for at in (0, 4))
    return guest.get(address, length)


def take(core, sdk, stripper):
    """The module with the two scripts (CommonJS, as bytes) in it, initialised. Returns it with the build's tag."""
    engine = wasmtime.Engine()
    sdk, stripper = compiled(engine, core, sdk, "rewarden:sdk"), compiled(engine, core, stripper, "rewarden:stripper")
    tag = hashlib.sha256(core + sdk + stripper).hexdigest()[:16]
    guest = Guest(engine, core)
    guest.call("initialize", guest.put(sdk), len(sdk), guest.put(stripper), len(stripper), guest.put(tag.encode()))
    pages = guest.memory.size(guest.store)
    return with_memory(core, guest.get(0, pages * PAGE)), tag


def with_memory(core, image):
    """The module with `image` as what its memory starts with."""
    output = bytearray(core[:8])
    for kind, body in sections(core):
        if kind == DATA:
            body = data_section(image)
        elif kind == DATA_COUNT:
            body = leb(len(segments(image)))
        elif kind == MEMORY:
            count, maximum = body[0], body[1]
            if (count, maximum) != (1, 0):
                raise ValueError("one memory without a maximum was expected")
            body = b"\x01\x00" + leb(len(image) // PAGE)
        elif kind == GLOBAL and body[0] != 1:
            # The stack pointer, which is back where it was when a call has returned.
            raise ValueError(f"one global was expected, found {body[0]}: its value would have to be taken over")
        output += bytes([kind]) + leb(len(body)) + body
    return bytes(output)


def sections(module):
    at = 8
    while at < len(module):
        kind = module[at]
        size, at = read_leb(module, at + 1)
        yield kind, module[at : at + size]
        at += size


def segments(image):
    """(offset, bytes) of what is not zero, in words of eight bytes."""
    found, start, zeros = [], None, 0
    for at in range(0, len(image), 8):
        if image[at : at + 8] != bytes(8):
            start = at if start is None else start
            zeros = 0
        elif start is not None:
            zeros += 8
            if zeros >= GAP:
                found.append((start, image[start : at + 8 - zeros]))
                start, zeros = None, 0
    if start is not None:
        found.append((start, image[start:]))
    return found


def data_section(image):
    found = segments(image)
    body = bytearray(leb(len(found)))
    for offset, data in found:
        body += b"\x00\x41" + signed_leb(offset) + b"\x0b" + leb(len(data)) + data
    return bytes(body)


def leb(number):
    output = bytearray()
    while True:
        byte, number = number & 0x7F, number >> 7
        output.append(byte | (0x80 if number else 0))
        if not number:
            return bytes(output)


def signed_leb(number):
    output = bytearray()
    while True:
        byte, number = number & 0x7F, number >> 7
        last = number == 0 and not byte & 0x40
        output.append(byte | (0 if last else 0x80))
        if last:
            return bytes(output)


def read_leb(data, at):
    number = shift = 0
    while True:
        byte = data[at]
        number |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if not byte & 0x80:
            return number, at
