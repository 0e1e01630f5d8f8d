// A program as a scorer.

import { Refuse, WrongResult, inWords, refusal } from "./failures.js";
import { scoreOf } from "./scores.js";
import { taskFields } from "./task.js";

/**
 * One score for each response. A function that names `responses` and not `response` is called once for all of them; any other
 * once for each.
 */
export function scoreResponses({ only: call }, task) {
  return refusal(() => {
    const { fields, metadata } = taskFields(task);
    if (call.needs("responses") && !call.needs("response")) return scoresOfGroup(call, call(fields, metadata), task.responses.length);
    return task.responses.map((response, index) => {
      // Descriptors, so that metadata that nobody asks for is not read.
      const one = Object.defineProperties({ response, index }, Object.getOwnPropertyDescriptors(fields));
      return scoreOf(atResponse(index, () => call(one, metadata)), `the score of response ${index}`);
    });
  });
}

// Says at which response an exception was thrown.
function atResponse(index, run) {
  try {
    return run();
  } catch (error) {
    if (error instanceof Refuse) throw error;
    throw new WrongResult(`response ${index}: ${inWords(error)}`);
  }
}

function scoresOfGroup(call, scores, count) {
  if (!Array.isArray(scores)) throw new WrongResult(`${call.function} takes all responses and must return a list of their scores`);
  if (scores.length !== count) throw new WrongResult(`${call.function} returned ${scores.length} scores for ${count} responses`);
  return Array.from(scores, (score, index) => scoreOf(score, `the score of response ${index}`));
}
