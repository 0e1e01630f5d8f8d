// From a call of the host to a function of the SDK and back.
#pragma once

#include "values.h"

// A function of the contract: its name in JavaScript, its parameters as one record, its result.
struct function {
    const char *name;
    const struct type *parameters;
    const struct type *result;
};

// Defined by build/contract.py.
extern const struct function functions[];
extern const uint32_t function_count;
extern uint8_t result_area[];

// Calls the SDK's function with the parameters that lie at `parameters`, and returns the place of its result.
uint8_t *call(uint32_t function, const uint8_t *parameters);

// Takes the functions that calls go to from the object that the SDK made. Returns -1 and throws if one is missing.
int bind_functions(JSContext *context, JSValueConst handlers);

// Writes a line to the host's log. Levels are those of the contract, from 0 (debug) to 3 (error).
void log_line(int level, const char *text, size_t length);
