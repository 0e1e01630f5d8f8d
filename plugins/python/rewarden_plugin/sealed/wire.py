"""Values of the contract's bindings to those of this package, and back."""

import json
import math

from wit_world.imports import types as wit

from .. import values
from ..errors import NoResult
from .outgoing import checked
from .texts import utf8

# A frozen program is of a world that has its own interface only.
try:
    from wit_world.exports import parser as wit_parser
except ImportError:
    wit_parser = None
try:
    from wit_world.exports import policy as wit_policy
except ImportError:
    wit_policy = None

_ROLES = {"SYSTEM": "system", "USER": "user", "ASSISTANT": "assistant"}
_REASONLESS = "no score was given"


def message(value):
    return values.Message(_ROLES[value.role.name], value.content)


def task(value):
    metadata = json.loads(value.metadata) if value.metadata != "{}" else {}
    return values.Task([message(entry) for entry in value.messages], list(value.responses), value.reference, metadata)


def scale(value):
    return values.Scale(value.min, value.max, value.integer)


def score(value):
    return value.value if isinstance(value, wit.Score_Value) else None


def score_out(value):
    return wit.Score_Abstain(_REASONLESS) if value is None else wit.Score_Value(float(value))


def principle(value):
    return values.Principle(value.name, value.weight, value.text)


def principle_out(value):
    value = checked(value, "principle")
    return wit.Principle(value.name, None if value.weight is None else float(value.weight), value.text)


def criterion_score(value):
    return values.CriterionScore(value.criterion, value.response, score(value.score), value.reason)


def criterion_score_out(value):
    return wit.CriterionScore(value.criterion, value.response, score_out(value.score), value.reason)


def levels(value):
    return [[values.Level(level.score, level.probability) for level in entry] for entry in value]


def completion(value):
    tokens = [
        values.Token(token.text, token.logprob, [values.Alternative(entry.text, entry.logprob) for entry in token.alternatives])
        for token in value.tokens
    ]
    return values.Completion(value.text, value.finish.name.lower(), tokens)


def earlier(value):
    return values.Earlier(value.id, value.judge, list(value.places), value.text)


def request(value):
    return values.Request(
        task(value.task),
        scale(value.scale),
        value.critique,
        [principle(entry) for entry in value.principles],
        list(value.asked),
        [earlier(entry) for entry in value.earlier],
    )


def query(value):
    return values.Query([message(entry) for entry in value.messages], json.loads(value.metadata))


def prompt_out(value):
    value = checked(value, "prompt")
    constraint = value.constraint
    if isinstance(constraint, values.Regex):
        constraint = wit.Constraint_Regex(constraint.pattern)
    elif isinstance(constraint, values.JsonSchema):
        schema = constraint.schema
        constraint = wit.Constraint_JsonSchema(utf8(schema if isinstance(schema, str) else json.dumps(schema)))
    elif isinstance(constraint, values.Lark):
        constraint = wit.Constraint_Lark(constraint.grammar)
    elif constraint is not None:
        raise NoResult(f"the prompt's constraint is {type(constraint).__name__}; expected `Regex`, `JsonSchema` or `Lark`")
    return wit.Prompt(_input_out(value.input), value.prefill, constraint, list(value.stop), value.max_tokens, value.top_logprobs)


def _input_out(value):
    if isinstance(value, str):
        return wit.PromptInput_Text(value)
    if isinstance(value, values.Questionnaire):
        return wit.PromptInput_Questions(wit.Questionnaire(value.state, [_question_out(entry) for entry in value.questions]))
    return wit.PromptInput_Chat([wit.Turn(turn.role, turn.content) for turn in value])


def _question_out(value):
    form = value.form
    if isinstance(form, values.YesNo):
        form = wit.AnswerForm_YesNo(wit.YesNo(form.yes, form.no))
    elif isinstance(form, values.Choice):
        form = wit.AnswerForm_Choice([wit.Choice(name, text) for name, text in form.options.items()])
    else:
        form = wit.AnswerForm_Levels(list(form.levels))
    return wit.Question(value.id, value.instructions, form)


def judgement_out(value):
    value = checked(value, "judgement")
    return wit_parser.Judgement(
        [score_out(entry) for entry in value.scores],
        [criterion_score_out(entry) for entry in value.criteria],
        None if value.confidence is None else float(value.confidence),
        [[wit.Level(float(level.score), float(level.probability)) for level in entry] for entry in value.distributions],
        [principle_out(entry) for entry in value.principles],
        value.critique,
    )


def failure(value):
    return values.Failure(value.kind.name.lower().replace("_", "-"), value.message)


def sample(value):
    if isinstance(value.outcome, wit_policy.Outcome_Failed):
        outcome = failure(value.outcome.value)
    else:
        outcome = [None if entry is None else score(entry) for entry in value.outcome.value]
    rating = value.rating
    if rating is not None:
        rating = failure(rating.value) if isinstance(rating, wit_policy.Rating_Failed) else rating.value
    return values.Sample(
        value.id,
        list(value.order),
        outcome,
        value.judge,
        list(value.asked),
        value.temperature,
        [criterion_score(entry) for entry in value.criteria],
        value.confidence,
        levels(value.distributions),
        value.answer_logprob,
        value.thinking_logprob,
        rating,
        value.completion_tokens,
    )


def context(value):
    return values.Context(
        scale(value.scale),
        value.seed,
        value.temperature,
        value.samples_left,
        value.rounds_left,
        [values.Signal(entry.scorer, [score(one) for one in entry.scores]) for entry in value.signals],
        [values.Judge(entry.name, entry.temperature) for entry in value.judges],
        value.has_own_judge,
    )


def step_out(value):
    if isinstance(value, list):
        value = [checked(draw, f"draw {index}") for index, draw in enumerate(value)]
        return wit_policy.Step_Draw(
            [wit_policy.Draw(list(draw.order), draw.temperature, draw.judge, list(draw.asked), list(draw.show)) for draw in value]
        )
    value = checked(value, "step")
    if isinstance(value, values.Rate):
        return wit_policy.Step_Rate(list(value.samples))
    return wit_policy.Step_Finish(
        wit_policy.Reward(
            [score_out(entry) for entry in value.scores],
            list(value.used),
            [_rejection_out(entry) for entry in value.rejected],
            [criterion_score_out(entry) for entry in value.criteria],
            None if value.confidence is None else float(value.confidence),
            [wit_policy.Detail(name, _detail_out(name, entry)) for name, entry in value.details.items()],
        )
    )


def _rejection_out(value):
    kind = wit_policy.RejectionKind.__members__.get(value.kind.upper().replace("-", "_"))
    if kind is None:
        raise NoResult(f"`{value.kind}` is no kind of rejection; expected {', '.join(k.lower().replace('_', '-') for k in wit_policy.RejectionKind.__members__)}")
    return wit_policy.Rejection(value.sample, kind, value.message)


def _detail_out(name, value):
    if isinstance(value, bool):
        return wit_policy.DetailValue_Flag(value)
    if isinstance(value, (int, float)) and math.isfinite(value):
        return wit_policy.DetailValue_Number(float(value))
    if isinstance(value, str):
        return wit_policy.DetailValue_Text(value)
    raise NoResult(f"detail `{name}` is {type(value).__name__} ({value!r:.60}); expected a finite number, a text or a flag")
