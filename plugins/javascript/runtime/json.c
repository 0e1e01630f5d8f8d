#include "json.h"

#include <stdbool.h>
#include <stddef.h>

#define MOST_LEVELS 1000

static bool too_deep(const char *text, size_t length) {
    size_t level = 0;
    bool in_string = false;
    for (size_t i = 0; i < length; i++) {
        char sign = text[i];
        if (in_string) {
            if (sign == '\\') i++;
            else if (sign == '"') in_string = false;
        } else if (sign == '"') {
            in_string = true;
        } else if (sign == '[' || sign == '{') {
            if (++level > MOST_LEVELS) return true;
        } else if ((sign == ']' || sign == '}') && level > 0) {
            level--;
        }
    }
    return false;
}

static JSValue parse(JSContext *context, JSValueConst this, int count, JSValueConst *arguments, int magic, JSValueConst *original) {
    (void)magic;
    size_t length;
    const char *text = JS_ToCStringLen(context, &length, arguments[0]);
    if (text == NULL) return JS_EXCEPTION;
    bool deep = too_deep(text, length);
    JS_FreeCString(context, text);
    if (deep) return JS_ThrowRangeError(context, "the JSON text nests deeper than %d levels", MOST_LEVELS);
    return JS_Call(context, *original, this, count, arguments);
}

int bound_json_depth(JSContext *context) {
    JSValue global = JS_GetGlobalObject(context);
    JSValue json = JS_GetPropertyStr(context, global, "JSON");
    JSValue original = JS_GetPropertyStr(context, json, "parse");
    JSValue bounded = JS_NewCFunctionData(context, parse, 2, 0, 1, &original);
    int flags = JS_PROP_CONFIGURABLE | JS_PROP_WRITABLE;
    int done = JS_IsException(bounded) ? -1 : JS_DefinePropertyValueStr(context, json, "parse", bounded, flags);
    JS_FreeValue(context, original);
    JS_FreeValue(context, json);
    JS_FreeValue(context, global);
    return done;
}
