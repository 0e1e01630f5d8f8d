"""Calls the functions of the interfaces other than `scorer`, and checks what they return before it is handed to the host."""

import math

from .errors import Abstain, NoResult, NotFinite, OutOfScale, Refuse, TooFewSamples, Unparsable, WrongCount
from .failures import failure_text
from .scoring import finished
from .values import Draw, Finish, Judgement, Principle, Prompt, Questionnaire, Rate, Scale, Turn

_PASSED = (Refuse, TooFewSamples, NoResult, Unparsable, WrongCount, OutOfScale, NotFinite)


def _called(program, part, *arguments):
    options = {name: program.options[name] for name in program.plan["options"][part] if name in program.options}
    try:
        return finished(program.functions[part](*arguments, **options))
    except _PASSED:
        raise
    except Abstain as error:
        raise NoResult(f"`Abstain` is for scores; raise `Refuse` in a {part} function: {error}") from error
    except BaseException as error:  # SystemExit too
        raise NoResult(failure_text(error, program.files)) from error


def render(program, request) -> Prompt:
    """Returns the prompt of a template."""
    return _prompt(_called(program, "template", request), "template")


def ask(program, query) -> Prompt:
    """Returns the prompt that asks for principles."""
    return _prompt(_called(program, "principles.ask", query), "principles.ask")


def read(program, completion) -> "list[Principle]":
    """Returns the principles that were read."""
    value = _called(program, "principles.read", completion)
    if not isinstance(value, (list, tuple)) or not all(isinstance(entry, Principle) for entry in value):
        raise NoResult(f"principles.read returned {_kind(value)}; expected a list of `Principle`")
    return list(value)


def parse(program, completion, shown: int, scale: Scale) -> Judgement:
    """Returns the judgement of a parser; a list stands for its scores. Raises the parse failures too."""
    value = _called(program, "parser", completion, shown, scale)
    if isinstance(value, (list, tuple)):
        value = Judgement(list(value))
    if not isinstance(value, Judgement):
        raise NoResult(f"the parser returned {_kind(value)}; expected a `Judgement` or a list of scores")
    if len(value.scores) != shown:
        raise WrongCount(shown, len(value.scores))
    for index, score in enumerate(value.scores):
        if score is None:
            continue
        if not _is_number(score):
            raise NoResult(f"the parser returned {_kind(score)} as score {index}; expected a number or None")
        if not math.isfinite(score):
            raise NotFinite(f"score {index} of {shown} is {score}")
    return value


def step(program, task, context, samples):
    """Returns the step of a policy: a list of `Draw`, a `Rate` or a `Finish`."""
    value = _called(program, "policy", task, context, samples)
    if isinstance(value, Draw):
        value = [value]
    if isinstance(value, (list, tuple)) and value and all(isinstance(entry, Draw) for entry in value):
        return list(value)
    if isinstance(value, Rate):
        return value
    if not isinstance(value, Finish):
        raise NoResult(f"the policy returned {_kind(value)}; expected a `Draw`, a list of them, a `Rate` or a `Finish`")
    if len(value.scores) != len(task.responses):
        raise NoResult(f"the policy finished with {len(value.scores)} scores for {len(task.responses)} responses")
    for index, score in enumerate(value.scores):
        if score is not None and not (_is_number(score) and math.isfinite(score)):
            raise NoResult(f"the policy finished with {score!r:.80} as score {index}; expected a finite number or None")
    return value


def _prompt(value, part) -> Prompt:
    if isinstance(value, (str, Questionnaire)) or (isinstance(value, (list, tuple)) and value):
        value = Prompt(value)
    if not isinstance(value, Prompt):
        raise NoResult(f"the {part} function returned {_kind(value)}; expected a `Prompt`, a list of turns or a text")
    if isinstance(value.input, (list, tuple)):
        value.input = [_turn(entry, part) for entry in value.input]
    elif not isinstance(value.input, (str, Questionnaire)):
        raise NoResult(f"the {part} function returned a prompt with {_kind(value.input)} as its input")
    return value


def _turn(entry, part) -> Turn:
    if isinstance(entry, dict) and isinstance(entry.get("role"), str) and isinstance(entry.get("content"), str):
        return Turn(entry["role"], entry["content"])
    if isinstance(getattr(entry, "role", None), str) and isinstance(getattr(entry, "content", None), str):
        return Turn(entry.role, entry.content)
    raise NoResult(f"the {part} function returned {_kind(entry)} as a turn; expected a `Turn`, or a dict with `role` and `content`")


def _is_number(value) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _kind(value) -> str:
    return f"{type(value).__name__} ({value!r:.60})"
