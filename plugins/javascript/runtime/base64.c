#include "base64.h"

static const char DIGITS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

size_t base64_length(size_t bytes) { return (bytes + 2) / 3 * 4; }

void base64_write(const uint8_t *bytes, size_t count, char *text) {
    for (size_t i = 0; i < count; i += 3) {
        size_t left = count - i;
        uint32_t group = (uint32_t)bytes[i] << 16 | (left > 1 ? (uint32_t)bytes[i + 1] << 8 : 0) | (left > 2 ? bytes[i + 2] : 0);
        *text++ = DIGITS[group >> 18];
        *text++ = DIGITS[group >> 12 & 63];
        *text++ = left > 1 ? DIGITS[group >> 6 & 63] : '=';
        *text++ = left > 2 ? DIGITS[group & 63] : '=';
    }
}

// One more than the value of a digit; 0 for what is none.
static const uint8_t *values(void) {
    static uint8_t table[256];
    if (table['A'] == 0) {
        for (uint8_t i = 0; i < 64; i++) table[(uint8_t)DIGITS[i]] = (uint8_t)(i + 1);
    }
    return table;
}

size_t base64_read(const char *text, size_t length, uint8_t *bytes) {
    const uint8_t *table = values();
    uint8_t *to = bytes;
    uint32_t group = 0;
    for (size_t i = 0; i < length; i++) {
        uint8_t value = table[(uint8_t)text[i]];
        if (value == 0) break;
        group = group << 6 | (uint32_t)(value - 1);
        // Bits that no later digit completes to a byte are padding.
        if (i % 4 != 0) *to++ = (uint8_t)(group >> (6 - 2 * (i % 4)));
    }
    return (size_t)(to - bytes);
}
