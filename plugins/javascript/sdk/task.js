// What programs see of a task.

/**
 * The fields of a task under the names that programs ask for. `prompt` is the text of the last turn. `metadata` is there if the
 * function names it.
 */
export function taskFields(task, { plan }) {
  const { messages } = task;
  // Without a prototype: a parameter called `constructor` is no field.
  const fields = { __proto__: null, prompt: messages[messages.length - 1].content, messages };
  if (task.responses) {
    fields.responses = task.responses;
    fields.reference = task.reference;
  }
  if (plan.metadata) fields.metadata = JSON.parse(task.metadata);
  return fields;
}
