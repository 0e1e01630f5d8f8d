// A program as a parser.

import { ParseFailure, parseFailure } from "./failures.js";
import { criteriaOf, listOf, numberOr, objectOf, principlesOf, scoreOf, textOr } from "./scores.js";

const KEYS = ["scores", "criteria", "confidence", "distributions", "principles", "critique"];

/** The judgement that the program reads in a completion: a list of scores, or an object with `scores` and what else it read. */
export function parse({ only: call }, completion, shown, scale) {
  return parseFailure(() => {
    const { text, finish, tokens } = completion;
    const value = call({ __proto__: null, text, finish, tokens, completion, shown, scale });
    return judgementOf(Array.isArray(value) ? { scores: value } : objectOf(value, KEYS, "the judgement"));
  });
}

function judgementOf(given) {
  return {
    scores: listOf(given.scores, "scores").map((score, place) => parsedScore(score, `the score of response ${place}`)),
    criteria: criteriaOf(given.criteria, "criteria"),
    confidence: numberOr(given.confidence, "confidence"),
    distributions: listOf(given.distributions ?? [], "distributions"),
    principles: principlesOf(given.principles, "principles"),
    critique: textOr(given.critique, "critique"),
  };
}

function parsedScore(score, place) {
  if (typeof score === "number" && !Number.isFinite(score)) throw new ParseFailure(`${place} is ${score}`, "not-finite");
  return scoreOf(score, place);
}
