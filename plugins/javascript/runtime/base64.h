// Bytes as text, for programs on their way through the host. The engine's own functions for it take six times as long.
#pragma once

#include <stddef.h>
#include <stdint.h>

// Characters that base64_write writes.
size_t base64_length(size_t bytes);

// Writes base64 with padding.
void base64_write(const uint8_t *bytes, size_t count, char *text);

// Reads base64 up to a character that is none. Returns the number of bytes written, for which `bytes` must have room as for the
// text.
size_t base64_read(const char *text, size_t length, uint8_t *bytes);
