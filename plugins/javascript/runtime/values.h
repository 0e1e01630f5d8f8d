// Values of the contract as they lie in memory (the component model's canonical ABI), and as JavaScript has them.
#pragma once

#include <stdint.h>

#include "quickjs.h"

enum shape {
    SHAPE_BOOL,
    SHAPE_U8,
    SHAPE_U32,
    SHAPE_U64,
    SHAPE_F64,
    SHAPE_STRING,
    SHAPE_LIST,
    SHAPE_RECORD,
    SHAPE_OPTION,
    SHAPE_ENUM,
    SHAPE_VARIANT,
};

struct type;

// A field of a record, or a case of an option, enum or variant.
struct member {
    const char *name;
    const struct type *type; // NULL for a case without a value
    uint32_t offset;         // in bytes, from the beginning of the record or variant
    JSAtom atom;             // of the name; set by intern_names
};

struct type {
    uint8_t shape;
    uint8_t align;
    uint32_t size;
    uint32_t payload; // offset of a case's value
    uint32_t count;   // of members
    struct member *members;
    const struct type *element; // of a list
};

// Makes the atoms of all names in a type, so that calls look none up.
void intern_names(JSContext *context, const struct type *type);

// Reads the value at `from`. Records become objects, lists arrays, a `none` undefined, enums strings, variants
// `{tag, val}`, and a u64 a BigInt with all of its bits. Returns an exception if memory runs out.
JSValue lift(JSContext *context, const struct type *type, const uint8_t *from);

// Writes a JavaScript value of the same forms to `to`. Returns -1 and throws a TypeError if it has another form.
int lower(JSContext *context, const struct type *type, JSValueConst value, uint8_t *to);
