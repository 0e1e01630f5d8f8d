#include "calls.h"

#include <stdlib.h>
#include <string.h>

// More than the contract has functions.
#define MOST_FUNCTIONS 16

__attribute__((import_module(LOG_MODULE), import_name("write"))) void host_log(int32_t level, const char *text, size_t length);

static JSContext *run;
static JSValue bound[MOST_FUNCTIONS];

void log_line(int level, const char *text, size_t length) { host_log(level, text, length); }

int bind_functions(JSContext *context, JSValueConst handlers) {
    if (function_count > MOST_FUNCTIONS) {
        JS_ThrowTypeError(context, "the contract has more functions than there is room for");
        return -1;
    }
    run = context;
    for (uint32_t i = 0; i < function_count; i++) {
        intern_names(context, functions[i].parameters);
        intern_names(context, functions[i].result);
        bound[i] = JS_GetPropertyStr(context, handlers, functions[i].name);
        if (!JS_IsFunction(context, bound[i])) {
            JS_ThrowTypeError(context, "the SDK has no function `%s`", functions[i].name);
            return -1;
        }
    }
    return 0;
}

// The SDK turns every failure of a program into a result. What arrives here is a fault of the SDK, or memory so scarce that
// not even a refusal could be built.
static _Noreturn void give_up(void) {
    JSValue exception = JS_GetException(run);
    size_t length;
    const char *text = JS_ToCStringLen(run, &length, exception);
    if (text == NULL) {
        text = "the JavaScript runtime could not return a result";
        length = strlen(text);
    }
    log_line(3, text, length);
    abort();
}

uint8_t *call(uint32_t function, const uint8_t *parameters) {
    const struct type *type = functions[function].parameters;
    JSValue arguments[8];
    if (type->count > sizeof arguments / sizeof *arguments) abort();
    for (uint32_t i = 0; i < type->count; i++) {
        arguments[i] = lift(run, type->members[i].type, parameters + type->members[i].offset);
        if (JS_IsException(arguments[i])) give_up();
    }
    // Nothing is freed: the host takes the result and drops the instance.
    JSValue result = JS_Call(run, bound[function], JS_UNDEFINED, (int)type->count, arguments);
    if (JS_IsException(result) || lower(run, functions[function].result, result, result_area) < 0) give_up();
    return result_area;
}

__attribute__((export_name("cabi_realloc"))) void *cabi_realloc(void *old, size_t old_size, size_t align, size_t size) {
    (void)old_size;
    (void)align; // malloc aligns by 16, more than any type of the contract asks for
    if (size == 0) return (void *)align;
    void *place = realloc(old, size);
    if (place == NULL) abort();
    return place;
}
