"""Python functions as Rewarden plugins: rewards, templates, parsers, policies and principles.

A reward function needs nothing of this package: it is recognised by the names of its parameters (see `forms`). Import from here
what other interfaces exchange with the host, the decorators that name an interface, and the exceptions that say why there is
no result.
"""

from .decorators import parser, policy, principles, scorer, template
from .errors import (
    Abstain,
    ConfigError,
    Forbidden,
    NoResult,
    NotFinite,
    OutOfScale,
    Refuse,
    TooFewSamples,
    Unparsable,
    WrongCount,
)
from .values import (
    Alternative,
    Choice,
    Completion,
    Context,
    CriterionScore,
    Draw,
    Earlier,
    Failure,
    Finish,
    JsonSchema,
    Judge,
    Judgement,
    Lark,
    Level,
    Levels,
    Message,
    Principle,
    Prompt,
    Query,
    Question,
    Questionnaire,
    Rate,
    Regex,
    Rejection,
    Request,
    Sample,
    Scale,
    Signal,
    Task,
    Token,
    Turn,
    YesNo,
)

__version__ = "0.1.0"

__all__ = [name for name in dir() if not name.startswith("_") and name not in ("decorators", "errors", "values")]
