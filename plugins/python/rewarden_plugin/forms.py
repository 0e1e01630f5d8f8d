"""The forms of reward functions that are recognised, by the names of their parameters.

| form | parameters | called |
|---|---|---|
| `response` | `response` (or `completion`), and any of the fields below | once for each response |
| `group` | `responses`, and any of the fields below | once |
| `trl` | `completions`, maybe `prompts`, and columns of the data set | once |
| `verl` | `solution_str`, `ground_truth`, `data_source`, `extra_info` | once for each response |
| `verl-batch` | `solution_strs`, `ground_truths`, `data_sources`, `extra_infos` | once |
| `openrlhf` | `queries`, `prompts`, `labels` | once |

Fields: `prompt`, `messages`, `reference`, `metadata`, and every field of the task's metadata by its own name (see `fields`).
Keyword-only parameters are options of the pack.
"""

import ast
import inspect
import re

from .errors import ConfigError
from .options import schema_of

# In this order, so that a function with several of these names is of the first form.
_MARKS = (
    ("queries", "openrlhf"),
    ("solution_strs", "verl-batch"),
    ("solution_str", "verl"),
    ("completions", "trl"),
    ("responses", "group"),
    ("response", "response"),
    ("completion", "response"),
)
_VERL = ("data_source", "solution_str", "ground_truth", "extra_info")
_VERL_BATCH = ("data_sources", "solution_strs", "ground_truths", "extra_infos")
# What TRL's trainers hand over beside the columns.
_TRL = ("prompts", "completions", "completion_ids", "trainer_state", "log_extra", "log_metric")

# What is said where no function fits.
TAKEN = (
    "a reward function takes `response` (with any of `prompt`, `reference`, `messages`, `metadata`), `responses`, TRL's `completions`, "
    "verl's `solution_str` or OpenRLHF's `queries`"
)


def form_of(names) -> "str | None":
    """Returns the form of a function with parameters of these names, or `None` if it is no reward function."""
    return next((form for mark, form in _MARKS if mark in names), None)


def signature_of(function) -> inspect.Signature:
    """Returns the signature with evaluated annotations; those that cannot be evaluated are left as they are."""
    try:
        return inspect.signature(function, eval_str=True)
    except (NameError, SyntaxError, AttributeError, TypeError):
        return inspect.signature(function)


def plan_of(function, tree: ast.Module, source: str) -> dict:
    """Returns how a reward function is called, as a dict that JSON and marshal can hold.

    `form` is its form; `mark` the parameter for the responses; `fields` has `[name, required]` of each parameter that a task
    fills; `rest` whether it takes `**kwargs`; `schema` the JSON Schema of its options; `conversational` whether TRL's
    completions are lists of messages unless the option of that name says otherwise.

    Raises `ConfigError` where the function cannot be called by names.
    """
    signature = signature_of(function)
    parameters = signature.parameters
    form = form_of(parameters)
    name = getattr(function, "__name__", type(function).__name__)
    if form is None:
        raise ConfigError(f"`{name}({', '.join(parameters)})` is no reward function: {TAKEN}", "function")
    node = definition_in(tree, name)
    read = _names_read(node)
    options, fields, rest = [], [], False
    for parameter in parameters.values():
        if parameter.kind is parameter.POSITIONAL_ONLY:
            raise ConfigError(f"parameter `{parameter.name}` of `{name}` is positional-only; arguments are given by name", "function")
        if parameter.kind is parameter.VAR_KEYWORD:
            rest = True
        elif parameter.kind is parameter.KEYWORD_ONLY or _is_verl_option(form, parameter):
            options.append(parameter)
        elif parameter.kind is not parameter.VAR_POSITIONAL:
            # A parameter that the function never reads needs no field: verl's functions have to take `data_source`.
            needed = parameter.default is parameter.empty and (read is None or parameter.name in read)
            fields.append([parameter.name, needed, parameter.default is parameter.empty])
    mark = next(mark for mark, marked in _MARKS if marked == form and mark in parameters)
    plan = {"form": form, "mark": mark, "fields": fields, "rest": rest, "schema": schema_of(options), "conversational": False}
    if form == "trl":
        plan["conversational"] = reads_content(source)
        if "conversational" not in plan["schema"]["properties"]:
            plan["schema"]["properties"]["conversational"] = {
                "type": "boolean",
                "default": plan["conversational"],
                "description": "Whether prompts and completions are lists of messages, as TRL has them for conversational data.",
            }
    if form.startswith("verl") and rest:
        # verl's `reward_kwargs` reach the function by keyword whatever their names.
        plan["schema"]["additionalProperties"] = True
    return plan


def _is_verl_option(form, parameter) -> bool:
    """`compute_score(solution_str, ground_truth, method="strict")`: verl fills such from `reward_kwargs`."""
    known = _VERL if form == "verl" else _VERL_BATCH if form == "verl-batch" else None
    return known is not None and parameter.name not in known and parameter.default is not parameter.empty and (
        parameter.kind is parameter.POSITIONAL_OR_KEYWORD
    )


def is_trainers_own(form: str, name: str) -> bool:
    """Whether the trainer fills this parameter, and not a column of the data set."""
    return form == "trl" and name in _TRL


def definition_in(tree, name):
    """Returns the top-level definition of the function in the module's syntax tree, or `None`."""
    found = None
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name == name:
            found = node
    return found


def _names_read(node) -> "set[str] | None":
    """Returns the names that the function's body reads, or `None` where that cannot be told."""
    if node is None or node.decorator_list:
        return None
    read = {name.id for part in node.body for name in ast.walk(part) if isinstance(name, ast.Name)}
    return None if read & {"locals", "eval", "exec", "vars", "inspect"} else read


def reads_content(source: str) -> bool:
    """Whether the module names the key `content`, as code for TRL's conversational completions does."""
    return re.search(r"""["']content["']""", source) is not None
