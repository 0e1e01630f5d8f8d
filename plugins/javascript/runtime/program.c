// The engine with the SDK in it, and what the SDK can ask of the engine.
//
// There are two realms. Programs and the SDK run in one that has no `eval`; sources are compiled to bytecode in another, in
// which no program runs.
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

extern void __wasm_call_ctors(void);

static JSRuntime *runtime;
static JSContext *run;
static JSValue resolver;  // (importing file, specifier) -> file
static JSValue provider;  // (file) -> its bytecode
static uint8_t *stripper; // bytecode of the TypeScript stripper
static size_t stripper_length;
static JSContext *compiling;
static JSValue strip_types;

static JSContext *new_realm(bool compiles) {
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

static JSContext *compiling_realm(void) {
    if (compiling == NULL) compiling = new_realm(true);
    return compiling;
}

// Runs waiting jobs until `value`, if it is a promise, is settled. Takes the value and returns what it came to.
static JSValue settled(JSContext *context, JSValue value) {
    if (!JS_IsPromise(value)) return value;
    JSContext *of_job;
    while (JS_PromiseState(context, value) == JS_PROMISE_PENDING) {
        int ran = JS_ExecutePendingJob(runtime, &of_job);
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

// compile(source, file, keep) -> bytecode of the module, with the texts of its functions if `keep` is true
static JSValue host_compile(JSContext *context, JSValueConst this, int count, JSValueConst *arguments) {
    (void)this;
    (void)count;
    size_t source_length, length;
    const char *source = JS_ToCStringLen(context, &source_length, arguments[0]);
    const char *file = JS_ToCString(context, arguments[1]);
    if (source == NULL || file == NULL) return JS_EXCEPTION;
    JSContext *realm = compiling_realm();
    JSValue module = JS_Eval(realm, source, source_length, file, JS_EVAL_TYPE_MODULE | JS_EVAL_FLAG_COMPILE_ONLY);
    if (JS_IsException(module)) return JS_EXCEPTION;
    int flags = JS_WRITE_OBJ_BYTECODE | (JS_ToBool(context, arguments[2]) ? 0 : JS_WRITE_OBJ_STRIP_SOURCE);
    uint8_t *bytecode = JS_WriteObject(realm, &length, module, flags);
    if (bytecode == NULL) return JS_EXCEPTION;
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
    (void)context;
    JSContext *realm = compiling_realm();
    if (JS_IsUndefined(strip_types)) {
        JSValue exports = run_script(realm, stripper, stripper_length);
        if (JS_IsException(exports)) return JS_EXCEPTION;
        strip_types = JS_GetPropertyStr(realm, exports, "strip");
    }
    return JS_Call(realm, strip_types, JS_UNDEFINED, count, arguments);
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

static void new_runtime(void) {
    __wasm_call_ctors();
    runtime = JS_NewRuntime();
    if (runtime == NULL) abort();
    JS_SetGCThreshold(runtime, COLLECT_BYTES);
    limit_stack(runtime, (uintptr_t)__builtin_frame_address(0) - STACK_BYTES);
    JS_SetModuleLoaderFunc(runtime, normalize, load_module, NULL);
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
    new_runtime();
    JSContext *realm = compiling_realm();
    JSValue script = JS_Eval(realm, source, length, name, JS_EVAL_TYPE_GLOBAL | JS_EVAL_FLAG_COMPILE_ONLY);
    if (JS_IsException(script)) fail(realm);
    size_t written;
    int flags = JS_WRITE_OBJ_BYTECODE | JS_WRITE_OBJ_STRIP_SOURCE;
    result[0] = (uint32_t)JS_WriteObject(realm, &written, script, flags);
    result[1] = (uint32_t)written;
    if (result[0] == 0) fail(realm);
    return result;
}

// At the build: makes the realm and runs the SDK's script in it, which gets the host's functions and the build's tag. The
// memory that this leaves is what every instance starts from. The stripper's bytecode is kept.
__attribute__((export_name("initialize"))) void initialize(const uint8_t *sdk, size_t sdk_length, uint8_t *strip,
                                                           size_t strip_length, const char *tag) {
    new_runtime();
    stripper = strip;
    stripper_length = strip_length;
    strip_types = JS_UNDEFINED;
    run = new_realm(false);
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
    JS_RunGC(runtime);
}
