export const options = { k: { type: "integer", minimum: 1, maximum: 64, default: 2 } };

/** The mean of k samples in shuffled orders. */
export function step({ samples, responses, seed, samplesLeft, roundsLeft }, { k }) {
  const missing = Math.min(k - samples.length, samplesLeft);
  if (missing > 0 && roundsLeft > 0) {
    const random = new Random(seed);
    return { draw: Array.from({ length: missing }, () => random.shuffle(responses.map((_, index) => index))) };
  }
  const valid = samples.filter(({ scores }) => scores?.every((score) => score !== null));
  if (valid.length === 0) throw new TooFewSamples("none of the samples could be read");
  // Math.sumPrecise gives the same sum whichever sample comes first; + does not.
  const mean = (index) => Math.sumPrecise(valid.map(({ scores }) => scores[index])) / valid.length;
  return { finish: { scores: responses.map((_, index) => mean(index)), details: { k, valid: valid.length } } };
}
