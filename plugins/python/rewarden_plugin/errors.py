"""What a program raises to say that there is no result, and why."""


class Refuse(Exception):
    """The task is not one for this program. Becomes the refusal `unsuitable-task` with the message."""


class TooFewSamples(Exception):
    """A policy has too few usable samples for a reward. Becomes the refusal `too-few-samples` with the message."""


class Abstain(Exception):
    """No score for this response, and why. Raised while a whole group is scored, it holds for every response of the group."""


class NoResult(Exception):
    """The program gave no usable result. Becomes the refusal `other` with the message."""


class Unparsable(Exception):
    """The completion does not hold what was asked for. Becomes the parse failure `unparsable`."""


class WrongCount(Exception):
    """Another number of scores than expected was found. Becomes the parse failure `wrong-count`."""

    def __init__(self, expected: int, found: int):
        super().__init__(f"expected {expected}, found {found}")
        self.expected = expected
        self.found = found


class OutOfScale(Exception):
    """A score lies outside the scale, or is a fraction on an integer scale. Becomes the parse failure `out-of-scale`."""


class NotFinite(Exception):
    """A score is a number word, but not a finite number. Becomes the parse failure `not-finite`."""


class ConfigError(Exception):
    """The program or its options cannot be used. `key` names the configuration's key at fault, if there is one."""

    def __init__(self, message: str, key: "str | None" = None):
        super().__init__(message)
        self.key = key


class Forbidden(OSError):
    """Something that a sandboxed program cannot have: files, the network, processes and the like."""
