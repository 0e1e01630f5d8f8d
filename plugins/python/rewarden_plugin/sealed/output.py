"""Standard output and standard error as lines of the host's log."""

import io


class Lines(io.TextIOBase):
    """Hands whole lines to `write(text)`."""

    encoding = "utf-8"
    errors = "backslashreplace"

    def __init__(self, write):
        self._write, self._rest = write, ""
        self.buffer = _Bytes(self)

    def writable(self):
        return True

    def write(self, text):
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            if line:
                self._write(line)
        if len(self._rest) > 65536:  # a line that never ends must not fill the memory
            self._write(self._rest)
            self._rest = ""
        return len(text)

    def finish(self):
        """Hands over a last line without its end."""
        if self._rest:
            self._write(self._rest)
            self._rest = ""


class _Bytes(io.RawIOBase):
    """`sys.stdout.buffer`."""

    def __init__(self, lines):
        self._lines = lines

    def writable(self):
        return True

    def write(self, data):
        self._lines.write(bytes(data).decode("utf-8", "backslashreplace"))
        return len(data)
