export function reward({ index }) {
  try {
    return JSON.parse(index === 0 ? '[1]' : '['.repeat(1_000_000)).length;
  } catch {
    return 0;
  }
}
