// QuickJS as one translation unit, with the one thing that its interface does not offer.
#include "quickjs.c"

#include "engine.h"

void limit_stack(JSRuntime *runtime, uintptr_t lowest) { runtime->stack_limit = lowest; }
