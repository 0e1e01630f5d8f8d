// A program as the source of principles.

import { parseFailure, refusal } from "./failures.js";
import { promptOf } from "./prompts.js";
import { principlesOf } from "./scores.js";
import { taskFields } from "./task.js";

/** The prompt that asks for principles; the program sees the query's `messages`, `prompt` and `metadata`. */
export function ask(program, query) {
  return refusal(() => {
    const fields = taskFields(query, program.ask);
    return promptOf(program.ask(fields, fields.metadata));
  });
}

/** The principles that the program reads in a completion. */
export function read(program, completion) {
  return parseFailure(() => {
    const { text, finish, tokens } = completion;
    return principlesOf(program.read({ __proto__: null, text, finish, tokens, completion }), "the principles");
  });
}
