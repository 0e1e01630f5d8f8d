// How a program says that it will not, and what becomes of an exception.

const MOST_CHARACTERS = 300;
const MOST_FRAMES = 3;

/** Thrown by a program for a task that it is not made for. The task fails with this message; it gets no score. */
export class Refuse extends Error {
  name = "Refuse";
}

/** Thrown by a policy that has too few usable samples for a reward. */
export class TooFewSamples extends Refuse {
  name = "TooFewSamples";
}

/** Thrown by a parser for a text that does not hold what was asked for. */
export class ParseFailure extends Error {
  name = "ParseFailure";

  /** `kind` is "unparsable", "out-of-scale" or "not-finite". */
  constructor(message, kind = "unparsable") {
    super(message);
    this.failure = { tag: kind, val: this.message };
  }

  /** There are scores, but not one for each response. */
  static wrongCount(expected, found) {
    const failure = new ParseFailure(`expected ${expected}, found ${found}`);
    failure.failure = { tag: "wrong-count", val: { expected, found } };
    return failure;
  }
}

/** A value that a function of the program returned and the contract has no place for. */
export class WrongResult extends Error {
  name = "WrongResult";
}

/** A configuration that cannot be used, with the key at fault if it is one. */
export class ConfigError extends Error {
  constructor(message, key) {
    super(message);
    this.key = key;
  }
}

/** Waits for a promise, which settles without any input or not at all; returns other values as they are. */
export function settle(value) {
  return typeof value === "object" ? settleBy(value) : value;
}

let settleBy;

/** Says how a promise is waited for. */
export function setSettle(function_) {
  settleBy = function_;
}

const cut = (text) => (text.length > MOST_CHARACTERS ? `${text.slice(0, MOST_CHARACTERS)}…` : text);

/** Lines of a stack that lie in the program's own files, innermost first. */
export function frames(error, most = MOST_FRAMES) {
  if (typeof error?.stack !== "string") return [];
  const own = error.stack.split("\n").filter((line) => line.includes(":") && !line.includes("rewarden:") && !line.includes("(native)"));
  return own.slice(0, most).map((line) => line.trim());
}

/** An exception in words: its name and message, and where it was thrown. Never throws, whatever was thrown. */
export function inWords(thrown) {
  try {
    const isError = typeof thrown === "object" && thrown !== null && typeof thrown.message === "string";
    const text = isError ? `${thrown.name}: ${thrown.message}` : `the program threw ${String(thrown)}`;
    return [cut(text), ...frames(thrown)].join("\n  ");
  } catch {
    return "the program threw a value that cannot be shown";
  }
}

const succeeded = (val) => ({ tag: "ok", val });

/** Runs `work` and makes a result of it: what it returns, or the refusal that its exception stands for. */
export function refusal(work) {
  try {
    return succeeded(work());
  } catch (error) {
    return { tag: "err", val: refusalOf(error) };
  }
}

function refusalOf(error) {
  if (error instanceof TooFewSamples) return { tag: "too-few-samples", val: cut(String(error.message)) };
  if (error instanceof Refuse) return { tag: "unsuitable-task", val: cut(String(error.message)) };
  if (error instanceof WrongResult) return { tag: "other", val: error.message };
  return { tag: "other", val: inWords(error) };
}

/** The same for what reads a model's text: the result has no refusals, so that an exception is told as unparsable. */
export function parseFailure(work) {
  try {
    return succeeded(work());
  } catch (error) {
    if (error instanceof ParseFailure) return { tag: "err", val: error.failure };
    const { val } = refusalOf(error);
    return { tag: "err", val: { tag: "unparsable", val } };
  }
}

/** The same for `prepare` and `configure`. */
export function configError(work) {
  try {
    return succeeded(work());
  } catch (error) {
    const message = error instanceof ConfigError ? error.message : inWords(error);
    return { tag: "err", val: { key: error?.key, message } };
  }
}
