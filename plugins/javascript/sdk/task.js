// What programs see of a task.

/**
 * The fields of a task under the names that programs ask for, and a function that reads its metadata once. `prompt` is the
 * text of the last turn.
 */
export function taskFields(task) {
  let parsed;
  const metadata = () => (parsed ??= JSON.parse(task.metadata));
  const fields = {
    prompt: task.messages.at(-1).content,
    messages: task.messages,
    get metadata() {
      return metadata();
    },
  };
  if (task.responses) fields.responses = task.responses;
  if ("reference" in task) fields.reference = task.reference;
  return { fields, metadata };
}
