"""What a task has under the name of a parameter.

| name | is |
|---|---|
| `prompt` | the text of the last message |
| `messages` | the conversation, as dicts with `role` and `content` |
| `metadata` | all other fields of the task, as a dict |
| `reference` | the task's reference |
| any other | the field of the metadata with that name; for `ground_truth` also verl's `reward_model.ground_truth`; and for `ground_truth`, `solution`, `answer`, `label`, `labels` and `target` otherwise the reference |
"""

from .values import Task

MISSING = object()
REFERENCE_NAMES = ("reference", "ground_truth", "solution", "answer", "label", "labels", "target")


def field_of(task: Task, name: str):
    """Returns what the task has under this name, or `MISSING`. Lists and dicts are copies, so that no call changes another's."""
    if name == "prompt":
        return task.prompt
    if name == "messages":
        return messages_of(task)
    if name == "metadata":
        return copied(task.metadata)
    if name == "reference" and task.reference is not None:
        return task.reference
    if name in task.metadata:
        return copied(task.metadata[name])
    if name == "ground_truth" and isinstance(task.metadata.get("reward_model"), dict) and "ground_truth" in task.metadata["reward_model"]:
        return copied(task.metadata["reward_model"]["ground_truth"])
    if name in REFERENCE_NAMES and task.reference is not None:
        return task.reference
    return MISSING


def messages_of(task: Task) -> "list[dict]":
    """Returns the conversation as dicts."""
    return [{"role": message.role, "content": message.content} for message in task.messages]


def copied(value):
    """Returns a copy of a JSON value."""
    if isinstance(value, dict):
        return {key: copied(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [copied(entry) for entry in value]
    return value


def missing(name: str) -> str:
    """Returns what is said of a task without a field that the function needs."""
    if name in REFERENCE_NAMES:
        return f"the task has no `{name}`: neither a metadata field of that name nor a `reference`, which the function needs"
    return f"the task has no field `{name}`, which the function needs; give it in the task, or give the parameter a default"
