// JSON.parse with a bound on nesting.
#pragma once

#include "quickjs.h"

// Makes JSON.parse throw a RangeError for a text that nests deeper than 1,000 levels. The engine's parser recurses on the host's
// stack, where it has no guard, so that a hostile text would end the call in a trap instead of an exception. Returns -1 and
// throws if memory runs out.
int bound_json_depth(JSContext *context);
