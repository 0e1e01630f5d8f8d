/** Reads the last list of numbers. */
export function parse({ text, shown, scale }) {
  const lists = text.match(/\[[^\[\]]*\]/g);
  if (!lists) throw new ParseFailure("a list such as [7, 3] was expected, there is none");
  const scores = lists.at(-1).slice(1, -1).split(",").map(Number);
  if (scores.some(Number.isNaN)) throw new ParseFailure(`a list of numbers was expected, found ${lists.at(-1).slice(0, 80)}`);
  if (scores.length !== shown) throw ParseFailure.wrongCount(shown, scores.length);
  const outside = scores.find((score) => score < scale.min || score > scale.max);
  if (outside !== undefined) throw new ParseFailure(`${outside} is not from ${scale.min} to ${scale.max}`, "out-of-scale");
  return scores;
}
