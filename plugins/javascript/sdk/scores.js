// Scores as programs write and read them.

import { WrongResult } from "./failures.js";

const ABSTENTION = "the function gave no score";

function shown(value) {
  if (typeof value === "string") return JSON.stringify(value.slice(0, 60));
  if (typeof value === "bigint") return `${value}n`;
  return typeof value === "object" ? `an object with the keys ${Object.keys(value).slice(0, 8).join(", ") || "(none)"}` : String(value);
}

/**
 * A score of the contract: of a finite number, of true (1) or false (0), of null or undefined (an abstention), or of
 * `{abstain: "why"}`. Throws a WrongResult for anything else: a failure never becomes a number. `place` and `index` together
 * name the score; they are joined only for a message.
 */
export function scoreOf(value, place, index = "") {
  if (typeof value === "number" && Number.isFinite(value)) return { tag: "value", val: value };
  if (typeof value === "boolean") return { tag: "value", val: Number(value) };
  if (value === null || value === undefined) return { tag: "abstain", val: ABSTENTION };
  if (typeof value === "object" && typeof value.abstain === "string") return { tag: "abstain", val: value.abstain };
  throw new WrongResult(`${place}${index} is ${shown(value)}; a finite number, true, false, null or {abstain: "why"} was expected`);
}

/** A score of the contract as programs read it: a number, or null for an abstention. */
export function scoreIn(score) {
  return score?.tag === "value" ? score.val : null;
}

/** A finite number, or none of null and undefined. Throws a WrongResult for anything else. */
export function numberOr(value, place) {
  if (value === null || value === undefined) return undefined;
  if (typeof value === "number" && Number.isFinite(value)) return value;
  throw new WrongResult(`${place} is ${shown(value)}; a finite number was expected`);
}

/** A list. Throws a WrongResult for anything else. */
export function listOf(value, place) {
  if (Array.isArray(value)) return value;
  throw new WrongResult(`${place} is ${shown(value)}; a list was expected`);
}

/** A text. Throws a WrongResult for anything else. */
export function textOf(value, place) {
  if (typeof value === "string") return value;
  throw new WrongResult(`${place} is ${shown(value)}; a text was expected`);
}

/** A text, or none of null and undefined. */
export function textOr(value, place) {
  return value === null || value === undefined ? undefined : textOf(value, place);
}

/** An object that has no other keys than these. Throws a WrongResult otherwise: a misspelt key would do nothing. */
export function objectOf(value, keys, place) {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new WrongResult(`${place} is ${shown(value)}; an object was expected`);
  }
  const unknown = Object.keys(value).find((key) => !keys.includes(key));
  if (unknown !== undefined) throw new WrongResult(`${place} has the key \`${unknown}\`; known are ${keys.join(", ")}`);
  return value;
}

/** Scores by criterion, of `{criterion, response, score, reason}`. */
export function criteriaOf(value, place) {
  return listOf(value ?? [], place).map((each, index) => {
    const here = `${place}[${index}]`;
    const { criterion, response, score, reason } = objectOf(each, ["criterion", "response", "score", "reason"], here);
    return {
      criterion: textOf(criterion, `${here}.criterion`),
      response,
      score: scoreOf(score, `${here}.score`),
      reason: textOr(reason, `${here}.reason`),
    };
  });
}

/** Principles of `{name, weight, text}`. */
export function principlesOf(value, place) {
  return listOf(value ?? [], place).map((each, index) => {
    const here = `${place}[${index}]`;
    const { name, weight, text } = objectOf(each, ["name", "weight", "text"], here);
    return { name: textOf(name, `${here}.name`), weight: numberOr(weight, `${here}.weight`), text: textOr(text, `${here}.text`) ?? "" };
  });
}
