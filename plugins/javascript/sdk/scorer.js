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
    const fields = taskFields(task, call);
    if (call.plan.group) return scoresOfGroup(call, call(fields, fields.metadata), task.responses.length);
    const scores = [];
    for (let index = 0; index < task.responses.length; index++) {
      fields.response = task.responses[index];
      fields.index = index;
      scores[index] = scoreOf(atResponse(index, call, fields), "the score of response ", index);
    }
    return scores;
  });
}

// Says at which response an exception was thrown.
function atResponse(index, call, fields) {
  try {
    return call(fields, fields.metadata);
  } catch (error) {
    if (error instanceof Refuse) throw error;
    throw new WrongResult(`response ${index}: ${inWords(error)}`);
  }
}

function scoresOfGroup(call, scores, count) {
  const name = call.plan.called;
  if (!Array.isArray(scores)) throw new WrongResult(`${name} takes all responses and must return a list of their scores`);
  if (scores.length !== count) throw new WrongResult(`${name} returned ${scores.length} scores for ${count} responses`);
  return Array.from(scores, (score, index) => scoreOf(score, "the score of response ", index));
}
