"""Calls a reward function for a task, in the form that it was written for."""

from math import isfinite

from .errors import Abstain, NoResult, Refuse
from .failures import failure_text
from .fields import MISSING, copied, field_of, messages_of, missing
from .forms import is_trainers_own
from .results import Abstention, score_of, scores_of
from .values import Task


def score_task(function, plan: dict, task: Task, options: dict, *, files=(), guard=None, log=None) -> "list[float | Abstention]":
    """Returns one score or abstention for each response of the task.

    `plan` is what `forms.plan_of` made of the function. `files` are the program's own, named in failures; `guard` checks after
    each response that nothing was replaced; `log(text)` takes findings beside the scores.

    Raises `Refuse` for a task without a field that the function needs, and `NoResult` if the function failed or returned no
    scores. One response that fails makes the whole task fail, and the message names it: a reward of 0 in its place would be a
    wrong reward, and an abstention would hide the fault.
    """
    call = _CALLS[plan["form"]]
    scores = call(function, plan, task, options, _Outcome(files, guard, log))
    if guard is not None:
        guard.check()
        guard.check_all()
    return scores


class _Outcome:
    """What is the same for every form: how exceptions and coroutines end."""

    def __init__(self, files, guard, log):
        self.files, self.guard, self.log = files, guard, log

    def of_response(self, function, arguments, index, count):
        """Returns the score of one response."""
        try:
            value = finished(function(**arguments))
        except Abstain as why:
            return Abstention(str(why) or "the function gave no reason")
        except Refuse:
            raise
        except NoResult as error:
            raise NoResult(f"{error}{_place(index, count)}") from None
        except BaseException as error:  # SystemExit too: a program's exit is no exit of ours
            raise NoResult(failure_text(error, self.files) + _place(index, count)) from error
        if self.guard is not None:
            self.guard.check(index)
        if type(value) is float and isfinite(value):
            return value
        return score_of(value, f"the function, response {index},", self._logged(index))

    def of_group(self, function, arguments):
        """Returns what the function returned for all responses."""
        try:
            return finished(function(**arguments))
        except (Refuse, Abstain, NoResult):
            raise
        except BaseException as error:
            raise NoResult(failure_text(error, self.files)) from error

    def scores(self, function, arguments, count):
        """Returns the scores of a function that takes all responses at once."""
        try:
            value = self.of_group(function, arguments)
        except Abstain as why:
            return [Abstention(str(why) or "the function gave no reason")] * count
        return scores_of(value, count, log=self.log and (lambda entries: self.log(f"beside a score: {entries!r:.1000}")))

    def _logged(self, index):
        return self.log and (lambda entries: self.log(f"response {index}: {entries!r:.1000}"))


def _place(index, count):
    return f" (response {index}, counted from 0, of {count})"


def finished(value):
    """Runs a coroutine to its end; one that waits for something never ends here."""
    if type(value) is float or not hasattr(value, "send") or not hasattr(value, "cr_await"):
        return value
    try:
        value.send(None)
    except StopIteration as end:
        return end.value
    value.close()
    raise NoResult("the function is asynchronous and waits for something outside (a timer, the network), which there is not")


def _arguments(plan, task, options, given):
    """Fills the function's parameters from `given`, the task and the options. Raises `Refuse` for a field that is missing."""
    arguments = dict(options)
    for name, needed, positional in plan["fields"]:
        value = given[name] if name in given else field_of(task, name)
        if value is not MISSING:
            arguments[name] = value
        elif needed:
            raise Refuse(missing(name))
        elif positional:
            arguments[name] = None  # the function does not read it
    return arguments


def _each(function, plan, task, options, outcome, more=None):
    count, scores, mark = len(task.responses), [], plan["mark"]
    given = {mark: "", **(more(task) if more else {})}
    once = _arguments(plan, task, options, given)
    if plan["rest"] and more is None:
        once = {**task.metadata, **once}
    for index, response in enumerate(task.responses):
        # Lists and dicts are copies of its own for each response.
        arguments = {name: value if type(value) is str else copied(value) for name, value in once.items()}
        arguments[mark] = response
        scores.append(outcome.of_response(function, arguments, index, count))
    return scores


def _group(function, plan, task, options, outcome):
    arguments = _arguments(plan, task, options, {"responses": list(task.responses)})
    if plan["rest"]:
        for name, value in task.metadata.items():
            arguments.setdefault(name, copied(value))
    return outcome.scores(function, arguments, len(task.responses))


def _trl(function, plan, task, options, outcome):
    count = len(task.responses)
    options = dict(options)
    if "conversational" in plan["schema"]["properties"] and not _has_field(plan, "conversational"):
        conversational = options.pop("conversational", plan["conversational"])
    else:
        conversational = plan["conversational"]
    given = {
        "completions": [[{"role": "assistant", "content": text}] if conversational else text for text in task.responses],
        "prompts": [messages_of(task) if conversational else task.prompt for _ in range(count)],
        "log_extra": lambda column, values: outcome.log and outcome.log(f"{column}: {values!r:.1000}"),
        "log_metric": lambda name, value: outcome.log and outcome.log(f"{name}: {value!r:.1000}"),
    }
    arguments = dict(options)
    for name, needed, positional in plan["fields"]:
        if name in given:
            arguments[name] = given[name]
            continue
        if is_trainers_own("trl", name):
            if needed:
                raise Refuse(f"`{name}` is known to a trainer only; give the parameter a default")
            continue
        value = field_of(task, name)
        if value is not MISSING:
            arguments[name] = [copied(value) for _ in range(count)]
        elif needed:
            raise Refuse(missing(name))
        elif positional:
            arguments[name] = [None] * count
    if plan["rest"]:
        arguments.setdefault("prompts", given["prompts"])
        columns = dict(task.metadata)
        if task.reference is not None:
            for name in ("ground_truth", "solution", "answer", "label", "labels", "reference"):
                columns.setdefault(name, task.reference)
        for name, value in columns.items():
            if name not in arguments:
                arguments[name] = [copied(value) for _ in range(count)]
    return outcome.scores(function, arguments, count)


def _has_field(plan, name):
    return any(field[0] == name for field in plan["fields"])


def _verl_fields(task):
    given = {}
    extra = task.metadata.get("extra_info")
    given["extra_info"] = copied(extra) if isinstance(extra, dict) else copied(task.metadata)
    return given


def _verl(function, plan, task, options, outcome):
    return _each(function, plan, task, options, outcome, _verl_fields)


def _verl_batch(function, plan, task, options, outcome):
    count = len(task.responses)
    arguments = dict(options)
    for name, needed, positional in plan["fields"]:
        if name == "solution_strs":
            arguments[name] = list(task.responses)
        elif name == "extra_infos":
            arguments[name] = [_verl_fields(task)["extra_info"] for _ in range(count)]
        else:
            value = field_of(task, {"ground_truths": "ground_truth", "data_sources": "data_source"}.get(name, name))
            if value is MISSING and needed:
                raise Refuse(missing({"ground_truths": "ground_truth", "data_sources": "data_source"}.get(name, name)))
            if value is not MISSING or positional:
                arguments[name] = [None if value is MISSING else copied(value) for _ in range(count)]
    return outcome.scores(function, arguments, count)


def _openrlhf(function, plan, task, options, outcome):
    count = len(task.responses)
    label = task.metadata.get("label", MISSING) if "labels" not in task.metadata else MISSING
    label = field_of(task, "labels") if label is MISSING else copied(label)
    arguments = dict(options)
    for name, needed, positional in plan["fields"]:
        if name == "queries":
            arguments[name] = [task.prompt + response for response in task.responses]
        elif name == "prompts":
            arguments[name] = [task.prompt] * count
        else:
            value = label if name == "labels" else field_of(task, name)
            if value is MISSING and needed:
                raise Refuse(missing("label" if name == "labels" else name))
            if value is not MISSING or positional:
                arguments[name] = [None if value is MISSING else copied(value) for _ in range(count)]
    try:
        value = outcome.of_group(function, arguments)
    except Abstain as why:
        return [Abstention(str(why) or "the function gave no reason")] * count
    if isinstance(value, dict):
        if "rewards" not in value:
            raise NoResult(f"the function returned a dict without `rewards`; it has {', '.join(map(repr, list(value)[:8]))}")
        if outcome.log:
            for name, entry in value.items():
                if name != "rewards":
                    outcome.log(f"{name}: {entry!r:.1000}")
        value = value["rewards"]
    return scores_of(value, count)


_CALLS = {
    "response": _each,
    "group": _group,
    "trl": _trl,
    "verl": _verl,
    "verl-batch": _verl_batch,
    "openrlhf": _openrlhf,
}
