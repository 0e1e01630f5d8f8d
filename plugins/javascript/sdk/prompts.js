// Prompts as programs write them.

import { WrongResult } from "./failures.js";
import { listOf, objectOf, textOf, textOr } from "./scores.js";

const INPUTS = ["chat", "text", "questions"];
const OTHERS = ["prefill", "constraint", "stop", "maxTokens", "topLogprobs"];
const CONSTRAINTS = { regex: "regex", jsonSchema: "json-schema", lark: "lark" };
const FORMS = { yesNo: "yes-no", choice: "choice", levels: "levels" };

/**
 * A prompt of the contract: of a text, which becomes the user's turn; of a list of turns `{role, content}`; or of an object with
 * one of `chat`, `text` and `questions`, and what else it takes.
 */
export function promptOf(value) {
  if (typeof value === "string") return promptOf({ chat: [{ role: "user", content: value }] });
  if (Array.isArray(value)) return promptOf({ chat: value });
  const given = objectOf(value, [...INPUTS, ...OTHERS], "the prompt");
  return {
    input: inputOf(given),
    prefill: textOr(given.prefill, "prefill"),
    constraint: given.constraint == null ? undefined : constraintOf(given.constraint),
    stop: listOf(given.stop ?? [], "stop").map((each) => textOf(each, "an entry of stop")),
    maxTokens: given.maxTokens,
    topLogprobs: given.topLogprobs ?? 0,
  };
}

// The one key of a value that has one of several.
function only(value, names, place) {
  const found = names.filter((name) => value[name] !== undefined);
  if (found.length !== 1) throw new WrongResult(`${place} must have one of ${names.join(", ")}, found ${found.join(" and ") || "none"}`);
  return found[0];
}

function inputOf(given) {
  switch (only(given, INPUTS, "the prompt")) {
    case "text":
      return { tag: "text", val: textOf(given.text, "text") };
    case "questions":
      return { tag: "questions", val: questionnaireOf(given.questions) };
    default: {
      const turns = listOf(given.chat, "chat").map((turn, place) => {
        const { role, content } = objectOf(turn, ["role", "content"], `chat[${place}]`);
        return { role: textOf(role, `chat[${place}].role`), content: textOf(content, `chat[${place}].content`) };
      });
      return { tag: "chat", val: turns };
    }
  }
}

function constraintOf(value) {
  const kind = only(objectOf(value, Object.keys(CONSTRAINTS), "constraint"), Object.keys(CONSTRAINTS), "constraint");
  const text = kind === "jsonSchema" && typeof value[kind] === "object" ? JSON.stringify(value[kind]) : value[kind];
  return { tag: CONSTRAINTS[kind], val: textOf(text, `constraint.${kind}`) };
}

function questionnaireOf(value) {
  const { state, questions } = objectOf(value, ["state", "questions"], "questions");
  return {
    state: textOf(state, "questions.state"),
    questions: listOf(questions, "questions.questions").map((each, place) => {
      const here = `questions.questions[${place}]`;
      const names = Object.keys(FORMS);
      const question = objectOf(each, ["id", "instructions", ...names], here);
      const form = only(question, names, here);
      return {
        id: textOf(question.id, `${here}.id`),
        instructions: textOr(question.instructions, `${here}.instructions`),
        form: { tag: FORMS[form], val: question[form] },
      };
    }),
  };
}
