let calls = 0;
export function reward({ response }) {
  calls += 1;
  globalThis.calls = (globalThis.calls ?? 0) + 1;
  return Math.max(calls, globalThis.calls);
}
