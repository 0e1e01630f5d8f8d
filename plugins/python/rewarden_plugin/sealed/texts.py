"""Texts on their way out: the contract's are UTF-8, and Python's may hold lone surrogates, as from JSON's `\\ud800`."""


def utf8(text: str) -> str:
    """Returns the text with lone surrogates written out as escapes."""
    if text.isascii():
        return text
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
