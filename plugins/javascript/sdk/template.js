// A program as a template.

import { refusal } from "./failures.js";
import { promptOf } from "./prompts.js";
import { taskFields } from "./task.js";

/** The prompt that the program makes of a request. Its fields are those of the task and of the request. */
export function render({ only: call }, request) {
  return refusal(() => {
    const { task, scale, critique, principles, asked, earlier } = request;
    const fields = Object.assign(taskFields(task, call), { scale, critique, principles, asked, earlier });
    return promptOf(call(fields, fields.metadata));
  });
}
