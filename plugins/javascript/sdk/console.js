// `console`, which writes to the host's log.

const DEBUG = 0;
const INFO = 1;
const WARN = 2;

function shown(value) {
  if (typeof value === "string") return value;
  if (value instanceof Error) return `${value.name}: ${value.message}`;
  if (typeof value === "function") return `[function ${value.name}]`;
  try {
    return JSON.stringify(value, (_, inner) => (typeof inner === "bigint" ? `${inner}n` : inner)) ?? String(value);
  } catch {
    return String(value);
  }
}

/**
 * The console of a program. Errors are told as warnings: what a program logs is no fault of the runtime. Showing a value never
 * throws.
 */
export function makeConsole(write) {
  const at = (level) => (...values) => {
    try {
      write(level, values.map(shown).join(" "));
    } catch {
      write(level, "a value that cannot be shown");
    }
  };
  return { debug: at(DEBUG), log: at(INFO), info: at(INFO), warn: at(WARN), error: at(WARN), trace: at(DEBUG) };
}
