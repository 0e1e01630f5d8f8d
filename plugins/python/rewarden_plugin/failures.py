"""What is said of an exception of a program: its type, its message in short, and where it was raised."""

MESSAGE = 300
FRAMES = 4


def failure_text(error: BaseException, files=()) -> str:
    """Returns one line about the exception: `ValueError: … , at reward.py:12 in check, called from reward.py:3 in reward`.

    Frames of the program's own `files` are named, and the innermost one whatever its file is.
    """
    text = f"{type(error).__name__}: {message_of(error)}" if message_of(error) else type(error).__name__
    frames = frames_of(error)
    if not frames:
        return text
    shown = [frame for frame in frames if frame[0] in files]
    if frames[-1] not in shown:
        shown.append(frames[-1])
    places = [f"{_short(file)}:{line} in {function}" for file, line, function in reversed(shown[-FRAMES:])]
    return f"{text}, at {', called from '.join(places)}"


def message_of(error: BaseException) -> str:
    """Returns the exception's message, cut to 300 characters; the text of an exception may itself fail."""
    if isinstance(error, SyntaxError):
        return syntax_text(error)
    try:
        text = str(error)
    except BaseException as inner:  # whatever the program's `__str__` raises
        return f"its message cannot be shown ({type(inner).__name__})"
    return text if len(text) <= MESSAGE else f"{text[:MESSAGE]}… ({len(text)} characters)"


def syntax_text(error: SyntaxError) -> str:
    """Returns `message (file:line: text of the line)`."""
    line = (error.text or "").strip()[:200]
    place = f"{error.filename}:{error.lineno}" if error.lineno else f"{error.filename}"
    return f"{error.msg} ({place}{': ' + line if line else ''})"


def frames_of(error: BaseException) -> "list[tuple[str, int, str]]":
    """Returns file, line and function of each frame below this package, outermost first."""
    frames, traceback = [], error.__traceback__
    while traceback is not None:
        code = traceback.tb_frame.f_code
        if not (traceback.tb_frame.f_globals.get("__name__") or "").startswith("rewarden_plugin."):
            frames.append((code.co_filename, traceback.tb_lineno, code.co_name))
        traceback = traceback.tb_next
    return frames


def _short(file: str) -> str:
    """A file of a library is named from the library on, the same natively and in a component."""
    for root in ("site-packages/", "/python3.", "/python/", "/packages/"):
        _, found, tail = file.rpartition(root)
        if found:
            return tail.partition("/")[2] if root == "/python3." else tail
    return file
