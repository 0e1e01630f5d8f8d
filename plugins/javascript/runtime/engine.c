// QuickJS as one translation unit, with the one thing that its interface does not offer.
// To the engine, that bytecodes are dispatched by a switch: WebAssembly has no computed jumps, and what the compiler makes of
// them is slower. Nothing else follows from it under WASI.
#define EMSCRIPTEN
#include "quickjs.c"

#include "engine.h"

void limit_stack(JSRuntime *runtime, uintptr_t lowest) { runtime->stack_limit = lowest; }
