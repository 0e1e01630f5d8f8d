"""The exports of a runtime: the contract's functions over a `Program`.

Everything that a program raises is a refusal or a parse failure here; nothing becomes a trap, and nothing becomes a number.
"""

import json
import sys
import traceback

from componentize_py_types import Err
from wit_world.exports import describe as describe_types
from wit_world.imports import log as host_log
from wit_world.imports import types as wit
from wit_world.imports.log import Level

from .. import interfaces, scoring
from ..errors import ConfigError, Forbidden, NoResult, NotFinite, OutOfScale, Refuse, TooFewSamples, Unparsable, WrongCount
from ..failures import failure_text
from ..guard import Guard
from ..options import check
from ..program import CONFIG_SCHEMA, Program, prepare
from ..results import Abstention
from . import closed, wire
from .texts import utf8


class Runtime:
    """One instance of the component: what it was built as, and the program that it was configured with."""

    def __init__(self, name, version, purpose, tag, kept, watched=(), advice=()):
        self.name, self.version, self.purpose, self.tag = name, version, purpose, tag
        self.kept, self.watched, self.advice = kept, watched, advice
        self.program = None
        self.frozen = None

    def freeze(self, config):
        """Makes the component one of this program, from its raw configuration: what `configure` takes then are its options."""
        self.frozen = prepare(json.dumps(config), self.tag, self.describe_import)
        self.program = Program.of(self.frozen.json, self.tag, self.describe_import)

    def describe_import(self, name):
        """Returns what is said where a program cannot be loaded because a module is not there."""
        packages = f", {', '.join(self.advice)}" if self.advice else ""
        return f"this runtime (`{self.name}`) has the standard library{packages}, and no `{name}`; `rewarden pack freeze` adds pure Python packages"


def log(level, text):
    host_log.write(level, utf8(text))


def note(text):
    """Logs a finding beside the scores."""
    host_log.write(Level.INFO, utf8(text))


def finish_call(runtime):
    """Flushes the output, and warns of what was refused or missing and then passed over by the program.

    Called after a call that gave a result: one that failed says so itself.
    """
    flush()
    if runtime.kept is None:  # while the component is built
        return
    for name, file, line in runtime.kept.missing:
        if runtime.program is not None and file in runtime.program.files:
            log(
                Level.WARN,
                f"`{name}` was imported at {file}:{line} and is not in this runtime; the program went on without it, and natively its "
                "results may be others",
            )
    for name in dict.fromkeys(closed.refused):
        log(Level.WARN, f"{name} was refused, and the program went on without it")
    if runtime.kept.late:
        log(Level.DEBUG, f"imported during the call, not at the build: {', '.join(runtime.kept.late)}")


def flush():
    for stream in (sys.stdout, sys.stderr):
        finish = getattr(stream, "finish", None)
        if finish is not None:
            finish()


def exports(runtime):
    """Returns the classes that the world `interpreter` exports, by name."""

    def configured(part):
        if runtime.program is None or runtime.program.interface != part:
            raise NoResult(f"the program was not configured as a {part}")
        return runtime.program

    def guarded(refusals, function):
        """Returns `function` with every exception turned into one of the contract's errors."""

        def call(*arguments):
            try:
                value = function(*arguments)
                finish_call(runtime)
                return value
            except BaseException as error:
                flush()
                for kind, make in refusals:
                    if isinstance(error, kind):
                        log_traceback(error)
                        raise Err(make(error)) from None
                files = runtime.program.files if runtime.program is not None else ()
                log_traceback(error)
                raise Err(refusals[-1][1](NoResult(failure_text(error, files)))) from None

        return call

    class Describe:
        def describe(self):
            if runtime.frozen is not None:
                made = runtime.frozen
                return describe_types.Description(made.name, made.version, utf8(made.purpose), json.dumps(made.schema))
            return describe_types.Description(runtime.name, runtime.version, runtime.purpose, json.dumps(CONFIG_SCHEMA))

        def configure(self, text):
            configure(text)

    def configure_(text):
        if runtime.frozen is not None:
            options = json.loads(text)
            check(options, runtime.frozen.schema)
            runtime.program.options = options
            return
        runtime.program = Program.of(text, runtime.tag, runtime.describe_import)
        if runtime.kept is not None:
            runtime.kept.missing = [
                entry for entry in runtime.kept.missing if entry[1] in runtime.program.files
            ]

    def prepare__(text):
        from wit_world.exports import prepare as prepare_types  # not in the worlds of frozen programs

        made = prepare(text, runtime.tag, runtime.describe_import)
        for name, file, line in runtime.kept.missing:
            if "/" not in file:
                log(Level.WARN, f"`{name}` was imported at {file}:{line} and is not in this runtime; the program went on without it")
        description = describe_types.Description(made.name, made.version, utf8(made.purpose), json.dumps(made.schema))
        return prepare_types.Prepared(made.json, description, made.interfaces)

    class Prepare:
        prepare = _method(lambda text: prepare_(text))

    config_errors = [
        (ConfigError, lambda error: describe_types.ConfigError(error.key, utf8(str(error)))),
        (BaseException, lambda error: describe_types.ConfigError(None, utf8(str(error)))),
    ]
    quiet = lambda function: _only_errors(config_errors, function)
    configure, prepare_ = quiet(configure_), quiet(prepare__)

    refusals = [
        (Refuse, lambda error: wit.Refusal_UnsuitableTask(utf8(str(error)))),
        (TooFewSamples, lambda error: wit.Refusal_TooFewSamples(utf8(str(error)))),
        (NoResult, lambda error: wit.Refusal_Other(utf8(str(error)))),
    ]
    parse_failures = [
        (Unparsable, lambda error: wit.ParseFailure_Unparsable(utf8(str(error)))),
        (WrongCount, lambda error: wit.ParseFailure_WrongCount(wit.CountMismatch(error.expected, error.found))),
        (OutOfScale, lambda error: wit.ParseFailure_OutOfScale(utf8(str(error)))),
        (NotFinite, lambda error: wit.ParseFailure_NotFinite(utf8(str(error)))),
        (NoResult, lambda error: wit.ParseFailure_Unparsable(utf8(f"the parser failed: {error}"))),
    ]

    def score_all(task):
        program = configured("scorer")
        guard = Guard(program.modules, runtime.watched)
        scores = scoring.score_task(
            program.function, program.plan, wire.task(task), program.options, files=program.files, guard=guard, log=note
        )
        return [wit.Score_Abstain(utf8(score.reason)) if isinstance(score, Abstention) else wit.Score_Value(score) for score in scores]

    def render_request(request):
        return wire.prompt_out(interfaces.render(configured("template"), wire.request(request)))

    def parse_completion(completion, shown, scale):
        judgement = interfaces.parse(configured("parser"), wire.completion(completion), shown, wire.scale(scale))
        return wire.judgement_out(judgement)

    def next_step(task, context, samples):
        program = configured("policy")
        held = [wire.sample(sample) for sample in samples]
        return wire.step_out(interfaces.step(program, wire.task(task), wire.context(context), held))

    def ask_query(query):
        return wire.prompt_out(interfaces.ask(configured("principles"), wire.query(query)))

    def read_completion(completion):
        return [wire.principle_out(entry) for entry in interfaces.read(configured("principles"), wire.completion(completion))]

    class Scorer:
        score_responses = _method(guarded(refusals, score_all))

    class Template:
        render = _method(guarded(refusals, render_request))

    class Parser:
        parse = _method(guarded(parse_failures, parse_completion))

    class Policy:
        next = _method(guarded(refusals, next_step))

    class Principles:
        ask = _method(guarded(refusals, ask_query))
        read = _method(guarded(parse_failures, read_completion))

    return {
        "Describe": Describe,
        "Prepare": Prepare,
        "Scorer": Scorer,
        "Template": Template,
        "Parser": Parser,
        "Policy": Policy,
        "Principles": Principles,
    }


def _method(function):
    return lambda self, *arguments: function(*arguments)


def _only_errors(kinds, function):
    def call(*arguments):
        try:
            value = function(*arguments)
            flush()
            return value
        except BaseException as error:
            flush()
            log_traceback(error)
            if not isinstance(error, ConfigError):
                error = ConfigError(failure_text(error))
            make = next(make for kind, make in kinds if isinstance(error, kind))
            raise Err(make(error)) from None

    return call


def log_traceback(error):
    """Logs the whole traceback of what a program raised, for whoever debugs it."""
    cause = error.__cause__
    if cause is None or isinstance(cause, (Refuse, ConfigError, Forbidden)):
        return
    try:
        text = "".join(traceback.format_exception(cause))
    except BaseException:  # the exception's own `__str__` may fail
        return
    log(Level.ERROR, text[-3000:])
