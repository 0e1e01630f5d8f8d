// A program as a policy.

import { WrongResult, refusal } from "./failures.js";
import { criteriaOf, listOf, numberOr, objectOf, scoreIn, scoreOf, textOf, textOr } from "./scores.js";
import { taskFields } from "./task.js";

const STEPS = ["draw", "rate", "finish"];
const DRAW = ["order", "temperature", "judge", "asked", "show"];
const REWARD = ["scores", "used", "rejected", "criteria", "confidence", "details"];
const DETAILS = { number: "number", string: "text", boolean: "flag" };

/** The step that the program takes. Its fields are those of the task and the context, and the samples. */
export function next({ only: call }, task, context, samples) {
  return refusal(() => {
    const fields = taskFields(task, call);
    const signals = context.signals.map(({ scorer, scores }) => ({ scorer, scores: scores.map(scoreIn) }));
    const seen = samples.map(sampleIn);
    Object.assign(fields, context, { context: { ...context, signals }, signals, samples: seen });
    return stepOf(call(fields, fields.metadata), seen);
  });
}

// A sample as programs read it: `scores` or `failure`, and `rating` or `ratingFailure`; scores are numbers or null.
function sampleIn({ outcome, rating, criteria, ...sample }) {
  const scored = outcome.tag === "scored";
  return {
    ...sample,
    scores: scored ? outcome.val.map(scoreIn) : undefined,
    failure: scored ? undefined : outcome.val,
    rating: rating?.tag === "rated" ? rating.val : undefined,
    ratingFailure: rating?.tag === "failed" ? rating.val : undefined,
    criteria: criteria.map((each) => ({ ...each, score: scoreIn(each.score) })),
  };
}

function stepOf(value, samples) {
  const given = objectOf(value, STEPS, "the step");
  const [step, ...more] = Object.keys(given);
  if (step === undefined || more.length) throw new WrongResult(`the step must have one of ${STEPS.join(", ")}`);
  if (step === "draw") return { tag: "draw", val: listOf(given.draw, "draw").map(drawOf) };
  if (step === "rate") return { tag: "rate", val: listOf(given.rate, "rate") };
  return { tag: "finish", val: rewardOf(objectOf(given.finish, REWARD, "finish"), samples) };
}

function drawOf(value, place) {
  const here = `draw[${place}]`;
  const given = Array.isArray(value) ? { order: value } : objectOf(value, DRAW, here);
  return {
    order: listOf(given.order, `${here}.order`),
    temperature: numberOr(given.temperature, `${here}.temperature`),
    judge: textOr(given.judge, `${here}.judge`),
    asked: listOf(given.asked ?? [], `${here}.asked`),
    show: listOf(given.show ?? [], `${here}.show`),
  };
}

function rewardOf(given, samples) {
  const rejected = listOf(given.rejected ?? [], "finish.rejected").map((each, place) => {
    const here = `finish.rejected[${place}]`;
    const { sample, kind, message } = objectOf(each, ["sample", "kind", "message"], here);
    return { sample, kind: kind ?? "other", message: textOf(message, `${here}.message`) };
  });
  const fit = () => samples.filter(({ id, scores }) => scores && !rejected.some(({ sample }) => sample === id)).map(({ id }) => id);
  return {
    scores: listOf(given.scores, "finish.scores").map((score, place) => scoreOf(score, `finish.scores[${place}]`)),
    used: given.used === undefined ? fit() : listOf(given.used, "finish.used"),
    rejected,
    criteria: criteriaOf(given.criteria, "finish.criteria"),
    confidence: numberOr(given.confidence, "finish.confidence"),
    details: Object.entries(given.details ?? {}).map(([name, value]) => detailOf(name, value)),
  };
}

function detailOf(name, value) {
  const tag = DETAILS[typeof value];
  if (!tag || Number.isNaN(value)) throw new WrongResult(`the detail \`${name}\` must be a finite number, a text, true or false`);
  if (tag === "number") numberOr(value, `the detail \`${name}\``);
  return { name, value: { tag, val: value } };
}
