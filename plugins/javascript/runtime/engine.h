// What the runtime needs of QuickJS beside its public interface.
#pragma once

#include "quickjs.h"

// Makes calls throw a RangeError when the stack pointer comes below `lowest`. On this target QuickJS has no limit of its own,
// and a recursion would end in a trap.
void limit_stack(JSRuntime *runtime, uintptr_t lowest);
