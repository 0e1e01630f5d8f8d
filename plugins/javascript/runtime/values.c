#include "values.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static uint32_t load_u32(const uint8_t *from) {
    uint32_t word;
    memcpy(&word, from, sizeof word);
    return word;
}

static void store_u32(uint8_t *to, uint32_t word) { memcpy(to, &word, sizeof word); }

static JSAtom tag_atom, val_atom;

void intern_names(JSContext *context, const struct type *type) {
    if (type == NULL) return;
    if (tag_atom == JS_ATOM_NULL) {
        tag_atom = JS_NewAtom(context, "tag");
        val_atom = JS_NewAtom(context, "val");
    }
    intern_names(context, type->element);
    for (uint32_t i = 0; i < type->count; i++) {
        if (type->members[i].atom != JS_ATOM_NULL) return;
        type->members[i].atom = JS_NewAtom(context, type->members[i].name);
        intern_names(context, type->members[i].type);
    }
}

static JSValue lift_list(JSContext *context, const struct type *element, const uint8_t *from) {
    const uint8_t *items = (const uint8_t *)load_u32(from);
    uint32_t count = load_u32(from + 4);
    JSValue array = JS_NewArray(context);
    for (uint32_t i = 0; i < count; i++) {
        JSValue item = lift(context, element, items + i * element->size);
        if (JS_IsException(item) || JS_DefinePropertyValueUint32(context, array, i, item, JS_PROP_C_W_E) < 0) {
            JS_FreeValue(context, array);
            return JS_EXCEPTION;
        }
    }
    return array;
}

static JSValue lift_record(JSContext *context, const struct type *type, const uint8_t *from) {
    JSValue object = JS_NewObject(context);
    for (uint32_t i = 0; i < type->count; i++) {
        const struct member *member = &type->members[i];
        JSValue value = lift(context, member->type, from + member->offset);
        if (JS_IsException(value) || JS_DefinePropertyValue(context, object, member->atom, value, JS_PROP_C_W_E) < 0) {
            JS_FreeValue(context, object);
            return JS_EXCEPTION;
        }
    }
    return object;
}

static JSValue lift_variant(JSContext *context, const struct type *type, const uint8_t *from) {
    const struct member *member = &type->members[*from];
    JSValue object = JS_NewObject(context);
    JSValue value = member->type == NULL ? JS_UNDEFINED : lift(context, member->type, from + type->payload);
    if (JS_IsException(value) || JS_DefinePropertyValue(context, object, val_atom, value, JS_PROP_C_W_E) < 0 ||
        JS_DefinePropertyValue(context, object, tag_atom, JS_AtomToString(context, member->atom), JS_PROP_C_W_E) < 0) {
        JS_FreeValue(context, object);
        return JS_EXCEPTION;
    }
    return object;
}

JSValue lift(JSContext *context, const struct type *type, const uint8_t *from) {
    double number;
    uint64_t whole;
    switch (type->shape) {
    case SHAPE_BOOL:
        return JS_NewBool(context, *from);
    case SHAPE_U8:
        return JS_NewInt32(context, *from);
    case SHAPE_U32:
        return JS_NewUint32(context, load_u32(from));
    case SHAPE_U64:
        memcpy(&whole, from, sizeof whole);
        return JS_NewBigUint64(context, whole);
    case SHAPE_F64:
        memcpy(&number, from, sizeof number);
        return JS_NewNumber(context, number);
    case SHAPE_STRING:
        return JS_NewStringLen(context, (const char *)load_u32(from), load_u32(from + 4));
    case SHAPE_LIST:
        return lift_list(context, type->element, from);
    case SHAPE_RECORD:
        return lift_record(context, type, from);
    case SHAPE_OPTION:
        return *from ? lift(context, type->members[1].type, from + type->payload) : JS_UNDEFINED;
    case SHAPE_ENUM:
        return JS_AtomToString(context, type->members[*from].atom);
    default:
        return lift_variant(context, type, from);
    }
}

static int lower_number(JSContext *context, JSValueConst value, double highest, double *number) {
    if (!JS_IsNumber(value)) {
        JS_ThrowTypeError(context, "a number was expected");
        return -1;
    }
    if (JS_ToFloat64(context, number, value) < 0) return -1;
    if (highest > 0 && !(*number >= 0 && *number <= highest && floor(*number) == *number)) {
        JS_ThrowTypeError(context, "a whole number from 0 to %.0f was expected, found %g", highest, *number);
        return -1;
    }
    return 0;
}

static int lower_string(JSContext *context, JSValueConst value, uint8_t *to) {
    if (!JS_IsString(value)) {
        JS_ThrowTypeError(context, "a string was expected");
        return -1;
    }
    size_t length;
    // Never freed: the host reads it after the call, and the instance ends then.
    uint8_t *text = (uint8_t *)JS_ToCStringLen(context, &length, value);
    if (text == NULL) return -1;
    // Half of a surrogate pair has no UTF-8. Its three bytes become U+FFFD, which has three as well.
    for (size_t i = 0; i + 2 < length; i++) {
        if (text[i] == 0xED && text[i + 1] >= 0xA0) {
            text[i] = 0xEF;
            text[i + 1] = 0xBF;
            text[i + 2] = 0xBD;
        }
    }
    store_u32(to, (uint32_t)text);
    store_u32(to + 4, (uint32_t)length);
    return 0;
}

static int lower_list(JSContext *context, const struct type *element, JSValueConst value, uint8_t *to) {
    int64_t count;
    if (!JS_IsArray(value)) {
        JS_ThrowTypeError(context, "an array was expected");
        return -1;
    }
    if (JS_GetLength(context, value, &count) < 0) return -1;
    uint8_t *items = NULL;
    if (count > 0) {
        items = calloc((size_t)count, element->size);
        if (items == NULL) {
            JS_ThrowOutOfMemory(context);
            return -1;
        }
    }
    for (int64_t i = 0; i < count; i++) {
        JSValue item = JS_GetPropertyInt64(context, value, i);
        if (JS_IsException(item)) return -1;
        // Not freed, as what was lowered of it may lie inside of it.
        if (lower(context, element, item, items + i * element->size) < 0) return -1;
    }
    store_u32(to, (uint32_t)items);
    store_u32(to + 4, (uint32_t)count);
    return 0;
}

static int lower_record(JSContext *context, const struct type *type, JSValueConst value, uint8_t *to) {
    if (!JS_IsObject(value)) {
        JS_ThrowTypeError(context, "an object was expected");
        return -1;
    }
    for (uint32_t i = 0; i < type->count; i++) {
        const struct member *member = &type->members[i];
        JSValue field = JS_GetProperty(context, value, member->atom);
        if (JS_IsException(field) || lower(context, member->type, field, to + member->offset) < 0) return -1;
    }
    return 0;
}

// The place of the case that a string names; -1, and an exception, if none has that name.
static int case_named(JSContext *context, const struct type *type, JSValueConst name) {
    JSAtom atom = JS_ValueToAtom(context, name);
    if (atom == JS_ATOM_NULL) return -1;
    for (uint32_t i = 0; i < type->count; i++) {
        if (type->members[i].atom == atom) return (int)i;
    }
    JS_ThrowTypeError(context, "`%s` or another case of its variant was expected", type->members[0].name);
    return -1;
}

static int lower_variant(JSContext *context, const struct type *type, JSValueConst value, uint8_t *to) {
    int place = case_named(context, type, JS_GetProperty(context, value, tag_atom));
    if (place < 0) return -1;
    *to = (uint8_t)place;
    if (type->members[place].type == NULL) return 0;
    JSValue payload = JS_GetProperty(context, value, val_atom);
    if (JS_IsException(payload)) return -1;
    return lower(context, type->members[place].type, payload, to + type->payload);
}

int lower(JSContext *context, const struct type *type, JSValueConst value, uint8_t *to) {
    double number;
    int place;
    switch (type->shape) {
    case SHAPE_BOOL:
        *to = JS_ToBool(context, value) == 1;
        return 0;
    case SHAPE_U8:
        if (lower_number(context, value, UINT8_MAX, &number) < 0) return -1;
        *to = (uint8_t)number;
        return 0;
    case SHAPE_U32:
        if (lower_number(context, value, UINT32_MAX, &number) < 0) return -1;
        store_u32(to, (uint32_t)number);
        return 0;
    case SHAPE_F64:
        if (lower_number(context, value, 0, &number) < 0) return -1;
        memcpy(to, &number, sizeof number);
        return 0;
    case SHAPE_STRING:
        return lower_string(context, value, to);
    case SHAPE_LIST:
        return lower_list(context, type->element, value, to);
    case SHAPE_RECORD:
        return lower_record(context, type, value, to);
    case SHAPE_OPTION:
        *to = !(JS_IsUndefined(value) || JS_IsNull(value));
        return *to ? lower(context, type->members[1].type, value, to + type->payload) : 0;
    case SHAPE_ENUM:
        place = case_named(context, type, value);
        *to = (uint8_t)place;
        return place < 0 ? -1 : 0;
    case SHAPE_VARIANT:
        return lower_variant(context, type, value, to);
    default:
        JS_ThrowTypeError(context, "no function of the contract returns a u64");
        return -1;
    }
}
