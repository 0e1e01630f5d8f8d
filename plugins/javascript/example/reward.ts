import { lastNumber } from "./lib/numbers.js";
import type { Options, Scorer } from "rewarden";

export const options = { tolerance: { type: "number", minimum: 0, default: 1e-6 } } satisfies Options;

/** One if the last number of the response equals the reference. */
export const reward: Scorer<{ tolerance: number }> = ({ response, reference }, { tolerance }) => {
  const found = lastNumber(response);
  return found !== undefined && Math.abs(found - Number(reference)) <= tolerance;
};
