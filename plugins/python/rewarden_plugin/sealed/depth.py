"""Bounds the depth of JSON, before the parser's recursion in C overflows the stack: that would be a trap without a message."""

import json.decoder
import re

MOST = 500
_TOKENS = re.compile(r'"(?:[^"\\]|\\.)*"?|[\[\]{}]', re.S)


def bound() -> object:
    """Makes `json` raise `RecursionError` for text that is nested more than 500 deep. Returns what `restore` takes."""
    decoder = json.decoder.JSONDecoder
    before = decoder.raw_decode

    def raw_decode(self, s, idx=0):
        if s.count("[", idx) + s.count("{", idx) > MOST and _is_deep(s, idx):
            raise RecursionError(f"JSON is nested more than {MOST} deep")
        return before(self, s, idx)

    decoder.raw_decode = raw_decode
    return before


def restore(before) -> None:
    """Undoes `bound`."""
    json.decoder.JSONDecoder.raw_decode = before


def _is_deep(text: str, start: int) -> bool:
    """Whether brackets are nested more than `MOST` deep, texts left out."""
    depth = 0
    for found in _TOKENS.finditer(text, start):
        token = found.group()
        if token in "[{":
            depth += 1
            if depth > MOST:
                return True
        elif token in "]}":
            depth -= 1
    return False
