// The engine with the SDK in it, and what the SDK can ask of the engine.
//
// There are two engines. Programs and the SDK run in one that has no `eval`; sources are compiled to bytecode in another, in
// which no program runs. Only texts and bytes go from one to the other, so that the tables of the first, which every call writes
// to, stay small.
#include <stdlib.h>
#include <string.h>

#include "base64.h"
#include "calls.h"
#include "engine.h"
#include "json.h"

// Bytes of stack in linear memory that a program may use before a call throws a RangeError: some 800 calls deep. Engine frames
// take three times as much of the host's own stack, of which a call has 1 MiB; at 384 KiB some recursions end in a trap.
#define STACK_BYTES (224 << 10)

// Cycles are collected when so much has been allocated; few calls come so far.
#define COLLECT_BYTES (16 << 20)

// Bytes; what the build frees is smaller.
#define LARGEST_HOLE (128 << 10)

extern void __wasm_call_ctors(void);

static JSContext *run;
static JSContext *compiling;
static JSValue resolver; // (importing file, specifier) -> file
static JSValue provider; // (file) -> its bytecode
static JSValue strip_types; // (source, file) -> source without its types

// Runs waiting jobs until `value`, if it is a promise, is settled. Takes the value and returns what it came to.
static JSValue settled(JSContext *context, JSValue value) {
    if (!JS_IsPromise(value)) return value;
    JSContext *of_job;
    while (JS_PromiseState(context, value) == JS_PROMISE_PENDING) {
        int ran = JS_ExecutePendingJob(JS_GetRuntime(context), &of_job);
        if (ran < 0) return JS_EXCEPTION;
        if (ran == 0) {
            return JS_ThrowTypeError(context, "the promise is never settled: there are no timers and no input to wait for");
        }
    }
    JSValue result = JS_PromiseResult(context, value);
    return JS_PromiseState(context, value) == JS_PROMISE_REJECTED ? JS_Throw(context, result) : result;
}

static char *normalize(JSContext *context, const char *base, const char *specifier, void *opaque) {
    (void)opaque;
    if (context != run) return js_strdup(context, specifier);
    JSValue arguments[2] = {JS_NewString(context, base), JS_NewString(context, specifier)};
    JSValue file = JS_Call(context, resolver, JS_UNDEFINED, 2, arguments);
    const char *name = JS_IsException(file) ? NULL : JS_ToCString(context, file);
    return name == NULL ? NULL : js_strdup(context, name);
}

static int no_exports(JSContext *context, JSModuleDef *module) {
    (void)context;
    (void)module;
    return 0;
}

// Reads bytecode into the realm that programs run in.
static JSValue read_bytecode(JSContext *context, JSValueConst bytes) {
    size_t length;
    uint8_t *bytecode = JS_GetUint8Array(context, &length, bytes);
    return bytecode == NULL ? JS_EXCEPTION : JS_ReadObject(context, bytecode, length, JS_READ_OBJ_BYTECODE);
}

static JSModuleDef *load_module(JSContext *context, const char *name, void *opaque) {
    (void)opaque;
    // A compiled module names its imports; which files they are is found out when it runs.
    if (context != run) return JS_NewCModule(context, name, no_exports);
    JSValue file = JS_NewString(context, name);
    JSValue bytes = JS_Call(context, provider, JS_UNDEFINED, 1, &file);
    JSValue module = JS_IsException(bytes) ? JS_EXCEPTION : read_bytecode(context, bytes);
    return JS_IsException(module) ? NULL : JS_VALUE_GET_PTR(module);
}

static JSContext *new_engine(bool compiles) {
    JSRuntime *runtime = JS_NewRuntime();
    if (runtime == NULL) abort();
    JS_SetGCThreshold(runtime, COLLECT_BYTES);
    limit_stack(runtime, (uintptr_t)__builtin_frame_address(0) - STACK_BYTES);
    JS_SetModuleLoaderFunc(runtime, normalize, load_module, NULL);
    JSContext *context = JS_NewContextRaw(runtime);
    if (context == NULL || JS_AddIntrinsicBaseObjects(context) < 0 || JS_AddIntrinsicDate(context) < 0 ||
        JS_AddIntrinsicRegExp(context) < 0 || JS_AddIntrinsicJSON(context) < 0 || JS_AddIntrinsicProxy(context) < 0 ||
        JS_AddIntrinsicMapSet(context) < 0 || JS_AddIntrinsicTypedArrays(context) < 0 ||
        JS_AddIntrinsicPromise(context) < 0 || JS_AddIntrinsicWeakRef(context) < 0 || JS_AddIntrinsicAToB(context) < 0 ||
        (compiles && JS_AddIntrinsicEval(context) < 0) || bound_json_depth(context) < 0) {
        abort();
    }
    return context;
}

static JSValue host_log(JSContext *context, JSValueConst this, int count, JSValueConst *arguments) {
    (void)this;
    (void)count;
    int32_t level;
    size_t length;
    const char *text = JS_ToCStringLen(context, &length, arguments[1]);
    if (text == NULL || JS_ToInt32(context, &level, arguments[0]) < 0) return JS_EXCEPTION;
    log_line(level, text, length);
    JS_FreeCString(context, text);
    return JS_UNDEFINED;
}

static JSValue host_settle(JSContext *context, JSValueConst this, int count, JSValueConst *arguments) {
    (void)this;
    (void)count;
    return settled(context, JS_DupValue(context, arguments[0]));
}

// Throws in the program's engine what was thrown in the compiling one: an error with its name, message and stack.
static JSValue throw_again(JSContext *context) {
    static const char *const parts[] = {"name", "message", "stack"};
    JSValue thrown = JS_GetException(compiling);
    JSValue error = JS_NewError(context);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        const char *text = JS_ToCString(compiling, JS_GetPropertyStr(compiling, thrown, parts[i]));
        JSValue value = JS_NewString(context, text == NULL ? "" : text);
        if (JS_DefinePropertyValueStr(context, error, parts[i], value, JS_PROP_C_W_E) < 0) return JS_EXCEPTION;
    }
    return JS_Throw(context, error);
}

// compile(source, file, keep) -> bytecode of the module, with the texts of its functions if `keep` is true
static JSValue host_compile(JSContext *context, JSValueConst this, int count, JSValueConst *arguments) {
    (void)this;
    (void)count;
    size_t source_length, length;
    const char *source = JS_ToCStringLen(context, &source_length, arguments[0]);
    const char *file = JS_ToCString(context, arguments[1]);
    if (source == NULL || file == NULL) return JS_EXCEPTION;
    JSValue module = JS_Eval(compiling, source, source_length, file, JS_EVAL_TYPE_MODULE | JS_EVAL_FLAG_COMPILE_ONLY);
    if (JS_IsException(module)) return throw_again(context);
    int flags = JS_WRITE_OBJ_BYTECODE | (JS_ToBool(context, arguments[2]) ? 0 : JS_WRITE_OBJ_STRIP_SOURCE);
    uint8_t *bytecode = JS_WriteObject(compiling, &length, module, flags);
    if (bytecode == NULL) return throw_again(context);
    return JS_NewUint8ArrayCopy(context, bytecode, length);
}

// run(bytecode) -> namespace: runs a module and those that it imports, which the SDK provides
static JSValue host_run(JSContext *context, JSValueConst this, int count, JSValueConst *arguments) {
    (void)this;
    (void)count;
    JSValue module = read_bytecode(context, arguments[0]);
    if (JS_IsException(module) || JS_ResolveModule(context, module) < 0) return JS_EXCEPTION;
    JSModuleDef *definition = JS_VALUE_GET_PTR(module);
    JSValue done = settled(context, JS_EvalFunction(context, module));
    return JS_IsException(done) ? JS_EXCEPTION : JS_GetModuleNamespace(context, definition);
}

// Runs a CommonJS script that was compiled by compile_script, and returns what it exports.
static JSValue run_script(JSContext *context, const uint8_t *bytecode, size_t length) {
    JSValue script = JS_ReadObject(context, bytecode, length, JS_READ_OBJ_BYTECODE);
    if (JS_IsException(script)) return JS_EXCEPTION;
    JSValue wrapper = JS_EvalFunction(context, script);
    JSValue module = JS_NewObject(context);
    JSValue done = JS_Call(context, wrapper, JS_UNDEFINED, 1, &module);
    return JS_IsException(done) ? JS_EXCEPTION : JS_GetPropertyStr(context, module, "exports");
}

// strip(source, file) -> the source without its types
static JSValue host_strip(JSContext *context, JSValueConst this, int count, JSValueConst *arguments) {
    (void)this;
    (void)count;
    size_t length;
    JSValue texts[2];
    for (int i = 0; i < 2; i++) {
        const char *text = JS_ToCStringLen(context, &length, arguments[i]);
        if (text == NULL) return JS_EXCEPTION;
        texts[i] = JS_NewStringLen(compiling, text, length);
    }
    JSValue stripped = JS_Call(compiling, strip_types, JS_UNDEFINED, 2, texts);
    const char *text = JS_IsException(stripped) ? NULL : JS_ToCStringLen(compiling, &length, stripped);
    return text == NULL ? throw_again(context) : JS_NewStringLen(context, text, length);
}

// pack(value) -> a text of the value, whose parts may be bytes
static JSValue host_pack(JSContext *context, JSValueConst this, int count, JSValueConst *arguments) {
    (void)this;
    (void)count;
    size_t length;
    uint8_t *bytes = JS_WriteObject(context, &length, arguments[0], 0);
    char *text = bytes == NULL ? NULL : js_malloc(context, base64_length(length));
    if (text == NULL) return JS_EXCEPTION;
    base64_write(bytes, length, text);
    return JS_NewStringLen(context, text, base64_length(length));
}

// unpack(text, start) -> what pack made the text of that begins there and goes on to a quote
static JSValue host_unpack(JSContext *context, JSValueConst this, int count, JSValueConst *arguments) {
    (void)this;
    (void)count;
    int32_t start;
    size_t length;
    const char *text = JS_ToCStringLen(context, &length, arguments[0]);
    if (text == NULL || JS_ToInt32(context, &start, arguments[1]) < 0) return JS_EXCEPTION;
    uint8_t *bytes = js_malloc(context, length + 1);
    if (bytes == NULL) return JS_EXCEPTION;
    size_t written = (size_t)start > length ? 0 : base64_read(text + start, length - (size_t)start, bytes);
    if (written == 0) return JS_ThrowTypeError(context, "the prepared program is not what `prepare` returned");
    return JS_ReadObject(context, bytes, written, 0);
}

static const JSCFunctionListEntry host_functions[] = {
    JS_CFUNC_DEF("log", 2, host_log),         JS_CFUNC_DEF("settle", 1, host_settle), JS_CFUNC_DEF("compile", 3, host_compile),
    JS_CFUNC_DEF("run", 1, host_run),         JS_CFUNC_DEF("strip", 2, host_strip),   JS_CFUNC_DEF("pack", 1, host_pack),
    JS_CFUNC_DEF("unpack", 2, host_unpack),
};

// Takes every free piece of memory below the highest one, for good. What a call allocates then lies side by side: a call that
// fills holes all over the heap writes to more pages.
static void fill_holes(void) {
    char *highest = malloc(LARGEST_HOLE);
    if (highest == NULL) abort();
    for (size_t size = LARGEST_HOLE; size >= sizeof(void *); size -= sizeof(void *)) {
        char *piece = malloc(size);
        while (piece != NULL && piece < highest) piece = malloc(size);
        free(piece);
    }
    free(highest);
}

// At the build: says what went wrong, and traps.
static _Noreturn void fail(JSContext *context) {
    JSValue exception = JS_GetException(context);
    const char *text = JS_ToCString(context, exception);
    JSValue stack = JS_GetPropertyStr(context, exception, "stack");
    const char *lines = JS_ToCString(context, stack);
    if (text != NULL) log_line(3, text, strlen(text));
    if (lines != NULL) log_line(3, lines, strlen(lines));
    abort();
}

// At the build, in an instance of its own: compiles a script, which must end with a zero byte that is not counted. Returns the
// place of the bytecode's address and length.
__attribute__((export_name("compile_script"))) uint32_t *compile_script(const char *source, size_t length, const char *name) {
    static uint32_t result[2];
    __wasm_call_ctors();
    compiling = new_engine(true);
    JSValue script = JS_Eval(compiling, source, length, name, JS_EVAL_TYPE_GLOBAL | JS_EVAL_FLAG_COMPILE_ONLY);
    if (JS_IsException(script)) fail(compiling);
    size_t written;
    int flags = JS_WRITE_OBJ_BYTECODE | JS_WRITE_OBJ_STRIP_SOURCE;
    result[0] = (uint32_t)JS_WriteObject(compiling, &written, script, flags);
    result[1] = (uint32_t)written;
    if (result[0] == 0) fail(compiling);
    return result;
}

// At the build: makes the realms and runs the scripts in them, the SDK with the host's functions and the build's tag. The memory
// that this leaves is what every instance starts from.
__attribute__((export_name("initialize"))) void initialize(const uint8_t *sdk, size_t sdk_length, const uint8_t *stripper,
                                                           size_t stripper_length, const char *tag) {
    __wasm_call_ctors();
    run = new_engine(false);
    JSValue exports = run_script(run, sdk, sdk_length);
    if (JS_IsException(exports)) fail(run);
    JSValue host = JS_NewObject(run);
    JS_SetPropertyFunctionList(run, host, host_functions, sizeof host_functions / sizeof *host_functions);
    JSValue arguments[2] = {host, JS_NewString(run, tag)};
    JSValue handlers = JS_Call(run, JS_GetPropertyStr(run, exports, "start"), JS_UNDEFINED, 2, arguments);
    if (JS_IsException(handlers)) fail(run);
    resolver = JS_GetPropertyStr(run, handlers, "resolve");
    provider = JS_GetPropertyStr(run, handlers, "provide");
    if (bind_functions(run, handlers) < 0) fail(run);

    // Second, so that what calls use lies together: a page that a call is the first to write to has to be copied.
    compiling = new_engine(true);
    exports = run_script(compiling, stripper, stripper_length);
    if (JS_IsException(exports)) fail(compiling);
    strip_types = JS_GetPropertyStr(compiling, exports, "strip");
    JS_RunGC(JS_GetRuntime(run));
    fill_holes();
}
