"""The values that programs exchange with the host, as dataclasses. They mirror the contract's records in `wit/`.

A score is a `float`, or `None` where there is none. Roles, finish reasons and kinds of failure are texts, spelt as in the contract.
"""

from dataclasses import dataclass, field
from typing import Union


@dataclass
class Message:
    """One turn of a conversation; `role` is `system`, `user` or `assistant`. `content` is data and may hold any text."""

    role: str
    content: str


@dataclass
class Task:
    """What is to be judged: `messages` (at least one, oldest first) and `responses` (at least one).

    `reference` is the ground truth, where the task has one; `metadata` holds the task's other fields.
    """

    messages: "list[Message]"
    responses: "list[str]"
    reference: "str | None" = None
    metadata: dict = field(default_factory=dict)

    @property
    def prompt(self) -> str:
        """The text of the last message: the query that the responses answer."""
        return self.messages[-1].content


@dataclass
class Scale:
    """The lowest and highest valid score, both inclusive; with `integer` only whole numbers are valid."""

    min: float
    max: float
    integer: bool = False


@dataclass
class Principle:
    """A criterion: its name in a few words, its weight without unit (`None` if there is none), and what it asks for."""

    name: str
    weight: "float | None" = None
    text: str = ""


@dataclass
class CriterionScore:
    """The score of one response under one criterion; `None` where the criterion does not apply.

    From a parser `response` is the place in shown order, from 0; elsewhere the index in the task's own order.
    """

    criterion: str
    response: int
    score: "float | None"
    reason: "str | None" = None


@dataclass
class Level:
    """One score that a response may have, with its probability from 0 to 1."""

    score: float
    probability: float


@dataclass
class Regex:
    """The whole completion matches this regular expression (RE2-like)."""

    pattern: str


@dataclass
class JsonSchema:
    """The completion is one JSON value that fits this schema, given as a `dict` or as text."""

    schema: "dict | str"


@dataclass
class Lark:
    """The completion is derived by this Lark grammar, start rule `start`."""

    grammar: str


@dataclass
class Turn:
    """One turn of what a chat model is given."""

    role: str
    content: str


@dataclass
class YesNo:
    """An answer that is the probability of yes; what yes and no stand for."""

    yes: "str | None" = None
    no: "str | None" = None


@dataclass
class Choice:
    """An answer that is a probability for each of 2 to 255 options: name to what it stands for (or `None`)."""

    options: "dict[str, str | None]"


@dataclass
class Levels:
    """An answer that is a probability for each of 2 to 10 levels, from worst to best."""

    levels: "list[str]"


@dataclass
class Question:
    """A typed question to a decision model."""

    id: str
    form: "Union[YesNo, Choice, Levels]"
    instructions: "str | None" = None


@dataclass
class Questionnaire:
    """Questions about one text, `state`; at least one."""

    state: str
    questions: "list[Question]"


@dataclass
class Prompt:
    """What the model is given.

    `input` is a list of turns (the last one is the user's), a text to go on with, or a questionnaire. `prefill` begins the
    model's answer, generation ends before a text of `stop` or after `max_tokens`, and `top_logprobs` (at most 20) alternatives
    are given for each token.
    """

    input: "Union[list[Turn], str, Questionnaire]"
    prefill: "str | None" = None
    constraint: "Union[Regex, JsonSchema, Lark, None]" = None
    stop: "list[str]" = field(default_factory=list)
    max_tokens: "int | None" = None
    top_logprobs: int = 0


@dataclass
class Alternative:
    """A token that the model could have written, with the natural logarithm of its probability."""

    text: str
    logprob: float


@dataclass
class Token:
    """A token that the model wrote; `logprob` is the natural logarithm of its probability, at most 0."""

    text: str
    logprob: float
    alternatives: "list[Alternative]" = field(default_factory=list)


@dataclass
class Completion:
    """What the model wrote, without a thinking block; `finish` is `stop` or `length` (the text may be cut anywhere)."""

    text: str
    finish: str = "stop"
    tokens: "list[Token]" = field(default_factory=list)


@dataclass
class Judgement:
    """What a parser read: one score for each response shown, in shown order; the rest may be left out.

    `distributions` has the levels of each response, or is empty; `confidence` lies from 0 to 1.
    """

    scores: "list[float | None]"
    criteria: "list[CriterionScore]" = field(default_factory=list)
    confidence: "float | None" = None
    distributions: "list[list[Level]]" = field(default_factory=list)
    principles: "list[Principle]" = field(default_factory=list)
    critique: "str | None" = None


@dataclass
class Earlier:
    """An earlier sample of the same task that the policy wants shown."""

    id: int
    judge: "str | None"
    places: "list[int | None]"
    text: str


@dataclass
class Request:
    """What a template renders: the task with its responses in shown order, the scale, and what else the policy asked for.

    `critique` is given to a meta RM's template only.
    """

    task: Task
    scale: Scale
    critique: "str | None" = None
    principles: "list[Principle]" = field(default_factory=list)
    asked: "list[str]" = field(default_factory=list)
    earlier: "list[Earlier]" = field(default_factory=list)


@dataclass
class Query:
    """What principles are asked for: a conversation and those fields of the metadata that the pack names."""

    messages: "list[Message]"
    metadata: dict = field(default_factory=dict)

    @property
    def prompt(self) -> str:
        """The text of the last message."""
        return self.messages[-1].content


@dataclass
class Failure:
    """A sample without a judgement, or a rating that failed; `kind` is spelt as in the contract, such as `unparsable`."""

    kind: str
    message: str


@dataclass
class Sample:
    """One generation, finished.

    `outcome` is a `Failure`, or one entry for each response of the task in the task's own order: a score, `None` for an
    abstention, and `None` too for a response that was not shown (`order` tells which were). `rating` is a number, a `Failure`,
    or `None` until a `Rate` step asked for it.
    """

    id: int
    order: "list[int]"
    outcome: "Union[list[float | None], Failure]"
    judge: "str | None" = None
    asked: "list[str]" = field(default_factory=list)
    temperature: float = 0.0
    criteria: "list[CriterionScore]" = field(default_factory=list)
    confidence: "float | None" = None
    distributions: "list[list[Level]]" = field(default_factory=list)
    answer_logprob: "float | None" = None
    thinking_logprob: "float | None" = None
    rating: "Union[float, Failure, None]" = None
    completion_tokens: int = 0


@dataclass
class Signal:
    """What a rule-based scorer of the pack said: one score for each response."""

    scorer: str
    scores: "list[float | None]"


@dataclass
class Judge:
    """A judge that draws may name, with the temperature of draws that name none."""

    name: str
    temperature: float


@dataclass
class Context:
    """What holds for the whole task. `seed` (64 bits) is the only source of chance; `samples_left` and `rounds_left` are the budget."""

    scale: Scale
    seed: int
    temperature: float
    samples_left: int
    rounds_left: int
    signals: "list[Signal]" = field(default_factory=list)
    judges: "list[Judge]" = field(default_factory=list)
    has_own_judge: bool = True

    def random(self):
        """Returns a generator of chance that repeats: `random.Random(context.seed)`."""
        from random import Random

        return Random(self.seed)


@dataclass
class Draw:
    """A sample that is asked for: which responses to show, in which order, to which judge."""

    order: "list[int]"
    temperature: "float | None" = None
    judge: "str | None" = None
    asked: "list[str]" = field(default_factory=list)
    show: "list[int]" = field(default_factory=list)


@dataclass
class Rate:
    """Have the pack's meta RM rate these samples, by id."""

    samples: "list[int]"


@dataclass
class Rejection:
    """A sample that counts as failed though the parser could read it; `kind` is spelt as in the contract."""

    sample: int
    message: str
    kind: str = "other"


@dataclass
class Finish:
    """The end of a task: one score for each response in the task's own order, and the ids of the samples that they come from.

    `details` are findings beside the scores: finite numbers, texts and flags by name in snake case.
    """

    scores: "list[float | None]"
    used: "list[int]" = field(default_factory=list)
    rejected: "list[Rejection]" = field(default_factory=list)
    criteria: "list[CriterionScore]" = field(default_factory=list)
    confidence: "float | None" = None
    details: "dict[str, float | str | bool]" = field(default_factory=dict)
