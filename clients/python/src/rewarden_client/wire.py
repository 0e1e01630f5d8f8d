"""Values of data sets as JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

#: Levels of lists and objects that a value may have: the server's JSON reader takes 128.
DEEPEST = 100

#: pandas' values for what is missing.
MISSING = ("NAType", "NaTType")


def plain(value: Any, depth: int = 0) -> Any:
    """A value as JSON has it.

    NumPy's and tensors' values are lists and numbers, half of a surrogate pair is U+FFFD, as where a text is decoded, and NaN and
    the infinities are null, which is what NaN stands for in a table. An integer beyond 64 bits is the text of its digits. What
    else JSON does not have is its text, and what pandas calls missing is null.
    """
    if depth > DEEPEST:
        raise ValueError(f"expected at most {DEEPEST} levels of lists and objects")
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        # Not `str(value)`: an enumeration of texts would be its member's name.
        value = str.__str__(value)
        return value if value.isascii() else value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, int):
        value = int(value)
        return value if -(2**63) <= value < 2**64 else str(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {plain(str(key)): plain(entry, depth + 1) for key, entry in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(entry, depth + 1) for entry in value]
    if isinstance(value, (bytes, bytearray)):
        return bytes(value).decode("utf-8", "replace")
    if isinstance(value, Decimal):
        return format(value, "f") if value.is_finite() else None
    if type(value).__name__ in MISSING:
        return None
    to_list = getattr(value, "tolist", None)
    return plain(to_list(), depth + 1) if callable(to_list) else plain(str(value))
