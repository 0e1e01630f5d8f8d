"""Turns the contract's WIT into C tables, which `runtime/values.c` reads and writes values by.

The input is the JSON that `wasm-tools component wit --json` prints of `wit/`. The output is one C file: a table for each
type with the sizes and offsets of the canonical ABI, a table of functions, and an exported function for each, which gathers
its flat parameters in memory and hands over to `runtime/calls.c`.
"""

import json

WORLD = "interpreter"
MAX_FLAT_PARAMETERS = 16

# WIT name, C name of the shape, size and alignment in bytes, type of the flat parameter.
PRIMITIVES = {
    "bool": ("BOOL", 1, 1, ["int32_t"]),
    "u8": ("U8", 1, 1, ["int32_t"]),
    "u32": ("U32", 4, 4, ["int32_t"]),
    "u64": ("U64", 8, 8, ["int64_t"]),
    "f64": ("F64", 8, 8, ["double"]),
    "string": ("STRING", 8, 4, ["int32_t", "int32_t"]),
}
STORED = {"BOOL": "uint8_t", "U8": "uint8_t", "U32": "uint32_t", "U64": "uint64_t", "F64": "double"}


class Unsupported(Exception):
    """The contract uses a type that the runtime has no code for."""


def camel(name):
    """`finish-reason` as JavaScript writes it: `finishReason`."""
    first, *rest = name.split("-")
    return first + "".join(part.capitalize() for part in rest)


def aligned(offset, align):
    return (offset + align - 1) // align * align


class Type:
    """A type with its layout in memory. `members` are (name, Type or None, offset)."""

    def __init__(self, shape, size, align, flat, members=(), element=None, payload=0):
        self.shape, self.size, self.align, self.flat = shape, size, align, flat
        self.members, self.element, self.payload = members, element, payload
        self.symbol = None


class Contract:
    """The types and functions of one package."""

    def __init__(self, resolved):
        self.resolved = resolved
        self.package = resolved["packages"][0]["name"]
        self.known = {}

    def type(self, reference):
        if reference not in self.known:
            self.known[reference] = self._type(reference)
        return self.known[reference]

    def _type(self, reference):
        if isinstance(reference, str):
            if reference not in PRIMITIVES:
                raise Unsupported(f"the type `{reference}`")
            return Type(*PRIMITIVES[reference])
        kind = self.resolved["types"][reference]["kind"]
        (name, body), = kind.items()
        match name:
            case "type":
                return self.type(body)
            case "list":
                return Type("LIST", 8, 4, ["int32_t", "int32_t"], element=self.type(body))
            case "record":
                return record([(field["name"], self.type(field["type"])) for field in body["fields"]])
            case "option":
                return variant("OPTION", [("none", None), ("some", self.type(body))])
            case "result":
                cases = [(case, body[key] if body[key] is None else self.type(body[key]))
                         for case, key in (("ok", "ok"), ("err", "err"))]
                return variant("VARIANT", cases)
            case "enum":
                return variant("ENUM", [(case["name"], None) for case in body["cases"]])
            case "variant":
                cases = [(case["name"], None if case.get("type") is None else self.type(case["type"])) for case in body["cases"]]
                return variant("VARIANT", cases)
        raise Unsupported(f"`{name}`")

    def functions(self):
        """(core export, name in JavaScript, parameters as one record, result) of every exported function."""
        world, = (world for world in self.resolved["worlds"] if world["name"] == WORLD)
        path, version = self.package.split("@")
        for export in world["exports"].values():
            interface = self.resolved["interfaces"][export["interface"]["id"]]
            for function in interface["functions"].values():
                parameters = record([(each["name"], self.type(each["type"])) for each in function["params"]])
                core = f"{path}/{interface['name']}@{version}#{function['name']}"
                yield core, camel(function["name"]), parameters, self.type(function["result"])

    def log_module(self):
        path, version = self.package.split("@")
        return f"{path}/log@{version}"


def record(fields):
    offset, align, flat, members = 0, 1, [], []
    for name, of in fields:
        offset = aligned(offset, of.align)
        members.append((name, of, offset))
        offset += of.size
        align = max(align, of.align)
        flat = None if flat is None or of.flat is None else flat + of.flat
    return Type("RECORD", aligned(offset, align), align, flat, members)


def variant(shape, cases):
    if len(cases) > 256:
        raise Unsupported("a variant with more than 256 cases")
    payloads = [of for _, of in cases if of is not None]
    align = max([1] + [of.align for of in payloads])
    payload = aligned(1, align)
    size = aligned(payload + max([0] + [of.size for of in payloads]), align)
    # Flat forms of several payloads would have to be merged; no parameter of the contract needs that.
    flat = ["int32_t"] + (payloads[0].flat or [] if payloads else []) if len(payloads) < 2 else None
    return Type(shape, size, align, flat, [(name, of, payload) for name, of in cases], payload=payload)


class Writer:
    """Writes C, each table before its first use."""

    def __init__(self):
        self.lines = []
        self.count = 0

    def type(self, of):
        if of is None:
            return "NULL"
        if of.symbol is None:
            element = self.type(of.element)
            members = [(name, self.type(member), offset) for name, member, offset in of.members]
            self.count += 1
            of.symbol = f"&type_{self.count}"
            table = "NULL"
            if members:
                table = f"members_{self.count}"
                # The names of cases stay as they are in WIT: they are values, not properties.
                spelled = camel if of.shape == "RECORD" else str
                rows = ", ".join(f'{{"{spelled(name)}", {symbol}, {offset}, JS_ATOM_NULL}}' for name, symbol, offset in members)
                self.lines.append(f"static struct member {table}[] = {{{rows}}};")
            self.lines.append(f"static const struct type type_{self.count} = {{SHAPE_{of.shape}, {of.align}, {of.size}, "
                              f"{of.payload}, {len(members)}, {table}, {element}}};")
        return of.symbol


def stores(of, offset, names):
    """C statements that put flat parameters where the type has them in memory; takes names from the list."""
    if of.shape in STORED:
        yield f"*({STORED[of.shape]} *)(parameters + {offset}) = ({STORED[of.shape]}){names.pop(0)};"
    elif of.shape in ("STRING", "LIST"):
        yield f"*(int32_t *)(parameters + {offset}) = {names.pop(0)};"
        yield f"*(int32_t *)(parameters + {offset + 4}) = {names.pop(0)};"
    elif of.shape == "RECORD":
        for _, member, at in of.members:
            yield from stores(member, offset + at, names)
    else:
        yield f"*(uint8_t *)(parameters + {offset}) = (uint8_t){names.pop(0)};"
        for _, member, at in of.members:
            if member is not None:
                yield from stores(member, offset + at, names)


def generate(text):
    """The C file for the contract that the JSON `text` describes."""
    contract, writer = Contract(json.loads(text)), Writer()
    rows, exports = [], []
    for index, (core, name, parameters, result) in enumerate(contract.functions()):
        rows.append(f'    {{"{name}", {writer.type(parameters)}, {writer.type(result)}}},')
        flat = parameters.flat
        if result.size > 8 * MAX_FLAT_PARAMETERS * 8:
            raise Unsupported(f"a result of {result.size} bytes")
        head = f'__attribute__((export_name("{core}")))\nuint8_t *export_{index}'
        if flat is None or len(flat) > MAX_FLAT_PARAMETERS:
            exports.append(f"{head}(const uint8_t *parameters) {{\n    return call({index}, parameters);\n}}\n")
            continue
        names = [f"p{place}" for place in range(len(flat))]
        signature = ", ".join(f"{kind} {name}" for kind, name in zip(flat, names)) or "void"
        body = "\n".join(f"    {line}" for line in stores(parameters, 0, names))
        exports.append(f"{head}({signature}) {{\n"
                       f"    _Alignas(8) uint8_t parameters[{max(parameters.size, 1)}];\n{body}\n"
                       f"    return call({index}, parameters);\n}}\n")
    largest = max(result.size for _, _, _, result in contract.functions())
    return "\n".join([
        "// Written by build/contract.py from the contract's WIT.",
        '#include "calls.h"', "",
        *writer.lines, "",
        "const struct function functions[] = {", *rows, "};",
        f"const uint32_t function_count = {len(rows)};",
        f"_Alignas(8) uint8_t result_area[{largest}];", "",
        *exports,
    ]), contract.log_module()
